"""Average linkage of rows that stand for many: a tree of merges, the most similar first.

Two groups are as similar as the mean pair of their members, one of each, so a row counts as often as it has
members: ``S1 . S2 / (n1 n2)`` where similarity is a product of sums (UPGMA, Sokal and Michener 1958; the
update of Lance and Williams 1967). SciPy's linkage takes every row for one member.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    By chains of nearest neighbours, in O(m²) (Murtagh 1983): a mean is never above both of its parts, so
    two groups that are each other's nearest stay so, whatever else merges.

    Examples
    --------
    The first row stands for three; the second meets it at 0.8, and the third meets them at 0.4 and 0.0:

    >>> pairs = np.array([[1.0, 0.8, 0.4], [0.8, 1.0, 0.0], [0.4, 0.0, 1.0]])
    >>> average_linkage(pairs, np.array([3.0, 1.0, 1.0])).round(3).tolist()
    [[0.0, 1.0, 0.8], [2.0, 3.0, 0.3]]
    """
    m = len(members)
    near = pairs.astype(np.float32)
    np.fill_diagonal(near, -np.inf)
    sizes = members.tolist()
    left = dict.fromkeys(range(m))
    chain: list[int] = []
    found: list[tuple[int, int, float]] = []
    while len(left) > 1:
        if not chain:
            chain.append(next(iter(left)))
        row = near[chain[-1]]
        nearest = int(row.argmax())
        if len(chain) < 2 or row[nearest] > row[chain[-2]]:
            chain.append(nearest)
            continue
        gone, kept = chain.pop(), chain.pop()
        found.append((kept, gone, float(row[kept])))
        part = sizes[kept] / (sizes[kept] + sizes[gone])
        sizes[kept] += sizes[gone]
        mean = part * near[kept] + (1.0 - part) * row
        mean = np.minimum(mean, np.maximum(near[kept], row))  # in spite of rounding
        mean[kept] = -np.inf
        near[kept] = near[:, kept] = mean
        near[:, gone] = -np.inf
        del left[gone]
    return _numbered(np.array(found).reshape(-1, 3))


def _numbered(merges: Floats) -> Floats:
    """Sort merges, each named by a row of either part, and name them by nodes."""
    ordered = merges[np.argsort(-merges[:, 2], kind="stable")]
    nodes = list(range(len(ordered) + 1))
    for number, merge in enumerate(ordered, start=len(nodes)):
        kept, gone = int(merge[0]), int(merge[1])
        merge[:2] = sorted((nodes[kept], nodes[gone]))
        nodes[kept] = number
    return ordered
