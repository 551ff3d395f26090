"""Make opposing statements of a phrase as people write it in a hurry.

"Ban cars!!", "no to the tram", "nuclear power: yes or no" and "brexit" all say what people take
sides on; whoever agrees with the phrase is in favor. The words that are looked for are English;
a phrase in another language is taken for the name of a thing.
"""

from __future__ import annotations

import re
from typing import Final

from agents.stance.negation import IMPERATIVES, answer, negate, proposal

__all__ = ["plain", "poles"]

Poles = tuple[tuple[str, ...], tuple[str, ...]]
"""Statements in favor and statements against."""

_ASIDE: Final = re.compile(r"[\s:,;\u2013\u2014-]+(?:yes or no|for or against|pro or con(?:tra)?)$", re.I)
_ASKS: Final = re.compile(
    r"^(?:what (?:do|does) (?:you|people|everyone|everybody) think (?:about|of)|"
    r"(?:are|is|who is|who's) (?:(?:you|people|everyone|everybody) )?(?:for or against|in favou?r of)|"
    r"(?:do|would) (?:you|people) (?:support|back|favou?r|want)|for or against|yes or no to)\s+",
    re.I,
)
"""What asks for a side before it names the thing."""
_APPROVES: Final = re.compile(
    r"^(?:(?:i|we) (?:support|back|want)|(?:(?:i'm|i am|we're|we are) )?(?:for|in favou?r of)|yes to)\s+",
    re.I,
)
_REJECTS: Final = re.compile(
    r"^(?:(?:i|we) (?:oppose|reject)|(?:(?:i'm|i am|we're|we are) )?(?:against|opposed to)|no to|no more|"
    r"down with|oppose|reject)\s+",
    re.I,
)
_CRIES_NO: Final = re.compile(r"no\s+", re.I)
"""What is cried is rejected: "No tram!"; "No deal Brexit" is the name of a thing."""
_DENIES: Final = re.compile(r"(?:do not|don't|never|let's not|let us not)\s+(?=\w+)", re.I)
_VERBS: Final = re.compile(
    r"\b(should|must|ought|shall|will|would|can|cannot|could|may|might|is|are|was|were|has|have|does|do|"
    r"needs?|deserves?|matters?)\b|n't\b",
    re.I,
)
_NOUNS_TOO: Final = frozenset(["force", "fund", "limit", "pay", "reform", "support", "tax", "use"])
"""Demands that are as often the first word of a name: tax cuts, support groups."""
_POINTING: Final = "a all an her his it its less more my our that the their them these this us your"
_DETERMINERS: Final = frozenset(_POINTING.split())
"""Words behind a verb; a name hardly goes on with one."""
_JOINING: Final = "about against as at between by for from in into of on over to under with without"
_PREPOSITIONS: Final = frozenset(_JOINING.split())
_SINGULAR: Final = ("ss", "us", "is", "ics", "'s", "news")
"""Endings in "s" of words that are one thing."""


def plain(phrase: str) -> str:
    """Return a phrase on one line, without quotes round all of it and marks around it.

    Examples
    --------
    >>> plain("  \u201ca ban on cars\u201d!! "), plain("the 'green' tram?"), plain("\u00bfM\u00e1s trenes?")
    ('a ban on cars!!', "the 'green' tram?", 'M\u00e1s trenes?')
    """
    text = " ".join(phrase.replace("\u2019", "'").split()).lstrip("\u00bf\u00a1#")
    quoted = re.fullmatch(
        r"([\"'\u201c\u201e\u00ab\u2018])([^\"\u201c\u201d\u00bb]+)[\"'\u201d\u201c\u00bb\u2019]([.!?]*)",
        text,
    )
    return quoted[2] + quoted[3] if quoted else text


def poles(text: str) -> Poles:
    """Return the statements that somebody signs who agrees with a phrase, and those of who doesn't.

    Parameters
    ----------
    text
        As `plain` gives it, with a letter or digit.

    Examples
    --------
    >>> poles("closing the ring")[0]
    ('Closing the ring is a good idea', 'I support closing the ring')
    >>> poles("no to the tram")[0]
    ('The tram is a bad idea', 'I oppose the tram')
    >>> poles("Ban cars!!")
    (('We should ban cars',), ('We should not ban cars',))
    >>> poles("should we get rid of the monarchy?")[0]
    ('We should get rid of the monarchy',)
    """
    question = re.match(r"([^?]+)\?", text)
    if not _ASKS.match(text) and question and (answered := answer(question[1])) is not None:
        return (answered,), (negate(answered),)
    said = _thing(_ASKS.sub("", text, count=1))
    stated = _demanded(said) or (_upper_first(said) if _VERBS.search(said) else None)
    if stated is not None:
        return (stated,), (negate(stated),)
    rejected = _REJECTS.match(said) or (_CRIES_NO.match(said) if text.endswith("!") else None)
    if rejected:
        return _good_or_bad(said[rejected.end() :])[::-1]
    return _good_or_bad(proposal(said) or _APPROVES.sub("", said, count=1))


def _thing(text: str) -> str:
    """Return what is left without the marks at the end and an aside on the sides."""
    return _ASIDE.sub("", text.rstrip(".!?\u2026 ")).rstrip(".!?:\u2026 ") or text


def _demanded(text: str) -> str | None:
    """Return a demand as what we should do, None where the phrase is none."""
    denied = _DENIES.match(text)
    first, _, rest = text[denied.end() :].partition(" ") if denied else text.partition(" ")
    verb, second = first.lower(), rest.partition(" ")[0].lower()
    is_verb = verb in IMPERATIVES or rest.lower().startswith("rid of ")
    if not rest or not is_verb or second in _PREPOSITIONS:
        return None
    if verb in _NOUNS_TOO and second not in _DETERMINERS:
        return None
    return f"We should {'not ' if denied else ''}{verb} {rest}"


def _good_or_bad(thing: str) -> Poles:
    """Return what is said for and against a thing that is only named."""
    name = _upper_first(thing)
    is_lower = thing[:1].islower() or name.startswith(("The ", "A ", "An "))
    bare = thing[:1].lower() + thing[1:] if is_lower else thing
    verb = "are" if _is_plural(thing) else "is"
    return (f"{name} {verb} a good idea", f"I support {bare}"), (
        f"{name} {verb} a bad idea",
        f"I oppose {bare}",
    )


def _is_plural(thing: str) -> bool:
    """Return whether the words before the first preposition end in a plural, and aren't what is done."""
    words = thing.split()
    head = next((words[:at] for at, word in enumerate(words) if at and word.lower() in _PREPOSITIONS), words)
    last = head[-1]
    return last.endswith("s") and not last.endswith(_SINGULAR) and not head[0].lower().endswith("ing")


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
