"""The whole discussion as the chart knows it: live micro-clusters, the clusters they are in, and the dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.charting.clusters import Dead, Live, Tally, add_sides
from agents.charting.ledger import Ledger, Sides, add_counts
from agents.charting.lineage import NONE, Event, Succession, follow
from agents.charting.macro import ASLEEP, Grouping, group
from agents.charting.settings import ChartingSettings
from agents.clustering.newcomers import cluster_id
from agents.records import Sketch, StanceDelta

__all__ = ["Brought", "Changes", "Discussion", "Ended"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY_SECONDS = 86_400.0
"""The last record of a cluster that is over stays this long, in event time."""

MOST_TITLES = 4_000
"""Titles of discussions that are remembered; those that no cluster names go first."""


@dataclass(slots=True)
class Brought:
    """What one closed tick brought.

    Parameters
    ----------
    counts
        Signed comments by micro-cluster.
    sums
        (d,) float32 sums of embeddings by micro-cluster.
    sample
        Vectors, little-endian float16.
    micros
        Micro-clusters that changed.
    clusters
        Numbers of the clusters that changed.
    """

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    sample: list[bytes] = field(default_factory=list)
    micros: set[str] = field(default_factory=set)
    clusters: set[int] = field(default_factory=set)
    must_rename: set[int] = field(default_factory=set)
    """Numbers of clusters that have lost a text, which must not be shown any more."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A cluster that is over; ``into`` is the one that it merged into, None where it faded."""

    live: Live
    weight: float
    into: str | None = None


@dataclass(slots=True)
class Changes:
    """What one regrouping changed."""

    events: tuple[Event, ...] = ()
    placed: list[tuple[str, int]] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    merged: dict[int, int] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    """Of the clusters before and after, by number."""


class Discussion:
    """Micro-clusters with their places, live clusters, and what is left of those that ended.

    Parameters
    ----------
    half_life_seconds
        Silence that halves a weight.
    """

    def __init__(self, settings: ChartingSettings, half_life_seconds: float) -> None:
        self.settings = settings
        self.ledger = Ledger(half_life_seconds, settings.lexical_weight)
        self.places: Ints = np.empty(0, np.int64)
        """(m,) cluster that each micro-cluster was placed in last, `NONE` for none; it may have ended."""
        self.moves: Ints = np.empty(0, np.int64)
        """(m,) how often each has changed its cluster."""
        self.live: dict[int, Live] = {}
        self.dead = Dead()
        self.tally = Tally()

    def numbers(self) -> Ints:
        """Return the live cluster of each micro-cluster, (m,), `NONE` for none."""
        known = np.fromiter(self.live, np.int64, len(self.live))
        live: Ints = np.where(np.isin(self.places, known), self.places, NONE)
        return live

    def add(self, sketches: Sequence[Sketch], at: float, tick_seconds: int) -> Brought:
        """Add what the partitions say of a tick that ended ``at``; what came too late counts as of now."""
        brought = Brought()
        for sketch in sketches:
            self._forget_texts(sketch, brought)
            end = max(at, sketch.tick.timestamp() + tick_seconds)
            for delta in sketch.micros:
                if delta.micro in self.dead.places or delta.micro in self.dead.strays:
                    self._correct_dead(delta.micro, delta.count, brought)
                elif delta.count > 0 or delta.micro in self.ledger.row_of:
                    self.ledger.add(delta, end)
                    sums = np.frombuffer(delta.sums, "<f4")
                    known = brought.sums.get(delta.micro)
                    brought.sums[delta.micro] = sums if known is None else known + sums
                    brought.micros.add(delta.micro)
                    for early in self.tally.early.pop(delta.micro, ()):
                        self._judge(early, brought)
                if delta.count:
                    add_signed(brought.counts, delta.micro, delta.count)
            brought.sample.extend(sketch.sample)
            self.tally.late += sketch.late
            self.tally.add_novelty(sketch.novelty)
            self.tally.titles.update(sketch.titles)
        self._count(brought)
        self._extend_places()
        self._note_lost_words(sketches, brought)
        return brought

    def judge(self, sketches: Sequence[Sketch], brought: Brought) -> Sides:
        """Add the sides that the judge saw and return them."""
        sides: Sides = {}
        for sketch in sketches:
            self._forget_texts(sketch, brought)
            for delta in sketch.stances:
                signed = sides.setdefault(delta.target, {})
                signed[delta.side] = signed.get(delta.side, 0) + delta.count
                self._judge(delta, brought)
        add_sides(self.tally.sides_total, sides)
        return sides

    def bury(self, sketches: Sequence[Sketch], at: float, brought: Brought) -> None:
        """Take out the micro-clusters that their partitions gave up; their comments keep their place."""
        rows = [
            self.ledger.row_of[micro]
            for sketch in sketches
            for micro in sketch.gone
            if micro in self.ledger.row_of
        ]
        for row in rows:
            number = int(self.places[row])
            self.dead.bury(self.ledger.ids[row], number, at)
            if number in self.live:
                self.live[number].bury(int(self.ledger.counts[row]), self.ledger.notes[row])
                brought.clusters.add(number)
        self.ledger.remove(rows)
        self.places, self.moves = np.delete(self.places, rows), np.delete(self.moves, rows)

    def regroup(self, at: float, brought: Brought) -> Changes:
        """Group the micro-clusters anew and let the groups take over the clusters' identity."""
        changes = Changes()
        previous = self.numbers()
        weights = self.ledger.present(at)
        has_faded = (self.places != NONE) & (previous == NONE) & (weights < self.settings.faded_below)
        micros = self.ledger.micros(at)
        grouping = group(micros, self.settings, np.where(has_faded, ASLEEP, previous), self.moves)
        succession = follow(
            previous,
            grouping.labels,
            micros.counts,
            weights,
            self.settings.minimum_weight,
            self.tally.next_number,
        )
        self.tally.next_number = succession.next_number
        changes.events, changes.merged = succession.events, succession.merged
        changes.ids = {number: live.id for number, live in self.live.items()}
        self._begin(succession, at)
        changes.ids |= {number: live.id for number, live in self.live.items()}
        self._merge(succession, at, changes)
        self._place(succession, changes, brought)
        self._fade(at, changes)
        brought.clusters |= self._find_parents(grouping, weights)
        return changes

    def _forget_texts(self, sketch: Sketch, brought: Brought) -> None:
        """Drop the exemplars whose text must not be shown any more; new ones are added after it."""
        ids = frozenset(sketch.retracted)
        if not ids:
            return
        self._extend_places()
        micros = self.ledger.forget_texts(ids)
        brought.micros |= micros
        stripped = {int(self.places[self.ledger.row_of[micro]]) for micro in micros}
        stripped |= {live.number for live in self.live.values() if ids.intersection(live.shown)}
        brought.clusters |= stripped
        brought.must_rename |= stripped
        self.tally.forget_texts(ids)

    def _note_lost_words(self, sketches: Sequence[Sketch], brought: Brought) -> None:
        """Note the clusters whose label may rest on words that were taken back."""
        if any(sketch.retracted for sketch in sketches):
            brought.must_rename |= {
                int(self.places[self.ledger.row_of[delta.micro]])
                for sketch in sketches
                for delta in sketch.micros
                if delta.micro in self.ledger.row_of and any(n < 0 for n in delta.terms.values())
            }

    def _count(self, brought: Brought) -> None:
        comments = sum(brought.counts.values())
        self.tally.comments += comments
        self.tally.total += comments
        for micro, count in brought.counts.items():
            add_signed(self.tally.counts, micro, count)

    def _extend_places(self) -> None:
        new = len(self.ledger) - len(self.places)
        self.places = np.concatenate([self.places, np.full(new, NONE, np.int64)])
        self.moves = np.concatenate([self.moves, np.zeros(new, np.int64)])

    def _correct_dead(self, micro: str, count: int, brought: Brought) -> None:
        number, _ = self.dead.places.get(micro, (NONE, 0.0))
        if number in self.live:
            self.live[number].gone_count += count
            brought.clusters.add(number)

    def _judge(self, delta: StanceDelta, brought: Brought) -> None:
        row = self.ledger.row_of.get(delta.micro)
        if row is not None:
            self.ledger.judge(row, delta)
            brought.micros.add(delta.micro)
            return
        if delta.micro not in self.dead.places and delta.micro not in self.dead.strays:
            self.tally.keep_early(delta)
            return
        number, _ = self.dead.places.get(delta.micro, (NONE, 0.0))
        if number in self.live:
            add_counts(self.live[number].gone.sides.setdefault(delta.target, {}), {delta.side: delta.count})
            brought.clusters.add(number)

    def _begin(self, succession: Succession, at: float) -> None:
        for event in succession.events:
            if event.event != "merged":
                first = float(self.ledger.first[list(event.rows)].min())
                self.live[event.cluster] = Live(
                    number=event.cluster, id=self._name(event), born=first, last_heard=at
                )

    def _name(self, event: Event) -> str:
        """Return the id of a new cluster: after the oldest of its micro-clusters that had no place before.

        Such a one has given its name to no other. Where all had one, the number tells it from those.
        """
        ids, rows = self.ledger.ids, sorted(event.rows)
        unplaced = [row for row in rows if self.places[row] == NONE]
        if unplaced:
            return cluster_id(ids[unplaced[0]])
        return cluster_id(f"{ids[rows[0]]}.{event.cluster}")

    def _merge(self, succession: Succession, at: float, changes: Changes) -> None:
        for event in succession.events:
            if event.event == "merged" and event.other is not None:
                ended = self.live.pop(event.cluster)
                heir = self.live[event.other]
                heir.inherit(ended)
                changes.ended.append(Ended(ended, event.weight, heir.id))
                moved = self.dead.move(event.cluster, event.other)
                changes.placed.extend((micro, event.other) for micro in moved)
                self.dead.over.append((at + DAY_SECONDS, ended.id))

    def _place(self, succession: Succession, changes: Changes, brought: Brought) -> None:
        moved = np.flatnonzero((succession.numbers != NONE) & (succession.numbers != self.places))
        self.moves[moved] += self.places[moved] != NONE
        for row in moved.tolist():
            brought.clusters.add(int(self.places[row]))
            self.places[row] = succession.numbers[row]
            changes.placed.append((self.ledger.ids[row], int(succession.numbers[row])))

    def _fade(self, at: float, changes: Changes) -> None:
        weights = self.weights(at)
        for number, live in list(self.live.items()):
            weight = weights.get(number, 0.0)
            if weight < self.settings.faded_below:
                del self.live[number]
                changes.ended.append(Ended(live, weight))
                self.dead.over.append((at + DAY_SECONDS, live.id))

    def _find_parents(self, grouping: Grouping, weights: Floats) -> set[int]:
        """Note the broader topic of each cluster, and return those where it changed.

        Clusters of one branch of the tree, cut higher, are parts of the heaviest of them; it leads
        until another is twice as heavy.
        """
        branches: dict[int, dict[int, float]] = {}
        rows = zip(self.numbers().tolist(), grouping.parents[grouping.labels].tolist(), weights, strict=True)
        by_cluster: dict[int, dict[int, float]] = {}
        for number, branch, weight in rows:
            if number != NONE:
                held = by_cluster.setdefault(number, {})
                held[branch] = held.get(branch, 0.0) + float(weight)
        for number, held in by_cluster.items():
            branch = min(held, key=lambda each: (-held[each], each))
            branches.setdefault(branch, {})[number] = sum(held.values())
        changed: set[int] = set()
        for members in branches.values():
            lead = self._lead(members)
            for number in members:
                parent = None if number == lead else self.live[lead].id
                if self.live[number].parent != parent:
                    self.live[number].parent = parent
                    changed.add(number)
        return changed

    def _lead(self, members: dict[int, float]) -> int:
        """Return the cluster that stands for a branch, given the weights of its clusters."""
        heaviest = min(members, key=lambda number: (-members[number], number))
        named = {self.live[number].parent for number in members}
        incumbents = [number for number in members if self.live[number].id in named]
        leading = min(incumbents, key=lambda number: (-members[number], number), default=heaviest)
        return leading if 2 * members[leading] >= members[heaviest] else heaviest

    def weights(self, at: float) -> dict[int, float]:
        """Return the faded weight of every live cluster."""
        numbers = self.numbers()
        placed = numbers >= 0
        sums = np.bincount(numbers[placed], self.ledger.present(at)[placed]) if placed.any() else np.zeros(0)
        return {number: float(sums[number]) if number < len(sums) else 0.0 for number in self.live}

    def forget_titles(self) -> None:
        """Keep the titles of discussions bounded."""
        titles = self.tally.titles
        if len(titles) <= MOST_TITLES:
            return
        named = {name for notes in self.ledger.notes for name in notes.discussions}
        named.update(name for live in self.live.values() for name in live.gone.discussions)
        self.tally.titles = {name: title for name, title in titles.items() if name in named}


def add_signed(counts: dict[str, int], name: str, count: int) -> None:
    """Add a signed count in place."""
    counts[name] = counts.get(name, 0) + count
