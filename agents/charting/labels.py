"""What a topic is called: two to four words that its comments use and its neighbours don't.

Words are ranked by class-based tf-idf over the cluster's faded history, then said as people say them:
a word that mostly stands beside another is said with it. A label stays while it is nearly as good as
the best.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from typing import Final, NamedTuple

from agents.charting.wording import Vocabulary
from agents.clustering.letters import has_marks, marked
from agents.clustering.phrases import JOINER, is_stop_word, stop_language

__all__ = ["Naming", "Term", "Terms", "keywords", "label", "language", "weigh"]

MOST_WORDS: Final = 4
"""Words of a label."""

FEWEST_WORDS: Final = 2

ENOUGH_SHARED: Final = 12
"""Terms of two comments or more from which on those of a single one aren't looked at."""

MOST_WEIGHED: Final = 400
"""Terms of one cluster that are looked at: those with the largest weight."""

MOST_KEYWORDS: Final = 8

PHRASE_PART: Final = 0.3
"""Part of a word's comments that must have it in the phrase for it to be said with its neighbour."""

SECOND_PART: Final = 0.5
"""Part of the first word's standing that a further one must have to be named too."""

STAYING: Final = 0.65
"""A label stays while its standing is at least this part of the best one's; """

OUTGROWN: Final = 0.9
"""and this part of it once the topic has doubled since the label was chosen: a few comments know less."""

LONGEST_LY: Final = 5
"""Letters up to which a word in -ly may be a thing, as a rally is."""

_THINGS_LY: Final = frozenset(
    {"anomaly", "assembly", "butterfly", "family", "monopoly", "oligopoly", "supply"}
)

COMMON_ROOT: Final = 4
"""Letters that two words must share at their beginning to be forms of one."""


_VAGUE: Final = frozenset(
    {"actual", "ago", "amount", "answer", "article", "bad", "bit", "call", "chance", "comment", "comments"}
    | {"crap", "damn", "day", "days", "dude", "edit", "end", "everyone", "feel", "folks", "fuck", "fucking"}
    | {"fun", "god", "guess", "guy", "guys", "hand", "happen", "happened", "haha", "hard", "hate", "head"}
    | {"finally", "gonna", "honestly", "idk", "nah", "nope", "pfft", "shame", "sounds", "surely", "wtf"}
    | {"hear", "heard", "hour", "hours", "idea", "issue", "job", "kind", "leave", "life", "literally"}
    | {"live", "lol", "lot", "lots", "love", "matter", "minute", "minutes", "moment", "month", "months"}
    | {"morning", "nice", "night", "opinion", "pay", "people", "person", "piece", "post", "question"}
    | {"questions", "read", "reading", "real", "reason", "sense", "set", "shit", "sort", "source", "start"}
    | {"started", "story", "stuff", "stupid", "talk", "talking", "time", "times", "title", "tomorrow"}
    | {"top", "totally", "true", "understand", "wait", "watch", "week", "weeks", "wonder", "word", "words"}
    | {"world", "write", "wrong", "wrote", "yeah", "yep", "yesterday", "run", "live", "put", "bring", "lose"}
    | {"case", "fact", "man", "men", "number", "numbers", "part", "place", "point", "problem", "problems"}
    | {"right", "side", "sides", "state", "system", "today", "work", "works", "working", "year", "years"}
)
"""Words that are said of everything: they name a topic only beside another word, as in a world cup."""

_DRAWN_OUT = re.compile(r"([^\W\d_])\1\1")

_PIECES = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


class Term(NamedTuple):
    """A word or phrase of one cluster.

    Parameters
    ----------
    text
        As most of its comments write it.
    support
        Remembered comments that have it.
    coverage
        Part of the cluster's faded weight that has it, 0..1.
    standing
        Coverage times rarity: class-based tf-idf.
    """

    text: str
    support: int
    coverage: float
    standing: float

    @property
    def words(self) -> list[str]:
        """The words that it is made of."""
        return self.text.split(JOINER)


class Pair(NamedTuple):
    """A phrase of two words, folded, and its place among the terms."""

    rank: int
    first: str
    second: str
    term: Term


class Terms(dict[str, Term]):
    """The terms of one cluster by their folded form, best first."""

    @cached_property
    def pairs(self) -> dict[str, list[Pair]]:
        """The phrases that each word stands in, best first."""
        found: dict[str, list[Pair]] = {}
        for rank, (folded, term) in enumerate(self.items()):
            if JOINER in folded:
                first, second = folded.split(JOINER)
                for word in {first, second}:
                    found.setdefault(word, []).append(Pair(rank, first, second, term))
        return found


@dataclass(frozen=True, slots=True)
class Naming:
    """A label, with what it was made of."""

    text: str
    standing: float


def weigh(
    wordings: Sequence[tuple[Mapping[str, int], float]], vocabulary: Vocabulary, n_clusters: int
) -> Terms:
    """Return the terms of a cluster.

    Parameters
    ----------
    wordings
        For each of its micro-clusters the counts of comments by term, and the weight that one of
        these comments has now.
    n_clusters
        Classes of the tf-idf.
    """
    weights: dict[str, float] = {}
    supports: dict[str, int] = {}
    forms: dict[str, dict[str, int]] = {}
    for counts, factor in wordings:
        for text, count in counts.items():
            folded = text.casefold()
            weights[folded] = weights.get(folded, 0.0) + count * factor
            supports[folded] = supports.get(folded, 0) + count
            written = forms.setdefault(folded, {})
            written[text] = written.get(text, 0) + count
    shared = [folded for folded, support in supports.items() if support > 1]
    chosen = shared if len(shared) >= ENOUGH_SHARED else list(weights)
    chosen = sorted(chosen, key=lambda folded: (-weights[folded], folded))[:MOST_WEIGHED]
    terms = [
        (
            folded,
            Term(
                _written(forms[folded]),
                supports[folded],
                weights[folded],
                weights[folded] * vocabulary.rarity(folded, n_clusters),
            ),
        )
        for folded in chosen
    ]
    return Terms(sorted(terms, key=lambda item: (-item[1].standing, item[0])))


def language(texts: Iterable[str]) -> str | None:
    """Return the language of texts that belong together, by their stop words; None where none has any."""
    folded = [text.casefold().replace("\u2019", "'") for text in texts]
    found = ((_marked_pieces() if has_marks(text) else _PIECES).findall(text) for text in folded)
    return stop_language([word for words in found for word in words])


@cache
def _marked_pieces() -> re.Pattern[str]:
    letters = marked(r"[^\W\d_]")
    return re.compile(f"{letters}(?:'{letters})*")


def keywords(terms: Terms, n_comments: int, language: str | None = None) -> tuple[str, ...]:
    """Return the words and phrases that tell the cluster from others, best first."""
    chosen: list[Term] = []
    for term in _candidates(terms, n_comments, language):
        phrase = _said(term, terms)
        if not any(_repeats(phrase, other) for other in chosen):
            chosen.append(phrase)
        if len(chosen) == MOST_KEYWORDS:
            break
    return tuple(" ".join(term.words) for term in chosen)


def label(
    terms: Terms,
    n_comments: int,
    current: str = "",
    taken: Collection[str] = (),
    language: str | None = None,
    *,
    is_outgrown: bool = False,
) -> str:
    """Return what to call a cluster.

    Parameters
    ----------
    terms
        As `weigh` gives them.
    n_comments
        Comments of the cluster; words of one comment alone don't name a cluster of several.
    current
        Its label so far.
    taken
        Labels of its neighbours, in small letters.
    language
        Its stop words are left out.
    is_outgrown
        Whether the cluster has doubled since its label was chosen.
    """
    candidates = list(_candidates(terms, n_comments, language))
    namings = _namings(candidates, terms, taken)
    first = next(namings)
    best = next((each for each in chain([first], namings) if each.text.casefold() not in taken), first)
    loyalty = OUTGROWN if is_outgrown else STAYING
    if current and current.casefold() not in taken and _stays(current, best, candidates, loyalty):
        return current
    return best.text


def _candidates(terms: Terms, n_comments: int, language: str | None) -> Iterator[Term]:
    """Yield the words that may name the cluster, best first."""
    words = [term for folded, term in terms.items() if JOINER not in folded]
    naming = [
        term
        for term in words
        if term.text.isupper() or (not is_stop_word(term.text.casefold(), language) and not _is_vague(term))
    ]
    shared = [term for term in naming if term.support > 1] if n_comments > 2 else naming
    yield from shared
    if len(shared) < FEWEST_WORDS:
        yield from sorted((term for term in naming if term.support == 1), key=_commonness)
        yield from (term for term in words if _is_vague(term))


def _commonness(term: Term) -> tuple[float, str]:
    """Order words of one comment each: the most common first, since the rare ones are its own affair."""
    return (term.standing, term.text)


def _is_vague(term: Term) -> bool:
    word = term.text.casefold()
    is_adverb = word.endswith("ly") and len(word) > LONGEST_LY and word not in _THINGS_LY
    is_adverb = is_adverb and term.text.islower()
    return word in _VAGUE or is_adverb or _DRAWN_OUT.search(word) is not None


def _namings(candidates: Sequence[Term], terms: Terms, taken: Collection[str]) -> Iterator[Naming]:
    """Yield the best naming, then those without one of its words, the last first."""
    yield _compose(candidates, terms, taken)
    for dropped in reversed(range(min(len(candidates), MOST_WORDS))):
        yield _compose([*candidates[:dropped], *candidates[dropped + 1 :]], terms, taken)


def _compose(candidates: Sequence[Term], terms: Terms, taken: Collection[str]) -> Naming:
    """Say the best words, each with the neighbour that it mostly has."""
    phrases: list[Term] = []
    n_words = 0
    standing = 0.0
    for term in candidates:
        if phrases and n_words >= FEWEST_WORDS and term.standing < SECOND_PART * candidates[0].standing:
            text = _joined(phrases)
            if text.casefold() not in taken:
                break
        phrase = _said(term, terms)
        if any(_repeats(phrase, other) for other in phrases):
            continue
        if n_words + len(phrase.words) > MOST_WORDS:
            if n_words + 1 > MOST_WORDS:
                break
            phrase = term
        phrases.append(phrase)
        n_words += len(phrase.words)
        standing += term.standing
    return Naming(_joined(phrases), standing / max(len(phrases), 1))


def _joined(phrases: Sequence[Term]) -> str:
    return ", ".join(" ".join(term.words) for term in phrases)


def _said(term: Term, terms: Terms) -> Term:
    """Return the longest phrase that the word mostly stands in, itself where there is none."""
    phrase = term
    for _ in range(MOST_WORDS - 2):
        longer = _longer(phrase, term, terms)
        if longer is None:
            return phrase
        phrase = longer
    return phrase


def _longer(phrase: Term, term: Term, terms: Terms) -> Term | None:
    """Return the phrase with one word more at its front or its end."""
    words = [word.casefold() for word in phrase.words]
    front = [each for each in terms.pairs.get(words[0], ()) if each.second == words[0]]
    end = [each for each in terms.pairs.get(words[-1], ()) if each.first == words[-1]]
    needed = max(2.0, PHRASE_PART * term.support)
    best = min(
        (
            pair
            for pair, new in (*((pair, pair.first) for pair in front), *((pair, pair.second) for pair in end))
            if new not in words and pair.term.support >= needed
        ),
        key=lambda pair: (-pair.term.support, pair.rank),
        default=None,
    )
    if best is None:
        return None
    first, second = best.term.words
    text = [first, *phrase.words] if best.second == words[0] else [*phrase.words, second]
    return Term(JOINER.join(text), best.term.support, best.term.coverage, term.standing)


def _repeats(phrase: Term, other: Term) -> bool:
    """Return whether two phrases share a word or a form of one."""
    return any(_same_root(a.casefold(), b.casefold()) for a in phrase.words for b in other.words)


def _same_root(a: str, b: str) -> bool:
    if a == b:
        return True
    shorter, longer = sorted((a, b), key=len)
    if longer in (shorter + "s", shorter + "es"):
        return True
    return len(shorter) >= COMMON_ROOT and longer.startswith(shorter[: max(COMMON_ROOT, len(shorter) - 2)])


def _stays(current: str, best: Naming, candidates: Sequence[Term], loyalty: float) -> bool:
    """Return whether the label so far is nearly as good as the best, and all its words are still used."""
    by_word = {term.text.casefold(): term.standing for term in candidates}
    standings = [by_word.get(word.casefold(), -1.0) for word in current.replace(",", " ").split()]
    leading = [value for value in standings if value >= 0]
    if len(leading) < len(standings) or len(leading) < min(FEWEST_WORDS, len(candidates)):
        return False
    return sum(leading) / len(leading) >= loyalty * best.standing


def _written(forms: Mapping[str, int]) -> str:
    """Return how most write a term; what is shouted only where all shout."""
    return min(forms, key=lambda text: (-forms[text], text.isupper(), text))
