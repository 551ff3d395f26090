"""The live micro-clusters of all partitions, as the chart has added them up.

Numbers lie in arrays, one row a micro-cluster in the order of arrival; words and examples beside them.
Weights are relative to a landmark (forward decay), so adding needs no scan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.charting.macro import Micros
from agents.charting.resemblance import Resemblance, rounded
from agents.charting.wording import Vocabulary, Wording
from agents.clustering.common import concentration
from agents.clustering.fading import STEADY_AGE, Landmark
from agents.clustering.sketch import unpack_lexical
from agents.clustering.terms import DIMENSIONS
from agents.errors import StateError
from agents.records import Exemplar, MicroDelta, StanceDelta

__all__ = ["Ledger", "Notes", "Sides", "add_counts"]

Floats = NDArray[np.float64]

Sides = dict[str, dict[str, int]]
"""Exact counts by target and side."""

MOST_DISCUSSIONS: Final = 16
"""Discussions and sources kept per micro-cluster; the smallest go."""

MOST_SIDE_EXEMPLARS: Final = 2

LIGHTEST: Final = 1e-30
"""Weight below which nothing is left to take a mean of."""

BAND: Final = 64
"""Rows whose means are computed together, so that they stay in the cache."""

GROWTH: Final = 256
"""Rows added at a time."""

COLUMNS: Final = ("counts", "weights", "sums", "lexical", "first", "last", "moments")
"""Arrays that have a row for every micro-cluster."""


@dataclass(slots=True)
class Notes:
    """What is kept of a micro-cluster besides numbers."""

    wording: Wording = field(default_factory=Wording)
    exemplars: tuple[Exemplar, ...] = ()
    discussions: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    sides: Sides = field(default_factory=dict)
    side_exemplars: dict[str, dict[str, tuple[Exemplar, ...]]] = field(default_factory=dict)


class Ledger:
    """Live micro-clusters by row.

    Parameters
    ----------
    half_life_seconds
        Silence that halves a weight.
    lexical_weight
        Part of the similarity that is the similarity of hashed words, 0 to 1.
    """

    def __init__(self, half_life_seconds: float, lexical_weight: float) -> None:
        self.half_life_seconds = half_life_seconds
        self._resemblance = Resemblance(lexical_weight)
        self.changed: set[int] = set()
        """Rows whose sums changed since they were compared."""
        self.landmark = Landmark(half_life_seconds, 0.0)
        self.begun_at: float | None = None
        """Where the landmark stands, in seconds since 1970; None before the first comment."""
        self.ids: list[str] = []
        self.notes: list[Notes] = []
        self.row_of: dict[str, int] = {}
        self.vocabulary = Vocabulary()
        self.allocate(0, 0)

    def __len__(self) -> int:
        """Return the number of live micro-clusters."""
        return len(self.ids)

    def allocate(self, capacity: int, dimensions: int) -> None:
        """Begin with empty rows."""
        self.counts = np.zeros(capacity, np.int64)
        self.weights = np.zeros(capacity)
        self.sums = np.zeros((capacity, dimensions), np.float32)
        self.lexical = np.zeros((capacity, DIMENSIONS), np.float32)
        self.first = np.zeros(capacity)
        self.last = np.zeros(capacity)
        self.moments = np.zeros(capacity)
        """(k,) times of the comments in seconds since 1970, added up with their weights."""

    def begin(self, at: float | None) -> None:
        """Put the landmark at a time."""
        self.begun_at = at
        self.landmark = Landmark(self.half_life_seconds, 0.0 if at is None else at)

    def present(self, at: float) -> Floats:
        """Return the weight of every row at a time, (m,), in comments, >= 0."""
        faded: Floats = np.maximum(self.weights[: len(self)], 0.0) / self.landmark.growth(at)
        return faded

    def micros(self, at: float, rows: NDArray[np.int64] | None = None) -> Micros:
        """Return rows, all unless named, as grouping wants them."""
        m = len(self)
        self._compare()
        present = self.present(at)
        total = float(present.sum())
        single = concentration(self._discussions(present).values(), total)
        mean = self.sums[:m].sum(axis=0) / max(total * self.landmark.growth(at), LIGHTEST)
        shared = rounded(single * mean) if single else None
        pairs = self._resemblance.pairs(m, shared)
        chosen = slice(m) if rows is None else rows
        counts = np.maximum(self.counts[chosen], 1).astype(np.float64)
        own = self._resemblance.selves(m, shared)[chosen]
        within = (counts * np.diag(pairs)[chosen] - own) / np.maximum(counts - 1.0, 1.0)
        return Micros(
            np.maximum(self.weights[chosen], LIGHTEST),
            counts,
            np.maximum(within, 0.0),
            pairs if rows is None else pairs[np.ix_(rows, rows)],
            self.first[chosen],
            self._heard(chosen),
            single,
        )

    def _compare(self) -> None:
        """Compare what has changed with all the others."""
        m, rows = len(self), np.array(sorted(self.changed), np.int64)
        self.changed.clear()
        for low in range(0, len(rows), BAND):
            some = rows[low : low + BAND]
            weights = self.weights[some, None]
            scale = np.divide(1.0, weights, out=np.zeros_like(weights), where=weights > LIGHTEST)
            scale = scale.astype(np.float32)
            self._resemblance.put(some, m, self.sums[some] * scale, self.lexical[some] * scale)
        self._resemblance.compare(rows, m)

    def _heard(self, rows: NDArray[np.int64] | slice) -> Floats:
        """Return until when rows were heard: a straggler doesn't count as talk going on.

        Talk whose faded weight is older than that of steady talk had ended before its latest comment.
        """
        middle = self.moments[rows] / np.maximum(self.weights[rows], LIGHTEST)
        ended = np.maximum(self.first[rows], middle + STEADY_AGE * self.half_life_seconds)
        heard: Floats = np.minimum(self.last[rows], ended)
        return heard

    def _discussions(self, present: Floats) -> dict[str, float]:
        """Return the weight of every discussion."""
        weights: dict[str, float] = {}
        for notes, weight, count in zip(self.notes, present.tolist(), self.counts.tolist(), strict=False):
            whole = max(count, sum(notes.discussions.values()))
            for discussion, part in notes.discussions.items():
                weights[discussion] = weights.get(discussion, 0.0) + weight * part / whole
        return weights

    def move(self, at: float) -> None:
        """Keep numbers in range as time goes on."""
        if self.begun_at is None:
            self.begin(at)
        factor = self.landmark.move_to(at)
        if factor is None:
            return
        self.begun_at = self.landmark.at
        self.weights *= factor
        self.moments *= factor
        self.sums *= np.float32(factor)
        self.lexical *= np.float32(factor)
        self.changed.update(range(len(self)))  # what is very small loses bits

    def add(self, delta: MicroDelta, end: float) -> None:
        """Add what one tick, that ended at ``end``, changed in one micro-cluster.

        Raises
        ------
        StateError
            If its vector is of another length than those before.
        """
        row = self._row(delta)
        growth = self.landmark.growth(end)
        first, last = delta.first.timestamp(), delta.last.timestamp()
        self.counts[row] += delta.count
        self.weights[row] += delta.weight * growth
        self.moments[row] += delta.weight * growth * (first + last) / 2
        sums = np.frombuffer(delta.sums, "<f4")
        self._check_dimensions(sums)
        self.sums[row] += (sums * growth).astype(np.float32)
        if delta.lexical:
            self.lexical[row] += (unpack_lexical(delta.lexical) * growth).astype(np.float32)
        self.changed.add(row)
        self.first[row] = min(self.first[row], first)
        self.last[row] = max(self.last[row], last)
        notes = self.notes[row]
        notes.wording.add(delta.terms, delta.count, end, self.landmark.half_life_seconds, self.vocabulary)
        if delta.exemplars:
            notes.exemplars = delta.exemplars
        add_counts(notes.discussions, delta.discussions, MOST_DISCUSSIONS)
        add_counts(notes.sources, delta.sources, MOST_DISCUSSIONS)

    def judge(self, row: int, delta: StanceDelta) -> None:
        """Add the sides that the comments of one micro-cluster took."""
        notes = self.notes[row]
        add_counts(notes.sides.setdefault(delta.target, {}), {delta.side: delta.count})
        if delta.exemplars:
            shown = notes.side_exemplars.setdefault(delta.target, {})
            shown[delta.side] = (*delta.exemplars, *shown.get(delta.side, ()))[:MOST_SIDE_EXEMPLARS]

    def forget_texts(self, ids: frozenset[str]) -> set[str]:
        """Drop exemplars whose text must not be shown any more; return the micro-clusters that had them."""
        changed: set[str] = set()
        for micro, notes in zip(self.ids, self.notes, strict=True):
            kept = tuple(each for each in notes.exemplars if each.id not in ids)
            if len(kept) < len(notes.exemplars):
                notes.exemplars = kept
                changed.add(micro)
            for shown in notes.side_exemplars.values():
                for side, exemplars in shown.items():
                    left = tuple(each for each in exemplars if each.id not in ids)
                    if len(left) < len(exemplars):
                        shown[side] = left
                        changed.add(micro)
        return changed

    def remove(self, gone: Iterable[int]) -> None:
        """Take rows out; the others keep their order."""
        dropped = set(gone)
        if not dropped:
            return
        for row in dropped:
            self.notes[row].wording.leave(self.vocabulary)
        kept = np.array([row for row in range(len(self)) if row not in dropped], np.int64)
        self._resemblance.keep(kept)
        self.changed = {place for place, row in enumerate(kept.tolist()) if row in self.changed}
        for name in COLUMNS:
            array = getattr(self, name)
            array[: len(kept)] = array[kept]
            array[len(kept) :] = 0
        self.ids = [self.ids[row] for row in kept]
        self.notes = [self.notes[row] for row in kept]
        self.row_of = {micro: row for row, micro in enumerate(self.ids)}

    def _row(self, delta: MicroDelta) -> int:
        row = self.row_of.get(delta.micro)
        if row is None:
            row = self.row_of[delta.micro] = len(self.ids)
            self.ids.append(delta.micro)
            self.notes.append(Notes())
            self._grow(len(delta.sums) // 4)
            self.first[row], self.last[row] = delta.first.timestamp(), delta.last.timestamp()
        return row

    def _grow(self, dimensions: int) -> None:
        if len(self.ids) <= len(self.counts):
            return
        if not len(self.counts):
            self.allocate(GROWTH, dimensions)
            return
        for name in COLUMNS:
            array = getattr(self, name)
            grown = np.zeros((len(array) + GROWTH, *array.shape[1:]), array.dtype)
            grown[: len(array)] = array
            setattr(self, name, grown)

    def _check_dimensions(self, sums: NDArray[np.float32]) -> None:
        if len(sums) != self.sums.shape[1]:
            raise StateError(
                f"embeddings of a sketch have {len(sums)} dimensions, the live clusters have "
                f"{self.sums.shape[1]}: the encoder changed. Restore it, or choose a new topics.prefix "
                "and replay."
            )


def add_counts(counts: dict[str, int], added: dict[str, int], most: int | None = None) -> None:
    """Add signed counts in place; what falls to 0 goes, and the smallest beyond ``most``.

    Examples
    --------
    >>> counts = {"a": 2, "b": 1}
    >>> add_counts(counts, {"a": 1, "b": -1, "c": 4}, most=1)
    >>> counts
    {'c': 4}
    """
    for name, count in added.items():
        total = counts.get(name, 0) + count
        if total > 0:
            counts[name] = total
        else:
            counts.pop(name, None)
    if most is not None and len(counts) > most:
        for name in sorted(counts, key=lambda name: (-counts[name], name))[most:]:
            del counts[name]
