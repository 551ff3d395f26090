"""Draft targets from what is talked about, for a person to mend and approve."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from agents.clustering.phrases import JOINER, phrases
from agents.errors import SettingsError
from agents.stance.negation import answer, proposal
from agents.stance.target import Target, from_phrase

__all__ = ["as_toml", "draft", "frequent_phrases"]

MOST_WORDS: Final = 6
"""Words of a name that people can be for or against as it stands."""


def draft(names: Iterable[str], most: int = 10) -> list[Target]:
    """Return one target a name; what makes none or repeats one is left out.

    Questions, proposals and short names come first, in their order, then other headlines.

    Parameters
    ----------
    names
        Titles of discussions and labels of topics, those most talked about first.
    most
        Targets to return, at least 1.
    """
    found: dict[str, Target] = {}
    for name in sorted(names, key=_is_headline):
        try:
            target = from_phrase(name)
        except SettingsError:
            continue
        if target.id not in found and not _says_the_same(target, found):
            found[target.id] = target
        if len(found) == most:
            break
    return list(found.values())


def frequent_phrases(texts: Iterable[str], least: int = 3) -> list[str]:
    """Return the two-word phrases that at least ``least`` texts hold, the most frequent first.

    Examples
    --------
    >>> frequent_phrases(["The tram line is late.", "A tram line!", "Build the tram line"])
    ['tram line']
    """
    counts = Counter(phrase for text in texts for phrase in set(phrases(text)) if JOINER in phrase)
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [phrase.replace(JOINER, " ") for phrase, count in ranked if count >= least]


def as_toml(targets: Iterable[Target]) -> str:
    """Return targets as they are written in ``groundswell.toml``.

    Examples
    --------
    >>> print(as_toml(draft(["a new tram line"])))
    [[stance.targets]]
    id = "a-new-tram-line"
    title = "A new tram line"
    favor = [
        "A new tram line is a good idea",
        "I support a new tram line",
    ]
    against = [
        "A new tram line is a bad idea",
        "I oppose a new tram line",
    ]
    <BLANKLINE>
    """
    return "\n".join(_table(target) for target in targets)


def _table(target: Target) -> str:
    lines = ["[[stance.targets]]", f"id = {_quoted(target.id)}", f"title = {_quoted(target.title)}"]
    for side, statements in (("favor", target.favor), ("against", target.against)):
        lines += [f"{side} = [", *(f"    {_quoted(each)}," for each in statements), "]"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _is_headline(name: str) -> bool:
    """Whether a name tells news and asks or proposes nothing: few could be for or against it."""
    asks = answer(name.partition("?")[0]) if "?" in name else None
    return asks is None and proposal(name) is None and len(name.split()) > MOST_WORDS


def _says_the_same(target: Target, found: Mapping[str, Target]) -> bool:
    """Whether the title lies within one that was taken before."""
    return any(target.title.casefold() in each.title.casefold() for each in found.values())
