"""Event time of one partition: which tick a comment counts in, and when a tick closes.

The clock knows only the comments that it is shown, so a replay of the same log reads the same
times. ASSIGN and JUDGE hold one clock a partition each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from agents.bounds import check_bounds

__all__ = ["Reading", "TickClock", "TimeSettings", "as_datetime"]


AGREEING = 10
"""Times that lie within so many jumps confirm each other: ten days, where a comment comes every other day."""


@dataclass(frozen=True, slots=True)
class TimeSettings:
    """How event time is cut into ticks.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    tick_seconds: int = 60
    """Length of a tick, aligned to 1970; sketches, clusters and drift are brought up to date once a tick."""

    lateness_seconds: float = 60.0
    """How long a tick waits for comments that arrive out of order; what comes later counts in the open
    tick and in a counter."""

    jump_seconds: float = 86_400.0
    """A comment further ahead of its neighbours than this doesn't move time until others confirm it."""

    jump_confirmations: int = 3
    """Comments that confirm a jump, the first included."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "time",
            self,
            tick_seconds=(1, 86_400),
            lateness_seconds=(0, 86_400),
            jump_seconds=(1, math.inf),
            jump_confirmations=(1, 100),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock makes of one comment's time."""

    at: float
    """Event time that it counts with, in seconds since 1970: its own, or, where that isn't
    trusted or its tick has closed, the nearest that is."""
    tick: int
    """Start of the tick that it counts in, in seconds since 1970."""
    is_late: bool = False
    """Whether its own tick had closed."""
    closed: tuple[int, ...] = ()
    """Starts of the ticks that its time closes, oldest first; publish them before it counts."""
    moved_back_seconds: float = 0.0
    """Above 0 where the first comment's time was not confirmed: all that was learned so far
    counts as that much earlier, and its one open tick is now `tick`."""


class _State(msgspec.Struct, frozen=True):
    latest: float | None
    n_confirmed: int
    open_ticks: list[int]
    suspects: list[float]
    n_late: int


@dataclass(slots=True)
class TickClock:
    """Watermark and open ticks of one partition.

    A tick closes when the watermark (the latest trusted time less the lateness) passes its end.

    Examples
    --------
    >>> clock = TickClock(TimeSettings(tick_seconds=60, lateness_seconds=60))
    >>> clock.advance(30.0).tick, clock.advance(150.0).closed, clock.advance(185.0).closed
    (0, (0,), ())
    >>> clock.advance(10.0)
    Reading(at=120.0, tick=120, is_late=True, closed=(), moved_back_seconds=0.0)
    """

    settings: TimeSettings
    latest: float | None = None
    """Latest trusted event time, in seconds since 1970; None before the first comment."""
    n_late: int = 0
    """Comments so far whose tick had closed."""
    _n_confirmed: int = 0
    _open: list[int] = field(default_factory=list)
    _suspects: list[float] = field(default_factory=list)

    @property
    def open_ticks(self) -> tuple[int, ...]:
        """Starts of the ticks that are open and have heard a comment, oldest first."""
        return tuple(self._open)

    @property
    def tick(self) -> int:
        """Start of the tick of the latest trusted time; 0 before the first comment."""
        return 0 if self.latest is None else self._tick_of(self.latest)

    def end(self, tick: int) -> float:
        """Return the end of a tick, in seconds since 1970."""
        return tick + self.settings.tick_seconds

    def advance(self, time: float) -> Reading:
        """Take in the time of the next comment, in seconds since 1970."""
        if self.latest is None:
            self.latest, self._n_confirmed = time, 1
            return self._count(time, is_late=False)
        ahead = time - self.latest
        if ahead > self.settings.jump_seconds:
            reached = self._suspect(time)
            if reached is None:
                return self._count(self.latest, is_late=False)
            self._n_confirmed += self.settings.jump_confirmations
            return self._move(reached)
        if self._suspects:
            del self._suspects[0]
        if ahead < -self.settings.jump_seconds and self._n_confirmed == 1:
            return self._move_back(time)
        self._n_confirmed += ahead >= -self.settings.jump_seconds
        return self._move(time)

    def close(self, tick: int) -> tuple[int, ...]:
        """Follow another clock that has closed a tick; return the starts of the ticks that this closes."""
        reached = self.end(tick) + self.settings.lateness_seconds
        self.latest = reached if self.latest is None else max(self.latest, reached)
        closed = tuple(each for each in self._open if each <= tick)
        del self._open[: len(closed)]
        return closed

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        state = _State(self.latest, self._n_confirmed, self._open, self._suspects, self.n_late)
        return msgspec.msgpack.encode(state)

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        read = msgspec.msgpack.decode(state, type=_State)
        self.latest, self._n_confirmed, self.n_late = read.latest, read.n_confirmed, read.n_late
        self._open, self._suspects = list(read.open_ticks), list(read.suspects)

    def _tick_of(self, time: float) -> int:
        step = self.settings.tick_seconds
        return int(math.floor(time / step) * step)

    def _suspect(self, time: float) -> float | None:
        """Keep a time that lies far ahead, with those that agree; return how far enough of them reach."""
        near = AGREEING * self.settings.jump_seconds
        agreeing = [each for each in self._suspects if abs(each - time) <= near]
        self._suspects = sorted([*agreeing, time])
        if len(self._suspects) < self.settings.jump_confirmations:
            return None
        reached = self._suspects[0]
        for each in self._suspects:
            if each - reached <= self.settings.jump_seconds:
                reached = each
        self._suspects = [each for each in self._suspects if each > reached]
        return reached

    def _move(self, time: float) -> Reading:
        """Let a trusted time move the watermark, and count the comment."""
        assert self.latest is not None
        self.latest = max(self.latest, time)
        watermark = self.latest - self.settings.lateness_seconds
        closed = tuple(tick for tick in self._open if self.end(tick) <= watermark)
        del self._open[: len(closed)]
        is_late = self.end(self._tick_of(time)) <= watermark
        if is_late:
            self.n_late += 1
            oldest = self._open[0] if self._open else self._tick_of(watermark)
            time = max(time, float(oldest))
        return self._count(time, is_late=is_late, closed=closed)

    def _move_back(self, time: float) -> Reading:
        """Give up a first time that no second comment confirms, and start at the earlier one."""
        assert self.latest is not None
        back = self.latest - time
        self.latest = time
        self._open.clear()
        reading = self._count(time, is_late=False)
        return Reading(reading.at, reading.tick, moved_back_seconds=back)

    def _count(self, time: float, *, is_late: bool, closed: Sequence[int] = ()) -> Reading:
        """Count a comment in the tick of the given time, which is open."""
        tick = self._tick_of(time)
        if tick not in self._open:
            self._open.append(tick)
            self._open.sort()
        return Reading(time, tick, is_late, tuple(closed))


def as_datetime(seconds: float) -> datetime:
    """Return seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
