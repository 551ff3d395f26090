"""What the reader of the public topics does with records that can't be read."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from streams.publish import Connection
from streams.web.reader import Reader
from streams.web.view import View


@pytest.mark.parametrize("value", [b'{"id": "\xff\xfe"}', b"[" * 100_000, b"nonsense", b"{}"])
def test_a_record_that_cannot_be_read_is_skipped_with_a_warning(
    value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    view = View()
    reader = Reader(Connection("b:1", "p."), view)
    message = SimpleNamespace(
        key=b"\xff", value=value, topic="p.assignments", partition=0, offset=3, timestamp=0
    )

    with caplog.at_level(logging.WARNING):
        reader._take("assignments", message)

    assert [record.message for record in caplog.records] == ["record not readable, skipped"]
    assert not view.comments
