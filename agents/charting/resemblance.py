"""How alike any two micro-clusters are, kept from tick to tick: only what has changed is compared again.

Of thousands of micro-clusters a tick changes some dozens, and to compare all with all is most of what
grouping costs. What is kept must be, to the bit, what a chart that was just restored would compute; so
means are rounded to multiples of `STEP`. Products of vectors no longer than 1 then add up in float32
without any rounding, in whatever order a matrix product takes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEP", "Resemblance", "rounded"]

Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

STEP = 2.0**-11
"""Products are multiples of 2**-22 and their sums are below 2: 23 of the 24 bits of a float32."""

MOST = 0.5
"""Part of the rows from which on all are compared with all: one half of a symmetric product is enough."""


class Resemblance:
    """Mean similarity of the comments of any two rows.

    Parameters
    ----------
    lexical_weight
        Part of it that is the similarity of hashed words; the rest is that of embeddings.
    """

    def __init__(self, lexical_weight: float) -> None:
        self._lexical_weight = np.float32(lexical_weight)
        self._means = np.zeros((0, 0), np.float32)
        self._words = np.zeros((0, 0), np.float32)
        self._pairs = np.zeros((0, 0), np.float32)

    def put(self, rows: Ints, n_rows: int, means: NDArray[np.floating], words: NDArray[np.floating]) -> None:
        """Take over what rows say, which are new or have changed; they have to be compared after it.

        Parameters
        ----------
        rows
            (c,) those that changed.
        n_rows
            Rows that there are now; new ones come after all others.
        means, words
            (c, d) and (c, h) mean embeddings and mean hashed words of their comments, of length 1 at most.
        """
        if n_rows > len(self._pairs):
            self._grow(n_rows + n_rows // 4, means.shape[1], words.shape[1])
        self._means[rows], self._words[rows] = rounded(means), rounded(words)

    def compare(self, rows: Ints, n_rows: int) -> None:
        """Compare rows that have changed with all."""
        is_all = len(rows) >= MOST * n_rows
        chosen = slice(n_rows) if is_all else rows
        means, words = self._means[:n_rows].T, self._words[:n_rows].T
        part = np.float32(1.0 - self._lexical_weight) * (self._means[chosen] @ means)
        part += self._lexical_weight * (self._words[chosen] @ words)
        self._pairs[chosen, :n_rows] = part
        if not is_all:
            self._pairs[:n_rows, rows] = part.T

    def keep(self, rows: Ints) -> None:
        """Take all other rows out; these keep their order. Those that were never compared aren't known."""
        rows = rows[rows < len(self._pairs)]
        self._means, self._words = self._means[rows], self._words[rows]
        self._pairs = self._pairs[np.ix_(rows, rows)]

    def pairs(self, n_rows: int, shared: Singles | None = None) -> Singles:
        """Return the similarities, (n_rows, n_rows), to be read only; (d,) ``shared`` is taken out of them.

        It has to be rounded as means are.
        """
        kept = self._pairs[:n_rows, :n_rows]
        if shared is None or not shared.any():
            return kept
        alike, itself = self._alike(n_rows, shared)
        less: Singles = kept - (alike[:, None] + alike - itself)
        return less

    def selves(self, n_rows: int, shared: Singles | None = None) -> Singles:
        """Return how similar the comments of each row are to themselves on average, (n_rows,)."""
        if shared is None or not shared.any():
            return np.ones(n_rows, np.float32)
        alike, itself = self._alike(n_rows, shared)
        rest: Singles = 1 - (2 * alike - itself)
        return rest

    def _alike(self, n_rows: int, shared: Singles) -> tuple[Singles, Singles]:
        """Return how similar what is shared is to the comments of each row, and to itself."""
        share = np.float32(1.0 - self._lexical_weight)
        to_rows: Singles = share * (self._means[:n_rows] @ shared)
        itself: Singles = share * (shared @ shared)
        return to_rows, itself

    def _grow(self, capacity: int, dimensions: int, n_words: int) -> None:
        self._means = _enlarged(self._means, (capacity, dimensions))
        self._words = _enlarged(self._words, (capacity, n_words))
        self._pairs = _enlarged(self._pairs, (capacity, capacity))


def rounded(rows: NDArray[np.floating]) -> Singles:
    """Return vectors as multiples of `STEP`, none longer than 1."""
    singles = rows.astype(np.float32, copy=False)
    lengths = np.sqrt(np.einsum("...i,...i->...", singles, singles))
    multiples: Singles = singles * (np.float32(1 / STEP) / np.maximum(lengths, np.float32(1)))[..., None]
    np.rint(multiples, out=multiples)
    multiples *= np.float32(STEP)
    return multiples


def _enlarged(array: Singles, shape: tuple[int, int]) -> Singles:
    grown = np.zeros(shape, np.float32)
    grown[: array.shape[0], : array.shape[1]] = array
    return grown
