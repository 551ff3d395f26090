"""What travels inside ASSIGN: the comments of a step, where they belong, and what a block added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["LONGEST_BLOCK", "Decisions", "Kinship", "Learned", "Part", "Pending", "block_length"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


BLOCK_SHARE = 32
"""A block is at most this part of the stream so far, so that a short stream learns at once, ..."""

SHORT_BLOCK = 128
"""... grows slowly from this length on, ..."""

SHORT_BLOCK_SHARE = 256
"""... by this part of the stream, ..."""

LONGEST_BLOCK = 512
"""... and is never longer: what learning costs is spread over enough comments then."""


def block_length(n_comments: int) -> int:
    """Return how many comments are learned together after so many.

    Examples
    --------
    >>> [block_length(n) for n in (0, 640, 11_000, 1_000_000)]
    [1, 20, 170, 512]
    """
    growing = SHORT_BLOCK + n_comments // SHORT_BLOCK_SHARE
    return max(1, min(n_comments // BLOCK_SHARE, growing, LONGEST_BLOCK))


@dataclass(frozen=True, slots=True)
class Part:
    """Comments of one step that are decided together.

    Parameters
    ----------
    vectors
        (n, d) float16, rows of unit length.
    words
        Hashes of the distinct words of each comment, laid end to end.
    starts
        (n + 1,) where each comment begins in ``words``.
    times
        (n,) trusted event time, in seconds since 1970.
    ticks
        (n,) start of the tick that each comment counts in.
    discussions
        (n,) hash of the discussion of each comment, 0 for none.
    """

    vectors: NDArray[np.float16]
    words: NDArray[np.uint32]
    starts: Ints
    times: Floats
    ticks: Ints
    discussions: Ints

    def __len__(self) -> int:
        """Return the number of comments."""
        return len(self.times)

    def cut(self, low: int, high: int) -> Part:
        """Return the comments from ``low`` to before ``high``."""
        if low == 0 and high == len(self):
            return self
        first, last = self.starts[low], self.starts[high]
        return Part(
            self.vectors[low:high],
            self.words[first:last],
            self.starts[low : high + 1] - first,
            self.times[low:high],
            self.ticks[low:high],
            self.discussions[low:high],
        )


@dataclass(frozen=True, slots=True)
class Kinship:
    """A micro-cluster of one comment or two beside the others.

    Parameters
    ----------
    numbers
        (k,) of the others.
    similarities
        (k,) mean similarity of its comments to theirs, in -1..1, without what all comments share.
    counts
        (k,) comments of each, > 0.
    weights
        (k,) faded weights, > 0, in comments.
    silences
        (k,) time since each was heard, in seconds, >= 0.
    concentration
        How far all talk is one discussion, 0 to 1.
    """

    numbers: Ints
    similarities: Floats
    counts: Ints
    weights: Floats
    silences: Floats
    concentration: float


@dataclass(frozen=True, slots=True)
class Decisions:
    """Where comments belong.

    Parameters
    ----------
    slots
        (n, 1 + r) the slot that each comment joined or founded, then those of its runners-up,
        best first; -1 where there are no more.
    numbers
        (n, 1 + r) the numbers of those micro-clusters, which never change hands as slots do.
    similarities
        (n, 1 + r) their similarity to the comment, in -1..1; 1 for a founded one.
    novelties
        (n,) 1 - the similarity to the nearest of those that there were, in 0..1.
    rarities
        How much each word of the comments, laid end to end, counted; >= 0.
    is_founder
        (n,) whether the comment founded its micro-cluster.
    kinships
        By row: what founded a micro-cluster, or was its second comment.
    """

    slots: Ints
    numbers: Ints
    similarities: Floats
    novelties: Floats
    rarities: NDArray[np.float16]
    is_founder: NDArray[np.bool_]
    kinships: dict[int, Kinship]

    @classmethod
    def joined(cls, decided: Sequence[Decisions]) -> Decisions:
        """Return the decisions about parts that follow each other as one."""
        if len(decided) == 1:
            return decided[0]
        names = ("slots", "numbers", "similarities", "novelties", "rarities", "is_founder")
        arrays = {name: np.concatenate([getattr(each, name) for each in decided]) for name in names}
        starts = np.cumsum([0, *(len(each.slots) for each in decided)]).tolist()
        related = {
            start + row: kinship
            for start, each in zip(starts, decided, strict=False)
            for row, kinship in each.kinships.items()
        }
        return cls(**arrays, kinships=related)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a block added, by tick and micro-cluster.

    Parameters
    ----------
    ticks, numbers
        (p,) tick and number of the micro-cluster of each pair.
    counts
        (p,) comments.
    weights
        (p,) their weight relative to the landmark.
    sums
        (p, d) their weighted vectors, relative to the landmark.
    lexical
        (p, DIMENSIONS) their weighted hashed words, relative to the landmark, sparse.
    first, last
        (p,) earliest and latest time.
    landmark
        Event time that weights and sums are relative to, in seconds since 1970.
    """

    ticks: Ints
    numbers: Ints
    counts: Ints
    weights: Floats
    sums: Floats
    lexical: sparse.csr_matrix
    first: Floats
    last: Floats
    landmark: float


@dataclass(slots=True)
class Pending:
    """The comments of the open block, decided but not learned yet."""

    parts: list[Part]
    slots: list[Ints]
    similarities: list[Floats]
    n: int = 0

    def add(self, part: Part, slots: Ints, similarities: Floats) -> None:
        """Take in comments that were decided."""
        self.parts.append(part)
        self.slots.append(slots)
        self.similarities.append(similarities)
        self.n += len(part)

    def joined(self) -> tuple[Part, Ints, Floats]:
        """Return the whole block as one part, the slots that it joined, and how similar it was.

        A founder's similarity is nan.
        """
        if len(self.parts) == 1:
            return self.parts[0], self.slots[0], self.similarities[0]
        lengths = np.concatenate([np.diff(part.starts) for part in self.parts])
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        part = Part(
            np.concatenate([part.vectors for part in self.parts]),
            np.concatenate([part.words for part in self.parts]),
            starts,
            np.concatenate([part.times for part in self.parts]),
            np.concatenate([part.ticks for part in self.parts]),
            np.concatenate([part.discussions for part in self.parts]),
        )
        return part, np.concatenate(self.slots), np.concatenate(self.similarities)
