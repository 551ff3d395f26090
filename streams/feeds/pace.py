"""How fast a feed goes: as its source gives, so many a second, or by a multiple of event time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from streams.feeds.feed import FeedError

__all__ = ["AsIs", "Pace", "Rate", "Speed", "parse_rate", "parse_speed"]

JUMP_SECONDS: Final = 86_400.0
"""A time more than a day ahead moves the clock only once `CONFIRMATIONS` comments say so: as on the road."""

CONFIRMATIONS: Final = 3

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|min|h)")
_SPEED: Final = re.compile(r"(\d+(?:\.\d+)?)\s*x?")
_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3_600.0}


class Pace(Protocol):
    """Says when a comment is due."""

    def due(self, event_seconds: float | None) -> float:
        """Return when the next comment is due, in seconds after the first; never earlier than the last.

        Parameters
        ----------
        event_seconds
            When it was written, seconds since 1970; None where that isn't known.
        """
        ...


class AsIs:
    """Everything is due at once."""

    def due(self, event_seconds: float | None) -> float:
        """Return 0."""
        del event_seconds
        return 0.0


@dataclass(slots=True)
class Rate:
    """So many comments a second, evenly.

    Parameters
    ----------
    per_second
        Above 0.

    Examples
    --------
    >>> rate = Rate(2.0)
    >>> rate.due(None), rate.due(None), rate.due(None)
    (0.0, 0.5, 1.0)
    """

    per_second: float
    _n_comments: int = 0

    def due(self, event_seconds: float | None) -> float:
        """Return the number of comments before this one over the rate."""
        del event_seconds
        self._n_comments += 1
        return (self._n_comments - 1) / self.per_second


@dataclass(slots=True)
class Speed:
    """As the comments were written, faster by a factor.

    Parameters
    ----------
    factor
        Seconds of event time that pass in one second, above 0.

    Examples
    --------
    >>> speed = Speed(60.0)
    >>> speed.due(1_000.0), speed.due(1_120.0), speed.due(1_060.0), speed.due(None)
    (0.0, 2.0, 2.0, 2.0)
    """

    factor: float
    _first: float | None = None
    _latest: float = 0.0
    _ahead: list[float] = field(default_factory=list)

    def due(self, event_seconds: float | None) -> float:
        """Return the event time since the first comment over the factor."""
        if event_seconds is not None:
            self._move(event_seconds)
        return 0.0 if self._first is None else (self._latest - self._first) / self.factor

    def _move(self, seconds: float) -> None:
        if self._first is None:
            self._first = self._latest = seconds
        elif seconds <= self._latest + JUMP_SECONDS:
            self._latest = max(self._latest, seconds)
            self._ahead.clear()
        else:
            self._ahead.append(seconds)
            if len(self._ahead) >= CONFIRMATIONS:
                self._latest = min(self._ahead)
                self._ahead.clear()


def parse_rate(text: str) -> Rate:
    """Read ``50/s``, ``300/min`` or ``1000/h``.

    Raises
    ------
    FeedError
        If it is none of these, or 0.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise FeedError(f"--rate is {text!r}; it must be a number above 0 per s, min or h, e.g. 50/s.")
    return Rate(float(match[1]) / _SECONDS[match[2]])


def parse_speed(text: str) -> Pace:
    """Read ``60x``, or ``as-is``.

    Raises
    ------
    FeedError
        If it is neither, or 0.
    """
    if text.strip() == "as-is":
        return AsIs()
    match = _SPEED.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise FeedError(f"--speed is {text!r}; it must be a factor above 0 or as-is, e.g. 60x.")
    return Speed(float(match[1]))
