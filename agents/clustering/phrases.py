"""The words and two-word phrases of a text that a topic can be named by, as people write them.

Unlike `agents.clustering.terms`, which hashes every word, these keep their letters as written, and
leave out stop words, numbers, links, user names and markup. The language is the one whose stop words
the text has most of; a text without any has none to leave out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.clustering.letters import UNSPACED, has_marks, marked, marks, pairs

__all__ = ["JOINER", "is_stop_word", "phrases", "stop_language"]

JOINER: Final = "\u00a0"
"""Stands between the words of a phrase: a space that isn't one, so that lists of phrases can be split."""

MOST_PHRASES: Final = 24
"""Phrases of one comment that count; later ones are dropped. ASSIGN remembers them to take them back."""

LONGEST_WORD: Final = 24
"""Letters of a word; longer ones are addresses, hashes or shouting."""

SHORTEST_WORD: Final = 3
"""Letters of a word in small Latin letters."""

READ_WORDS: Final = 1 << 15
"""Words of which it is remembered what they are; some 200 bytes each."""

LEAST_VOTES: Final = 2
"""Stop words that make a text one of a language other than English: one alone may be a word of any."""

_SPEAKING: Final = frozenset(
    {
        "act",
        "area",
        "areas",
        "billion",
        "case",
        "cases",
        "computer",
        "downing",
        "downs",
        "face",
        "fire",
        "free",
        "goods",
        "group",
        "groups",
        "home",
        "index",
        "information",
        "interest",
        "interests",
        "invention",
        "kids",
        "line",
        "man",
        "member",
        "members",
        "men",
        "microsoft",
        "million",
        "novel",
        "number",
        "numbers",
        "order",
        "orders",
        "page",
        "pages",
        "problem",
        "problems",
        "research",
        "right",
        "ring",
        "room",
        "rooms",
        "section",
        "sides",
        "site",
        "sites",
        "small",
        "state",
        "states",
        "street",
        "system",
        "test",
        "thousand",
        "tip",
        "today",
        "trillion",
        "web",
        "website",
        "wells",
        "work",
        "working",
        "works",
        "world",
        "year",
        "years",
        "young",
    }
)
"""Words in lists of English stop words that people talk about: the United States, free speech."""

_PART_OF_NAMES: Final = frozenset(
    {"big", "early", "first", "general", "good", "great", "high", "home", "little", "long", "new", "old"}
    | {"second", "third", "young"}
)
"""Stop words that begin names, written with a capital: the Old Town, New York, the First World War."""

_NOISE = re.compile(
    r"https?://\S*|www\.\S+|</?[a-zA-Z][^<>]{0,200}>|[@\uff20][\w.\-]+|\S+@\S+\.\w+|\bRT\b(?=\s*[@:])"
    r"|(?<!\w)/?[ur]/[\w\-]+|\[(?:deleted|removed)\]|\[[^\[\]]{1,200}\]\([^()]*\)|`[^`]{1,200}`"
)
_SIGN_OF_NOISE = re.compile(r"[/<@\uff20\[`]|www|RT")
"""What every kind of noise has in it; to look for this first costs a tenth."""
_BREAK = re.compile(r"[^\w\s'\-#&]+|\n+|\s[\-\u2013\u2014]+\s|&")
_WORD = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_POSSESSIVE = re.compile(r"'s?$", re.IGNORECASE)
_MARK = re.compile(r"(?m)^\s*>+")


def phrases(text: str) -> list[str]:
    """Return the distinct words and two-word phrases of a text, in order, at most `MOST_PHRASES`.

    Scripts that write no spaces (Chinese, Japanese, Thai, ...) give pairs of characters.

    Examples
    --------
    >>> [each.replace(JOINER, " ") for each in phrases("RT @ann: The EU's security pact, see https://t.co/x")]
    ['EU', 'security', 'EU security', 'pact', 'security pact']
    """
    straight = unicodedata.normalize("NFKC", html.unescape(text)).replace("\u2019", "'")
    plain = _MARK.sub(" ", straight) if ">" in straight else straight
    if _SIGN_OF_NOISE.search(plain):
        plain = _NOISE.sub(" . ", plain)
    ends, word = _marked() if has_marks(plain) else (_BREAK, _WORD)
    segments = [word.findall(segment) for segment in ends.split(plain)]
    language = stop_language(each.casefold() for segment in segments for each in segment)
    shouted = plain.isupper()
    found: dict[str, None] = {}
    for segment in segments:
        for phrase in _of_segment(segment, language, shouted=shouted):
            found[phrase] = None
            if len(found) >= MOST_PHRASES:
                return list(found)
    return list(found)


def stop_language(words: Iterable[str]) -> str | None:
    """Return the language whose stop words these are most often, None where there are none."""
    known = _stop_words()
    rows = [row for row in map(known.rows.get, words) if row is not None]
    if not rows:
        return None
    if len(rows) >= LEAST_VOTES and known.english.issuperset(rows):
        return "en"  # no language can have more votes, and English wins ties
    votes = known.table[rows].sum(axis=0, dtype=np.int64)
    if votes.max() < LEAST_VOTES:
        return "en" if votes[0] else None
    return known.languages[int(votes.argmax())]


def is_stop_word(word: str, language: str | None) -> bool:
    """Return whether a word, in small letters, says nothing by itself."""
    return language is not None and word in _words_of(language)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a word is by itself, whatever stands beside it."""

    word: str
    folded: str
    can_name: bool
    is_capital: bool
    is_part_of_names: bool
    is_unspaced: bool = False


def _of_segment(words: list[str], language: str | None, *, shouted: bool) -> Iterator[str]:
    before: _Reading | None = None
    for raw in words:
        word = _read(raw, language, shouted)
        if word.is_unspaced:
            for run in UNSPACED.findall(raw):
                yield from pairs(run)
            before = None
            continue
        if not word.can_name:
            before = word if word.is_capital and word.is_part_of_names and not shouted else None
            continue
        if before is not None and before.is_part_of_names and not word.is_capital:
            before = None
        yield word.word
        if before is not None and before.folded != word.folded:
            yield f"{before.word}{JOINER}{word.word}"
        before = word


@lru_cache(READ_WORDS)
def _read(raw: str, language: str | None, shouted: bool) -> _Reading:
    """Return what a word is; people use the same few thousand over and over."""
    if UNSPACED.search(raw):
        return _Reading(raw, raw, False, False, False, is_unspaced=True)
    word = _POSSESSIVE.sub("", raw)
    folded = word.casefold()
    can_name = _can_name(word, language, shouted=shouted)
    return _Reading(word, folded, can_name, word[0].isupper(), folded in _PART_OF_NAMES)


def _can_name(word: str, language: str | None, *, shouted: bool) -> bool:
    """Return whether a word may stand in a label."""
    if len(word) > LONGEST_WORD or not (word.isalpha() or any(letter.isalpha() for letter in word)):
        return False
    is_acronym = word.isupper() and len(word) > 1 and not shouted
    if is_acronym:
        return True
    if word.isascii() and len(word) < SHORTEST_WORD:
        return False
    return not is_stop_word(word.casefold(), language)


@cache
def _marked() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what ends a segment and what a word is, where letters have marks."""
    letters = marked(r"[^\W_]")
    ends = rf"[^\w\s'\-#&{marks()}]+|\n+|\s[\-\u2013\u2014]+\s|&"
    return re.compile(ends), re.compile(rf"{letters}(?:['\-]{letters})*")


@cache
def _words_of(language: str) -> frozenset[str]:
    known = _stop_words()
    column = known.languages.index(language)
    return frozenset(word for word, row in known.rows.items() if known.table[row, column])


@dataclass(frozen=True, slots=True)
class _StopWords:
    """In which languages each word is a stop word; English comes first, so that it wins ties."""

    languages: list[str]
    rows: dict[str, int]
    table: NDArray[np.bool_]
    english: frozenset[int]
    """Rows of the words of English."""


@cache
def _stop_words() -> _StopWords:
    import stopwordsiso

    languages = sorted(stopwordsiso.langs(), key=lambda name: (name != "en", name))
    found: dict[str, list[int]] = {}
    for column, language in enumerate(languages):
        for word in stopwordsiso.stopwords(language):
            if language != "en" or word not in _SPEAKING:
                found.setdefault(word.casefold().replace("\u2019", "'"), []).append(column)
    table = np.zeros((len(found), len(languages)), np.bool_)
    for row, columns in enumerate(found.values()):
        table[row, columns] = True
    english = frozenset(np.flatnonzero(table[:, 0]).tolist())
    return _StopWords(languages, {word: row for row, word in enumerate(found)}, table, english)
