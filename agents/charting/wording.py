"""Which words and phrases a micro-cluster is written in, and how common they are everywhere.

Counts are whole numbers, so sums don't depend on their order, and a comment that is taken back takes
its words with it. History fades by halving once a half-life.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Vocabulary", "Wording"]

MOST_TERMS: Final = 96
"""Words and phrases kept per micro-cluster."""

KEPT_TERMS: Final = 64
"""Those that stay when there are more: the most frequent here, then the most frequent everywhere."""


class Vocabulary:
    """In how many of the remembered comments each word or phrase occurs, over all micro-clusters."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """By the folded form."""
        self.total = 0
        """Sum of all counts."""

    def change(self, term: str, by: int) -> None:
        """Add to the count of a term."""
        folded = term.casefold()
        self.total += by
        left = self.counts[folded] + by
        if left > 0:
            self.counts[folded] = left
        else:
            del self.counts[folded]

    def share(self, folded: str) -> float:
        """Return the part of all remembered words and phrases that are this one, given folded, 0..1."""
        return max(self.counts[folded], 1) / max(self.total, 1)


@dataclass(slots=True)
class Wording:
    """Words and phrases of one micro-cluster, in comments that have them."""

    terms: dict[str, int] = field(default_factory=dict)
    n_comments: int = 0
    halved_at: float | None = None
    """Event time of the last halving, in seconds since 1970."""

    def add(
        self,
        terms: Mapping[str, int],
        n_comments: int,
        at: float,
        half_life_seconds: float,
        vocabulary: Vocabulary,
    ) -> None:
        """Add signed counts of comments by term."""
        self._fade(at, half_life_seconds, vocabulary)
        self.n_comments = max(0, self.n_comments + n_comments)
        for term, count in terms.items():
            self._set(term, self.terms.get(term, 0) + count, vocabulary)
        if len(self.terms) > MOST_TERMS:
            self._prune(vocabulary)

    def leave(self, vocabulary: Vocabulary) -> None:
        """Take all terms out of the vocabulary."""
        for term, count in self.terms.items():
            vocabulary.change(term, -count)

    def _fade(self, at: float, half_life_seconds: float, vocabulary: Vocabulary) -> None:
        if self.halved_at is None:
            self.halved_at = at
        if at - self.halved_at >= half_life_seconds:
            steps = math.floor((at - self.halved_at) / half_life_seconds)
            self.halved_at += steps * half_life_seconds
            for term in list(self.terms):
                self._set(term, _halved(self.terms[term], steps), vocabulary)
            self.n_comments = _halved(self.n_comments, steps)

    def _set(self, term: str, count: int, vocabulary: Vocabulary) -> None:
        before = self.terms.get(term, 0)
        if count > 0:
            self.terms[term] = count
        else:
            self.terms.pop(term, None)
        if max(count, 0) != before:
            vocabulary.change(term, max(count, 0) - before)

    def _prune(self, vocabulary: Vocabulary) -> None:
        def standing(term: str) -> tuple[int, int, str]:
            return (-self.terms[term], -vocabulary.counts[term.casefold()], term)

        for term in sorted(self.terms, key=standing)[KEPT_TERMS:]:
            self._set(term, 0, vocabulary)


def _halved(count: int, steps: int) -> int:
    """Halve a count some times, rounding up, so that what was said once isn't forgotten."""
    return max(1, math.ceil(count / 2 ** min(steps, 60))) if count else 0
