"""Turn a statement round: "Boxing should be banned" to "Boxing should not be banned".

Rules over the first auxiliary verb, not a parser: what they can't turn is wrapped
("It is not true that ..."), which is clumsy but never wrong.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["answer", "is_negative", "negate", "opposite", "proposal"]

AUXILIARIES: Final = (
    "should must can could will would may might shall ought is are was were does do did has have had"
)
"""Verbs that take "not" behind them."""

PREFIXES: Final = re.compile(
    r"^(?:this house (?:believes|supports|thinks)(?: that)? |thb that |thb |thw |this house would )", re.I
)
"""How debating clubs open a motion."""

CONTRACTIONS: Final = {
    "can't": "can",
    "cannot": "can",
    "won't": "will",
    "shan't": "shall",
    "don't": "do",
    "doesn't": "does",
    "didn't": "did",
    "isn't": "is",
    "aren't": "are",
    "wasn't": "was",
    "weren't": "were",
    "shouldn't": "should",
    "wouldn't": "would",
    "couldn't": "could",
    "hasn't": "has",
    "haven't": "have",
    "hadn't": "had",
    "mustn't": "must",
}

CLAUSES: Final = frozenset({"who", "that", "which", "what", "whose", "where", "when", "if", "because"})
"""Words that open a clause inside a statement."""

PRONOUNS: Final = frozenset(["i", "you", "he", "she", "it", "we", "they", "this", "that", "there"])
"""Words that are the whole subject of a question."""

_DEMANDS: Final = (
    "abandon abolish adopt allow ban bring build close create criminalise criminalize cut defund deport "
    "disband encourage end enforce expand force fund give grant implement increase introduce invade invest "
    "keep legalise legalize let limit lower make outlaw pay permit privatise privatize prohibit promote "
    "protect raise reduce reform regulate reintroduce reject remove repeal replace require restrict save "
    "scrap stop subsidise subsidize support tax teach use withdraw"
)
IMPERATIVES: Final = frozenset(_DEMANDS.split())
"""Verbs that open a demand: "Ban the use of trans fats"."""

_THIRD_PERSON: Final = (
    "affects allows attracts benefits brings causes cheats contributes corrupts creates damages degrades "
    "destroys deters discourages discriminates encourages endangers enables ensures exploits fails fuels "
    "gives harms helps hinders hurts improves increases infringes intrudes invades justifies keeps leads "
    "limits lowers makes matters means needs offers poses preserves prevents promotes protects provides "
    "raises reduces reinforces removes requires saves serves spreads stops strengthens supports teaches "
    "threatens undermines violates wastes weakens works worsens"
)
PLAIN_VERBS: Final = frozenset(_THIRD_PERSON.split())
"""Verbs of the third person that are common in claims and hardly ever nouns in the plural there."""

ANTONYMS: Final = (
    ("good", "bad"),
    ("beneficial", "harmful"),
    ("right", "wrong"),
    ("ban", "allow"),
    ("banned", "allowed"),
    ("legalise", "outlaw"),
    ("legalize", "outlaw"),
    ("legal", "illegal"),
    ("mandatory", "optional"),
    ("compulsory", "voluntary"),
    ("increase", "reduce"),
    ("increased", "reduced"),
    ("increases", "reduces"),
    ("raise", "lower"),
    ("necessary", "unnecessary"),
    ("ethical", "unethical"),
    ("moral", "immoral"),
    ("acceptable", "unacceptable"),
    ("justified", "unjustified"),
    ("effective", "ineffective"),
    ("safe", "dangerous"),
    ("more", "less"),
    ("better", "worse"),
    ("support", "oppose"),
    ("supports", "opposes"),
    ("abolish", "keep"),
    ("abolished", "kept"),
    ("abandon", "keep"),
    ("introduce", "reject"),
    ("helps", "harms"),
    ("strengthens", "weakens"),
    ("encourages", "discourages"),
    ("fair", "unfair"),
)
"""Words that turn a statement round by themselves."""

_OTHER: Final = dict(ANTONYMS) | {b: a for a, b in reversed(ANTONYMS)}
_AUXILIARY: Final = frozenset(AUXILIARIES.split())


def negate(statement: str) -> str:
    """Return the statement with its sense turned round.

    Examples
    --------
    >>> negate("Boxing should be banned")
    'Boxing should not be banned'
    >>> negate("Russia can't be a partner")
    'Russia can be a partner'
    >>> negate("Homework helps pupils")
    'Homework does not help pupils'
    >>> negate("Ban plastic bottles")
    'Do not ban plastic bottles'
    >>> negate("People who are rich should pay more")
    'It is not true that people who are rich should pay more'
    >>> negate("Celibacy outdated")
    'It is not true that celibacy outdated'
    """
    text = " ".join(statement.replace("\u2019", "'").split()).rstrip(".!")
    if PREFIXES.match(text) and text.lower().startswith(("this house would ", "thw ")):
        rest = PREFIXES.sub("", text, count=1)
        return f"We should {rest[4:]}" if rest.lower().startswith("not ") else f"We should not {rest}"
    if text.startswith("The answer to ") and text.endswith(" is yes"):
        return text.removesuffix("yes") + "no"
    words = PREFIXES.sub("", text, count=1).split()
    end = next((place for place, word in enumerate(words) if _opens_clause(word.lower())), len(words))
    main = words[:end]
    turned = _at_auxiliary(main) or _at_imperative(main) or _at_plain_verb(main)
    if turned is None:
        return "It is not true that " + _lower_first(" ".join(words))
    return _upper_first(" ".join([*turned, *words[end:]]))


def opposite(statement: str) -> str | None:
    """Return the statement with one word replaced by its opposite, or None where none is known.

    Examples
    --------
    >>> opposite("Boxing should be banned")
    'Boxing should be allowed'
    """
    words = " ".join(statement.split()).rstrip(".!").split()
    places = [place for place, word in enumerate(words) if word.lower() in _OTHER]
    if len(places) != 1:
        return None
    place = places[0]
    other = _OTHER[words[place].lower()]
    words[place] = _upper_first(other) if words[place][0].isupper() else other
    return " ".join(words)


def _at_auxiliary(words: list[str]) -> list[str] | None:
    """Put "not" behind the first auxiliary verb, or take it away."""
    for place, word in enumerate(words):
        plain = word.lower()
        if plain in CONTRACTIONS:
            return _without_not(words[:place], CONTRACTIONS[plain], words[place + 1 :])
        if plain not in _AUXILIARY or (place == 0 and plain in ("do", "have", "will", "can", "may")):
            if place == 0 and plain == "do" and len(words) > 2 and words[1].lower() == "not":
                return words[2:]
            continue
        rest = words[place + 1 :]
        if rest and rest[0].lower() == "not":
            return _without_not(words[:place], word, rest[1:])
        if plain in ("has", "have", "had") and not (rest and rest[0].lower().endswith(("ed", "en", "een"))):
            does = {"has": "does", "have": "do", "had": "did"}[plain]
            return [*words[:place], does, "not", "have", *rest]
        return [*words[: place + 1], "not", *rest]
    return None


def _opens_clause(word: str) -> bool:
    """Return whether what follows may have a verb of its own, which isn't the statement's."""
    return word in CLAUSES or word.endswith(",")


def _without_not(before: list[str], verb: str, after: list[str]) -> list[str]:
    """Join what stood round a "not": "does not help" becomes "helps"."""
    if verb.lower() == "does" and after:
        return [*before, _third_person(after[0]), *after[1:]]
    if verb.lower() == "do" and after and before:
        return [*before, *after]
    return [*before, verb, *after]


def _at_imperative(words: list[str]) -> list[str] | None:
    if words and words[0].lower() in IMPERATIVES:
        return ["Do", "not", words[0].lower(), *words[1:]]
    return None


def _at_plain_verb(words: list[str]) -> list[str] | None:
    for place, word in enumerate(words):
        if place and word in PLAIN_VERBS:
            return [*words[:place], "does", "not", _base_form(word), *words[place + 1 :]]
    return None


def _base_form(verb: str) -> str:
    return verb[:-2] if verb.endswith(("shes", "ches", "sses")) else verb[:-1]


def _third_person(verb: str) -> str:
    if verb == "have":
        return "has"
    return verb + ("es" if verb.endswith(("sh", "ch", "ss", "go", "do")) else "s")


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower_first(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if first.isupper() and len(first) > 1 else text[:1].lower() + text[1:]


def is_negative(statement: str) -> bool:
    """Return whether a statement holds a negation.

    Examples
    --------
    >>> is_negative("We don't need critics"), is_negative("We need critics")
    (True, False)
    """
    words = statement.lower().replace("\u2019", "'").replace(",", " ").split()
    return any(word in CONTRACTIONS or word in ("not", "no", "never") for word in words)


def answer(question: str) -> str | None:
    """Return the statement that says yes to a question, or None where it isn't one of yes and no.

    The verb goes behind the subject: a pronoun, or all before the first verb that is known.

    Examples
    --------
    >>> answer("Should the town close the Old Ring to private cars?")
    'The town should close the Old Ring to private cars'
    >>> answer("Should we get rid of the monarchy?")
    'We should get rid of the monarchy'
    >>> answer("Is bullfighting an art?")
    "The answer to 'Is bullfighting an art' is yes"
    >>> answer("Who pays for it?")
    """
    words = question.strip().rstrip("?").split()
    if len(words) < 3 or words[0].lower() not in _AUXILIARY:
        return None
    verbs = IMPERATIVES | {"be", "have", "not"}
    ends = 2 if words[1].lower() in PRONOUNS else None
    found = ends or next(
        (place for place, word in enumerate(words) if place > 1 and word.lower() in verbs), None
    )
    if found is None:
        return f"The answer to '{' '.join(words)}' is yes"
    return _upper_first(" ".join([*words[1:found], words[0].lower(), *words[found:]]))


_PROPOSES: Final = re.compile(
    r"(?<!'s )(?<!\u2019s )\b(?:announces|backs|calls for|considers|demands|floats|mulls|offers|"
    r"pitches|plans|promises|proposes|pushes for|suggests|unveils|urges|wants|weighs)"
    r"\s+(?!for |of |on |to )(?P<what>.+)",
    re.I,
)
_ASIDE: Final = re.compile(
    r"\s+(?:in|as|after|amid|despite|while|over|ahead|says?|said)\s|[,;:|]|\s[-\u2013\u2014]\s", re.I
)


def proposal(headline: str) -> str | None:
    """Return what a headline says that somebody proposes, or None where it says nothing like it.

    Examples
    --------
    >>> proposal("Macron floats EU security pact with Russia in split from US calls for unity")
    'EU security pact with Russia'
    >>> proposal("Storm hits the coast")
    """
    found = _PROPOSES.search(headline)
    if found is None:
        return None
    what = _ASIDE.split(found["what"], maxsplit=1)[0].strip()
    return what if len(what.split()) > 1 else None
