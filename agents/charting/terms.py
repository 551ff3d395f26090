"""The words and phrases of a cluster, and what each says of it.

Words are ranked by class-based tf-idf over the cluster's faded history. Scripts without spaces come in
pairs of letters; pairs that always follow one another are one word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from agents.charting.wording import Vocabulary
from agents.clustering.letters import UNSPACED, overlapped
from agents.clustering.phrases import JOINER

__all__ = ["Term", "Terms", "weigh"]

ENOUGH_SHARED: Final = 12
"""Terms of two comments or more from which on those of a single one aren't looked at."""

MOST_WEIGHED: Final = 400
"""Terms of one cluster that are looked at: those with the largest weight."""

ALWAYS: Final = 0.7
"""Part of the comments of two pairs of letters that must have them in a row for them to be one word."""

SMALL: Final = 2
"""Comments that one counts for that writes a term in small letters."""

MOST_PAIRS: Final = 11
"""Pairs of letters of one word; a sentence that is copied again and again isn't one."""


class Term(NamedTuple):
    """A word or phrase of one cluster.

    Parameters
    ----------
    text
        As most of its comments write it.
    support
        Remembered comments that have it.
    weight
        The same, faded.
    standing
        How much it says of the cluster.
    """

    text: str
    support: int
    weight: float
    standing: float

    @property
    def words(self) -> list[str]:
        """The words that it is made of."""
        return self.text.split(JOINER)


class Terms(dict[str, Term]):
    """The terms of one cluster by their folded form, best first."""

    def has(self, phrase: Sequence[str]) -> bool:
        """Return whether the words of a phrase, folded, are all used; of numbers, beside the word before."""
        return all(
            word in self or (word.isdecimal() and f"{before}{JOINER}{word}" in self)
            for before, word in zip(["", *phrase], phrase, strict=False)
        )

    @cached_property
    def said(self) -> dict[str, Term]:
        """The phrase that a word is said in, by its text; kept here by who finds it."""
        return {}

    @cached_property
    def before(self) -> dict[str, list[Term]]:
        """The phrases of two words that each word ends, those of most comments first."""
        return self._phrases_by(1)

    @cached_property
    def behind(self) -> dict[str, list[Term]]:
        """The phrases of two words that each word begins, those of most comments first."""
        return self._phrases_by(0)

    @cached_property
    def _phrases(self) -> list[tuple[str, Term]]:
        found = [(folded, term) for folded, term in self.items() if JOINER in folded and term.support > 1]
        return sorted(found, key=lambda each: -each[1].support)

    def _phrases_by(self, place: int) -> dict[str, list[Term]]:
        found: dict[str, list[Term]] = {}
        for folded, term in self._phrases:
            found.setdefault(folded.split(JOINER)[place], []).append(term)
        return found


@dataclass(slots=True)
class _Counts:
    """Weights, supports and ways of writing by the folded form."""

    weights: dict[str, float] = field(default_factory=dict)
    supports: dict[str, int] = field(default_factory=dict)
    forms: dict[str, dict[str, int]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    """Parts of the vocabulary, of words that were put together here."""

    def add(self, counts: Mapping[str, int], factor: float) -> None:
        for text, count in counts.items():
            folded = text.casefold()
            self.weights[folded] = self.weights.get(folded, 0.0) + count * factor
            self.supports[folded] = self.supports.get(folded, 0) + count
            written = self.forms.setdefault(folded, {})
            written[text] = written.get(text, 0) + count

    def put_together(self, parts: Sequence[str], vocabulary: Vocabulary) -> None:
        """Make one word of pairs of letters in a row."""
        rarest = min(parts, key=lambda part: self.supports[part])
        word = overlapped(parts)
        self.weights[word], self.supports[word] = self.weights[rarest], self.supports[rarest]
        self.shares[word] = min(map(vocabulary.share, parts))
        self.forms[word] = {word: 1}
        for part in parts:
            del self.weights[part], self.supports[part]


def weigh(
    wordings: Sequence[tuple[Mapping[str, int], float]], vocabulary: Vocabulary, n_clusters: int
) -> Terms:
    """Return the terms of a cluster.

    The standing of a term is its part p of what the cluster says, times log(1 + p / q), where q is its
    part of what all say; p / q counts up to the number of clusters. It is lowered where few
    comments have the term: n count as n² / (n + 1).

    Parameters
    ----------
    wordings
        For each of its micro-clusters the counts of comments by term, and the weight that one of
        these comments has now.
    n_clusters
        Clusters that the vocabulary is about.

    References
    ----------
    Grootendorst (2022), BERTopic: class-based tf-idf, section 3.3; there q is compared with an equal
    part for every class, so that a large class has its own words held against it.
    """
    counts = _Counts()
    for each, factor in wordings:
        counts.add(each, factor)
    total = sum(counts.weights.values()) or 1.0
    joints = [
        text for text in counts.supports if JOINER in text and not text.isascii() and UNSPACED.match(text)
    ]
    for parts in list(_runs(counts.supports, joints)) if joints else ():
        counts.put_together(parts, vocabulary)
    for joint in joints:
        del counts.weights[joint], counts.supports[joint]
    weights, supports = counts.weights, counts.supports
    shared = [folded for folded, support in supports.items() if support > 1]
    chosen = shared if len(shared) >= ENOUGH_SHARED else list(weights)
    if len(chosen) > MOST_WEIGHED:
        chosen = sorted(chosen, key=lambda folded: (-weights[folded], folded))[:MOST_WEIGHED]
    terms: list[tuple[str, Term]] = []
    for folded in chosen:
        support, part = supports[folded], weights[folded] / total
        everywhere = counts.shares.get(folded) or vocabulary.share(folded)
        told = math.log1p(min(part / everywhere, max(n_clusters, 1)))
        standing = part * told * support / (support + 1)
        terms.append((folded, Term(_written(counts.forms[folded]), support, weights[folded], standing)))
    return Terms(sorted(terms, key=lambda item: (-item[1].standing, item[0])))


def _runs(supports: Mapping[str, int], joints: Sequence[str]) -> Iterable[list[str]]:
    """Yield the pairs of letters that always follow one another, two pairs or more at a time."""
    behind: dict[str, str] = {}
    before: dict[str, str] = {}
    shared = [text for text in joints if supports[text] > 1]
    for joint in sorted(shared, key=lambda text: (-supports[text], text)):
        first, second = joint.split(JOINER)
        if first not in supports or second not in supports or first in behind or second in before:
            continue
        if supports[joint] >= ALWAYS * max(supports[first], supports[second]):
            behind[first], before[second] = second, first
    for first in sorted(behind.keys() - before.keys()):
        run = [first]
        while run[-1] in behind:
            run.append(behind[run[-1]])
        for start in range(0, len(run), MOST_PAIRS):
            if len(run) - start > 1:
                yield run[start : start + MOST_PAIRS]


def _written(forms: Mapping[str, int]) -> str:
    """Return how most write a term: what is shouted only where all shout, names with a capital.

    Sentences begin with a capital too, so small letters count for more.
    """
    return min(
        forms, key=lambda text: (-forms[text] * (SMALL if text.islower() else 1), text.isupper(), text)
    )
