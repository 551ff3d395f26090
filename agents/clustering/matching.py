"""Which micro-cluster a comment most probably belongs to.

A comment goes to the micro-cluster with the highest *score*: the similarity, discounted by the
micro-cluster's silence, plus a prior that grows with its share of the traffic, as in a Dirichlet
process mixture (log of the prior, scaled to cosines; Kulis and Jordan 2012 derive such hard
assignments as its limit). What lies outside of a micro-cluster's own spread costs extra, so a new
story doesn't drown in a large old one; so does what its comments have too little in common with, or a
mixture, whose centroid is near to everything, would take all in. Below the threshold a comment founds
one of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from agents.clustering.settings import ClusteringSettings
from agents.clustering.terms import DIMENSIONS, filled

__all__ = ["Match", "Matcher"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

OUTSIDE = 3.0
"""What a point of similarity below a micro-cluster's floor costs, in points: a stranger goes elsewhere
unless it is just outside."""

SHORTEST = 1e-30
"""A sum shorter than this has faded away and has no direction."""

NEAR = 2e-4
"""Scores of the float32 product that lie closer than this are decided by the exact one."""


@dataclass(slots=True)
class Match:
    """The best slots of each comment, best first; ties go to the lower slot.

    Parameters
    ----------
    slots
        (n, q) slots, -1 where there are no more.
    scores
        (n, q) their scores, -inf where there are no more.
    similarities
        (n, q) their similarities before discount and prior.
    vectors
        (n, d) the comments' vectors.
    words
        (n, DIMENSIONS) the comments' hashed words, sparse.
    """

    slots: Ints
    scores: Floats
    similarities: Floats
    vectors: Singles
    words: sparse.csr_matrix


class Matcher:
    """Frozen centroids, priors and discounts of one block."""

    def __init__(self, settings: ClusteringSettings, dimensions: int, capacity: int) -> None:
        self.settings = settings
        self.threshold = settings.new_below + settings.granularity
        self.centroids = np.zeros((capacity, dimensions), np.float32)
        """(k, d) float16 numbers, rows of unit length or 0."""
        self.words = np.zeros((DIMENSIONS, capacity), np.float32)
        """(DIMENSIONS, k) the same of the hashed words, a column a slot."""
        self.priors = np.full(capacity, -np.inf)
        self.discounts = np.ones(capacity)
        self.floors = np.full(capacity, -1.0)
        """(k,) similarity below which a comment lies outside of what a micro-cluster has heard."""
        self.lengths = np.ones((2, capacity), np.float32)
        """(2, k) of the mean vector of a slot's comments, and of the mean of their hashed words."""
        self.shared = np.zeros(dimensions, np.float32)
        """(d,) float16 numbers: what the comments of the discussion share, taken out of every similarity."""
        self.offsets = np.zeros(capacity)
        """(k,) what it adds to the similarity of any comment."""
        self.share_weight = settings.share_weight
        self.newcomer_prior = 0.0
        self.total = 1.0

    def grow(self, capacity: int) -> None:
        """Add empty slots."""
        old = len(self.priors)
        self.centroids = np.concatenate(
            [self.centroids, np.zeros((capacity - old, self.centroids.shape[1]), np.float32)]
        )
        self.words = np.concatenate([self.words, np.zeros((DIMENSIONS, capacity - old), np.float32)], axis=1)
        self.priors = np.concatenate([self.priors, np.full(capacity - old, -np.inf)])
        self.discounts = np.concatenate([self.discounts, np.ones(capacity - old)])
        self.floors = np.concatenate([self.floors, np.full(capacity - old, -1.0)])
        self.offsets = np.concatenate([self.offsets, np.zeros(capacity - old)])
        self.lengths = np.concatenate([self.lengths, np.ones((2, capacity - old), np.float32)], axis=1)

    def freeze(self, present: Floats, silences: Floats, is_live: NDArray[np.bool_], total: float) -> None:
        """Take over weights of now and silences, for the comments of the next block.

        Parameters
        ----------
        present, silences, is_live
            (k,) by slot.
        total
            Weight of all traffic, a newcomer's included.
        """
        self.total = total
        weight = self.share_weight
        with np.errstate(divide="ignore", invalid="ignore"):
            priors = weight * np.log(present / total)
        self.priors = np.where(is_live, priors, -np.inf)
        self.newcomer_prior = weight * float(np.log(1.0 / total))
        self.discounts = np.exp(-np.maximum(silences, 0.0) / self.settings.silence_seconds)

    def share(self, shared: Singles, concentration: float) -> None:
        """Take over what the comments share; all slots have to be centred after it.

        Where all talk is one discussion, its share of the traffic says nothing for a micro-cluster.
        """
        self.shared = shared
        self.share_weight = self.settings.share_weight * (1.0 - concentration)

    def refresh(self, slots: Ints, weights: Floats, sums: Singles, lexical: Singles) -> None:
        """Bring the centroids of slots up to date with weights and sums, (k,), (k, d) and (k, DIMENSIONS).

        Words only come in while a slot is in use, so those that there are overwrite the former ones.
        """
        rows, columns = filled(lexical)
        values = lexical[rows, columns]
        lengths = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, len(slots)))
        self.words[columns, slots[rows]] = _rounded(values * _inverse(lengths)[rows])
        self.lengths[1, slots] = lengths / np.maximum(weights, SHORTEST)
        self.centre(slots, weights, sums)

    def centre(self, slots: Ints, weights: Floats, sums: Singles) -> None:
        """Do so for the embeddings alone, which is all that `share` concerns."""
        rest = sums - weights[:, None].astype(np.float32) * self.shared if self.shared.any() else sums
        self.centroids[slots], lengths = _unit16(rest)
        self.lengths[0, slots] = lengths / np.maximum(weights, SHORTEST)
        self.offsets[slots] = self._offsets(self.centroids[slots])

    def _offsets(self, centroids: Singles) -> Floats:
        wide = np.einsum("kd,d->k", centroids, self.shared, dtype=np.float64)
        offsets: Floats = (1.0 - self.settings.lexical_weight) * wide
        return offsets

    def _own(self, vectors: Singles) -> Singles:
        """Return the centroids of micro-clusters of one comment each, (n, d)."""
        return _unit16(vectors - self.shared)[0] if self.shared.any() else vectors

    def place(
        self,
        slot: int,
        vector: NDArray[np.floating],
        columns: NDArray[np.integer],
        values: NDArray[np.floating],
        floor: float,
    ) -> None:
        """Let a comment found the micro-cluster of an empty slot."""
        single = vector.astype(np.float32)
        self.centroids[slot] = self._own(single[None])[0]
        self.lengths[:, slot] = np.linalg.norm(single - self.shared), 1.0
        self.offsets[slot] = self._offsets(self.centroids[[slot]])[0]
        self.words[:, slot] = 0.0
        np.add.at(self.words[:, slot], columns, values.astype(np.float32))
        self.priors[slot] = self.newcomer_prior
        self.discounts[slot] = 1.0
        self.floors[slot] = floor

    def clear(self, slots: Ints) -> None:
        """Empty slots, so that nothing matches them."""
        self.priors[slots] = -np.inf

    def snapshot(self, slots: Ints) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        """Return the frozen centroids of slots as bytes, for `restore`; `share` comes before that."""
        rows, columns = filled(self.words[:, slots].T)
        return (
            self.centroids[slots].astype("<f2").tobytes(),
            np.bincount(rows, minlength=len(slots)).astype("<u2").tobytes(),
            columns.astype("<u2").tobytes(),
            self.words[columns, slots[rows]].astype("<f2").tobytes(),
            self.lengths[:, slots].astype("<f4").tobytes(),
        )

    def restore(
        self,
        slots: Ints,
        centroids: bytes,
        n_words: bytes,
        columns: bytes,
        values: bytes,
        lengths: bytes,
    ) -> None:
        """Take over what `snapshot` gave for the same slots."""
        self.centroids[slots] = np.frombuffer(centroids, "<f2").reshape(len(slots), -1)
        self.offsets[slots] = self._offsets(self.centroids[slots])
        places = np.repeat(slots, np.frombuffer(n_words, "<u2"))
        self.words[np.frombuffer(columns, "<u2"), places] = np.frombuffer(values, "<f2")
        self.lengths[:, slots] = np.frombuffer(lengths, "<f4").reshape(2, -1)

    def match(
        self,
        vectors: NDArray[np.float16],
        columns: NDArray[np.int32],
        values: NDArray[np.float16],
        starts: Ints,
    ) -> Match:
        """Return the best slots of each comment: the matrix product shortlists, the exact one decides.

        Parameters
        ----------
        vectors
            (n, d) rows of unit length.
        columns, values, starts
            Hashed words of the comments, as `Frequencies.vectors` gives them.
        """
        n, wanted = len(vectors), 1 + self.settings.runners_up
        singles = vectors.astype(np.float32)
        words = sparse.csr_matrix(
            (values.astype(np.float32), columns, starts), shape=(n, DIMENSIONS), copy=False
        )
        empty = np.full((n, wanted), -1, np.int64)
        nothing = np.full((n, wanted), -np.inf)
        match = Match(empty, nothing, np.full((n, wanted), -np.inf), singles, words)
        if not len(self.priors):
            return match
        rough = self._rough(singles, words)
        shortlist, bound = _largest(rough, wanted + 1)
        self._decide(match, np.arange(n), shortlist)
        unsure = match.scores[:, -1] < bound + NEAR
        for row in np.flatnonzero(unsure & np.isfinite(bound)):
            near = np.flatnonzero(rough[row] >= match.scores[row, -1] - NEAR)
            self._decide(match, np.array([row]), near[None, :])
        return match

    def among(self, match: Match, rows: Ints) -> Floats:
        """Return the exact similarity of every comment to the comments of some rows, (n, len(rows))."""
        beta = self.settings.lexical_weight
        own, words = self._own(match.vectors[rows]), match.words.astype(np.float64)
        meaning = match.vectors.astype(np.float64) @ own.T.astype(np.float64)
        wording = words @ words[rows].toarray().T
        mixed: Floats = (1.0 - beta) * meaning + beta * wording - self._offsets(own)
        return mixed

    def mean(self, slot: int) -> tuple[Singles, Singles]:
        """Return the mean vector of a slot's comments, less `shared`, and the mean of their hashed words."""
        of_vectors, of_words = self.lengths[:, slot]
        return of_vectors * self.centroids[slot], of_words * self.words[:, slot]

    def least(self, slots: Ints, together: float) -> Floats:
        """Return how similar to slots a comment is whose mean similarity to their comments is ``together``.

        Two comments of a slot are as similar as its mean vector is long, squared; one of them and the
        centroid, which has unit length, as the mean is long. So a mixture has to be met more closely.

        Examples
        --------
        >>> matcher = Matcher(ClusteringSettings(lexical_weight=0.0), 2, 2)
        >>> matcher.lengths[0] = 0.8, 0.4
        >>> matcher.least(np.array([0, 1]), 0.2).round(3).tolist()
        [0.25, 0.5]
        """
        beta = self.settings.lexical_weight
        of_vectors, of_words = self.lengths[:, slots].astype(np.float64)
        to_centroid = (1.0 - beta) * of_vectors + beta * of_words
        within = (1.0 - beta) * of_vectors**2 + beta * of_words**2
        similar: Floats = np.minimum(together * to_centroid / np.maximum(within, SHORTEST), 1.0)
        return similar

    def means(self, vector: Singles, words: Singles) -> Singles:
        """Return the mean similarity to each slot's comments of some, given as `mean` gives them, (k,)."""
        beta = np.float32(self.settings.lexical_weight)
        columns = np.flatnonzero(words)
        wording = words[columns] @ self.words[columns]
        mixed: Singles = (1 - beta) * self.lengths[0] * (self.centroids @ vector)
        mixed += beta * self.lengths[1] * wording
        return mixed

    def offer(self, match: Match, slot: int, start: int, similarities: Floats) -> None:
        """Let the comments from row ``start`` on know a slot that was founded before them."""
        scores = self._scores(similarities, np.full(similarities.shape, slot))
        last = match.scores[:, -1]
        is_better = (scores > last) | ((scores == last) & (slot < match.slots[:, -1]))
        rows = start + np.flatnonzero(is_better[start:])
        match.slots[rows, -1], match.scores[rows, -1] = slot, scores[rows]
        match.similarities[rows, -1] = similarities[rows]
        order = np.lexsort((match.slots[rows], -match.scores[rows]), axis=1)
        for array in (match.slots, match.scores, match.similarities):
            array[rows] = array[rows[:, None], order]

    def _rough(self, vectors: Singles, words: sparse.csr_matrix) -> Singles:
        """Return the (n, k) scores in float32, wrong by less than `NEAR`.

        A score is the lesser of two straight lines in the similarity: inside of a slot's spread, and outside.
        """
        beta = self.settings.lexical_weight
        meanings: Singles = np.float32(1.0 - beta) * vectors
        wordings = words.copy()
        wordings.data *= np.float32(beta)
        similarities: Singles = meanings @ self.centroids.T
        similarities += wordings @ self.words
        inside = self.priors - self.offsets * self.discounts
        outside = inside - OUTSIDE * (self.floors + self.offsets)
        scores: Singles = similarities * (self.discounts + OUTSIDE).astype(np.float32)
        scores += outside.astype(np.float32)
        similarities *= self.discounts.astype(np.float32)
        similarities += inside.astype(np.float32)
        np.minimum(scores, similarities, out=scores)
        return scores

    def _scores(self, similarities: Floats, slots: Ints) -> Floats:
        """Return the scores that similarities to slots give."""
        outside = np.maximum(self.floors[slots] - similarities, 0.0)
        scores: Floats = similarities * self.discounts[slots] + self.priors[slots] - OUTSIDE * outside
        return scores

    def _decide(self, match: Match, rows: Ints, shortlist: Ints) -> None:
        """Order the shortlisted slots of some rows, (len(rows), s), by their exact scores."""
        beta, wanted = self.settings.lexical_weight, match.slots.shape[1]
        slots = np.sort(shortlist, axis=1)
        meaning = np.einsum("nsd,nd->ns", self.centroids[slots], match.vectors[rows], dtype=np.float64)
        wording = np.zeros_like(meaning)
        is_worded, owner, at = _entries(match.words.indptr, rows)
        if len(at):
            columns, values = match.words.indices[at], match.words.data[at].astype(np.float64)
            products = values[:, None] * self.words[columns[:, None], slots[owner]]
            wording[is_worded] = np.add.reduceat(products, np.flatnonzero(np.diff(owner, prepend=-1)))
        similarities = (1.0 - beta) * meaning + beta * wording - self.offsets[slots]
        scores = np.where(slots >= 0, self._scores(similarities, slots), -np.inf)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :wanted]
        best = np.arange(len(rows))[:, None], order
        is_live = np.isfinite(scores[best])
        found = order.shape[1]
        match.scores[rows, :found] = scores[best]
        match.slots[rows, :found] = np.where(is_live, slots[best], -1)
        match.similarities[rows, :found] = np.where(is_live, similarities[best], -np.inf)


def _entries(starts: NDArray[np.integer], rows: Ints) -> tuple[NDArray[np.bool_], Ints, Ints]:
    """Return which of some sparse rows have entries, and of every entry its row's place and where it lies."""
    lengths = np.diff(starts)[rows]
    owner = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return lengths > 0, owner, starts[rows][owner] + within


def _largest(scores: Singles, wanted: int) -> tuple[Ints, Floats]:
    """Return the columns of the largest scores of each row, -1 for -inf, and a bound on those left out."""
    n, k = scores.shape
    wanted = min(wanted, k)
    if wanted == k:
        return np.broadcast_to(np.arange(k), (n, k)), np.full(n, -np.inf)
    rest = scores.copy()
    columns = np.empty((n, wanted), np.int64)
    rows = np.arange(n)
    bound = np.full(n, -np.inf)
    for i in range(wanted):
        best = rest.argmax(axis=1)
        bound = rest[rows, best].astype(np.float64)
        columns[:, i] = np.where(np.isfinite(bound), best, -1)
        rest[rows, best] = -np.inf
    return columns, bound


def _unit16(rows: Singles) -> tuple[Singles, Floats]:
    """Return rows of unit length, rounded to float16, and how long they were; rows of length 0 stay so."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return _rounded(rows * _inverse(lengths)[:, None]), lengths


def _inverse(lengths: Floats) -> Singles:
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > SHORTEST)
    return scale.astype(np.float32)


def _rounded(values: Singles) -> Singles:
    """Return float16 numbers, which float64 multiplies and adds without rounding."""
    return values.astype(np.float16).astype(np.float32)
