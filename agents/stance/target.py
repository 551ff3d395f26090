"""Targets: what people can be for or against, and the statements that say so."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agents.errors import SettingsError
from agents.records import Side
from agents.stance.negation import answer
from agents.stance.phrase import plain, poles

__all__ = ["Example", "Target", "as_targets", "from_phrase", "slug"]

LONGEST_ID: Final = 40
"""Characters of an id: it becomes part of a topic's name and of a metric's label."""
LONGEST_STATEMENT: Final = 300
"""Characters of a statement; the model reads it beside every comment, so it must leave room."""
ROOM: Final = 40
"""Characters of a statement that a phrase leaves free for what is said of it."""
MOST_STATEMENTS: Final = 8
"""Statements a side: each is read once more with every comment about the target."""

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Example:
    """A comment whose side a person has named, to train a head on."""

    text: str
    side: Side


@dataclass(frozen=True, slots=True)
class Target:
    """What people can be for or against.

    Raises
    ------
    SettingsError
        If the id can't name a topic, or statements are missing, blank, too many or too long.
    """

    id: str
    """Lower-case letters, digits and hyphens, at most 40: part of topic names and metric labels."""
    title: str
    """What people read on the page and in Grafana."""
    favor: tuple[str, ...]
    """Statements that somebody in favor would sign."""
    against: tuple[str, ...]
    """Statements that somebody against would sign: the opposite of the others."""
    examples: tuple[Example, ...] = ()
    """Comments with their side; enough of them train a head (`groundswell stance train`)."""

    def __post_init__(self) -> None:
        """Check id, title and statements."""
        if not _ID.fullmatch(self.id) or len(self.id) > LONGEST_ID:
            raise SettingsError(
                f"stance.targets has the id {self.id!r}; an id is 1 to {LONGEST_ID} lower-case letters, "
                f"digits and hyphens. Write e.g. id = {slug(self.id)!r}."
            )
        if not self.title.strip():
            raise SettingsError(f"stance.targets: the title of {self.id!r} is empty; write what it is about.")
        for side in ("favor", "against"):
            _check_statements(self.id, side, getattr(self, side))
        both = {each.casefold() for each in self.favor} & {each.casefold() for each in self.against}
        if both:
            raise SettingsError(
                f"stance.targets: {self.id!r} has {sorted(both)[0]!r} in favor and against; "
                "a statement speaks for one side. Remove it from the other."
            )

    @property
    def statements(self) -> tuple[str, ...]:
        """Every statement, those in favor first."""
        return self.favor + self.against


def from_phrase(phrase: str) -> Target:
    """Make a target from a bare phrase, a demand, a question or one statement in favor.

    In favor is who agrees with the phrase: of "no to the tram", who is against the tram.

    Raises
    ------
    SettingsError
        If the phrase has no letter or digit, or is longer than a statement may be.

    Examples
    --------
    >>> target = from_phrase("a European security pact with Russia")
    >>> target.id
    'a-european-security-pact-with-russia'
    >>> target.favor[0]
    'A European security pact with Russia is a good idea'
    >>> target.against[0]
    'A European security pact with Russia is a bad idea'
    >>> from_phrase("closing the ring").favor
    ('Closing the ring is a good idea', 'I support closing the ring')
    >>> from_phrase("Boxing should be banned").against
    ('Boxing should not be banned',)
    """
    text = plain(phrase)
    if not any(each.isalnum() for each in text) or len(text) > LONGEST_STATEMENT - ROOM:
        raise SettingsError(
            f"the target {phrase[:60]!r} has {len(text)} characters; write a phrase or a statement of 1 to "
            f'{LONGEST_STATEMENT - ROOM} with a letter, e.g. "a European security pact with Russia".'
        )
    question = re.match(r"[^?]+\?", text)
    title = question[0] if question and answer(question[0]) is not None else text.rstrip(".!?")
    return Target(slug(title), title[:1].upper() + title[1:], *poles(text))


def slug(text: str) -> str:
    """Return lower-case words joined by hyphens, cut at a word to at most 40 characters.

    A text without Latin letters or digits is named by its checksum.

    Examples
    --------
    >>> slug("Macron's plan: a pact with Russia?")
    'macrons-plan-a-pact-with-russia'
    """
    words = re.findall(r"[a-z0-9]+", text.casefold().replace("'", "").replace("\u2019", ""))
    kept = ""
    for word in words:
        longer = f"{kept}-{word}" if kept else word[:LONGEST_ID]
        if len(longer) > LONGEST_ID:
            break
        kept = longer
    return kept or f"target-{zlib.crc32(text.encode()):08x}"


def as_targets(given: Iterable[str | Target]) -> tuple[Target, ...]:
    """Return targets, making those that are bare phrases.

    Raises
    ------
    SettingsError
        If two have the same id.
    """
    targets = tuple(each if isinstance(each, Target) else from_phrase(each) for each in given)
    seen: set[str] = set()
    for target in targets:
        if target.id in seen:
            raise SettingsError(
                f"stance.targets has the id {target.id!r} twice; it belongs to one target. Rename one."
            )
        seen.add(target.id)
    return targets


def _check_statements(target: str, side: str, statements: Sequence[str]) -> None:
    if not 1 <= len(statements) <= MOST_STATEMENTS:
        raise SettingsError(
            f"stance.targets: {target!r} has {len(statements)} statements {side}; write 1 to "
            f'{MOST_STATEMENTS}, e.g. {side} = ["The pact is a {"good" if side == "favor" else "bad"} idea"].'
        )
    for statement in statements:
        if not statement.strip() or len(statement) > LONGEST_STATEMENT:
            raise SettingsError(
                f"stance.targets: a statement {side} of {target!r} has {len(statement.strip())} characters; "
                f"write 1 to {LONGEST_STATEMENT}."
            )
