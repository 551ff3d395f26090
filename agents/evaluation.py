"""How good the clusters of a labelled stream are: the agents run from a list, the scores of what they say.

Unassigned comments count as clusters of one. *On arrival* is the cluster that an assignment named
first, as the chart of the last closed tick had it; *settled* is its micro-cluster joined with the
last placements.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agents.agent import Emission
from agents.charting.agent import Chart
from agents.charting.settings import ChartingSettings
from agents.clustering.agent import Assign
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings
from agents.drift.agent import DriftWatch
from agents.drift.settings import DriftSettings
from agents.records import Assignment, Drift, Embedded, Lineage, Pause, Placement, Sketch

__all__ = ["Evaluation", "Scores", "Trial", "b_cubed", "evaluate", "score"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """How well clusters agree with labels, each 1 where they agree wholly.

    Parameters
    ----------
    nmi, ami
        Normalised and adjusted mutual information, arithmetic means (Vinh et al. 2010).
    ari
        Adjusted Rand index (Hubert and Arabie 1985).
    b_cubed
        B-cubed F1 (Bagga and Baldwin 1998).
    """

    nmi: float
    ami: float
    ari: float
    b_cubed: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    Parameters
    ----------
    n_clusters
        Clusters that hold a comment in the end.
    unassigned
        Share of comments without a cluster in the end.
    unassigned_on_arrival
        Share of comments without a cluster when they came.
    id_stable
        Share of the assigned comments whose first cluster is the last one or its ancestor.
    never_changed
        Share of all comments that had their last cluster from arrival on.
    changed_repeatedly
        Share of all comments whose cluster changed more than once after it first had one, be that one
        that was only named on arrival.
    placed_repeatedly
        The same of the cluster that they were placed in: what was only named on arrival doesn't count.
    seconds
        Time that assigning and charting took.
    """

    n_comments: int
    n_labels: int
    n_micros: int
    n_clusters: int
    settled: Scores
    on_arrival: Scores
    unassigned: float
    unassigned_on_arrival: float
    id_stable: float
    never_changed: float
    changed_repeatedly: float
    placed_repeatedly: float
    seconds: float


@dataclass(slots=True)
class Trial:
    """ASSIGN and CHART fed from a list, and what they said.

    A partition that stays silent for a tick while others go on gets a pause, as on the road.
    """

    clustering: ClusteringSettings
    charting: ChartingSettings
    time: TimeSettings
    n_partitions: int = 1
    batch: int = 64
    drift: DriftSettings | None = None
    """Measure drift too, and keep its alarms."""
    placements: dict[str, Placement] = field(default_factory=dict)
    moves: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Per micro-cluster the clusters that it was placed in, each with the comments read until then."""
    assigned: dict[str, Assignment] = field(default_factory=dict)
    """The first assignment of each comment."""
    lineage: list[Lineage] = field(default_factory=list)
    alarms: list[Drift] = field(default_factory=list)
    """Alarms and all-clears of drift, in their order."""
    seconds: float = 0.0
    _n: int = 0

    def run(self, comments: Sequence[Embedded]) -> None:
        """Feed the comments in their order, and close the stream with a pause."""
        n = self.n_partitions
        agents = [
            Assign(i, self.clustering, self.charting, self.time, self.placements, n_partitions=n)
            for i in range(n)
        ]
        chart = Chart(
            n,
            self.charting,
            self.time,
            half_life_seconds=self.clustering.half_life_seconds,
            drift=None if self.drift is None else DriftWatch(self.drift, self.time.tick_seconds),
        )
        offsets, heard = [-1] * n, [-np.inf] * n
        started = time.perf_counter()
        for batch in self._batches(comments):
            now = batch[0].event_time.timestamp()
            for i in range(n):
                if n > 1 and heard[i] < now - self.time.tick_seconds:
                    self._take(agents[i].step([Pause(partition=i, offset=offsets[i])]), chart)
                    heard[i] = np.inf
            self._n += len(batch)
            for i in range(n):
                mine = [record for record in batch if self._partition(record) == i]
                if mine:
                    offsets[i], heard[i] = mine[-1].offset, now
                    self._take(agents[i].step(mine), chart)
        for i in range(n):
            self._take(agents[i].step([Pause(partition=i, offset=offsets[i])]), chart)
        for agent in agents:
            self._take(agent.step([]), chart)
        self.seconds = time.perf_counter() - started

    def settled(self, comment: str) -> str | None:
        """Return the cluster that a comment ended in."""
        placement = self.placements.get(self.assigned[comment].micro)
        return None if placement is None else placement.cluster

    def _batches(self, comments: Sequence[Embedded]) -> Iterator[list[Embedded]]:
        """Yield batches that end where a tick closes; the comment that closes it comes alone.

        So the chart of a closed tick is known to the comments after it, whatever the batch size.
        """
        batch: list[Embedded] = []
        tick: float | None = None
        for comment in comments:
            watermark = comment.event_time.timestamp() - self.time.lateness_seconds
            own = watermark // self.time.tick_seconds
            if own != tick:
                if batch:
                    yield batch
                yield [comment]
                batch, tick = [], own
                continue
            batch.append(comment)
            if len(batch) >= self.batch:
                yield batch
                batch = []
        if batch:
            yield batch

    def _partition(self, record: Embedded) -> int:
        return zlib.crc32((record.discussion or record.id).encode()) % self.n_partitions

    def _take(self, emissions: list[Emission], chart: Chart) -> None:
        """Keep the assignments, and let the chart work on the sketches."""
        sketches: list[Sketch] = []
        for emission in emissions:
            if isinstance(emission.record, Assignment):
                self.assigned.setdefault(emission.record.id, emission.record)
            elif isinstance(emission.record, Sketch):
                sketches.append(emission.record)
        for emission in chart.step(sketches) if sketches else ():
            if isinstance(emission.record, Placement):
                placement = emission.record
                self.placements[placement.micro] = placement
                self.moves.setdefault(placement.micro, []).append((self._n, placement.cluster))
            elif isinstance(emission.record, Lineage):
                self.lineage.append(emission.record)
            elif isinstance(emission.record, Drift) and emission.record.state != "value":
                self.alarms.append(emission.record)


def evaluate(comments: Sequence[Embedded], labels: Sequence[str], trial: Trial) -> Evaluation:
    """Run the trial over the comments and compare its clusters with the labels, one a comment."""
    trial.run(comments)
    ids = [comment.id for comment in comments]
    arrived = [trial.assigned[each].cluster for each in ids]
    settled = [trial.settled(each) for each in ids]
    ancestors = _ancestors(trial.lineage)
    stable = [
        first == last or first in ancestors.get(last, frozenset())
        for first, last in ((_first(trial, each), trial.settled(each)) for each in ids)
        if first is not None and last is not None
    ]
    moves = [_moves_after(trial, each, i) for i, each in enumerate(ids)]
    n = len(ids)
    return Evaluation(
        n_comments=n,
        n_labels=len(set(labels)),
        n_micros=len({trial.assigned[each].micro for each in ids}),
        n_clusters=len(set(settled) - {None}),
        settled=score(labels, settled),
        on_arrival=score(labels, arrived),
        unassigned=sum(each is None for each in settled) / n,
        unassigned_on_arrival=sum(each is None for each in arrived) / n,
        id_stable=sum(stable) / max(1, len(stable)),
        never_changed=sum(
            first is not None and moved == 0 for first, moved in zip(arrived, moves, strict=True)
        )
        / n,
        changed_repeatedly=sum(moved > 1 for moved in moves) / n,
        placed_repeatedly=sum(_placed_anew(trial, each, i) > 1 for i, each in enumerate(ids)) / n,
        seconds=trial.seconds,
    )


def score(labels: Sequence[str], clusters: Sequence[str | None]) -> Scores:
    """Compare clusters with labels; None is a cluster of its own each time.

    Examples
    --------
    >>> score(["a", "a", "b"], ["c1", "c1", None])
    Scores(nmi=1.0, ami=1.0, ari=1.0, b_cubed=1.0)
    """
    from sklearn.metrics import (
        adjusted_mutual_info_score,
        adjusted_rand_score,
        normalized_mutual_info_score,
    )

    truth = np.unique(np.asarray(labels), return_inverse=True)[1]
    named = [f"{i}" if cluster is None else f"c{cluster}" for i, cluster in enumerate(clusters)]
    found = np.unique(np.asarray(named), return_inverse=True)[1]
    return Scores(
        nmi=float(normalized_mutual_info_score(truth, found)),
        ami=float(adjusted_mutual_info_score(truth, found)),
        ari=float(adjusted_rand_score(truth, found)),
        b_cubed=b_cubed(truth, found),
    )


def b_cubed(truth: NDArray[np.integer], found: NDArray[np.integer]) -> float:
    """Return the harmonic mean of B-cubed precision and recall.

    Parameters
    ----------
    truth, found
        (n,) numbers of classes and clusters, from 0.

    Examples
    --------
    Two of one class in one cluster with a stranger: precision (2/3 + 2/3 + 1/3) / 3, recall 1.

    >>> round(b_cubed(np.array([0, 0, 1]), np.array([0, 0, 0])), 4)
    0.7143
    """
    pairs, counts = np.unique(np.stack([truth, found]), axis=1, return_counts=True)
    squares = counts.astype(np.float64) ** 2
    precision = float((squares / np.bincount(found)[pairs[1]]).sum()) / len(truth)
    recall = float((squares / np.bincount(truth)[pairs[0]]).sum()) / len(truth)
    return 2 * precision * recall / (precision + recall)


def _first(trial: Trial, comment: str) -> str | None:
    """Return the first cluster that a comment was said to be in."""
    assignment = trial.assigned[comment]
    if assignment.cluster is not None:
        return assignment.cluster
    moves = trial.moves.get(assignment.micro)
    return moves[0][1] if moves else None


def _moves_after(trial: Trial, comment: str, arrival: int) -> int:
    """Return how often the cluster of a comment changed after it first had one."""
    assignment = trial.assigned[comment]
    told = [assignment.cluster] if assignment.cluster is not None else []
    return _changes(told + [cluster for n, cluster in trial.moves.get(assignment.micro, []) if n > arrival])


def _placed_anew(trial: Trial, comment: str, arrival: int) -> int:
    """Return how often the cluster that a comment was placed in changed after it came."""
    moves = trial.moves.get(trial.assigned[comment].micro, [])
    held = [cluster for n, cluster in moves if n <= arrival]
    return _changes(held[-1:] + [cluster for n, cluster in moves if n > arrival])


def _changes(told: Sequence[str]) -> int:
    return sum(before != after for before, after in pairwise(told))


def _ancestors(lineage: Sequence[Lineage]) -> dict[str, frozenset[str]]:
    """Return, by cluster, those that merged into it or that it was split from, at any remove."""
    parents: dict[str, set[str]] = {}
    for event in lineage:
        if event.other is not None:
            child, parent = (
                (event.other, event.cluster) if event.event == "merged" else (event.cluster, event.other)
            )
            parents.setdefault(child, set()).add(parent)
    found: dict[str, frozenset[str]] = {}
    for child, nearest in parents.items():
        reached: set[str] = set()
        waiting = list(nearest)
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached.add(each)
                waiting.extend(parents.get(each, ()))
        found[child] = frozenset(reached)
    return found
