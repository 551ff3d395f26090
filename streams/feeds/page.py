"""A discussion as one page shows it, and ids for comments that have none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agents.records import Comment
from streams.feeds.feed import Article
from streams.feeds.fields import content_id

__all__ = ["SOURCE", "Page", "blog_date", "is_article", "text_ids"]

SOURCE: Final = "page"
"""Source of comments that a page carries without saying where it comes from."""

_DATES: Final = ("%B %d, %Y at %I:%M %p", "%B %d, %Y at %H:%M", "%d %B %Y at %H:%M", "%Y-%m-%d %H:%M")
_LETTERS: Final = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Page:
    """A discussion as it was saved.

    Parameters
    ----------
    claimed
        How many comments the page says it has, None where it doesn't; pages often show fewer.
    """

    title: str | None
    article: Article | None
    comments: tuple[Comment, ...]
    claimed: int | None = None


def is_article(title: str | None, texts: Sequence[str]) -> bool:
    """Say whether the first of several texts is the article that the others are about.

    It is when it is written as one (three paragraphs or more), carries most of the words of the
    title, and is at least twice as long as any of the others: a reader who quotes the title stays short.
    """
    if not title or len(texts) < 2:
        return False
    first, longest = texts[0], max(len(text) for text in texts[1:])
    words = {word.lower() for word in _LETTERS.findall(title)}
    shared = words & {word.lower() for word in _LETTERS.findall(first)}
    written = first.count("\n\n") >= 2 and len(first) >= 2 * longest
    return bool(words) and written and 2 * len(shared) >= len(words)


def text_ids(discussion: str, entries: Sequence[tuple[str | None, str]]) -> Iterator[str]:
    """Give an id to every entry of a page that has none: the same when the page is saved again.

    Made of author and text and not of the number, since pages are sorted by votes or newest first;
    what was said twice in the same words is told apart by how often it was said before.
    """
    seen: Counter[tuple[str | None, str]] = Counter()
    for author, text in entries:
        yield f"{discussion}:{content_id(author, text, seen[author, text])}"
        seen[author, text] += 1


def blog_date(text: str) -> str | None:
    """Return a date as blogs write it in ISO 8601, UTC since they name no zone; None where it is none.

    Examples
    --------
    >>> blog_date("January 20, 2022 at 3:15 pm")
    '2022-01-20T15:15:00+00:00'
    """
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return None
