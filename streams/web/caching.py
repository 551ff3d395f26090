"""Answers kept for a moment, so that many viewers cost what one does."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec

__all__ = ["Answers"]

MOST: Final = 256
"""Answers kept at once."""

_encoder = msgspec.json.Encoder()


class Answers:
    """Encoded answers by their address: made anew at most once a second each.

    Parameters
    ----------
    fresh_seconds
        How long an answer may be given although something has changed, >= 0.
    now
        Monotonic clock in seconds.
    """

    def __init__(self, fresh_seconds: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        self._fresh_seconds = fresh_seconds
        self._now = now
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, address: str, make: Callable[[], Any]) -> bytes:
        """Return the answer to an address as JSON, made by ``make`` where none is fresh."""
        now = self._now()
        kept = self._kept.get(address)
        if kept is not None and now - kept[0] < self._fresh_seconds:
            return kept[1]
        body = _encoder.encode(make())
        self._kept[address] = (now, body)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return body
