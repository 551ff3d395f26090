"""What a topic is called: two to four words that its comments use and its neighbours don't.

Words are ranked by class-based tf-idf over the cluster's faded history, then said as people say them:
a word that mostly stands beside another is said with it. A label stays while it is nearly as good as
the best.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Final

from agents.charting.terms import Term, Terms, weigh
from agents.clustering.letters import UNSPACED, has_marks, marked, pairs
from agents.clustering.phrases import JOINER, READ_WORDS, is_stop_word, stop_language

__all__ = ["Naming", "Term", "Terms", "keywords", "label", "language", "weigh"]

MOST_WORDS: Final = 4
"""Words of a label."""

FEWEST_WORDS: Final = 2

MOST_KEYWORDS: Final = 8

MOSTLY: Final = 0.4
"""Part of a word's comments that must have it in the phrase for it to be said with its neighbour; """

OFTEN: Final = 0.3
"""and this part, where the neighbour says nearly as much of the cluster: review says little of a film."""

JOINT_PART: Final = 0.7
"""Part of the comments of a phrase that must have one more word of it: `review spike lee` is two things."""

MOST_CHAINED: Final = 8
"""Words that are looked at to find where a long name, as of a film, is best cut."""

SECOND_PART: Final = 0.5
"""Part of the first word's standing that a further one must have to be named too."""

STAYING: Final = 0.6
"""A label stays while its standing is at least this part of the best one's; """

OUTGROWN: Final = 0.8
"""and this part of it once the topic has doubled since the label was chosen: a few comments know less."""

LONGEST_LY: Final = 5
"""Letters up to which a word in -ly may be a thing, as a rally is."""

_THINGS_LY: Final = frozenset(
    {"anomaly", "assembly", "butterfly", "family", "monopoly", "oligopoly", "supply"}
)

_NEVER_NAMES = re.compile("(?:ant|ct|ed|ent|ful|ical|ing|ive|less|ous|te|ual)ly$")
"""Ends of adverbs that no name has, unlike Italy and Emily."""

COMMON_ROOT: Final = 4
"""Letters that two words must share at their beginning to be forms of one."""


_VAGUE: Final = frozenset(
    {"actual", "ago", "amount", "answer", "article", "bad", "bit", "call", "case", "chance", "comment"}
    | {"comments", "day", "days", "edit", "end", "everyone", "fact", "feel", "fun", "guess", "guy", "guys"}
    | {"hand", "happen", "happened", "hard", "hate", "head", "hear", "heard", "hour", "hours", "idea"}
    | {"issue", "job", "kind", "leave", "life", "live", "lot", "lots", "love", "man", "matter", "men"}
    | {"minute", "minutes", "moment", "month", "months", "morning", "nice", "night", "number", "numbers"}
    | {"opinion", "part", "pay", "people", "person", "piece", "place", "point", "post", "problem"}
    | {"problems", "put", "question", "questions", "read", "reading", "real", "reason", "right", "run"}
    | {"sense", "set", "side", "sides", "sort", "source", "start", "started", "state", "story", "stuff"}
    | {"stupid", "system", "talk", "talking", "thread", "time", "times", "title", "today", "tomorrow", "top"}
    | {"true", "understand", "wait", "watch", "week", "weeks", "wonder", "word", "words", "work", "working"}
    | {"works", "world", "write", "wrong", "wrote", "year", "years", "yesterday"}
    | {"breakfast", "dad", "dinner", "husband", "lady", "lunch", "mate", "mom", "mum", "wife"}
    | {"billion", "million", "percent", "thousand", "trillion"}
    | {"afaik", "ahem", "awesome", "aww", "bring", "cool", "coming", "crazy", "dude", "dunno", "dumb"}
    | {"finally", "folks", "funny", "god", "gonna", "haha", "hahaha", "hey", "hmm", "honestly", "huh"}
    | {"idk", "imho", "imo", "literally", "lmao", "lol", "lose", "meh", "nah", "nope", "omg", "oops"}
    | {"pfft", "pls", "plz", "pretty", "rofl", "shame", "silly", "smh", "sounds", "surely", "tbh"}
    | {"tho", "totally", "ugh", "whoa", "wow", "yay", "yeah", "yep", "yup"}
)
"""Words that are said of everything, or are a call: they name a topic beside another word, as in a world
cup, or where hardly another is shared."""

_RUDE = re.compile(
    r"(?:mother)?fuck\w*|(?:bull|dip|horse)?shit(?:s|ty)?|(?:ass|arse)(?:hole)?s?|bastards?|bitch(?:es)?"
    r"|crap|(?:god)?damn(?:ed|it)?|hell|lmfao|wtf"
)
"""Swear words name a topic only where there is no other word."""

MUCH_MORE: Final = 2
"""Times as many comments as any other word has that a vague one must have to name a topic, """

ENOUGH: Final = 3
"""and how many at least."""

_DATES: Final = frozenset(
    {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february"}
    | {"april", "june", "july", "august", "september", "october", "november", "december"}
)
"""They say when, and name a topic only beside another word, as in black friday."""

_DRAWN_OUT = re.compile(r"([^\W\d_])\1\1")

_PIECES = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Naming:
    """A label, with what it was made of."""

    text: str
    standing: float
    """Mean of its words' standings."""
    weakest: float
    """The least of them."""


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
    is_taken = current.casefold() in taken
    if current and not is_taken and _stays(current, best, candidates, terms, is_outgrown=is_outgrown):
        return current
    return best.text


def _candidates(terms: Terms, n_comments: int, language: str | None) -> Iterator[Term]:
    """Yield the words that may name the cluster, best first."""
    words = [term for folded, term in terms.items() if JOINER not in folded and _says(term, language)]
    told = max((term.support for term in words if not _is_vague(term.text)), default=1)
    enough = max(ENOUGH, MUCH_MORE * told)
    naming: list[Term] = []
    rest: list[Term] = []
    for term in words:
        is_naming = not _is_vague(term.text) or (term.support >= enough and not _is_rude(term.text))
        (naming if is_naming else rest).append(term)
    shared = [term for term in naming if term.support > 1] if n_comments > 2 else naming
    yield from shared
    if len(shared) < FEWEST_WORDS:
        yield from sorted((term for term in naming if term.support == 1), key=_commonness)
        yield from rest


def _commonness(term: Term) -> tuple[float, str]:
    """Order words of one comment each: the most common first, since the rare ones are its own affair."""
    return (term.standing, term.text)


def _says(term: Term, language: str | None) -> bool:
    """Return whether a word is none of the stop words of the language; an acronym may be."""
    return term.text.isupper() or not is_stop_word(term.text.casefold(), language)


@lru_cache(READ_WORDS)
def _is_vague(text: str) -> bool:
    word = text.casefold()
    is_adverb = word.endswith("ly") and len(word) > LONGEST_LY and word not in _THINGS_LY
    is_adverb = is_adverb and (text.islower() or _NEVER_NAMES.search(word) is not None)
    is_listed = word in _VAGUE or word in _DATES or text in ("March", "May")
    return is_listed or is_adverb or _is_rude(word) or _DRAWN_OUT.search(word) is not None


def _is_rude(text: str) -> bool:
    return _RUDE.fullmatch(text.casefold()) is not None


def _namings(candidates: Sequence[Term], terms: Terms, taken: Collection[str]) -> Iterator[Naming]:
    """Yield the best naming, then those without one of its words, the last first."""
    yield _compose(candidates, terms, taken)
    for dropped in reversed(range(min(len(candidates), MOST_WORDS))):
        yield _compose([*candidates[:dropped], *candidates[dropped + 1 :]], terms, taken)


def _compose(candidates: Sequence[Term], terms: Terms, taken: Collection[str]) -> Naming:
    """Say the best words, each with the neighbours that it mostly has."""
    phrases: list[Term] = []
    n_words = 0
    standings: list[float] = []
    for term in candidates:
        is_weak = term.support == 1 or term.standing < SECOND_PART * candidates[0].standing
        if phrases and n_words >= FEWEST_WORDS and is_weak and _joined(phrases).casefold() not in taken:
            break
        phrase = _said(term, terms)
        length = _length(phrase)
        if n_words + length > MOST_WORDS or any(_repeats(phrase, other) for other in phrases):
            continue
        phrases.append(phrase)
        n_words += length
        standings.append(term.standing)
        if n_words == MOST_WORDS:
            break
    if phrases and n_words < FEWEST_WORDS:  # all others are said in phrases that don't fit beside the first
        other = next((term for term in candidates if not _repeats(term, phrases[0])), None)
        phrases += [] if other is None else [other]
        standings += [] if other is None else [other.standing]
    return Naming(_joined(phrases), sum(standings) / max(len(standings), 1), min(standings, default=0.0))


def _length(phrase: Term) -> int:
    """Return the words of a phrase; without spaces between, a word of three letters counts as two."""
    if UNSPACED.match(phrase.text) and len(pairs(phrase.text)) > 1:
        return 2
    return len(phrase.words)


def _joined(phrases: Sequence[Term]) -> str:
    """Write phrases before single words: they say more of what it is about."""
    return ", ".join(" ".join(term.words) for term in sorted(phrases, key=lambda each: len(each.words) == 1))


def _said(term: Term, terms: Terms) -> Term:
    """Return the phrase that the word mostly stands in, itself where there is none."""
    if term.text not in terms.said:
        terms.said[term.text] = _phrase(term, terms)
    return terms.said[term.text]


def _phrase(term: Term, terms: Terms) -> Term:
    """Put a word and its neighbours together.

    A phrase that would be too long ends at the joint that the fewest comments have.
    """
    words, place = [term.text], 0
    joints: list[int] = []
    while len(words) < MOST_CHAINED:
        folded = [word.casefold() for word in words]
        least = JOINT_PART * min(joints, default=0)
        before = _neighbour(terms.before.get(folded[0], ()), 0, folded, least, term, terms)
        behind = _neighbour(terms.behind.get(folded[-1], ()), 1, folded, least, term, terms)
        if before is not None and (behind is None or before.support >= behind.support):
            words = [*before.words, *words[1:]]
            joints, place = [before.support, *joints], place + 1
        elif behind is not None:
            words = [*words, behind.words[1]] if joints else behind.words
            joints = [*joints, behind.support]
        else:
            break
    while len(words) > MOST_WORDS:
        weakest = joints.index(min(joints))
        if weakest < place:
            words, joints, place = words[weakest + 1 :], joints[weakest + 1 :], place - weakest - 1
        else:
            words, joints = words[: weakest + 1], joints[:weakest]
    return term if len(words) == 1 else term._replace(text=JOINER.join(words), support=min(joints))


def _neighbour(
    phrases: Sequence[Term], place: int, words: Sequence[str], least: float, term: Term, terms: Terms
) -> Term | None:
    """Return the phrase of most comments whose first or second word belongs to those around a term."""
    for phrase in phrases:
        if phrase.support < max(least, OFTEN * term.support):
            return None
        word = phrase.words[place].casefold()
        is_telling = word in terms and terms[word].standing >= SECOND_PART * term.standing
        if word not in words and (is_telling or phrase.support >= MOSTLY * term.support):
            return phrase
    return None


def _repeats(phrase: Term, other: Term) -> bool:
    """Return whether two phrases share a word or a form of one."""
    return any(_same_root(a.casefold(), b.casefold()) for a in phrase.words for b in other.words)


def _same_root(a: str, b: str) -> bool:
    if a == b:
        return True
    shorter, longer = sorted((a, b), key=len)
    if longer in (shorter + "s", shorter + "es"):
        return True
    if UNSPACED.match(a) and UNSPACED.match(b):
        return a[-1] == b[0] or b[-1] == a[0] or not set(pairs(a)).isdisjoint(pairs(b))
    return len(shorter) >= COMMON_ROOT and longer.startswith(shorter[: max(COMMON_ROOT, len(shorter) - 2)])


def _stays(
    current: str, best: Naming, candidates: Sequence[Term], terms: Terms, *, is_outgrown: bool
) -> bool:
    """Return whether the label so far is nearly as good as the best, and all its words are still used."""
    known = candidates if is_outgrown else [term for folded, term in terms.items() if JOINER not in folded]
    by_word = {term.text.casefold(): term.standing for term in known}
    phrases = [phrase.casefold().split() for phrase in current.split(",")]
    if not all(map(terms.has, phrases)):
        return False
    standings = [max(by_word.get(word, -1.0) for word in phrase) for phrase in phrases]
    if min(standings) < 0 or sum(map(len, phrases)) < min(FEWEST_WORDS, len(candidates)):
        return False
    if is_outgrown and min(standings) < SECOND_PART * best.weakest:
        return False
    loyalty = OUTGROWN if is_outgrown else STAYING
    return sum(standings) / len(standings) >= loyalty * best.standing
