"""How far apart two windows of a discussion are: every measure as a function of arrays.

Counts are 1-d arrays over the same categories, in comments, >= 0; sides are ``(against, none, favor)``.
An undefined measure is ``nan``, and the docstring says when.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "balance",
    "centroid_displacement",
    "discrepancy",
    "effective_number",
    "entropy",
    "esteban_ray",
    "growth_parts",
    "jensen_shannon",
    "kernel",
    "kernel_width",
    "mmd_squared",
    "novelty",
    "resonance",
    "shift_parts",
    "surprise",
    "transience",
]

Array = NDArray[Any]

PSEUDO_COUNT: Final = 0.5
"""Added to every category before a Kullback-Leibler divergence, which is infinite without it (Jeffreys)."""

POLARISATION_ALPHA: Final = 1.3
"""How much it weighs that people agree among themselves; Esteban and Ray allow 1 to 1.6."""

POSITIONS: Final = np.array([-1.0, 0.0, 1.0])
"""Where against, none and favor stand."""


def _shares(counts: Array) -> Array:
    total = counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.full(np.shape(counts), np.nan), where=total > 0))


def shift_parts(current: Array, reference: Array) -> Array:
    """Part that each category has in the Jensen-Shannon divergence, in bits; their sum is the divergence.

    Parameters
    ----------
    current, reference
        (..., k) counts.

    Returns
    -------
    Array
        (..., k) parts, each >= 0; nan where a window is empty.

    Examples
    --------
    >>> shift_parts(np.array([2, 0]), np.array([0, 2]))
    array([0.5, 0.5])
    """
    p, q = _shares(np.asarray(current, float)), _shares(np.asarray(reference, float))
    middle = (p + q) / 2
    return (_log_ratio_part(p, middle) + _log_ratio_part(q, middle)) / 2


def _log_ratio_part(p: Array, q: Array) -> Array:
    """Return p log2(p / q) with 0 log 0 = 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray(p * np.log2(ratio))


def jensen_shannon(current: Array, reference: Array) -> float:
    """Divergence of the shares of two windows, in bits, 0 (equal) to 1 (nothing in common); symmetric.

    JSD(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2. nan where a window is empty.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, eq. 4.1 with equal weights.

    Examples
    --------
    >>> jensen_shannon(np.array([3, 1]), np.array([6, 2])), jensen_shannon(np.array([1, 0]), np.array([0, 1]))
    (0.0, 1.0)
    """
    return float(np.clip(shift_parts(current, reference).sum(), 0.0, 1.0))


def growth_parts(current: Array, reference: Array) -> Array:
    """`shift_parts` of the categories whose share rose, 0 for the others.

    What grows is what people turn to; what they leave shrinks by the same comments. Unlike
    `jensen_shannon` their sum is not symmetric, and serves to find what moved.

    Parameters
    ----------
    current, reference
        (..., k) counts.

    Examples
    --------
    >>> growth_parts(np.array([0, 4]), np.array([4, 0]))
    array([0. , 0.5])
    """
    parts = shift_parts(current, reference)
    rose = _shares(np.asarray(current, float)) > _shares(np.asarray(reference, float))
    return np.asarray(np.where(rose, parts, 0.0))


def surprise(p: Array, q: Array) -> float:
    """Kullback-Leibler divergence KL(p || q) of two windows' shares, in bits, >= 0.

    Half a comment is added to every category of both, so that it stays finite where q has none.

    References
    ----------
    Barron et al. (2018), Individuals, institutions, and innovation in the debates of the French Revolution.

    Examples
    --------
    >>> surprise(np.array([5, 5]), np.array([50, 50]))
    0.0
    """
    p, q = np.asarray(p, float) + PSEUDO_COUNT, np.asarray(q, float) + PSEUDO_COUNT
    return max(0.0, float((p / p.sum() * np.log2((p / p.sum()) / (q / q.sum()))).sum()))


def novelty(focus: Array, before: Sequence[Array]) -> float:
    """Mean surprise of a window given each of those before it, in bits, >= 0; nan without any.

    N = 1/w sum over d = 1..w of KL(s(j) || s(j - d)).

    References
    ----------
    Barron et al. (2018), eq. 1.
    """
    return _mean([surprise(focus, other) for other in before])


def transience(focus: Array, after: Sequence[Array]) -> float:
    """Mean surprise of a window given each of those after it, in bits, >= 0; nan without any.

    T = 1/w sum over d = 1..w of KL(s(j) || s(j + d)). It is known only w windows later.

    References
    ----------
    Barron et al. (2018), eq. 2.
    """
    return _mean([surprise(focus, other) for other in after])


def resonance(focus: Array, before: Sequence[Array], after: Sequence[Array]) -> float:
    """Novelty less transience, in bits: above 0, what was new has stayed. Known w windows later.

    References
    ----------
    Barron et al. (2018), eq. 3.
    """
    return novelty(focus, before) - transience(focus, after)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def entropy(counts: Array) -> float:
    """Shannon entropy of the shares, in bits, 0 (one topic) to log2 k (k equal ones); nan where empty.

    Examples
    --------
    >>> entropy(np.array([5, 5, 5, 5])), entropy(np.array([9, 0]))
    (2.0, 0.0)
    """
    p = _shares(np.asarray(counts, float))
    return abs(float(-_log_ratio_part(p, np.ones_like(p)).sum()))


def effective_number(counts: Array) -> float:
    """Return the number of equal topics with the same entropy, 2 ** H, 1 to k; nan where empty.

    References
    ----------
    Jost (2006), Entropy and diversity, Table 1.
    """
    return float(2 ** entropy(counts))


def centroid_displacement(current_sum: Array, reference_sum: Array) -> float:
    """Cosine distance between two centroids, 0 (same direction) to 2; symmetric; nan where one is zero.

    Parameters
    ----------
    current_sum, reference_sum
        (d,) sums of the embeddings of a cluster's comments in each window; only the direction counts.

    Examples
    --------
    >>> centroid_displacement(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    a, b = np.asarray(current_sum, float), np.asarray(reference_sum, float)
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(np.clip(1 - float(a @ b) / norm, 0.0, 2.0)) if norm > 0 else math.nan


def kernel_width(vectors: Array) -> float:
    """Median distance between different rows, the width of the kernel; 1 where all are the same.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, section 8 (the median heuristic).
    """
    rows = np.asarray(vectors, float)
    return _median_width(_squared_distances(rows, rows))


def _median_width(squared: Array) -> float:
    pairs = squared[np.triu_indices(len(squared), 1)]
    middle = float(np.sqrt(np.median(pairs))) if len(pairs) else 0.0
    return middle if middle > 0 else 1.0


def mmd_squared(current: Array, reference: Array, width: float | None = None) -> float:
    """Squared maximum mean discrepancy of two samples, 0 (same sample) to 2; symmetric.

    MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y), k(a, b) = exp(-|a - b|^2 / (2 width^2)),
    all pairs counted (the biased form, never below 0). nan where a sample is empty.

    Parameters
    ----------
    current, reference
        (n, d) and (m, d) embeddings.
    width
        Width of the kernel, > 0; the median heuristic over both samples where None.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, eq. 5.
    """
    if not len(current) or not len(reference):
        return math.nan
    both = np.concatenate([np.asarray(current, float), np.asarray(reference, float)])
    return discrepancy(kernel(both, width), len(current))


def discrepancy(similar: Array, n_current: int) -> float:
    """`mmd_squared` from the kernel of both samples, the current one first; nan where one is empty."""
    n_reference = len(similar) - n_current
    if not n_current or not n_reference:
        return math.nan
    sign = np.concatenate([np.full(n_current, 1 / n_current), np.full(n_reference, -1 / n_reference)])
    return max(0.0, float(sign @ similar @ sign))


def kernel(vectors: Array, width: float | None = None) -> Array:
    """Gaussian kernel of every pair of rows, (n, n), 0 to 1; the width as in `mmd_squared`."""
    squared = _squared_distances(vectors, vectors)
    width = _median_width(squared) if width is None else width
    return np.asarray(np.exp(squared / (-2 * width * width)))


def _squared_distances(a: Array, b: Array) -> Array:
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(squared, 0.0))


def balance(sides: Array) -> float:
    """(favor - against) / (favor + against), -1 to 1; nan where nobody takes a side.

    Examples
    --------
    >>> balance(np.array([10, 50, 30]))
    0.5
    """
    against, _, favor = (float(count) for count in sides)
    return (favor - against) / (favor + against) if favor + against > 0 else math.nan


def esteban_ray(sides: Array, alpha: float = POLARISATION_ALPHA) -> float:
    """Polarisation of the sides, 0 (all agree) to 1 (two equal opposing halves); nan where empty.

    P = K sum over i, j of p(i) ** (1 + alpha) p(j) |y(i) - y(j)| with against, none, favor at
    y = -1, 0, 1, and K = 2 ** alpha so that two equal halves at the ends give 1. Of texts, so a
    proxy for the polarisation of people.

    References
    ----------
    Esteban and Ray (1994), On the measurement of polarization, eq. 3.

    Examples
    --------
    >>> round(esteban_ray(np.array([7, 0, 7])), 12), esteban_ray(np.array([0, 0, 7]))
    (1.0, 0.0)
    """
    p = _shares(np.asarray(sides, float))
    apart = np.abs(POSITIONS[:, None] - POSITIONS[None, :])
    return float(2**alpha * (p ** (1 + alpha)) @ apart @ p)
