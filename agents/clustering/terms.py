"""The words of a text: for labels as they are, for similarity hashed and weighted by rarity.

Hashing keeps the space fixed whatever people write (Weinberger et al. 2009, with a sign from the
hash so that collisions cancel on average); a word's weight falls with the share of comments that
have it (inverse document frequency, Spärck Jones 1972), counted by the stream itself.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agents.clustering.letters import UNSPACED, has_marks, marked, pairs

__all__ = ["DIMENSIONS", "Frequencies", "filled", "hashes", "words"]

DIMENSIONS = 2048
"""Hashed dimensions: two comments that share no word meet at a cosine of 0 +- 0.02."""

BUCKETS = 1 << 16
"""Counters of document frequency, more than dimensions so that rare words keep their rarity."""

MOST_WORDS = 64
"""Distinct words of one comment that count; later ones are dropped, so a long text costs no more."""

_COUNTED = 1 << 16
"""Comments after which all counts are halved, so that rarity follows the stream."""

_LOGARITHMS = np.log(np.arange(1, 2 * _COUNTED + 3, dtype=np.float64))

_NOISE = re.compile(
    r"https?://\S*|www\.\S+|<[^<>]{1,200}>|&\w{1,8};|[@\uff20]\w+|\b\w+@\w[\w.]+|\bRT\b|/?\b[ur]/\w+|\[deleted\]|\[removed\]"
)
_SIGN_OF_NOISE = re.compile(r"[/<&@\uff20\[]|www|RT")
"""What every kind of noise has in it; to look for this first costs a tenth."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")

Words = NDArray[np.uint32]


def filled(rows: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns that are not 0, as `np.nonzero` does, four times as fast where most are 0."""
    row, column = np.divmod(np.flatnonzero((rows != 0).ravel()), rows.shape[1])
    return row, column


def words(text: str) -> list[str]:
    """Return the words of a text in order, small letters, without links, user names and markup.

    Scripts that write no spaces (Chinese, Japanese, Thai, ...) are cut into pairs of characters.

    Examples
    --------
    >>> words("RT @ann: The EU's pact, see https://t.co/x #Pact")
    ['the', "eu's", 'pact', 'see', 'pact']
    >>> words("日本語")
    ['日本', '本語']
    """
    plain = unicodedata.normalize("NFKC", text)
    if _SIGN_OF_NOISE.search(plain):
        plain = _NOISE.sub(" ", plain)
    plain = plain.casefold().replace("\u2019", "'")
    found: list[str] = []
    for word in (_marked_word() if has_marks(plain) else _WORD).findall(plain):
        if word.isascii() or not UNSPACED.search(word):
            found.append(word[:64])
        else:
            found.extend(_pieces(word))
    return found


@cache
def _marked_word() -> re.Pattern[str]:
    letters = marked(r"[^\W_]")
    return re.compile(rf"{letters}(?:['\u2019]{letters})*")


def _pieces(word: str) -> Iterable[str]:
    """Yield pairs of characters of unspaced scripts, and what lies between as it is."""
    at = 0
    for match in UNSPACED.finditer(word):
        if match.start() > at:
            yield word[at : match.start()]
        yield from pairs(match.group())
        at = match.end()
    if at < len(word):
        yield word[at:]


def hashes(found: Iterable[str]) -> Words:
    """Return the hashes of the distinct words, at most `MOST_WORDS`, in order of appearance."""
    distinct = list(dict.fromkeys(found))[:MOST_WORDS]
    return np.array([zlib.crc32(word.encode()) for word in distinct], dtype=np.uint32)


class Frequencies:
    """In how many comments each word occurred.

    Counts are halved together once `_COUNTED` comments are in, so recent ones weigh more.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(BUCKETS, np.int32)
        """(BUCKETS,) comments that had a word of this bucket."""
        self.n_comments = 0

    def add(self, found: Words, n_comments: int) -> None:
        """Count the distinct words of some comments, laid end to end."""
        np.add.at(self.counts, found & (BUCKETS - 1), 1)
        self.n_comments += n_comments
        while self.n_comments >= _COUNTED:
            self.counts >>= 1
            self.n_comments >>= 1

    def vectors(
        self, found: Words, starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float16]]:
        """Return the hashed dimension and the value of every word, of unit length per comment.

        Parameters
        ----------
        found
            Hashes of the distinct words of n comments, laid end to end.
        starts
            (n + 1,) where each comment begins in ``found``; the last is its length.
        """
        counts = np.minimum(self.counts[found & (BUCKETS - 1)], self.n_comments)
        rarity = _LOGARITHMS[self.n_comments + 1] - _LOGARITHMS[counts] + 0.1
        lengths = np.diff(starts)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        squares = np.bincount(rows, rarity * rarity, minlength=len(lengths))
        signs = np.where(found >> 31, -1.0, 1.0)
        values = (signs * rarity / np.sqrt(squares)[rows]).astype(np.float16)
        return ((found >> 16) % DIMENSIONS).astype(np.int32), values
