"""Reddit dumps: one comment or submission a line, as Pushshift and its heirs write them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from agents.errors import InvalidError
from agents.records import Comment
from streams.feeds.fields import comment_of, decode_row

__all__ = ["RedditLines", "is_reddit"]

SOURCE: Final = "reddit"
GONE: Final = ("[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]")
"""What Reddit writes where a comment was."""

MAX_TITLES: Final = 100_000
"""Titles of submissions kept for the comments that come after them; the oldest go first."""


def is_reddit(row: Mapping[str, object]) -> bool:
    """Say whether a row is a comment or a submission of a dump."""
    return "subreddit" in row and ("body" in row or "selftext" in row)


class RedditLines:
    """Makes comments of the lines of a dump; keeps the titles of the submissions that it passes."""

    def __init__(self) -> None:
        self._titles: OrderedDict[str, str] = OrderedDict()

    def __call__(self, raw: bytes) -> Comment | None:
        """Make a comment of one line; None of a blank one or a submission.

        A comment that was deleted or removed comes as its retraction.

        Raises
        ------
        RejectedError
            If the line is no comment of a dump.
        """
        if not raw.strip():
            return None
        row = decode_row(raw)
        if "body" not in row and "title" in row:
            self._remember(row)
            return None
        return self._comment(row)

    def _comment(self, row: Mapping[str, object]) -> Comment:
        identity = row.get("id")
        if not isinstance(identity, str) or not identity:
            raise InvalidError("a comment of a dump has no 'id'; is this a dump of Reddit comments?", "no_id")
        link, parent, author, path = (
            row.get(name) for name in ("link_id", "parent_id", "author", "permalink")
        )
        is_gone = row.get("body") in GONE
        ours = {
            "id": f"t1_{identity.removeprefix('t1_')}",
            "text": None if is_gone else row.get("body"),
            "deleted": is_gone,
            "created_at": row.get("created_utc"),
            "discussion": link,
            "discussion_title": row.get("link_title") or self._titles.get(str(link)),
            "parent": parent if isinstance(parent, str) and parent.startswith("t1_") else None,
            "author": None if author in GONE else author,
            "url": f"https://www.reddit.com{path}"
            if isinstance(path, str) and path.startswith("/")
            else None,
        }
        return comment_of(ours, source=SOURCE)

    def _remember(self, row: Mapping[str, object]) -> None:
        identity, title = row.get("id"), row.get("title")
        if isinstance(identity, str) and isinstance(title, str):
            self._titles[f"t3_{identity.removeprefix('t3_')}"] = title
            if len(self._titles) > MAX_TITLES:
                self._titles.popitem(last=False)
