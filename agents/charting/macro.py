"""Grouping of micro-clusters into topics: average linkage, computed from the features alone.

The mean pairwise cosine of two groups of unit vectors is ``S1 . S2 / (n1 n2)``, so groups of any
size are compared through their sums, and sums add up over partitions (BIRCH's clustering
features, Zhang et al. 1996). Inside a micro-cluster what is fresh counts most; between
micro-clusters every comment counts once, so a topic is compared by all that it has been and
doesn't turn into the next one when its talk is nearly over.

How much two groups must have in common to be one topic depends on what each has within: where all talk
is about one field, or comments are short and alike, what two topics share would elsewhere be one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.charting.linkage import average_linkage
from agents.charting.settings import ChartingSettings

__all__ = ["ASLEEP", "Grouping", "Micros", "group", "needed", "similarity"]

LARGE_SHARE = 0.1
"""Share of the traffic from which on a group counts as large."""

HALF = 0.5
"""Part of what two groups have in common within that they must have in common with each other."""

AGAIN = 2.0
"""Times ``stickiness`` that one comment is held more for each time that it was moved; of several comments
more is known, so it falls with their root, as a standard error does."""

FEW = 10.0
"""Ordered pairs of comments that say as much of a group as what is usual."""

SAMPLED_ROWS = 200
"""Micro-clusters whose similarities to all others tell that of unrelated ones."""

ASLEEP = -2
"""Stands for a micro-cluster whose cluster has faded and that was not heard again: it keeps its place."""

BAND = 64
"""Rows that are worked on together."""

ALONE = -10.0
"""Similarity below every threshold."""

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Micros:
    """Live micro-clusters, one row each.

    Parameters
    ----------
    weights
        (m,) faded weights, > 0.
    counts
        (m,) comments, > 0.
    within
        (m,) mean similarity of any two comments of each; of one alone it isn't read.
    pairs
        (m, m) mean similarity of the comments of any two, without what all comments share; only read.
    first, last
        (m,) event time from which and until when they were talked in, in seconds since 1970.
    concentration
        How far all talk is one discussion, 0 to 1, as `agents.clustering.common.concentration` says.
    """

    weights: Floats
    counts: Floats
    within: Floats
    pairs: Singles
    first: Floats
    last: Floats
    concentration: float = 0.0

    def __len__(self) -> int:
        """Return the number of micro-clusters."""
        return len(self.weights)


@dataclass(frozen=True, slots=True)
class Grouping:
    """What the tree says at its cuts.

    Parameters
    ----------
    labels
        (m,) group of each micro-cluster, numbered from 0 in the order of first rows.
    parents
        (g,) coarser group of each group, numbered in the same way.
    heights
        (m - 1,) similarity at which each merge of the tree happened, in the tree's order.
    """

    labels: Ints
    parents: Ints
    heights: Floats


def group(
    micros: Micros, settings: ChartingSettings, previous: Ints | None = None, moves: Ints | None = None
) -> Grouping:
    """Cut the tree of the micro-clusters into groups.

    Parameters
    ----------
    previous
        (m,) the cluster that each row is in so far, -1 for none, `ASLEEP` for one that is left
        alone; two rows of one cluster are held together by ``settings.stickiness``, two of
        different ones are held apart by it.
    moves
        (m,) how often each row has changed its cluster; what a few comments were moved for once isn't
        enough to move them again.
    """
    m = len(micros)
    if m < 2:
        labels = np.zeros(m, np.int64)
        return Grouping(labels, labels.copy(), np.empty(0))
    scale = 1.0 - micros.concentration
    awake = np.ones(m, bool) if previous is None else previous != ASLEEP
    pairs = _close_in_time(micros, settings)
    most = max(
        _largest_share(pairs, np.where(awake, micros.weights, 0.0), scale * settings.within),
        math.sqrt(micros.concentration),  # what one discussion holds may be one topic
    )
    if previous is not None:
        often = np.zeros(m) if moves is None else moves / np.sqrt(micros.counts)
        _hold(pairs, previous, settings.stickiness, 1.0 + AGAIN * often)
        pairs[~awake] = pairs[:, ~awake] = ALONE
    tree = average_linkage(pairs, micros.counts)
    least = np.maximum(scale * settings.group_above, HALF * _cohesion(tree, micros, scale * settings.within))
    fine, coarse = (
        _cut(tree, micros.weights, above + settings.granularity, scale * settings.share_weight, most)
        for above in (least, np.full(m - 1, scale * settings.parent_above))
    )
    _, first_rows = np.unique(fine, return_index=True)
    return Grouping(fine, _renumber(coarse[first_rows]), tree[:, 2])


def _largest_share(pairs: Singles, weights: Floats, within: float) -> float:
    """Return the largest share of the traffic that one topic can hold, 0 to 1.

    A topic of the share s whose comments have the mean similarity w, among others that have u to each
    other and to it, gives all traffic the mean similarity ``u + s² (w - u)``. That is known before any
    grouping, and so is u, the median of all pairs, as most are unrelated: a grouping can't talk itself
    into one topic that takes everything in because it is so large.

    Parameters
    ----------
    pairs
        (m, m) similarities.
    weights
        (m,) faded weights; what has none is left out.
    within
        Mean similarity inside a topic.
    """
    if not weights.any():
        return 1.0
    shares = (weights / weights.sum()).astype(np.float32)
    rows = np.flatnonzero(weights)
    unrelated = float(np.median(pairs[rows[:: -(-len(rows) // SAMPLED_ROWS)]][:, rows]))
    excess = float(shares @ pairs @ shares) - unrelated
    return math.sqrt(min(1.0, max(0.0, excess) / max(within - unrelated, 1e-6)))


def _cohesion(tree: Floats, micros: Micros, usual: float) -> Floats:
    """Return what the parts of each merge have in common within, (m - 1,): the geometric mean of both.

    Two groups of which each has the mean similarity w within, and h to the other, have centroids with the
    cosine ``h / w``. Of few comments little is known, so `FEW` pairs of the ``usual`` similarity count too.
    """
    m = len(micros)
    sizes = micros.counts.tolist()
    n_pairs = (micros.counts * (micros.counts - 1.0)).tolist()
    sums = np.where(micros.counts > 1.0, micros.counts * (micros.counts - 1.0) * micros.within, 0.0).tolist()
    within = [max(0.0, each + FEW * usual) / (n + FEW) for each, n in zip(sums, n_pairs, strict=True)]
    found = np.empty(m - 1)
    for merge, (left, right, height) in enumerate(tree.tolist()):
        a, b = int(left), int(right)
        found[merge] = math.sqrt(within[a] * within[b])
        between = 2.0 * sizes[a] * sizes[b]
        sizes.append(sizes[a] + sizes[b])
        n_pairs.append(n_pairs[a] + n_pairs[b] + between)
        sums.append(sums[a] + sums[b] + between * height)
        within.append(max(0.0, sums[-1] + FEW * usual) / (n_pairs[-1] + FEW))
    return found


def needed(shares: Floats, threshold: float | Floats, share_weight: float) -> Floats:
    """Return how similar something has to be to groups in order to be part of them.

    Where one story of many holds most of the traffic, what is only loosely like it is more probably
    part of it than new: the threshold falls with the logarithm of a group's share of all weight, from
    `LARGE_SHARE` on, as the prior of the assignment does.

    Examples
    --------
    >>> needed(np.array([0.05, 0.1, 0.5]), 0.19, 0.04).round(3).tolist()
    [0.19, 0.19, 0.126]
    """
    lowered: Floats = threshold - share_weight * np.log(np.maximum(shares / LARGE_SHARE, 1.0))
    return lowered


def _cut(tree: Floats, weights: Floats, threshold: float | Floats, share_weight: float, most: float) -> Ints:
    """Cut the tree at the highest merges that are similar enough, with shares that count up to ``most``.

    The threshold is one for all merges, or one each, (m - 1,).
    """
    m = len(weights)
    total = float(weights.sum())
    children = tree[:, :2].astype(np.int64)
    nodes = children.tolist()
    sums = weights.tolist()
    for left, right in nodes:
        sums.append(sums[left] + sums[right])
    heavy = np.array(sums)
    larger = np.minimum(heavy[children].max(axis=1) / total, most)
    is_whole = (tree[:, 2] >= needed(larger, threshold, share_weight)).tolist()
    labels = list(range(2 * m - 1))
    for merge in range(m - 2, -1, -1):
        node = m + merge
        if is_whole[merge] or labels[node] != node:
            left, right = nodes[merge]
            labels[left] = labels[right] = labels[node]
    return _renumber(np.array(labels[:m]))


def similarity(micros: Micros, ours: Ints, theirs: Ints, settings: ChartingSettings) -> float:
    """Return the mean similarity of the comments of two groups of rows, in -1..1."""
    pairs = _close_in_time(micros, settings)[np.ix_(ours, theirs)]
    return float(np.average(pairs, weights=np.outer(micros.counts[ours], micros.counts[theirs])))


def _close_in_time(micros: Micros, settings: ChartingSettings) -> Singles:
    """Return the similarity of any two, less the longer nobody talked in either."""
    begins, ends = (
        ((times - micros.first[0]) / settings.gap_seconds).astype(np.float32)
        for times in (micros.first, micros.last)
    )
    pairs = np.empty_like(micros.pairs)
    for rows in _bands(len(micros)):
        gaps = np.maximum(begins[rows, None], begins)
        gaps -= np.minimum(ends[rows, None], ends)
        np.maximum(gaps, np.float32(0), out=gaps)
        np.exp(np.negative(gaps, out=gaps), out=gaps)
        np.multiply(micros.pairs[rows], gaps, out=pairs[rows])
    return pairs


def _hold(pairs: Singles, previous: Ints, stickiness: float, firmness: Floats) -> None:
    """Hold together what is in one cluster, and apart what is in two, as the firmer of both is held."""
    clusters = previous.astype(np.int32)
    strength = (stickiness * firmness).astype(np.float32)
    for rows in _bands(len(pairs)):
        held = np.maximum(strength[rows, None], strength)
        np.negative(held, out=held, where=clusters[rows, None] != clusters)
        held[clusters[rows] < 0] = 0.0
        held[:, clusters < 0] = 0.0
        pairs[rows] += held


def _bands(m: int) -> Iterator[slice]:
    """Yield all rows, some at a time, so that what is computed with them stays in the cache."""
    return (slice(low, low + BAND) for low in range(0, m, BAND))


def _renumber(labels: NDArray[np.integer]) -> Ints:
    """Give groups numbers from 0 in the order in which they first appear."""
    _, first_rows, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first_rows))
    numbered: Ints = order[inverse].astype(np.int64)
    return numbered
