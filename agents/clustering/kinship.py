"""How a micro-cluster of one comment or two relates to the others that there are.

Other than in the match, the comments of micro-clusters that the open block founded count here: they are
most of what a story that breaks has to show. Like the match, it depends on comments and their order alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from agents.clustering.block import Kinship, Part, Pending
from agents.clustering.matching import Match
from agents.clustering.slots import Slots
from agents.clustering.terms import DIMENSIONS, Frequencies

__all__ = ["kinships"]

Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

ROWS = 16
"""Of newcomers in a block, before more are needed."""


class _Fresh:
    """The micro-clusters that the open block founded so far, and sums of what their comments say."""

    def __init__(self, dimensions: int) -> None:
        self.places: dict[int, int] = {}
        """Row of each slot."""
        self.counts = np.zeros(ROWS, np.int64)
        self.vectors = np.zeros((ROWS, dimensions), np.float32)
        self.words = np.zeros((ROWS, DIMENSIONS), np.float32)

    def add(self, slot: int, vector: Singles, words: Singles) -> None:
        """Add a comment."""
        place = self.places.setdefault(slot, len(self.places))
        if place == len(self.counts):
            for name in ("counts", "vectors", "words"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.zeros_like(array)]))
        self.counts[place] += 1
        self.vectors[place] += vector
        self.words[place] += words

    def mean(self, slot: int) -> tuple[Singles, Singles]:
        """Return the means of a slot's comments."""
        place = self.places[slot]
        scale = np.float32(1.0 / self.counts[place])
        return self.vectors[place] * scale, self.words[place] * scale

    def means(self, vector: Singles, words: Singles, lexical_weight: float) -> Singles:
        """Return the mean similarity of comments to those of each slot, in the order of ``places``."""
        n = len(self.places)
        mixed: Singles = np.float32(1.0 - lexical_weight) * (self.vectors[:n] @ vector)
        mixed += np.float32(lexical_weight) * (self.words[:n] @ words)
        mixed /= self.counts[:n]
        return mixed


def kinships(
    live: Slots,
    pending: Pending,
    frequencies: Frequencies,
    piece: Part,
    match: Match,
    n_known: Ints,
    growth: float,
) -> dict[int, Kinship]:
    """Return, by row, the kinship of what the piece founds or brings a second comment.

    Parameters
    ----------
    live
        The micro-clusters, those that the piece founds too.
    pending
        The comments of the open block before the piece.
    match
        What each comment of the piece joined is its first slot.
    n_known
        (n,) first number that was not used before each.
    growth
        Weight of one comment of now.
    """
    found: dict[int, Kinship] = {}
    joined = match.slots[:, 0]
    young = np.flatnonzero(live.counts[joined] < 2).tolist()
    if not young:
        return found
    heard = live.counts.copy()
    for slots in pending.slots:
        np.add.at(heard, slots, 1)
    fresh = _founded(live, pending, frequencies)
    for row in young:
        slot = int(joined[row])
        said = _said(live, match.vectors[row], match.words, row)
        if heard[slot] < 2:
            both = said
            if heard[slot]:
                first = fresh.mean(slot) if slot in fresh.places else live.matcher.mean(slot)
                both = (said[0] + first[0]) / np.float32(2), (said[1] + first[1]) / np.float32(2)
            is_other = (live.numbers >= 0) & (live.numbers < n_known[row])
            is_other[slot] = False
            others = np.flatnonzero(is_other)
            found[row] = _kinship(live, others, both, fresh, float(piece.times[row]), growth)
        heard[slot] += 1
        if not live.counts[slot]:
            fresh.add(slot, *said)
    return found


def _founded(live: Slots, pending: Pending, frequencies: Frequencies) -> _Fresh:
    """Return what the open block founded so far."""
    fresh = _Fresh(live.dimensions)
    for part, slots in zip(pending.parts, pending.slots, strict=True):
        columns, values = frequencies.vectors(part.words, part.starts)
        words = sparse.csr_matrix((values.astype(np.float32), columns, part.starts), (len(part), DIMENSIONS))
        for row in np.flatnonzero(live.counts[slots] == 0).tolist():
            fresh.add(int(slots[row]), *_said(live, part.vectors[row], words, row))
    return fresh


def _said(
    live: Slots, vector: NDArray[np.floating], words: sparse.csr_matrix, row: int
) -> tuple[Singles, Singles]:
    """Return a comment's vector, less what all share, and its hashed words, a row of sparse ones."""
    own = slice(words.indptr[row], words.indptr[row + 1])
    dense = np.zeros(DIMENSIONS, np.float32)
    np.add.at(dense, words.indices[own], words.data[own])
    return vector.astype(np.float32) - live.matcher.shared, dense


def _kinship(
    live: Slots,
    others: Ints,
    said: tuple[Singles, Singles],
    fresh: _Fresh,
    time: float,
    growth: float,
) -> Kinship:
    similarities = live.matcher.means(*said)
    counts, weights = live.counts.copy(), live.weights / growth
    slots, n = list(fresh.places), len(fresh.places)
    similarities[slots] = fresh.means(*said, live.settings.lexical_weight)
    counts[slots] = weights[slots] = fresh.counts[:n]
    return Kinship(
        live.numbers[others],
        similarities[others].astype(np.float64),
        counts[others],
        weights[others],
        np.maximum(time - live.last[others], 0.0),
        live.common.concentration,
    )
