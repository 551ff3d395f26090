"""Whether the sides that people take have turned, when, and how easily chance would do the same.

The sides toward a target, in the order in which comments were written, are split in two wherever the
parts in favor before and after differ most beyond chance (the likelihood ratio of one share and two). As
every place was tried, the largest difference is compared with the largest that chance brings, by the
approximation of Miller and Siegmund (1982), "Maximally selected chi square statistics". Comments count as
independent, so where few people take the same side again and again, chance does more than it says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from agents.records import Judgement

__all__ = ["LEAST", "Turn", "turn", "turned"]

LEAST: Final = 5
"""Sides on either side of a turn: fewer say nothing of a share."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The place at which what was said before and since differs most.

    Parameters
    ----------
    before, since
        Parts in favor, 0 to 1.
    n_before
        Sides taken before it; the next one is the first since.
    chance
        Probability of so large a difference somewhere though nothing turned, 0 to 1.
    """

    before: float
    since: float
    n_before: int
    chance: float

    @property
    def is_one(self) -> bool:
        """Whether it is worth telling: what chance brings more often than not is no turn."""
        return self.chance < 0.5


def turn(is_favor: NDArray[np.bool_]) -> Turn | None:
    """Return where the sides turned most, None where fewer than `LEAST` would be on either side.

    Parameters
    ----------
    is_favor
        (n,) whether a comment is in favor, else it is against; in the order of time.

    Examples
    --------
    >>> found = turn(np.array([False] * 9 + [True] * 8))
    >>> found.n_before, found.before, found.since, round(found.chance, 5)
    (9, 0.0, 1.0, 3e-05)
    """
    n = len(is_favor)
    if n < 2 * LEAST:
        return None
    favor = np.cumsum(is_favor, dtype=np.float64)
    places = np.arange(LEAST, n - LEAST + 1)
    before, since = favor[places - 1], favor[-1] - favor[places - 1]
    gains = _likelihood(before, places) + _likelihood(since, n - places) - _likelihood(favor[-1:], n)
    best = int(gains.argmax())
    at = int(places[best])
    chance = _chance(2.0 * float(gains[best]), LEAST / n)
    return Turn(float(before[best]) / at, float(since[best]) / (n - at), at, chance)


def turned(judgements: Iterable[Judgement], target: str) -> tuple[Turn, datetime] | None:
    """Return where the sides toward a target turned most, and when the first comment since was written."""
    sided = sorted(
        (each.event_time, each.id, each.side == "favor")
        for each in judgements
        if each.target == target and each.side != "none"
    )
    found = turn(np.array([is_favor for _, _, is_favor in sided], bool))
    return None if found is None else (found, sided[found.n_before][0])


def _likelihood(favor: NDArray[np.float64], n: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Return the logarithm of the likelihood of some in favor among n, at the share that they have."""
    found: NDArray[np.float64] = special.xlogy(favor, favor / n) + special.xlogy(n - favor, 1.0 - favor / n)
    return found


def _chance(statistic: float, trimmed: float) -> float:
    """Return how probably the largest chi square, but for ``trimmed`` at either end, exceeds this."""
    b = math.sqrt(max(statistic, 0.0))
    if b <= 1.0:
        return 1.0
    density = math.exp(-statistic / 2.0) / math.sqrt(2.0 * math.pi)
    tail = density * (4.0 / b + (b - 1.0 / b) * 2.0 * math.log((1.0 - trimmed) / trimmed))
    return min(1.0, tail)
