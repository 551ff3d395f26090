"""Who is whom: the identity of clusters from one grouping to the next.

Groups of a new grouping take over the ids of the clusters whose members they hold: as many comments as
possible stay under their id (assignment problem, Kuhn 1955), those of long ago too, or a topic that is
nearly over would give its name to the next one. Clusters left over are merged into the
group that holds most of them, where the oldest id lives on; groups left over are split from the
cluster that most of their weight comes from, or have emerged (the transitions of MONIC, Spiliopoulou
et al. 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["NONE", "Event", "Succession", "follow"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NONE: Final = -1
"""Number of no cluster, inside arrays."""

SPLIT_PART: Final = 0.5
"""Part of a new group's weight that must come from one cluster for it to be split from it."""

LACKING: Final = 0.05
"""Comments that a new cluster may lack of the minimum weight: the first of three has faded a little when the
tick of the third closes."""

SPLIT_FACTOR: Final = 2.0
"""Times the minimum weight that a part must have to be split off: a small one would soon be back."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one cluster.

    Parameters
    ----------
    cluster, other
        Numbers; the other is the one that it merged into or was split from, or None.
    weight, other_weight
        Faded weights at that moment, in comments.
    rows
        Micro-clusters that moved, or that it emerged with.
    other_rows
        Those that it joined or left behind.
    """

    event: Literal["emerged", "merged", "split"]
    cluster: int
    other: int | None
    weight: float
    other_weight: float | None
    rows: tuple[int, ...]
    other_rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Succession:
    """The new numbers and what happened.

    Parameters
    ----------
    numbers
        (m,) cluster of each micro-cluster, `NONE` for those that belong to none yet.
    groups
        (g,) cluster of each group, `NONE` for those too light to be one.
    next_number
        First number that was never used.
    """

    numbers: Ints
    groups: Ints
    events: tuple[Event, ...]
    next_number: int

    @property
    def merged(self) -> dict[int, int]:
        """The cluster that each merged one went into."""
        return {event.cluster: event.other for event in self.events if _has_merged(event)}  # type: ignore[misc]


def follow(
    previous: Ints, groups: Ints, counts: Floats, weights: Floats, minimum_weight: float, next_number: int
) -> Succession:
    """Give the groups their identity.

    Parameters
    ----------
    previous
        (m,) live cluster of each micro-cluster so far, `NONE` for none; lower numbers are older.
    groups
        (m,) new group of each, numbered from 0.
    counts
        (m,) comments of each, >= 0.
    weights
        (m,) faded weights, >= 0.
    minimum_weight
        From which on, but for `LACKING`, a group that is no cluster yet becomes one.
    next_number
        First number that was never used.

    Notes
    -----
    A micro-cluster never loses its place: where its group is too light to be a cluster it stays
    with the cluster that it was in, or with the one that this has merged into.

    Examples
    --------
    Two clusters meet in one group, the older lives on; two newcomers are still too light:

    >>> weights = np.array([5.0, 1.0, 1.0])
    >>> met = follow(np.array([7, 4, -1]), np.array([0, 0, 1]), weights, weights, 3.0, 8)
    >>> met.numbers.tolist(), [(e.event, e.cluster, e.other) for e in met.events]
    ([4, 4, -1], [('merged', 7, 4)])
    """
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    clusters = np.unique(previous[previous >= 0])
    placed = previous >= 0
    cells = groups[placed], np.searchsorted(clusters, previous[placed])
    shared, overlap = np.zeros((2, n_groups, len(clusters)))
    np.add.at(shared, cells, counts[placed] + 1e-12)
    np.add.at(overlap, cells, weights[placed])
    owners, heirs = _owners(shared, clusters)
    survivors = {int(c): int(heirs[int(c)]) for c in clusters}
    group_weights = np.bincount(groups, weights, n_groups) if n_groups else np.zeros(0)
    merges = _merges(previous, groups, weights, owners, survivors)
    split_or_emerged: list[Event] = []
    split = overlap.max(axis=1, initial=0.0) >= SPLIT_PART * group_weights
    needed = np.where(split, SPLIT_FACTOR * minimum_weight, minimum_weight)
    for group in np.flatnonzero((owners == NONE) & (group_weights >= needed - LACKING)).tolist():
        owners[group] = next_number
        split_or_emerged.append(
            _newcomer(group, next_number, previous, groups, weights, overlap, clusters, survivors)
        )
        next_number += 1
    stayed = np.array([survivors.get(int(number), NONE) for number in previous], np.int64)
    numbers = np.where(owners[groups] >= 0, owners[groups], stayed) if n_groups else stayed
    return Succession(numbers, owners, (*merges, *split_or_emerged), next_number)


def _has_merged(event: Event) -> bool:
    return event.event == "merged"


def _owners(shared: Floats, clusters: Ints) -> tuple[Ints, dict[int, int]]:
    """Return the cluster that owns each group, and the cluster that lives on for each cluster."""
    from scipy.optimize import linear_sum_assignment

    owners = np.full(len(shared), NONE, np.int64)
    column_owner: dict[int, int] = {}
    for group, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True):
        if shared[group, column] > 0:
            column_owner[int(column)] = int(group)
    claimants: dict[int, list[int]] = {}
    for column, cluster in enumerate(clusters.tolist()):
        group = column_owner.get(column, int(shared[:, column].argmax()))
        claimants.setdefault(group, []).append(cluster)
    heirs: dict[int, int] = {}
    for group, claiming in claimants.items():
        owners[group] = min(claiming)
        heirs |= dict.fromkeys(claiming, min(claiming))
    return owners, heirs


def _merges(
    previous: Ints, groups: Ints, weights: Floats, owners: Ints, survivors: dict[int, int]
) -> list[Event]:
    events = []
    for cluster, into in survivors.items():
        if cluster == into:
            continue
        ours, theirs = np.flatnonzero(previous == cluster), np.flatnonzero(previous == into)
        events.append(
            Event(
                "merged",
                cluster,
                into,
                float(weights[ours].sum()),
                float(weights[theirs].sum()),
                tuple(ours.tolist()),
                tuple(theirs.tolist()),
            )
        )
    return events


def _newcomer(
    group: int,
    number: int,
    previous: Ints,
    groups: Ints,
    weights: Floats,
    overlap: Floats,
    clusters: Ints,
    survivors: dict[int, int],
) -> Event:
    """Return how a group that is no cluster yet became one."""
    rows = np.flatnonzero(groups == group)
    weight = float(weights[rows].sum())
    column = int(overlap[group].argmax()) if len(clusters) else NONE
    if column == NONE or overlap[group, column] < SPLIT_PART * weight:
        return Event("emerged", number, None, weight, None, tuple(rows.tolist()))
    old = int(clusters[column])
    left = np.flatnonzero((previous == old) & (groups != group))
    return Event(
        "split",
        number,
        survivors[old],
        weight,
        float(weights[left].sum()),
        tuple(rows.tolist()),
        tuple(left.tolist()),
    )
