"""What the comments of one discussion share: no topic of it, so similarity is told without it.

Where all comments answer one question, their mean vector is that question, and what is left after
taking it away is what each says about it. Where hundreds of discussions meet, or comments come
without any, the mean says nothing and nothing is taken away. How far a stream is one discussion is
the sum of the squared shares of its discussions (Herfindahl 1950).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["Common", "concentration"]

MOST = 0.7
"""Part of what the comments of one discussion share that is ever taken for the discussion's: its large
topics are part of their mean too."""

LEAN = 5.0
"""Comments that have to come before half of that is taken: two or three may well be of one topic."""

MOST_DISCUSSIONS = 64
"""Discussions whose share is known; the smallest go."""

REFRESHED_AT = 1 / 16
"""Part of the traffic that has to be new before the mean is computed again."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def concentration(weights: Iterable[float], total: float) -> float:
    """Return how far all talk is one discussion, 0 for not at all to `MOST`.

    Parameters
    ----------
    weights
        Weight of the comments of each discussion, >= 0.
    total
        Weight of all comments, those without a discussion too.

    Examples
    --------
    Forty-five comments, all in one discussion, and a third of them in each of three:

    >>> round(concentration([45.0], 45.0), 6), round(concentration([15.0, 15.0, 15.0], 45.0), 6)
    (0.63, 0.21)
    """
    if total <= 0:
        return 0.0
    return float(MOST * sum((weight / total) ** 2 for weight in weights) * total / (total + LEAN))


class Common:
    """Faded sums over all comments of a partition, relative to the landmark of its micro-clusters."""

    def __init__(self, dimensions: int) -> None:
        self.weight = self.unseen = 0.0
        self.sums: Floats = np.zeros(dimensions)
        self.discussions: dict[int, float] = {}
        """Weight by the hash of the discussion."""
        self.concentration = 0.0
        self.shared = np.zeros(dimensions, np.float32)
        """(d,) what the open block takes for common."""

    def scale(self, factor: float) -> None:
        """Follow the landmark."""
        self.weight *= factor
        self.unseen *= factor
        self.sums *= factor
        self.discussions = {each: weight * factor for each, weight in self.discussions.items()}

    def add(self, growths: Floats, discussions: Ints, sums: Floats) -> None:
        """Add comments.

        Parameters
        ----------
        growths
            (n,) their weights.
        discussions
            (n,) hashes of their discussions, 0 for none.
        sums
            (d,) sum of their vectors, weighted.
        """
        added = float(growths.sum())
        self.weight += added
        self.unseen += added
        self.sums += sums
        named, places = np.unique(discussions, return_inverse=True)
        for discussion, weight in zip(named.tolist(), np.bincount(places, growths).tolist(), strict=True):
            if discussion:
                self.discussions[discussion] = self.discussions.get(discussion, 0.0) + weight
        if len(self.discussions) > MOST_DISCUSSIONS:
            self.discussions = _heaviest(self.discussions)

    def refresh(self, growth: float) -> bool:
        """Bring `shared` up to date if enough is new, and say whether it changed.

        Parameters
        ----------
        growth
            Weight of one comment of now.
        """
        if self.unseen < REFRESHED_AT * self.weight or not self.weight:
            return False
        self.unseen = 0.0
        before, total = self.concentration, self.weight / growth
        self.concentration = concentration((each / growth for each in self.discussions.values()), total)
        self.shared = (self.concentration / self.weight * self.sums).astype(np.float16).astype(np.float32)
        return self.concentration > 0 or before > 0

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        numbers = (self.weight, self.unseen, self.concentration)
        return msgspec.msgpack.encode(
            (numbers, self.sums.tobytes(), self.shared.astype("<f2").tobytes(), self.discussions)
        )

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        numbers, sums, shared, self.discussions = msgspec.msgpack.decode(
            state, type=tuple[tuple[float, float, float], bytes, bytes, dict[int, float]]
        )
        self.weight, self.unseen, self.concentration = numbers
        self.sums = np.frombuffer(sums).copy()
        self.shared = np.frombuffer(shared, "<f2").astype(np.float32)


def _heaviest(weights: Mapping[int, float]) -> dict[int, float]:
    ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:MOST_DISCUSSIONS])
