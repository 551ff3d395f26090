"""From the state of the discussion to the records that tell of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agents.charting import labels
from agents.charting.clusters import Live, add_sides
from agents.charting.discussion import Discussion, Ended
from agents.charting.exemplars import choose
from agents.charting.ledger import MOST_DISCUSSIONS, MOST_SIDE_EXEMPLARS, Sides, add_counts
from agents.charting.lineage import NONE
from agents.clustering.ticks import as_datetime
from agents.records import Cluster, Discussed, Exemplar, Slice

__all__ = ["View"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RENAMED_PART = 0.1
"""A topic is named again once it has grown by this part, so naming costs little however large it is."""

MOST_RENAMED = 12
"""Topics named again in one tick at most, the most grown first; those that are new or lost a text besides."""

SHARE_STEP = 0.002
"""Change of a share that is told although nothing else changed."""

MOST_NAMED = 5
"""Discussions named in a cluster: its busiest."""

MOST_SLICES = 200
"""Clusters in a pulse, the heaviest: a record must stay well below a megabyte."""

DECIMALS = 6
"""Of shares and weights on the wire: they are no truer than that, and shorter."""


@dataclass(slots=True)
class View:
    """The discussion at one moment, cut up by cluster.

    Parameters
    ----------
    discussion
        What is looked at; labels, keywords, parents and trends are noted in its live clusters.
    at
        End of the tick, in seconds since 1970.
    tick
        Its start.
    """

    discussion: Discussion
    at: float
    tick: int
    rows: dict[int, list[int]] = field(init=False)
    """Micro-clusters of every live cluster, by row."""
    numbers: Ints = field(init=False)
    """(m,) live cluster of each micro-cluster, `NONE` for none."""
    present: Floats = field(init=False)
    total: float = field(init=False)
    _weights: dict[int, float] = field(init=False)
    _counts: dict[int, float] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the micro-clusters by cluster."""
        self.rows = {number: [] for number in self.discussion.live}
        self.numbers = self.discussion.numbers()
        for row, number in enumerate(self.numbers.tolist()):
            if number != NONE:
                self.rows[number].append(row)
        self.present = self.discussion.ledger.present(self.at)
        self.total = float(self.present.sum())
        self._weights = _added_up(self.numbers, self.present)
        self._counts = _added_up(self.discussion.places, self.discussion.ledger.counts)

    def weight(self, number: int) -> float:
        """Return the faded weight of a cluster, in comments."""
        return self._weights.get(number, 0.0)

    def share(self, number: int) -> float:
        """Return its part of all traffic, 0..1."""
        return self.weight(number) / self.total if self.total > 0 else 0.0

    def count(self, live: Live) -> int:
        """Return its exact number of comments."""
        return live.gone_count + round(self._counts.get(live.number, 0.0))

    def sides(self, live: Live) -> Sides:
        """Return exact counts by target and side."""
        sides: Sides = {}
        add_sides(sides, live.gone.sides)
        for row in self.rows[live.number]:
            add_sides(sides, self.discussion.ledger.notes[row].sides)
        return {target: counts for target, counts in sides.items() if counts}

    def rename(self, changed: Iterable[int], forced: Collection[int]) -> None:
        """Bring labels and keywords up to date, where enough has come or ``forced`` says so."""
        lives = self.discussion.live
        taken = {live.label.casefold(): live.number for live in lives.values()}
        grown: list[tuple[float, int]] = []
        named: list[int] = []
        for number in sorted(changed):
            live, rows = lives[number], self.rows[number]
            if rows:
                live.last_heard = float(self.discussion.ledger.last[rows].max())
            growth = self.count(live) - live.named_at
            if number in forced or not live.label:
                named.append(number)
            elif growth >= RENAMED_PART * live.named_at:
                grown.append((-growth / max(live.named_at, 1), number))
        for number in [*named, *(number for _, number in sorted(grown)[:MOST_RENAMED])]:
            self._name(lives[number], self.count(lives[number]), taken)
            taken[lives[number].label.casefold()] = number

    def _name(self, live: Live, count: int, taken: Mapping[str, int]) -> None:
        """Give a cluster its label and keywords."""
        ledger = self.discussion.ledger
        rows = self.rows[live.number]
        wordings = [
            (
                ledger.notes[row].wording.terms,
                float(self.present[row]) / max(ledger.notes[row].wording.n_comments, 1),
            )
            for row in rows
        ]
        terms = labels.weigh(wordings, ledger.vocabulary, len(self.discussion.live))
        language = labels.language(each.text for row in rows for each in ledger.notes[row].exemplars)
        others = {text for text, owner in taken.items() if owner != live.number}
        is_outgrown = count >= 2 * live.labelled_at
        label = labels.label(terms, count, live.label, others, language, is_outgrown=is_outgrown)
        if label != live.label or is_outgrown:
            live.label, live.labelled_at = label, count
        live.keywords = labels.keywords(terms, count, language)
        live.named_at = count

    def clusters(self, changed: set[int]) -> Iterator[Cluster]:
        """Yield the live clusters of which there is something new to say, in the order of their ids."""
        for number, live in sorted(self.discussion.live.items()):
            share = self.share(number)
            trend = live.note_share(self.at, share)
            if number not in changed and abs(share - live.told_share) < SHARE_STEP:
                continue
            live.told_share = share
            yield self.cluster(live, "live", share=share, trend=trend)

    def cluster(
        self,
        live: Live,
        state: Literal["live", "merged", "faded"],
        *,
        share: float = 0.0,
        trend: float = 0.0,
        into: str | None = None,
        weight: float | None = None,
    ) -> Cluster:
        """Return the record of a cluster; one that has ended has lost its micro-clusters."""
        rows = self.rows.get(live.number, [])
        places, sources = self._places(live, rows)
        exemplars = self._exemplars(live, rows)
        live.shown = tuple(each.id for each in exemplars)
        return Cluster(
            id=live.id,
            state=state,
            label=live.label,
            tick=as_datetime(self.tick),
            born=as_datetime(live.born),
            last_heard=as_datetime(live.last_heard),
            count=0 if into is not None else self.count(live),
            weight=round(self.weight(live.number) if weight is None else weight, DECIMALS),
            share=round(share, DECIMALS),
            trend=round(trend, DECIMALS),
            keywords=live.keywords,
            exemplars=exemplars,
            parent=live.parent,
            into=into,
            sides=self.sides(live) if into is None else {},
            side_exemplars=self._side_exemplars(rows),
            discussions=places,
            sources=sources,
            centroid=self._centroid(rows),
        )

    def ended(self, ended: Ended) -> Cluster:
        """Return the last record of a cluster; the comments of a merged one count elsewhere now."""
        state: Literal["merged", "faded"] = "faded" if ended.into is None else "merged"
        number = ended.live.number
        self.rows[number] = np.flatnonzero(self.discussion.places == number).tolist()
        return self.cluster(ended.live, state, into=ended.into, weight=ended.weight)

    def slices(self) -> tuple[Slice, ...]:
        """Return the heaviest live clusters for a pulse."""
        in_tick: dict[int, int] = {}
        numbers = self.numbers
        for micro, count in self.discussion.tally.counts.items():
            row = self.discussion.ledger.row_of.get(micro)
            if row is not None and numbers[row] != NONE:
                in_tick[int(numbers[row])] = in_tick.get(int(numbers[row]), 0) + count
        live = sorted(self.discussion.live, key=lambda number: (-self.weight(number), number))
        return tuple(
            Slice(
                id=self.discussion.live[number].id,
                label=self.discussion.live[number].label,
                share=round(self.share(number), DECIMALS),
                weight=round(self.weight(number), DECIMALS),
                count=self.count(self.discussion.live[number]),
                in_tick=in_tick.get(number, 0),
                sides=self.sides(self.discussion.live[number]),
            )
            for number in live[:MOST_SLICES]
        )

    def unassigned(self) -> int:
        """Return how many comments of the tick have no live cluster yet."""
        ledger, numbers = self.discussion.ledger, self.numbers
        return sum(
            count
            for micro, count in self.discussion.tally.counts.items()
            if micro in ledger.row_of and numbers[ledger.row_of[micro]] == NONE
        )

    def _centroid(self, rows: list[int]) -> bytes:
        if not rows:
            return b""
        total = self.discussion.ledger.sums[rows].sum(axis=0, dtype=np.float64)
        length = float(np.linalg.norm(total))
        return (total / length).astype("<f2").tobytes() if length > 0 else b""

    def _exemplars(self, live: Live, rows: list[int]) -> tuple[Exemplar, ...]:
        """Return the comments that show the cluster."""
        if not rows:
            return ()
        ledger = self.discussion.ledger
        sums = ledger.sums[rows].astype(np.float64)
        whole = sums.sum(axis=0)
        lengths = np.linalg.norm(sums, axis=1) * np.linalg.norm(whole)
        central = np.divide(sums @ whole, lengths, out=np.zeros(len(rows)), where=lengths > 0)
        offered = [
            (exemplar, float(similarity))
            for row, similarity in zip(rows, central, strict=True)
            for exemplar in ledger.notes[row].exemplars
        ]
        return choose(offered, live.shown)

    def _side_exemplars(self, rows: list[int]) -> dict[str, dict[str, tuple[Exemplar, ...]]]:
        shown: dict[str, dict[str, tuple[Exemplar, ...]]] = {}
        for row in sorted(rows, key=lambda row: -self.discussion.ledger.last[row]):
            for target, by_side in self.discussion.ledger.notes[row].side_exemplars.items():
                for side, exemplars in by_side.items():
                    kept = shown.setdefault(target, {}).get(side, ())
                    said = {each.text for each in kept}
                    more = {each.text: each for each in reversed(exemplars) if each.text not in said}
                    if more:
                        shown[target][side] = (*kept, *reversed(more.values()))[:MOST_SIDE_EXEMPLARS]
        return {target: by_side for target, by_side in shown.items() if by_side}

    def _places(self, live: Live, rows: list[int]) -> tuple[tuple[Discussed, ...], dict[str, int]]:
        """Return the busiest discussions and the sources."""
        discussions, sources = dict(live.gone.discussions), dict(live.gone.sources)
        for row in rows:
            notes = self.discussion.ledger.notes[row]
            add_counts(discussions, notes.discussions)
            add_counts(sources, notes.sources, MOST_DISCUSSIONS)
        busiest = sorted(discussions, key=lambda name: (-discussions[name], name))[:MOST_NAMED]
        titles = self.discussion.tally.titles
        return (
            tuple(
                Discussed(discussion=name, count=discussions[name], title=titles.get(name))
                for name in busiest
            ),
            sources,
        )


def _added_up(numbers: Ints, values: NDArray[np.number[Any]]) -> dict[int, float]:
    """Return the sums of values by cluster."""
    placed = numbers != NONE
    clusters, codes = np.unique(numbers[placed], return_inverse=True)
    sums = np.bincount(codes, values[: len(numbers)][placed], len(clusters))
    return dict(zip(clusters.tolist(), sums.tolist(), strict=True))
