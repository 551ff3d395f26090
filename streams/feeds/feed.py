"""What a feed is: items in the order of its source, each with the position to go on from after it.

A feed reads; it sends nothing and knows no broker. `streams.feeds.sending` takes its items to Kafka,
`streams.feeds.files.read_file` hands them to a notebook. Parsing is pure and lies apart from reading.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agents.errors import GroundswellError, Reason
from agents.records import Comment

__all__ = ["Article", "Feed", "FeedError", "Gap", "Item", "Position", "Refused", "count_in"]

Position: TypeAlias = dict[str, object]
"""Where a feed stands, as a JSON object that only this feed understands; ``{}`` is its beginning."""


def count_in(position: Position, name: str) -> int:
    """Return a count that a position keeps, 0 where it keeps none.

    Raises
    ------
    FeedError
        If what stands there is no count.
    """
    value = position.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FeedError(f"the position says {name} = {value!r}; it must be a count. Feed with --from-start.")
    return value


class FeedError(GroundswellError):
    """A source is missing, isn't of a format that is known, or was named wrongly; a retry can't help."""


@dataclass(frozen=True, slots=True)
class Article:
    """What a discussion is about: the text above the comments, not a comment itself."""

    discussion: str
    title: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Something in the source that can't become a comment.

    Parameters
    ----------
    raw
        The bytes as they stood in the source, cut at 64 KiB.
    reason
        One of the closed set that dead letters and metrics show.
    message
        The value, the bound and the remedy.
    where
        The place as a person looks it up: ``"line 12"``.
    """

    raw: bytes
    reason: Reason
    message: str
    where: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the source had and doesn't give any more.

    Parameters
    ----------
    seconds
        How much time is missing, nan where the source doesn't tell.
    message
        What is missing, why, and what can be done.
    """

    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class Item:
    """One step of a feed.

    Parameters
    ----------
    what
        What stood there; None where only the position moved.
    position
        Where to go on once ``what`` is in safe hands.
    """

    what: Comment | Refused | Article | Gap | None
    position: Position


class Feed(Protocol):
    """A source of comments, of a known length or without an end."""

    @property
    def name(self) -> str:
        """What the source is, stable over restarts: it names the file that keeps the position."""
        ...

    @property
    def is_resumable(self) -> bool:
        """Whether a later run can go on from a position; standard input can't."""
        ...

    def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items after a position, in the order of the source.

        Raises
        ------
        FeedError
            If the source can't be read at all.
        RoadError
            If a network source stayed away for longer than it was given.
        """
        ...
