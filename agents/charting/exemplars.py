"""The comments that show what a cluster is about: central, distinct and readable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from agents.clustering.phrases import phrases
from agents.clustering.terms import words
from agents.records import Exemplar

__all__ = ["choose", "readability"]

SHOWN: Final = 3
"""Exemplars of a cluster."""

ALIKE: Final = 0.5
"""Part of the shorter one's words that two texts share from which on they say the same."""

SHORT_WORDS: Final = 8
LONG_CHARACTERS: Final = 200
"""Readable comments have as many words as the one and as few characters as the other."""

_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+")


@lru_cache(maxsize=8192)
def readability(text: str) -> float:
    """Return how well a text reads by itself, 0..1: long enough, short enough, words rather than addresses.

    Examples
    --------
    >>> readability("A pact with Russia would split the union in two.")
    1.0
    >>> readability("lol") < 0.5
    True
    """
    n_words = len(words(text))
    length = min(1.0, n_words / SHORT_WORDS) * min(1.0, LONG_CHARACTERS / max(len(text), 1))
    addresses = sum(len(each) for each in _ADDRESS.findall(text))
    return length * (1.0 - addresses / max(len(text), 1))


def choose(offered: Iterable[tuple[Exemplar, float]], shown: Sequence[str] = ()) -> tuple[Exemplar, ...]:
    """Choose the comments that show a cluster.

    Parameters
    ----------
    offered
        Exemplars of its micro-clusters, each with the similarity of its micro-cluster to the whole.
    shown
        Ids of those shown so far; they stay unless others are clearly better.
    """
    ranked = sorted(offered, key=lambda each: (-_rank(each[0], each[1], shown), each[0].id))
    chosen: list[Exemplar] = []
    seen: list[frozenset[str]] = []
    for exemplar, _ in ranked:
        its = _words(exemplar.text)
        if not its or any(len(its & other) > ALIKE * min(len(its), len(other)) for other in seen):
            continue
        chosen.append(exemplar)
        seen.append(its)
        if len(chosen) == SHOWN:
            break
    return tuple(chosen)


@lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    """Return the words of a text, its emoji where it has none."""
    return frozenset(words(text)) or frozenset(phrases(text))


def _rank(exemplar: Exemplar, centrality: float, shown: Sequence[str]) -> float:
    return exemplar.similarity * centrality * (0.5 + 0.5 * readability(exemplar.text)) + 0.05 * (
        exemplar.id in shown
    )
