"""How well alarms meet what is known to have happened.

A *shift* is a moment at which something began; an alarm that is raised from its first sign on, and at
most one current window of comments after it, has found it. What meets no shift is a false alarm.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agents.drift.agent import DriftWatch, Observed
from agents.drift.settings import DriftSettings
from agents.records import Drift

__all__ = ["Finding", "Report", "Shift", "meet", "onsets", "watch_sides"]

ONSET: Final = 10
"""A topic begins with its tenth comment."""

TICK: Final = timedelta(minutes=1)
"""An alarm bears the time of its tick's end."""

SECONDS_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Shift:
    """Something that began.

    Parameters
    ----------
    name
        The label, or the target.
    at
        When it counts as begun.
    sign
        When its first sign came, at or before ``at``.
    """

    name: str
    at: datetime
    sign: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one shift; delays are None where no alarm met it, and 0 for one before its time."""

    shift: Shift
    alarm: Drift | None
    delay_comments: int | None
    delay_hours: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all shifts and alarms of a stream."""

    n_comments: int
    findings: tuple[Finding, ...]
    false_alarms: tuple[Drift, ...]
    n_alarms: int

    @property
    def n_found(self) -> int:
        """Shifts that an alarm met."""
        return sum(finding.alarm is not None for finding in self.findings)

    @property
    def median_delay_comments(self) -> float | None:
        """Median over the shifts that were found."""
        delays = [found.delay_comments for found in self.findings if found.delay_comments is not None]
        return statistics.median(delays) if delays else None

    @property
    def median_delay_hours(self) -> float | None:
        """Median over the shifts that were found."""
        delays = [found.delay_hours for found in self.findings if found.delay_hours is not None]
        return statistics.median(delays) if delays else None

    @property
    def false_per_10_000(self) -> float:
        """False alarms in 10,000 comments."""
        return len(self.false_alarms) * 10_000 / max(1, self.n_comments)


def onsets(labels: Sequence[str], times: Sequence[datetime]) -> list[Shift]:
    """Return when each label began: its tenth comment, the first of the ten its first sign.

    Labels with fewer comments are left out; the order is that of time.
    """
    seen: dict[str, list[datetime]] = {}
    for label, at in zip(labels, times, strict=True):
        known = seen.setdefault(label, [])
        if len(known) < ONSET:
            known.append(at)
    begun = [Shift(label, known[-1], known[0]) for label, known in seen.items() if len(known) == ONSET]
    return sorted(begun, key=lambda shift: (shift.at, shift.name))


def meet(shifts: Sequence[Shift], records: Sequence[Drift], times: Sequence[datetime], window: int) -> Report:
    """Compare alarms with shifts.

    Parameters
    ----------
    records
        What drift said, in its order; only alarms count.
    times
        Event times of all comments, in order.
    window
        Comments within which an alarm still belongs to a shift.
    """
    alarms = [record for record in records if record.state == "alarm"]
    in_order = sorted(times)
    last = in_order[-1] if in_order else None

    def until(shift: Shift) -> datetime | None:
        end = bisect_left(in_order, shift.at) + window
        return in_order[end] if end < len(in_order) else last

    met: set[int] = set()
    findings = []
    for shift in shifts:
        latest = until(shift)
        own = [
            (number, alarm)
            for number, alarm in enumerate(alarms)
            if latest is not None and shift.sign <= alarm.at <= latest + TICK
        ]
        met |= {number for number, _ in own}
        findings.append(_finding(shift, own[0][1] if own else None, in_order))
    false_alarms = tuple(alarm for number, alarm in enumerate(alarms) if number not in met)
    return Report(len(in_order), tuple(findings), false_alarms, len(alarms))


def watch_sides(
    target: str, sides: Sequence[str], times: Sequence[datetime], settings: DriftSettings, tick_seconds: int
) -> list[Drift]:
    """Return what drift says of one target when every comment's side is known.

    Parameters
    ----------
    sides
        ``favor``, ``against`` or ``none``, one a comment that is about the target.
    """
    watch = DriftWatch(settings, tick_seconds, {target: target})
    by_tick: dict[float, dict[str, int]] = {}
    for side, at in zip(sides, times, strict=True):
        counts = by_tick.setdefault(at.timestamp() // tick_seconds, {})
        counts[side] = counts.get(side, 0) + 1
    records: list[Drift] = []
    for tick in sorted(by_tick):
        end = datetime.fromtimestamp((tick + 1) * tick_seconds, tz=times[0].tzinfo)
        seen: Mapping[str, Mapping[str, int]] = {target: by_tick[tick]}
        records.extend(watch.tick(Observed(at=end, counts={}, places={}, sides=seen)).records)
    return records


def _finding(shift: Shift, alarm: Drift | None, times: Sequence[datetime]) -> Finding:
    if alarm is None:
        return Finding(shift, None, None, None)
    comments = bisect_left(times, alarm.at) - 1 - bisect_left(times, shift.at)
    hours = (alarm.at - shift.at).total_seconds() / SECONDS_PER_HOUR
    return Finding(shift, alarm, max(0, comments), max(0.0, hours))
