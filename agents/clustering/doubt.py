"""How far a micro-cluster of few comments is doubted where the stream is cut into partitions.

Of N partitions each hears one in N of a topic's comments, so its young micro-clusters know less of it than
the chart, which hears all: better one more that the chart can join than one of two topics, which it can't
part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOUBT", "doubt"]

DOUBT = 0.1
"""Similarity that the second comment of a micro-cluster needs more than one of many, with many partitions and
many topics; it falls with the root of the comments."""


def doubt(present: NDArray[np.float64], n_partitions: int, unity: float) -> float:
    """Return what a micro-cluster of one comment has to be more similar than a large one, 0 to `DOUBT`.

    Nothing where one story, by the sum of squared shares (Herfindahl 1950), or one discussion holds most of
    the traffic: what is loosely like it is part of it.

    Parameters
    ----------
    present
        (k,) faded weights of the micro-clusters, >= 0.
    n_partitions
        Into how many parts the stream is cut.
    unity
        How far all talk is one discussion, 0 to 1.

    Examples
    --------
    Fifty topics over one partition, over eight, and one that holds three quarters:

    >>> many = np.ones(50)
    >>> round(doubt(many, 1, 0.0), 6), round(doubt(many, 8, 0.0), 6), doubt(np.array([3.0, 1.0]), 8, 0.0)
    (0.0, 0.084, 0.0)
    """
    total = float(present.sum())
    of_stories = float(np.sum((present / total) ** 2)) if total > 0 else 1.0
    return DOUBT * (1.0 - 1.0 / n_partitions) * max(0.0, 1.0 - 2.0 * of_stories) * (1.0 - unity)
