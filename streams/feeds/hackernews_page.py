"""Item pages of Hacker News: a table of rows whose depth is an indent, not a nesting."""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.records import Comment
from streams.feeds.feed import Article, FeedError
from streams.feeds.markup import classes, node_text
from streams.feeds.page import Page

__all__ = ["ITEM_URL", "SOURCE", "is_item_page", "parse_item_page"]

SOURCE: Final = "hackernews"
"""The same as of the API, so that a page and the API give a comment the same id."""

ITEM_URL: Final = "https://news.ycombinator.com/item?id="

_ITEM: Final = re.compile(r"item\?id=(\d{1,18})")
_INDENT_PIXELS: Final = 40
"""Width of one step of depth, on pages saved before the rows carried it as a number."""


def is_item_page(document: LexborHTMLParser) -> bool:
    """Say whether a page is an item of Hacker News with its comments."""
    return document.css_first("table.fatitem, table#hnmain tr.athing.comtr, table.comment-tree") is not None


def parse_item_page(document: LexborHTMLParser) -> Page:
    """Read a page of a story, or of one comment with its replies.

    What was deleted or flagged comes as a retraction: it may have been fed when it still stood.

    Raises
    ------
    FeedError
        If the page doesn't say which story it belongs to.
    """
    story = _story_id(document)
    title = _title(document)
    discussion = f"{SOURCE}:{story}"
    comments: list[Comment] = []
    ancestors: list[str] = []
    for row in document.css("tr.athing.comtr"):
        number = _number(row)
        if number is None:
            continue
        depth = _depth(row)
        del ancestors[depth:]
        comments.append(_comment(row, number, discussion, title, ancestors[-1] if ancestors else None))
        ancestors.append(comments[-1].id)
    text = document.css_first("table.fatitem .toptext, table.fatitem .commtext")
    article = Article(discussion, title, node_text(text)) if text is not None else None
    return Page(title, article, tuple(comments))


def _comment(row: LexborNode, number: str, discussion: str, title: str | None, parent: str | None) -> Comment:
    body = row.css_first(".commtext")
    age, user = row.css_first(".age"), row.css_first(".hnuser")
    when = (age.attributes.get("title") or "").split() if age is not None else []
    return Comment(
        id=f"{SOURCE}:{number}",
        text=None if body is None else node_text(body, lambda node: "reply" in classes(node)),
        deleted=body is None,
        created_at=when[0] if when else None,
        discussion=discussion,
        discussion_title=title,
        parent=parent,
        author=user.text(strip=True) if user is not None else None,
        source=SOURCE,
        url=ITEM_URL + number,
    )


def _number(row: LexborNode) -> str | None:
    number = row.attributes.get("id") or ""
    return number if number.isascii() and number.isdigit() and len(number) <= 18 else None


def _depth(row: LexborNode) -> int:
    cell = row.css_first("td.ind")
    if cell is None:
        return 0
    image = cell.css_first("img")
    indent = cell.attributes.get("indent")
    width = image.attributes.get("width") if image is not None else None
    if indent is not None:
        return _whole(indent)
    return _whole(width) // _INDENT_PIXELS


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else 0


def _story_id(document: LexborHTMLParser) -> str:
    on_story = document.css_first(".onstory a")
    if on_story is not None and (match := _ITEM.search(on_story.attributes.get("href") or "")):
        return match[1]
    for row in document.css("table.fatitem tr.athing"):
        if number := _number(row):
            return number
    raise FeedError("the page is of Hacker News but doesn't name its story; save the item page itself.")


def _title(document: LexborHTMLParser) -> str | None:
    for selector in ("table.fatitem .titleline a", "table.fatitem a.storylink", ".onstory a", "title"):
        node = document.css_first(selector)
        if node is not None and (text := node.text(strip=True)):
            return text.removesuffix(" | Hacker News")
    return None
