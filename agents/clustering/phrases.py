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
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.clustering.letters import UNSPACED, has_marks, marked, marks, pairs

__all__ = ["JOINER", "LONGEST_WORD", "READ_WORDS", "is_stop_word", "phrases", "stop_language"]

JOINER: Final = "\u00a0"
"""Stands between the words of a phrase: a space that isn't one, so that lists of phrases can be split."""

MOST_PHRASES: Final = 24
"""Phrases of one comment that count; later ones are dropped. ASSIGN remembers them to take them back."""

MOST_PAIRS: Final = 48
"""The same where a script has no spaces: a word of four letters is three pairs and the two joints between."""

LONGEST_NUMBER: Final = 4
"""Digits of a number that is part of a name, as in Line 5."""

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

_BEFORE_VERBS: Final = frozenset(
    {"i", "you", "he", "she", "it", "we", "they", "who", "to", "will", "would", "can", "could", "should"}
    | {"must", "may", "might", "shall", "cannot", "not", "never", "be", "been", "being", "am", "is", "are"}
    | {"was", "were", "let's", "i'm", "you're", "we're", "they're", "it's", "he's", "she's", "that's"}
    | {"i've", "you've", "we've", "they've", "i'd", "you'd", "he'd", "she'd", "we'd", "they'd", "i'll"}
    | {"you'll", "he'll", "she'll", "it'll", "we'll", "they'll", "don't", "doesn't", "didn't", "won't"}
    | {"can't", "couldn't", "wouldn't", "shouldn't", "isn't", "aren't", "wasn't", "weren't", "haven't"}
    | {"hasn't", "hadn't"}
)
"""English words behind which a word in small letters says what somebody does or is, and names no thing."""

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

_HIRAGANA = "[\u3041-\u309f]"
_UNSPACED_WORD = re.compile("[\u30a1-\u30ff]+|[^\u30a1-\u30ff]+")
"""What is written in Katakana is a word as it stands."""

_PARTICLES = (
    "\u7684\u4e86\u662f\u6211\u4f60\u4ed6\u5979\u5b83\u4eec\u5011\u8fd9\u9019\u90a3"
    "\u5417\u55ce\u5462\u5427\u554a\u4e48\u9ebc\u5f88\u4e5f"
)
"""Letters of Chinese that hardly ever are part of a noun: of, is, I, you, this, that, very, also, ..."""

_SHORTEST_STOP: Final = {"zh": 2, "th": 3}
"""Characters from which on a stop word parts words without spaces; shorter ones lie within many."""

_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|(?:{0}(?:\u200d{0})*)".replace(
        "{0}", "[\u231a-\u23ff\u25aa-\u27bf\u2b05-\u2b55\U0001f000-\U0001f3fa\U0001f400-\U0001faff]"
    )
)
_TONES = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
"""How an emoji is drawn: thumbs of all colours are one."""


def phrases(text: str) -> list[str]:
    """Return the distinct words and two-word phrases of a text, in order, at most `MOST_PHRASES`.

    A word that an English sentence uses as a verb or predicate isn't one. A number behind a capitalised
    word makes a phrase with it. Scripts that write no spaces (Chinese, Japanese, Thai, ...) give pairs of
    letters, and as phrases the pairs that follow one another, at most `MOST_PAIRS`. A text without any
    word gives its emoji.

    Examples
    --------
    >>> [each.replace(JOINER, " ") for each in phrases("RT @ann: The EU's security pact, see https://t.co/x")]
    ['EU', 'security', 'EU security', 'pact', 'security pact']
    >>> phrases("I voted, they voted: the vote"), phrases("😂😂 @ann")
    (['vote'], ['😂'])
    """
    straight = unicodedata.normalize("NFKC", html.unescape(text)).replace("\u2019", "'")
    straight = straight.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")
    plain = _MARK.sub(" ", straight) if ">" in straight else straight
    if _SIGN_OF_NOISE.search(plain):
        plain = _NOISE.sub(" . ", plain)
    ends, word = _marked() if has_marks(plain) else (_BREAK, _WORD)
    segments = [word.findall(segment) for segment in ends.split(plain)]
    language = stop_language(each.casefold() for segment in segments for each in segment)
    shouted = plain.isupper()
    found: dict[str, None] = {}
    most = MOST_PHRASES if plain.isascii() or not UNSPACED.search(plain) else MOST_PAIRS
    for segment in segments:
        for phrase in _of_segment(segment, language, shouted=shouted or _is_shouted(segment)):
            found[phrase] = None
            if len(found) >= most:
                return list(found)
    return list(found) or _emoji(plain)


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
    is_before_verbs: bool = False
    is_number: bool = False
    is_unspaced: bool = False


def _of_segment(words: list[str], language: str | None, *, shouted: bool) -> Iterator[str]:
    before: _Reading | None = None
    is_predicate = False
    for raw in words:
        word = _read(raw, language, shouted)
        if word.is_unspaced:
            for run in UNSPACED.findall(raw):
                yield from _of_run(run)
            before, is_predicate = None, False
            continue
        if word.is_number and before is not None and before.is_capital and before.can_name:
            yield f"{before.word}{JOINER}{raw}"
        if not word.can_name or (is_predicate and not word.is_capital):
            before = word if word.is_capital and word.is_part_of_names and not shouted else None
            is_predicate = word.is_before_verbs
            continue
        is_predicate = word.is_before_verbs
        if before is not None and before.is_part_of_names and not word.is_capital:
            before = None
        yield word.word
        if before is not None and before.folded != word.folded:
            yield f"{before.word}{JOINER}{word.word}"
        before = word


def _of_run(run: str) -> Iterator[str]:
    """Yield the words of Katakana, the pairs of other letters, and the pairs that follow one another."""
    for piece in _stops_of_runs().split(run) if not _is_hiragana(run) else [run]:
        for part in _UNSPACED_WORD.findall(piece):
            if "\u30a1" <= part[0] <= "\u30ff":
                if len(part) > 1:
                    yield part[:LONGEST_WORD]
                continue
            found = pairs(part)
            if len(found) == 1 and len(run) > len(part) and found[0] == found[0][:1]:
                continue
            yield found[0]
            for one, other in pairwise(found):
                yield other
                if one != other:
                    yield f"{one}{JOINER}{other}"


@lru_cache(READ_WORDS)
def _read(raw: str, language: str | None, shouted: bool) -> _Reading:
    """Return what a word is; people use the same few thousand over and over."""
    if UNSPACED.search(raw):
        return _Reading(raw, raw, False, False, False, is_unspaced=True)
    word = _POSSESSIVE.sub("", raw.lower() if shouted else raw)
    folded = word.casefold()
    return _Reading(
        word,
        folded,
        _can_name(word, language, shouted=shouted),
        word[0].isupper(),
        folded in _PART_OF_NAMES,
        is_before_verbs=language == "en" and raw.casefold() in _BEFORE_VERBS,
        is_number=raw.isdecimal() and len(raw) <= LONGEST_NUMBER,
    )


def _is_shouted(segment: list[str]) -> bool:
    """Return whether a part of a sentence is all in capitals: several words, so no acronym."""
    return len(segment) > 1 and segment[0].isupper() and all(word.upper() == word for word in segment)


def _emoji(text: str) -> list[str]:
    """Return the distinct emoji of a text without words, however they are drawn."""
    if text.isascii():
        return []
    return list(dict.fromkeys(_EMOJI.findall(_TONES.sub("", text))))[:MOST_PHRASES]


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


def _is_hiragana(run: str) -> bool:
    return re.fullmatch(f"{_HIRAGANA}+", run) is not None


@cache
def _stops_of_runs() -> re.Pattern[str]:
    """Return what parts the words of scripts without spaces: particles, and stop words of some length."""
    stops: set[str] = set()
    for language, shortest in _SHORTEST_STOP.items():
        stops |= {word for word in _words_of(language) if len(word) >= shortest and UNSPACED.fullmatch(word)}
    longest_first = sorted(stops, key=lambda word: (-len(word), word))
    return re.compile("|".join([*map(re.escape, longest_first), f"[{_PARTICLES}]", f"{_HIRAGANA}+"]))


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
