"""What the chart remembers of a live cluster, of micro-clusters that are live no more, and of one tick."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from agents.charting.ledger import MOST_DISCUSSIONS, Notes, Sides, add_counts
from agents.records import StanceDelta

__all__ = ["Dead", "Live", "Tally", "add_sides"]

HOUR_SECONDS: Final = 3600.0

TREND_STEP_SECONDS: Final = 300.0
"""Shares are noted this far apart at least, for the trend."""

MOST_DEAD: Final = 50_000
"""Micro-clusters that are live no more, yet whose comments still have a place; the oldest go."""

DEAD_SECONDS: Final = 7 * 86_400.0
"""How long those are remembered, in event time: as long as the topic of assignments keeps records."""

MOST_STRAYS: Final = 5_000
"""Micro-clusters remembered that ended without a place, so that a late correction doesn't revive them."""


MOST_EARLY: Final = 2_000
"""Micro-clusters that the judge may know before the chart does: as many as are live."""


class Live(msgspec.Struct):
    """One live cluster, besides what its micro-clusters say.

    What micro-clusters that are live no more have left to it is in ``gone``.
    """

    number: int
    """Counts up, so a lower one is older."""
    id: str
    """Its public name."""
    born: float
    last_heard: float
    gone_count: int = 0
    gone: Notes = msgspec.field(default_factory=Notes)
    label: str = ""
    labelled_at: int = 0
    """Comments that it had when its label was chosen."""
    named_at: int = 0
    """Comments that it had when it was named last."""
    keywords: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    """Ids of its exemplars."""
    parent: str | None = None
    shares: list[tuple[float, float]] = []
    """Times and shares, oldest first, reaching back an hour."""
    told_share: float = -1.0
    """Share that was published last."""

    def inherit(self, other: Live) -> None:
        """Take over what the dead of a merged cluster left."""
        self.gone_count += other.gone_count
        self.bury(0, other.gone)
        self.born = min(self.born, other.born)
        self.last_heard = max(self.last_heard, other.last_heard)

    def bury(self, count: int, notes: Notes) -> None:
        """Keep what a micro-cluster that ends has gathered."""
        self.gone_count += count
        add_counts(self.gone.discussions, notes.discussions, MOST_DISCUSSIONS)
        add_counts(self.gone.sources, notes.sources, MOST_DISCUSSIONS)
        add_sides(self.gone.sides, notes.sides)

    def note_share(self, at: float, share: float) -> float:
        """Remember a share and return its change over the last hour."""
        before = [each for each in self.shares if each[0] <= at - HOUR_SECONDS]
        recent = [each for each in self.shares if at - HOUR_SECONDS < each[0] < at]
        kept = [*before[-1:], *recent]
        trend = share - kept[0][1] if kept else 0.0
        if not kept or at - kept[-1][0] >= TREND_STEP_SECONDS:
            kept.append((at, share))
        self.shares = kept
        return trend


class Dead(msgspec.Struct):
    """Micro-clusters that are live no more, and clusters that are over."""

    places: dict[str, tuple[int, float]] = {}
    """Cluster and time of death of each that had a place, oldest first."""
    strays: dict[str, None] = {}
    """Those that had none."""
    over: list[tuple[float, str]] = []
    """When the record of a merged or faded cluster is to go, and its id."""

    def bury(self, micro: str, number: int, at: float) -> None:
        """Remember a micro-cluster; ``number`` is below 0 where it had no place."""
        if number >= 0:
            self.places[micro] = (number, at)
            return
        self.strays[micro] = None
        while len(self.strays) > MOST_STRAYS:
            del self.strays[next(iter(self.strays))]

    def move(self, merged: int, into: int) -> list[str]:
        """Move the dead of a merged cluster and return them."""
        moved = [micro for micro, (number, _) in self.places.items() if number == merged]
        for micro in moved:
            self.places[micro] = (into, self.places[micro][1])
        return moved

    def forget(self, at: float) -> Iterator[str]:
        """Drop what is too old or too much, and yield it."""
        while self.places:
            micro, (_, died) = next(iter(self.places.items()))
            if len(self.places) <= MOST_DEAD and at - died < DEAD_SECONDS:
                return
            del self.places[micro]
            yield micro

    def due(self, at: float) -> Iterator[str]:
        """Take out the clusters whose record is to go by now, and yield them."""
        while self.over and self.over[0][0] <= at:
            yield self.over.pop(0)[1]


class Tally(msgspec.Struct):
    """What the latest tick brought, and the totals since the beginning."""

    tick: int | None = None
    comments: int = 0
    late: int = 0
    novelty: list[int] = []
    sides: Sides = {}
    events: dict[str, int] = {}
    counts: dict[str, int] = {}
    """Signed comments of the tick by micro-cluster."""
    total: int = 0
    sides_total: Sides = {}
    titles: dict[str, str] = {}
    next_number: int = 0
    next_event: int = 0
    early: dict[str, list[StanceDelta]] = {}
    """Sides of micro-clusters that the chart hasn't heard of yet, where the judge is ahead; oldest first."""

    def begin(self, tick: int) -> None:
        """Start a tick, unless it is the one that runs."""
        if tick == self.tick:
            return
        self.tick = tick
        self.comments = self.late = 0
        self.novelty, self.sides, self.events, self.counts = [], {}, {}, {}

    def keep_early(self, delta: StanceDelta) -> None:
        """Keep a side until its micro-cluster is known."""
        self.early.setdefault(delta.micro, []).append(delta)
        while len(self.early) > MOST_EARLY:
            del self.early[next(iter(self.early))]

    def forget_texts(self, ids: frozenset[str]) -> None:
        """Drop the exemplars whose text must not be shown any more."""
        for micro, deltas in self.early.items():
            self.early[micro] = [
                msgspec.structs.replace(
                    delta, exemplars=tuple(each for each in delta.exemplars if each.id not in ids)
                )
                for delta in deltas
            ]

    def add_novelty(self, counts: tuple[int, ...]) -> None:
        """Add counts by tenths."""
        longer = max(len(counts), len(self.novelty))
        ours = [*self.novelty, *[0] * (longer - len(self.novelty))]
        theirs = [*counts, *[0] * (longer - len(counts))]
        self.novelty = [a + b for a, b in zip(ours, theirs, strict=True)]


def add_sides(sides: Sides, added: Sides) -> None:
    """Add exact counts by target and side, in place."""
    for target, counts in added.items():
        add_counts(sides.setdefault(target, {}), counts)
