"""What the demo tells at its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.cli.demo import _links
from streams.publish import Connection


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("groundswell.", "groundswell watch --broker kafka:9092"),
        ("demo-7.", "groundswell watch --broker kafka:9092 --prefix demo-7."),
    ],
)
def test_the_command_to_subscribe_finds_what_the_demo_published(prefix: str, command: str) -> None:
    worker = SimpleNamespace(
        connection=Connection("kafka:9092", prefix), url="http://127.0.0.1:6066", is_embedded=False
    )

    assert dict(_links(cast(Any, worker)))["subscribe"] == command
