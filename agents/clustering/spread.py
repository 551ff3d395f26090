"""How close to its centroid a micro-cluster's comments lie: what is outside is somebody else's.

Each keeps the count, sum and sum of squares of its comments' similarities; one with few comments
leans on the stream's own mean, so thresholds follow encoder and texts instead of being set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spread"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAN = 8.0
"""Comments that the stream's mean counts for in each micro-cluster."""

DEVIATION = 0.12
"""Standard deviation of similarity that is assumed before any is seen."""

BEGIN = 0.55
"""Mean similarity that is assumed before any is seen, with the weight of `LEAN` comments."""

RECENT = 1000.0
"""Comments over which the stream's mean is taken."""


class Spread:
    """Similarity of the members of each slot to its centroid.

    Parameters
    ----------
    width
        Standard deviations below the mean where the floor lies.
    """

    def __init__(self, width: float, capacity: int) -> None:
        self._width = width
        self.moments = np.zeros((3, capacity))
        """(3, k) count, sum and sum of squares of the similarities."""
        self.mean_sum, self.mean_count = BEGIN * LEAN, LEAN

    @property
    def mean(self) -> float:
        """Mean similarity of recent comments to the micro-cluster that they joined."""
        return self.mean_sum / self.mean_count

    @property
    def newcomer_floor(self) -> float:
        """Floor of a micro-cluster of one comment."""
        return self.mean - self._width * DEVIATION

    def grow(self, capacity: int) -> None:
        """Add empty slots."""
        self.moments = np.concatenate([self.moments, np.zeros((3, capacity - self.moments.shape[1]))], axis=1)

    def add(self, slots: Ints, similarities: Floats) -> None:
        """Take in comments that joined slots; founders are nan and only begin one."""
        joined = ~np.isnan(similarities)
        self.moments[:, slots[~joined]] = 0.0
        mine, values = slots[joined], similarities[joined]
        for row, power in zip(self.moments, (np.ones_like(values), values, values * values), strict=True):
            np.add.at(row, mine, power)
        keep = (1.0 - 1.0 / RECENT) ** len(values)
        self.mean_sum = self.mean_sum * keep + float(values.sum())
        self.mean_count = self.mean_count * keep + len(values)

    def floors(self, slots: Ints) -> Floats:
        """Return the similarity below which a comment is outside of each slot."""
        count, total, squares = self.moments[:, slots]
        count = count + LEAN
        mean = (total + LEAN * self.mean) / count
        square = (squares + LEAN * (DEVIATION**2 + self.mean**2)) / count
        floors: Floats = mean - self._width * np.sqrt(np.maximum(square - mean * mean, 1e-4))
        return floors
