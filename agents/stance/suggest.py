"""Draft targets from what is talked about, for a person to mend and approve.

A draft is a claim that people can be for or against: what a title asks, demands or reports as proposed,
and what several comments say that they are for or against, both sides of it. The name of a thing alone,
as of a court or a cat, makes none. The words that are looked for are English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agents.clustering.phrases import is_stop_word
from agents.errors import SettingsError
from agents.stance.negation import IMPERATIVES, answer, proposal
from agents.stance.target import Target, from_phrase

__all__ = ["Draft", "as_toml", "claim", "draft", "sided"]

LEAST_SIDED: Final = 3
"""Comments that must say which side they take; one or two may be talking of anything."""

LEAST_SHARE: Final = 0.01
"""The same as a part of all: what fewer take sides on isn't what the discussion is about."""

LONGEST_TITLE: Final = 120
"""Characters; what is longer is hardly a title but a comment that others answered."""

LONGEST_THING: Final = 2
"""Words of what comments are for or against, behind its article."""

_OBLIGES: Final = r"(?:should|must|ought to|needs? to|has to|have to)"
_QUESTION: Final = re.compile(r"(?:should|must|ought)\b[^?]+\?", re.I)
_OBLIGATION: Final = re.compile(rf"\b{_OBLIGES}\b", re.I)
_SPEAKER: Final = re.compile(
    r"(?:why|because)\s+|.{1,60}?(?::|\b(?:says?|said|argues?|insists?|warns?|thinks?)(?: that)?)\s+", re.I
)
_TALK: Final = re.compile(
    r"\b(?:i|you|me|my|your|he|she|they|it|tbh|lol|cuz|dude|fuck\w*|shit)\b|['\u2019](?:m|ll|d|ve|re)\b"
    r"|[.!\u2026]$|\bmust be\b",
    re.I,
)
"""So comments speak, and titles don't; what must be is a guess more often than a demand."""
_DONE: Final = re.compile(r"\b(?:announces|offers|promises|wants)\b", re.I)
"""Verbs of what is proposed that mostly tell what is done."""
_NO_CLAIM: Final = re.compile(r"\b(?:who|what|when|where|why|how|which|whom|whose|if|\S+['\u2019]t)\b", re.I)

_THING: Final = r"(?:the|a|an|this|that|our) ((?:[\w'\u2019-]+ ?){1,3})"
_FAVOR: Final = re.compile(
    r"\b(?:(?:i'm|am|still|all|vote) for|yes to|in favou?r of|support|build|want) " + _THING, re.I
)
_AGAINST: Final = re.compile(
    r"\b(?:against|no to|oppose|opposed to|stop|scrap|down with|reject) " + _THING, re.I
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A target to approve, with what it was made from, in words."""

    target: Target
    evidence: str


def draft(titles: Mapping[str, int], texts: Iterable[tuple[str, str]] = (), most: int = 10) -> list[Draft]:
    """Return targets that people can be for or against, those most talked about first.

    What makes none, or says what another one says, is left out.

    Parameters
    ----------
    titles
        Titles of discussions, with the comments under each.
    texts
        Comments, each with the label of its topic, or an empty string.
    most
        Targets to return, at least 1.
    """
    found: dict[str, Draft] = {}
    asked = [
        (said, f"the title \u201c{title}\u201d, {_comments(count)}")
        for title, count in sorted(titles.items(), key=lambda each: (-each[1], each[0]))
        if (said := claim(title)) is not None
    ]
    for said, evidence in [*asked, *sided(texts)]:
        try:
            target = from_phrase(said)
        except SettingsError:
            continue
        if target.id not in found and not _says_the_same(target, found):
            found[target.id] = Draft(target, evidence)
        if len(found) == most:
            break
    return list(found.values())


def claim(title: str) -> str | None:
    """Return what a title lets people be for or against, None where it tells news or names a thing.

    Examples
    --------
    >>> claim("Should the town close the Old Ring? The council votes in May")
    'Should the town close the Old Ring?'
    >>> claim("Minister says Russia must leave the council")
    'Russia must leave the council'
    >>> claim("Ban plastic bottles"), claim("Closing the Old Ring")
    ('We should ban plastic bottles', 'closing the Old Ring')
    >>> claim("Macron floats EU security pact with Russia in split from US calls for unity")
    'EU security pact with Russia'
    >>> claim("Storm hits the coast"), claim("Will it rain?"), claim("Line 5")
    (None, None, None)
    """
    text = " ".join(title.split())
    if len(text) > LONGEST_TITLE or "\n" in title.strip():
        return None
    question = _QUESTION.match(text)
    if question is not None and answer(question[0]) is not None:
        return question[0]
    if "?" in text or _TALK.search(text):
        return None
    return _obligation(text) if _OBLIGATION.search(text) else _demand(text)


def _obligation(text: str) -> str | None:
    """Return the claim of a title that says what should be, without who says it."""
    speaker = _SPEAKER.match(text)
    plain = text[speaker.end() :] if speaker and _OBLIGATION.search(text, speaker.end()) else text
    obliges = _OBLIGATION.search(plain)
    if obliges is None or obliges.start() == 0 or _NO_CLAIM.search(plain):
        return None
    return plain[:1].upper() + plain[1:]


def _demand(text: str) -> str | None:
    """Return the claim of a title that opens with what to do, or tells what somebody proposes."""
    first, _, rest = text.partition(" ")
    if first.lower() == "let":
        return None
    if rest and first.lower() in IMPERATIVES:
        return f"We should {first.lower()} {rest}"
    if rest and _is_gerund(first.lower()):
        return f"{first.lower()} {rest}"
    proposed = None if _DONE.search(text) else proposal(text)
    return proposed if proposed and proposed[0].isalnum() else None


def sided(texts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what comments say that they are for or against, with the evidence, that of most comments first.

    Somebody must be on each side: what all want is no question.

    Examples
    --------
    >>> said = ["I'm for the tram.", "Stop the tram!", "Still against the tram", "against the wall"]
    >>> sided((text, "tram, bus") for text in said)
    [('the tram', '1 comment for it and 2 against it, most under “tram, bus”')]
    """
    for_it: dict[str, int] = {}
    against_it: dict[str, int] = {}
    topics: dict[str, dict[str, int]] = {}
    n_texts = 0
    for text, label in texts:
        n_texts += 1
        straight = text.replace("\u2019", "'")
        for counts, pattern in ((for_it, _FAVOR), (against_it, _AGAINST)):
            for thing in {_thing(found[1]) for found in pattern.finditer(straight)} - {""}:
                counts[thing] = counts.get(thing, 0) + 1
                by_label = topics.setdefault(thing, {})
                by_label[label] = by_label.get(label, 0) + bool(label)
    least = max(LEAST_SIDED, LEAST_SHARE * n_texts)
    debated = [
        thing for thing in for_it.keys() & against_it.keys() if for_it[thing] + against_it[thing] >= least
    ]
    ranked = sorted(debated, key=lambda thing: (-for_it[thing] - against_it[thing], thing))
    return [
        (
            f"the {thing}",
            f"{_comments(for_it[thing])} for it and {against_it[thing]} against it" + _under(topics[thing]),
        )
        for thing in ranked
    ]


def as_toml(drafts: Iterable[Draft]) -> str:
    """Return drafts as targets are written in ``groundswell.toml``, each under its evidence.

    Examples
    --------
    >>> print(as_toml(draft({"Closing the ring": 12})))
    # Draft to approve, from the title “Closing the ring”, 12 comments
    [[stance.targets]]
    id = "closing-the-ring"
    title = "Closing the ring"
    favor = [
        "Closing the ring is a good idea",
        "I support closing the ring",
    ]
    against = [
        "Closing the ring is a bad idea",
        "I oppose closing the ring",
    ]
    <BLANKLINE>
    """
    return "\n".join(_table(each) for each in drafts)


def _table(drafted: Draft) -> str:
    target = drafted.target
    lines = [f"# Draft to approve, from {_on_one_line(drafted.evidence)}", "[[stance.targets]]"]
    lines += [f"id = {_quoted(target.id)}", f"title = {_quoted(target.title)}"]
    for side, statements in (("favor", target.favor), ("against", target.against)):
        lines += [f"{side} = [", *(f"    {_quoted(each)}," for each in statements), "]"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _on_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _comments(count: int) -> str:
    return f"{count:,} comment{'s' * (count != 1)}"


def _under(topics: Mapping[str, int]) -> str:
    label = max(topics, key=lambda each: (topics[each], each))
    return f", most under \u201c{label}\u201d" if label else ""


def _thing(words: str) -> str:
    """Return the words of a thing in small letters, up to the first that says nothing by itself."""
    kept: list[str] = []
    for word in words.lower().split():
        if is_stop_word(word, "en") or len(kept) == LONGEST_THING:
            break
        kept.append(word)
    return " ".join(kept)


def _is_gerund(word: str) -> bool:
    """Return whether a word is a demand in the form of a thing: banning, closing, building."""
    stem = word.removesuffix("ing")
    forms = {stem, stem + "e", stem[:-1] if stem[-1:] == stem[-2:-1] else stem}
    return stem != word and not forms.isdisjoint(IMPERATIVES)


def _says_the_same(target: Target, found: Mapping[str, Draft]) -> bool:
    """Whether the title lies within one that was taken before."""
    return any(target.title.casefold() in each.target.title.casefold() for each in found.values())
