"""Average linkage of rows that stand for many: a tree of merges, the most similar first.

Two groups are as similar as the mean pair of their members, one of each, so a row counts as often as it has
members: ``S1 . S2 / (n1 n2)`` where similarity is a product of sums (UPGMA, Sokal and Michener 1958; the
update of Lance and Williams 1967). SciPy's linkage takes every row for one member.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

__all__ = ["average_linkage"]

Floats = NDArray[np.float64]


def average_linkage(pairs: NDArray[np.floating], members: Floats) -> Floats:
    """Return the merges that make one group of all rows.

    Parameters
    ----------
    pairs
        (m, m) mean similarity of the members of two rows, symmetric; the diagonal isn't read.
    members
        (m,) how many each row stands for, > 0.

    Returns
    -------
    merges
        (m - 1, 3) the two nodes of each merge, the lower first, and their similarity, which never rises.
        Rows are the nodes from 0, what merge i makes is node m + i.

    Notes
    -----
    By chains of nearest neighbours (Murtagh 1983), in O(m²): a mean is never above both of its parts, so
    two groups that are each other's nearest stay so, whatever else merges.

    Examples
    --------
    The first row stands for three; the second meets it at 0.8, and the third meets them at 0.4 and 0.0:

    >>> pairs = np.array([[1.0, 0.8, 0.4], [0.8, 1.0, 0.0], [0.4, 0.0, 1.0]])
    >>> average_linkage(pairs, np.array([3.0, 1.0, 1.0])).round(3).tolist()
    [[0.0, 1.0, 0.8], [2.0, 3.0, 0.3]]
    """
    m = len(members)
    near = pairs.astype(np.float64)
    np.fill_diagonal(near, -np.inf)
    sizes = members.tolist()
    is_left = np.ones(m, bool)
    found = np.empty((max(m - 1, 0), 3))
    chain: list[int] = []
    for merge in found:
        if not chain:
            chain.append(int(is_left.argmax()))
        while True:
            last = chain[-1]
            nearest = int(near[last].argmax())
            if len(chain) > 1 and near[last, chain[-2]] >= near[last, nearest]:
                break
            chain.append(nearest)
        gone, kept = chain.pop(), chain.pop()
        merge[:] = gone, kept, near[gone, kept]
        size = sizes[gone] + sizes[kept]
        near[kept] = near[:, kept] = near[gone] * (sizes[gone] / size) + near[kept] * (sizes[kept] / size)
        near[kept, kept] = near[gone] = near[:, gone] = -np.inf
        sizes[kept] = size
        is_left[gone] = False
    return _numbered(found[np.argsort(-found[:, 2], kind="stable")])


def _numbered(merges: Floats) -> Floats:
    """Name what is merged by its node, given one row of each part."""
    m = len(merges) + 1
    node_of = dict(zip(range(m), range(m), strict=True))
    sets = DisjointSet(range(m))
    for number, merge in enumerate(merges, start=m):
        one, other = (sets[int(row)] for row in merge[:2])
        merge[:2] = sorted((node_of[one], node_of[other]))
        sets.merge(one, other)
        node_of[sets[one]] = number
    return merges
