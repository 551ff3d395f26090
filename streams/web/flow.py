"""How shares flowed over time: the series behind the stream graph, from ticks or from recent comments."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Final

from agents.records import Assignment, Pulse
from streams.web.view import View

__all__ = ["Filter", "Flow", "Grid", "Series", "flow", "grid", "tally"]

FADE_STEPS: Final = 6.0
"""Steps of the grid that halve a comment's weight in a filtered graph: smooth, yet a turn shows."""

DEFAULT_TICK_SECONDS: Final = 60.0
"""Length of a tick until two of them are known."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which comments count: those of one discussion, of one source, or all."""

    discussion: str | None = None
    source: str | None = None

    def __bool__(self) -> bool:
        """Whether anything is filtered at all."""
        return self.discussion is not None or self.source is not None

    def takes(self, comment: Assignment) -> bool:
        """Whether a comment counts."""
        return (self.discussion is None or comment.discussion == self.discussion) and (
            self.source is None or comment.source == self.source
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps of event time, aligned to the epoch."""

    start: float
    """Seconds since 1970 UTC."""
    step_seconds: float
    n: int

    def index(self, seconds: float) -> int:
        """Return the step that a moment falls into; below 0 or from ``n`` on where it lies outside."""
        return math.floor((seconds - self.start) / self.step_seconds)

    def times(self) -> list[float]:
        """Beginnings of the steps in seconds since 1970 UTC."""
        return [self.start + i * self.step_seconds for i in range(self.n)]


@dataclass(slots=True)
class Series:
    """Share of one cluster at every step, in 0..1."""

    id: str
    label: str
    state: str
    shares: list[float]


@dataclass(slots=True)
class Flow:
    """Shares over time: the largest clusters, what is left of the whole, and how many comments there were."""

    grid: Grid
    comments: list[int]
    rest: list[float]
    """Share of all other clusters and of what belongs to none; 0 where nothing was said yet."""
    series: list[Series] = field(default_factory=list)


def grid(first: float, last: float, tick_seconds: float, points: int) -> Grid:
    """Cover a span with at most ``points`` equal steps of whole ticks.

    Parameters
    ----------
    first, last
        Seconds since 1970 UTC, ``first <= last``; both are covered.
    tick_seconds
        Length of a tick, > 0.
    points
        Most steps, >= 2.

    Examples
    --------
    >>> grid(0.0, 599.0, tick_seconds=60.0, points=5)
    Grid(start=0.0, step_seconds=120.0, n=5)
    """
    ticks = max(1, math.ceil((last - first + 1) / tick_seconds / points))
    while True:
        step = ticks * tick_seconds
        start = math.floor(first / step) * step
        n = math.floor((last - start) / step) + 1
        if n <= points:
            return Grid(start, step, n)
        ticks += 1


def flow(
    view: View,
    *,
    window_seconds: float | None = None,
    points: int = 160,
    top: int = 12,
    only: Collection[str] = (),
    where: Filter | None = None,
) -> Flow | None:
    """Shares over time, None before anything is known.

    Parameters
    ----------
    window_seconds
        How far back from the newest tick, in seconds of event time; None for everything kept.
    points
        Most steps.
    top
        Most clusters: those with the largest share at their peak.
    only
        Ids of the clusters wanted, whatever their size.
    where
        With a filter the shares are counted over the recent comments that pass it; without, they
        are the chart's own.
    """
    if where:
        flowing = _from_comments(view, where, window_seconds, points)
    else:
        flowing = _from_pulses(view, window_seconds, points)
    if flowing is None:
        return None
    made, by_cluster = flowing
    if only:
        chosen = [cluster for cluster in only if cluster in by_cluster]
    else:
        chosen = sorted(by_cluster, key=lambda name: (-_prominence(by_cluster[name]), name))[:top]
    for name in chosen:
        cluster = view.clusters.get(name)
        label = cluster.label if cluster is not None else _label(view.pulses, name)
        made.series.append(Series(name, label, cluster.state if cluster else "faded", by_cluster[name]))
    shown = [sum(parts) for parts in zip(*(series.shares for series in made.series), strict=True)]
    if shown:
        made.rest = [max(0.0, whole - part) for whole, part in zip(made.rest, shown, strict=True)]
    return made


def tally(view: View, where: Filter) -> Counter[str | None]:
    """Count the recent comments that pass a filter, by the cluster that they belong to now."""
    return Counter(view.settled(comment) for comment in view.comments.values() if where.takes(comment))


def tick_seconds(pulses: Sequence[Pulse]) -> float:
    """Length of a tick: the least distance between two of the newest ones."""
    newest = pulses[-32:]
    gaps = [(b.tick - a.tick).total_seconds() for a, b in pairwise(newest)]
    return min((gap for gap in gaps if gap > 0), default=DEFAULT_TICK_SECONDS)


def recent(pulses: Sequence[Pulse], window_seconds: float | None) -> Sequence[Pulse]:
    """Return the ticks of the window that ends with the newest one."""
    if window_seconds is None or not pulses:
        return pulses
    begin = pulses[-1].tick - timedelta(seconds=window_seconds)
    return pulses[bisect_left(pulses, begin, key=lambda pulse: pulse.tick) :]


def _from_pulses(
    view: View, window_seconds: float | None, points: int
) -> tuple[Flow, dict[str, list[float]]] | None:
    pulses = recent(view.pulses, window_seconds)
    if not pulses:
        return None
    steps = grid(
        pulses[0].tick.timestamp(), pulses[-1].tick.timestamp(), tick_seconds(view.pulses), max(2, points)
    )
    last = {steps.index(pulse.tick.timestamp()): pulse for pulse in pulses}
    comments = [0] * steps.n
    total = pulses[0].total - pulses[0].comments
    for index, pulse in last.items():  # from the totals, as ticks in between may have been thinned
        comments[index] = max(0, pulse.total - total)
        total = pulse.total
    by_cluster: dict[str, list[float]] = defaultdict(lambda: [0.0] * steps.n)
    known: Pulse | None = None
    for index in range(steps.n):
        known = last.get(index, known)
        for part in known.clusters if known else ():
            by_cluster[part.id][index] = part.share
    return Flow(steps, comments, [1.0] * steps.n), dict(by_cluster)


def _from_comments(
    view: View, where: Filter, window_seconds: float | None, points: int
) -> tuple[Flow, dict[str, list[float]]] | None:
    taken = [comment for comment in view.comments.values() if where.takes(comment)]
    if not taken:
        return None
    last = max(comment.event_time for comment in taken).timestamp()
    first = min(comment.event_time for comment in taken).timestamp()
    if window_seconds is not None:
        newest = view.newest()
        last = newest.tick.timestamp() if newest is not None else last
        first = min(max(first, last - window_seconds), last)
    steps = grid(first, last, tick_seconds(view.pulses), max(2, points))
    counted: list[Counter[str | None]] = [Counter() for _ in range(steps.n)]
    for comment in taken:
        index = steps.index(comment.event_time.timestamp())
        if 0 <= index < steps.n:
            counted[index][view.settled(comment)] += 1
    totals = [counts.total() for counts in counted]
    whole = [1.0 if said else 0.0 for said in accumulate(totals)]
    return Flow(steps, totals, whole), _faded_shares(counted)


def _faded_shares(counted: Sequence[Counter[str | None]]) -> dict[str, list[float]]:
    """Shares of counts that lose half their weight every `FADE_STEPS` steps."""
    keep = 0.5 ** (1.0 / FADE_STEPS)
    weights: dict[str | None, float] = defaultdict(float)
    shares: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(counted))
    for index, counts in enumerate(counted):
        for name in weights:
            weights[name] *= keep
        for name, count in counts.items():
            weights[name] += count
        total = sum(weights.values())
        for name, weight in weights.items():
            if name is not None and total > 0:
                shares[name][index] = weight / total
    return dict(shares)


def _prominence(shares: Iterable[float]) -> float:
    """Peak share, and the present one a little, so that of two equal peaks the living one is shown."""
    values = list(shares)
    return max(values) + 0.5 * values[-1]


def _label(pulses: Sequence[Pulse], cluster: str) -> str:
    """Label that a cluster had when a tick last named it."""
    for pulse in reversed(pulses):
        for part in pulse.clusters:
            if part.id == cluster:
                return part.label
    return cluster


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
