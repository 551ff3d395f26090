"""Weights that fade with event time, without a scan.

Forward decay (Cormode, Shkapenyuk, Srivastava and Xu 2009): what arrives at time t is added with
the weight ``2 ** ((t - landmark) / half_life)``, and everything is divided by that of now when it
is asked for. What was added never changes, so weights of partitions add up. The landmark moves
by whole half-lives, which scales binary numbers exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEADY_AGE", "Landmark", "fade"]

FURTHEST = 64
"""Half-lives after which the landmark moves: 2 ** 64 is far from overflow, also in float32."""

STEADY_AGE = 1.0 / math.log(2.0)
"""Mean age of the faded weight of steady talk, in half-lives; talk that is older on the whole has fallen
silent, although a straggler may have come just now."""


def fade(weight: float, silence_seconds: float, half_life_seconds: float) -> float:
    """Return the weight that is left after a silence.

    Parameters
    ----------
    weight
        Weight when it last heard a comment, in comments, >= 0.
    silence_seconds
        Event time since then, >= 0.
    half_life_seconds
        Silence that halves the weight, > 0.

    References
    ----------
    Cao et al. (2006), DenStream: damped window, f(t) = 2 ** (-lambda t), lambda = 1 / half-life.

    Examples
    --------
    >>> fade(8.0, silence_seconds=60.0, half_life_seconds=60.0)
    4.0
    """
    return weight * math.exp2(-silence_seconds / half_life_seconds)


@dataclass(slots=True)
class Landmark:
    """The moment that weights are relative to.

    Examples
    --------
    >>> landmark = Landmark(half_life_seconds=60.0, at=0.0)
    >>> landmark.growth(120.0)
    4.0
    >>> landmark.move_to(60.0 * 65)
    2.710505431213761e-20
    >>> landmark.at
    3900.0
    """

    half_life_seconds: float
    at: float

    def growth(self, time: float) -> float:
        """Return the relative weight of one comment at a time."""
        return math.exp2((time - self.at) / self.half_life_seconds)

    def growths(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the relative weight of one comment at each time."""
        grown: NDArray[np.float64] = np.exp2((times - self.at) / self.half_life_seconds)
        return grown

    def move_to(self, time: float) -> float | None:
        """Move close to a time that has gone too far; return what to multiply old weights by."""
        steps = math.floor((time - self.at) / self.half_life_seconds)
        if steps <= FURTHEST:
            return None
        self.at += steps * self.half_life_seconds
        return math.exp2(-steps) if steps < 1000 else 0.0
