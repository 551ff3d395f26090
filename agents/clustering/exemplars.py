"""The comments that show what a micro-cluster is about: central, distinct, readable, of today."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from agents.clustering.phrases import LONGEST_WORD
from agents.records import Exemplar

__all__ = ["Exemplars", "shorten"]

CHARACTERS = 280
"""Characters kept of an exemplar."""

FOUNDER_SIMILARITY = 0.5
"""A founder has nothing to be similar to; it stays until somebody more central comes."""

SHORT_WORDS = 4
"""A comment of fewer words says little by itself."""

HANDICAP = 0.2
"""Similarity that a comment loses for being short, or much longer than is kept."""

RENEWAL = 0.05
"""Similarity that a half-life of age costs, so that exemplars follow the talk."""

ALIKE = 0.5
"""Part of the shared words from which on two comments show the same."""


class _Shown(msgspec.Struct, frozen=True, array_like=True):
    rank: float
    id: str
    text: str
    similarity: float
    terms: tuple[str, ...]


class Exemplars:
    """The exemplars of every live micro-cluster of a partition, by its number.

    Parameters
    ----------
    kept
        Exemplars of one micro-cluster; a cluster has those of all of its micro-clusters.
    """

    def __init__(self, half_life_seconds: float, kept: int) -> None:
        self._half_life = half_life_seconds
        self._kept = kept
        self._shown: dict[int, list[_Shown]] = {}
        self._changed: set[int] = set()

    def offer(
        self,
        number: int,
        comment: str,
        text: str,
        terms: tuple[str, ...],
        n_words: int,
        similarity: float,
        at: float,
        *,
        is_founder: bool,
    ) -> None:
        """Let a comment stand for its micro-cluster, if it is better than one that does."""
        if not self._kept:
            return
        if is_founder:
            similarity = FOUNDER_SIMILARITY
        is_awkward = n_words < SHORT_WORDS or len(text) > 2 * CHARACTERS
        rank = similarity - HANDICAP * is_awkward + RENEWAL * at / self._half_life
        shown = self._shown.setdefault(number, [])
        if len(shown) >= self._kept and rank <= shown[-1].rank:
            return
        alike = next((each for each in shown if _alike(each.terms, terms)), None)
        if alike is not None:
            if rank <= alike.rank:
                return
            shown.remove(alike)
        line = shorten(" ".join(text.split()), CHARACTERS)
        shown.append(_Shown(rank, comment, line, round(similarity, 4), terms))
        shown.sort(key=lambda each: (-each.rank, each.id))
        del shown[self._kept :]
        self._changed.add(number)

    def drop(self, number: int, comment: str) -> None:
        """Take a comment out, if it is shown."""
        shown = self._shown.get(number, [])
        kept = [each for each in shown if each.id != comment]
        if len(kept) < len(shown):
            self._shown[number] = kept
            self._changed.add(number)

    def give_up(self, numbers: Collection[int]) -> None:
        """Forget micro-clusters that are live no more."""
        for number in numbers:
            self._shown.pop(number, None)
            self._changed.discard(number)

    def drain(self, later: Collection[int] = ()) -> dict[int, tuple[Exemplar, ...]]:
        """Return the exemplars of the micro-clusters where they changed since they were told.

        Parameters
        ----------
        later
            Micro-clusters that only a later tick tells of: theirs wait until then, since nobody knows
            what they show.
        """
        told = sorted(self._changed.difference(later))
        self._changed.intersection_update(later)
        return {
            number: tuple(
                Exemplar(id=s.id, text=s.text, similarity=s.similarity) for s in self._shown[number]
            )
            for number in told
        }

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode((self._shown, sorted(self._changed)))

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        self._shown, changed = msgspec.msgpack.decode(state, type=tuple[dict[int, list[_Shown]], list[int]])
        self._changed = set(changed)


def shorten(text: str, characters: int) -> str:
    """Return the text, or its beginning with an ellipsis, in at most so many characters.

    It ends with a whole word, unless that is a very long one or the script writes no spaces.

    Examples
    --------
    >>> shorten("a pact with Russia", 11)
    'a pact…'
    """
    if len(text) <= characters:
        return text
    kept = text[: max(0, characters - 1)]
    is_in_word = not text[len(kept)].isspace() and not kept[-1:].isspace()
    whole = kept.rsplit(None, 1)[0] if is_in_word and kept else kept
    if len(kept) - len(whole) > LONGEST_WORD:
        whole = kept
    return whole.rstrip() + "\u2026"


def _alike(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    if not ours or not theirs:
        return ours == theirs
    shared = len(set(ours) & set(theirs))
    return shared > ALIKE * min(len(ours), len(theirs))
