"""How unlikely a change is if nothing changed: scores against a shuffle of the two windows.

Every score is a normal one: without change its mean is 0 and its deviation 1, whatever the number of
topics or comments, so that measures share one detector and one false-alarm rate. The shuffle is seeded,
the same windows give the same score.

A shuffle takes comments for independent. Where they are not, the design effect
(`agents.drift.dependence`) says how many times wider chance spreads, and a measure that grows with the
square of a difference is divided by it (Rao and Scott 1981).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from agents.drift.distances import growth_parts

__all__ = [
    "MOST",
    "growth_beyond",
    "growth_score",
    "kernel_score",
    "mean_beyond",
    "side_score",
    "thinned",
]

Array = NDArray[Any]

SHUFFLES: Final = 200
"""Enough for mean and variance of the shuffled measure to within a tenth; the tail comes from a gamma."""

MOST: Final = 12.0
"""Scores end here: one comment in 10^32 says nothing more."""

PIECE: Final = 4
"""Neighbours that are shuffled together: replies, repeats and bursts make them alike without any drift."""

SEED: Final = 20120905


def thinned(counts: Array, size: int) -> Array:
    """Scale counts down to a total of about ``size``, rounded; fewer stay as they are.

    A busy tick can hold thousands of comments, in which differences that nobody would call drift are
    beyond chance. The question stays what a window of the usual size would show.

    Examples
    --------
    >>> thinned(np.array([900, 100]), 200), thinned(np.array([3, 1]), 200)
    (array([180,  20]), array([3, 1]))
    """
    whole = np.maximum(np.asarray(counts), 0)
    total = int(whole.sum())
    scaled = np.rint(whole * (size / total)) if total > size else whole
    return np.asarray(scaled, dtype=np.int64)


def growth_score(current: Array, reference: Array, explained: Array, effect: float = 1.0) -> float:
    """Score of the growth of topics that no standing alarm has named.

    Parameters
    ----------
    current, reference
        (k,) counts of comments.
    explained
        (k,) booleans: topics whose growth has been told already. They count in the totals only.
    effect
        Design effect of the comments, >= 1.

    Returns
    -------
    float
        At most `MOST`; 0 where there is nothing to compare.
    """
    both = current + reference
    if not current.sum() or not reference.sum() or np.count_nonzero(both) < 2:
        return 0.0
    shuffled = np.random.default_rng(SEED).multivariate_hypergeometric(
        both, int(current.sum()), size=SHUFFLES, method="marginals"
    )
    seen = _unexplained(growth_parts(current, reference), explained)
    chance = _unexplained(growth_parts(shuffled, both - shuffled), explained)
    return _gamma_score(float(seen) / effect, chance)


def growth_beyond(
    current: Array, reference: Array, usual: Array, explained: Array, effect: float = 1.0
) -> float:
    """Score of the growth beyond both the reference and what is usual at this time of day.

    Each topic counts by the smaller of its two parts, so that one which the reference lacked and one
    which is not usual don't make a third that is neither. Chance draws all three from what they have in
    all.

    Parameters
    ----------
    usual
        (k,) counts of comments; the others as for `growth_score`.
    """
    windows = (current, reference, usual)
    pooled = np.sum(windows, axis=0)
    if not all(window.sum() for window in windows) or np.count_nonzero(pooled) < 2:
        return 0.0
    generator = np.random.default_rng(SEED)
    drawn = [
        generator.multinomial(int(window.sum()), pooled / pooled.sum(), size=SHUFFLES) for window in windows
    ]
    seen = _unexplained(_beyond(*windows), explained)
    return _gamma_score(float(seen) / effect, _unexplained(_beyond(*drawn), explained))


def _beyond(current: Array, reference: Array, usual: Array) -> Array:
    return np.minimum(growth_parts(current, reference), growth_parts(current, usual))


def _unexplained(parts: Array, explained: Array) -> Array:
    return np.asarray(np.where(explained, 0.0, parts).sum(axis=-1))


def kernel_score(similar: Array, n_current: int, effect: float = 1.0) -> float:
    """Score of the squared maximum mean discrepancy, from the kernel of both samples, the current first.

    Rows are in order of time; pieces of neighbours stay together in the shuffle.

    References
    ----------
    Gretton et al. (2009), A fast, consistent kernel two-sample test: the gamma approximation of its null.
    """
    n, m = n_current, len(similar) - n_current
    if n < 2 or m < 2:
        return 0.0
    sign = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    generator = np.random.default_rng(SEED)
    signs = sign[_shuffled_pieces(n + m, generator)]
    chance = np.einsum("ij,ij->i", signs @ similar, signs)
    return _gamma_score(float(sign @ similar @ sign) / effect, chance)


def mean_beyond(current: Array, reference: Array, usual: Array, n_usual: float, effect: float = 1.0) -> float:
    """Score of a move of the mean embedding away from both the reference and what is usual.

    The product of both moves, (c - r) . (c - u): large where they point the same way, small where the
    reference lacked one thing and another is not usual.

    Parameters
    ----------
    current, reference
        (n, d) and (m, d) embeddings in order of time.
    usual
        (d,) mean of the embeddings at these times of former days.
    n_usual
        Comments that it is worth, > 0.
    """
    n, m = len(current), len(reference)
    if n < 2 or m < 2:
        return 0.0
    rows = np.concatenate([current, reference])
    products = rows @ rows.T
    sign = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    generator = np.random.default_rng(SEED)
    signs = sign[_shuffled_pieces(n + m, generator)]
    size = max(1, round(n_usual))
    drawn = generator.multinomial(size, np.full(n + m, 1 / (n + m)), size=SHUFFLES) / size
    chance = np.einsum("ij,ij->i", signs @ products, np.maximum(signs, 0.0) - drawn)
    seen = float((sign @ rows) @ (current.mean(axis=0) - usual))
    return _gamma_score(seen / effect, chance)


def _shuffled_pieces(n: int, generator: np.random.Generator) -> Array:
    """Return (`SHUFFLES`, n) orders of n rows in which neighbours stay together, each begun elsewhere."""
    pieces = -(-n // PIECE)
    order = generator.permuted(np.tile(np.arange(pieces), (SHUFFLES, 1)), axis=1)
    rows = (order[:, :, None] * PIECE + np.arange(PIECE)).reshape(SHUFFLES, -1)
    offset = generator.integers(0, n, size=(SHUFFLES, 1))
    kept = rows[rows < n].reshape(SHUFFLES, n)
    return np.asarray((kept + offset) % n)


def side_score(
    favor: int, against: int, favor_before: int, against_before: int, effect: float = 1.0
) -> float:
    """Score of a move in favor: above 0 toward favor, below 0 toward against, 0 where a window is empty.

    The exact distribution of ``favor`` with the totals held (Fisher), taken at the middle of its step;
    its normal score, whose square is a chi-squared one, over the root of the design effect.

    Examples
    --------
    >>> side_score(5, 5, 20, 20), side_score(0, 0, 20, 20)
    (0.0, 0.0)
    """
    n, m = favor + against, favor_before + against_before
    if not n or not m:
        return 0.0
    from scipy import stats  # a second of imports, for where sides are watched

    exact = stats.hypergeom(n + m, favor + favor_before, n)
    at = float(exact.pmf(favor)) / 2
    above, below = float(exact.sf(favor)) + at, float(exact.cdf(favor)) - at
    score = -_isf(below) if below < above else _isf(above)
    return float(np.clip(score / math.sqrt(effect), -MOST, MOST)) if abs(above - below) > 1e-9 else 0.0


def _gamma_score(seen: float, chance: Array) -> float:
    """Return the normal score of a value under the gamma distribution fitted to others by its moments."""
    mean, variance = float(chance.mean()), float(chance.var())
    if variance <= 1e-18:
        return 0.0
    tail = float(special.gammaincc(mean * mean / variance, max(seen, 0.0) * mean / variance))
    return float(np.clip(_isf(tail), -MOST, MOST))


def _isf(tail: float) -> float:
    """Return the normal score whose upper tail is ``tail``."""
    return -float(special.ndtri(tail)) if tail > 0 else math.inf
