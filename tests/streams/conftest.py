"""What tests of what a person reads share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Put the reader's clock into a zone: UTC unless it is called with another."""

    def turn(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    turn("UTC")
    yield turn
    monkeypatch.undo()
    time.tzset()
