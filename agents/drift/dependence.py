"""How far comments fall short of independent ones: what is said close together is alike.

People answer each other and say the same of the same thing, so two hundred comments of conversations
tell less of what a discussion is about than two hundred strangers would. The reference window shows by
how much: cut into slices of time, its slices differ more than chance alone makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.drift.timeline import SideTick, Tick, TickT, cluster_counts, sides

__all__ = ["design_effect", "effect_of_sides", "effect_of_topics", "slices"]

Array = NDArray[Any]

CONVERSATION_SECONDS: Final = 3600.0
"""A conversation is mostly over within the hour. Longer slices would hide what detectors are to find: a
discussion that has begun to drift would pass for one that always does."""

LEAST_SLICES: Final = 4
"""A fast reference is cut into as many at least; each is then as long as the current window, whose
spread it tells."""


def design_effect(counts: Array) -> float:
    """Variance of the shares of categories over that of independent comments, >= 0.

    Of comments that come in conversations of m alike it is m. Each slice is compared with the one before
    it, by a chi-squared statistic over its degrees of freedom, and the median is taken: a change within
    the reference lies in one comparison, and doesn't pass for chance. 1 where there are fewer than two
    slices or categories.

    Parameters
    ----------
    counts
        (b, k) comments of each slice of time by category, >= 0, in the order of the slices.

    References
    ----------
    Rao and Scott (1981), The analysis of categorical data from complex sample surveys: a chi-squared
    statistic over the mean design effect of its cells is about chi-squared again. Von Neumann et al.
    (1941), The mean square successive difference. Wilson and Hilferty (1931), The distribution of
    chi-square, for its median.

    Examples
    --------
    >>> design_effect(np.array([[5, 5], [5, 5]])), round(design_effect(np.array([[9, 1], [1, 9]])), 1)
    (0.0, 25.8)
    """
    known = counts[np.ix_(counts.sum(axis=1) > 0, counts.sum(axis=0) > 0)].astype(float)
    freedom = known.shape[1] - 1
    if len(known) < 2 or freedom < 1:
        return 1.0
    sizes, total = known.sum(axis=1), known.sum()
    apart = np.diff(known / sizes[:, None], axis=0) ** 2 / (known.sum(axis=0) / total)
    chance = (1 / sizes[1:] + 1 / sizes[:-1]) * freedom * total / (total - 1)
    median_of_chance = (1 - 2 / (9 * freedom)) ** 3
    return float(np.median(apart.sum(axis=1) / chance) / median_of_chance)


def effect_of_topics(reference: Sequence[Tick], places: Mapping[str, str]) -> float:
    """Return the `design_effect` of the shares of clusters in a reference window."""
    rows = [cluster_counts(part, places) for part in slices(reference)]
    clusters = sorted({cluster for row in rows for cluster in row})
    return design_effect(np.array([[row.get(cluster, 0) for cluster in clusters] for row in rows]))


def effect_of_sides(reference: Sequence[SideTick]) -> float:
    """Return the `design_effect` of favor and against in a reference window."""
    return design_effect(np.array([sides(part)[[0, 2]] for part in slices(reference)]))


def slices(ticks: Sequence[TickT]) -> list[list[TickT]]:
    """Cut ticks into slices of equal length, newest first, those without a tick left out.

    A slice is an hour long, or a quarter of all where that is shorter.

    Parameters
    ----------
    ticks
        In order of time, at least one.
    """
    newest = ticks[-1].at
    length = min(CONVERSATION_SECONDS, (newest - ticks[0].at) / LEAST_SLICES)
    found: dict[int, list[TickT]] = {}
    for tick in reversed(ticks):
        found.setdefault(int((newest - tick.at) / length) if length > 0 else 0, []).append(tick)
    return list(found.values())
