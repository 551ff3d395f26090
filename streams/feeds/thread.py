"""Plain-text saved pages: a title, a line that counts the comments, numbered comments, a reply form.

::

    Macron floats EU security pact with Russia        the title
    25 comments                                       how many the page claims
      1. First paragraph of the first entry.          entries, numbered from 1,
                                                      of one or more paragraphs
         Another paragraph of it.
      2. The next.
    Leave a Reply                                     the form, with which it ends

Such pages carry no times and none are made up. Where each entry opens with ``Name says:`` and a
date, as in lists saved from a blog, both are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agents.records import Comment
from streams.feeds.feed import Article, FeedError
from streams.feeds.fields import content_id
from streams.feeds.page import SOURCE, Page, blog_date, is_article, text_ids

__all__ = ["is_thread", "parse_thread"]

_COUNT: Final = re.compile(
    r"^\s*(\d[\d.,]{0,11}|no|one)\s+(?:comments?|replies|reply|responses?|thoughts?)"
    r"(?:\s+(?:on|to)\s+[“\"«']?(.{1,300}?)[”\"»']?)?\s*:?\s*$",
    re.I,
)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_NUMBERED: Final = re.compile(r"^(\s{0,8})(\d{1,6})[.)]\s+(?=\S)")
_CLOSING: Final = re.compile(
    r"^(\s*)(?:leave a (?:reply|comment)|post a (?:reply|comment)|add (?:a|your) comment|submit a comment"
    r"|cancel reply|join the (?:conversation|discussion)|comments are closed)\b.{0,40}$",
    re.I,
)
_AUTHOR: Final = re.compile(r"^(\S.{0,79}?) says:$")
_BUTTONS: Final = frozenset({"reply", "report", "share", "like", "log in to reply"})

_HEADING_LINES: Final = 40
"""The count or the first entry stands within so many lines that aren't blank."""


@dataclass(frozen=True, slots=True)
class _Entry:
    paragraphs: tuple[str, ...]
    author: str | None = None
    created_at: str | None = None

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)


def is_thread(text: str) -> bool:
    """Say whether a text is a page of numbered comments: it counts them, or closes with a form."""
    lines = _LINE_END.split(text)
    starts = _starts(lines)
    if not starts:
        return False
    heading = [line for line in lines[: starts[0]] if line.strip()]
    counted = any(_COUNT.match(line) for line in heading)
    return len(heading) <= _HEADING_LINES and (counted or _end(lines, starts) < len(lines))


def parse_thread(text: str, *, article: bool | None = None) -> Page:
    r"""Read a saved page.

    Parameters
    ----------
    article
        Whether the first entry is the article under discussion; None to tell by `is_article`.

    Raises
    ------
    FeedError
        If the text isn't such a page.

    Examples
    --------
    >>> page = parse_thread("Trams or buses?\n\n2 comments\n  1. Trams.\n  2. Buses.\n\nLeave a Reply")
    >>> page.title, [comment.text for comment in page.comments]
    ('Trams or buses?', ['Trams.', 'Buses.'])
    """
    if not is_thread(text):
        raise FeedError(
            "no numbered comments under a line like '25 comments'; save the page as text with its list."
        )
    lines = _LINE_END.split(text)
    starts = _starts(lines)
    title, claimed = _heading(lines[: starts[0]])
    bounds = pairwise([*starts, _end(lines, starts)])
    entries = [_entry(lines[begin:end]) for begin, end in bounds]
    first = article if article is not None else is_article(title, [entry.text for entry in entries])
    discussion = f"{SOURCE}:{content_id(title or entries[0].text)}"
    replies = entries[1:] if first else entries
    ids = text_ids(discussion, [(entry.author, entry.text) for entry in replies])
    comments = tuple(
        Comment(
            id=identity,
            text=entry.text,
            created_at=entry.created_at,
            discussion=discussion,
            discussion_title=title,
            author=entry.author,
            source=SOURCE,
        )
        for identity, entry in zip(ids, replies, strict=True)
    )
    return Page(title, Article(discussion, title, entries[0].text) if first else None, comments, claimed)


def _starts(lines: Sequence[str]) -> list[int]:
    """Lines on which an entry starts: numbers that follow one another, no deeper than the first."""
    starts: list[int] = []
    margin = 0
    for at, line in enumerate(lines):
        match = _NUMBERED.match(line)
        if match is None or int(match[2]) != len(starts) + 1:
            continue
        if not starts:
            margin = len(match[1])
        if len(match[1]) <= margin:
            starts.append(at)
    return starts


def _end(lines: Sequence[str], starts: Sequence[int]) -> int:
    """Line of the form that closes the page, or the number of lines where there is none."""
    margin = len(lines[starts[0]]) - len(lines[starts[0]].lstrip())
    for at in range(starts[-1] + 1, len(lines)):
        match = _CLOSING.match(lines[at])
        if match and len(match[1]) <= margin:
            return at
    return len(lines)


def _heading(lines: Sequence[str]) -> tuple[str | None, int | None]:
    title = quoted = claimed = None
    for line in filter(str.strip, lines):
        if match := _COUNT.match(line):
            word = match[1].lower()
            claimed = {"no": 0, "one": 1}[word] if word in ("no", "one") else int(re.sub(r"\D", "", word))
            quoted = match[2]
        elif title is None:
            title = line.strip()
    return title or quoted, claimed


def _entry(lines: Sequence[str]) -> _Entry:
    texts = [_NUMBERED.sub("", lines[0]).strip(), *(line.strip() for line in lines[1:])]
    author = created_at = None
    if (match := _AUTHOR.match(texts[0])) and (date := next((text for text in texts[1:] if text), "")):
        author, created_at = match[1], blog_date(date)
        texts = texts[texts.index(date) + 1 :] if created_at else texts[1:]
    while texts and (not texts[-1] or texts[-1].lower() in _BUTTONS):
        texts.pop()
    paragraphs = re.split(r"\n{2,}", "\n".join(texts).strip("\n"))
    return _Entry(tuple(paragraphs), author, created_at)
