"""Saved or fetched HTML pages: comment lists as WordPress and its kin write them, old Reddit, Hacker News.

One walk through the document in its order, with the comments that are open on a stack: what
lies in a comment inside another is a reply to it. Scripts, styles and forms are passed over,
except the forms in which old Reddit shows what was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.records import Comment
from streams.feeds.feed import Article, FeedError
from streams.feeds.fields import content_id
from streams.feeds.hackernews_page import is_item_page, parse_item_page
from streams.feeds.markup import SKIPPED, classes, node_text, parse_document, walk
from streams.feeds.page import SOURCE, Page, blog_date, text_ids
from streams.feeds.reddit import GONE

__all__ = ["is_html", "parse_html"]

_OPENING: Final = re.compile(
    r"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype html|html|head|body|ol|div|article)\b", re.I | re.S
)
_NUMBER: Final = re.compile(r"(?:li-|div-|article-)?comment[-_]?(\d{1,18})", re.ASCII)
_COUNTED: Final = re.compile(r"\s*(\d[\d.,]{0,11})\s+(?:comments?|replies|responses?|thoughts?)\b", re.I)
_BODIES: Final = frozenset(
    {
        "comment-content",
        "comment-text",
        "comment_text",
        "comment__content",
        "comment-copy",
        "comment-entry",
        "usertext-body",
    }
)
_META: Final = frozenset(
    {
        "comment-author",
        "comment-meta",
        "comment-metadata",
        "commentmetadata",
        "reply",
        "says",
        "edit-link",
        "tagline",
        "buttons",
    }
)
_NOT_COMMENTS: Final = frozenset({"pingback", "trackback", "comment-respond"})
_LISTS: Final = frozenset({"commentlist", "comment-list", "children", "sitetable"})
_PROSE: Final = frozenset({"p", "blockquote", "pre", "ul", "ol", "table"})
_COMMENTS: Final = "li.comment, div.comment, article.comment, [id^=comment], [itemtype$=Comment]"
_SAID: Final = ".fn, [itemprop=author], time, [itemprop=datePublished], a"
_TITLES: Final = (
    "h1.entry-title",
    "[itemprop=headline]",
    ".thing.link a.title",
    "h1",
    'meta[property="og:title"]',
    "title",
)
_ARTICLES: Final = (
    ".entry-content",
    "[itemprop=articleBody]",
    ".post-content",
    ".article-body",
    ".thing.link .usertext-body",
)


def is_html(head: str) -> bool:
    """Say whether a text opens like an HTML page."""
    return _OPENING.match(head) is not None


def parse_html(text: str) -> Page:
    """Read a page with its comments.

    Raises
    ------
    FeedError
        If no list of comments is found in it, or it nests too deep.

    Examples
    --------
    >>> page = parse_html('<h1>Trams</h1><ol class="comment-list"><li class="comment" id="comment-7">'
    ...                   '<div class="comment-content"><p>More of them.</p></div></li></ol>')
    >>> page.title, page.comments[0].text
    ('Trams', 'More of them.')
    """
    document = parse_document(text)
    if is_item_page(document):
        return parse_item_page(document)
    drafts = _Drafts()
    if document.root is not None:
        walk(document.root, drafts.enter, drafts.leave)
    if not drafts.found:
        raise FeedError("the page has no list of comments that is known; save it as text with its numbers.")
    return _page(document, drafts.found)


@dataclass(slots=True, eq=False)
class _Draft:
    """A comment while the walk goes on."""

    number: str | None
    parent: _Draft | None
    body: str | None = None
    loose: list[str] = field(default_factory=list)
    author: str | None = None
    created_at: str | None = None

    @property
    def text(self) -> str:
        return self.body if self.body is not None else "\n\n".join(filter(None, self.loose))


class _Drafts:
    """The comments that a walk has found; `enter` and `leave` are its visitors."""

    def __init__(self) -> None:
        self.found: list[_Draft] = []
        self._open: list[tuple[int, _Draft]] = []
        self._list = 0
        """Identity of the list or comment entered last: a comment inside a comment needs a list between."""

    def enter(self, node: LexborNode) -> bool:
        """Take what the node says; return whether to go below it."""
        if not node.is_element_node:
            return False
        names = classes(node)
        if names & _NOT_COMMENTS or (node.tag in SKIPPED and not _shows_a_body(node, names)):
            return False
        if node.tag in ("ol", "ul") or names & _LISTS:
            self._list = node.mem_id
        if self._opens(node, names):
            return True
        return not self._open or self._take(self._open[-1][1], node, names)

    def leave(self, node: LexborNode) -> None:
        """Close the comment that the node opened."""
        if self._open and self._open[-1][0] == node.mem_id:
            self._open.pop()

    def _opens(self, node: LexborNode, names: frozenset[str]) -> bool:
        match = _NUMBER.fullmatch(node.attributes.get("id") or "")
        number = match[1] if match else None
        is_row = node.tag == "li" and node.parent is not None and bool(classes(node.parent) & _LISTS)
        is_marked = "comment" in names or (node.attributes.get("itemtype") or "").endswith("/Comment")
        if not (number or is_row or is_marked):
            return False
        outer = self._open[-1][1] if self._open else None
        if outer is not None and self._is_same(outer, number):
            outer.number = outer.number or number
            return False
        draft = _Draft(number, outer)
        self.found.append(draft)
        self._open.append((node.mem_id, draft))
        self._list = 0
        return True

    def _is_same(self, outer: _Draft, number: str | None) -> bool:
        """Say whether a node is a wrapper within the comment that is open, and no reply to it."""
        if number is not None and outer.number is not None:
            return number == outer.number
        return not self._list

    def _take(self, draft: _Draft, node: LexborNode, names: frozenset[str]) -> bool:
        role = node.attributes.get("itemprop") or ""
        if names & _BODIES or role in ("text", "commentText"):
            draft.body = draft.body or node_text(node)
            return False
        if names & _META:
            for said in node.css(_SAID):
                _note(draft, said)
            if "comment-author" in names and draft.author is None:
                draft.author = node_text(node) or None
            return False
        _note(draft, node)
        if node.tag in _PROSE and not names & _LISTS and node.css_first(_COMMENTS) is None:
            draft.loose.append(node_text(node, lambda inner: bool(classes(inner) & _META)))
            return False
        return True


def _shows_a_body(node: LexborNode, names: frozenset[str]) -> bool:
    """Say whether an element is one of the forms that old Reddit puts around every comment's words."""
    return node.tag == "form" and "usertext" in names


def _note(draft: _Draft, node: LexborNode) -> None:
    """Take author and time from an element that carries them."""
    attributes, role, names = node.attributes, node.attributes.get("itemprop"), classes(node)
    if "fn" in names or role == "author" or (node.tag == "a" and "author" in names):
        draft.author = draft.author or node_text(node) or None
    elif node.tag == "time" or role == "datePublished":
        draft.created_at = draft.created_at or attributes.get("datetime") or attributes.get("content")
    elif node.tag == "a" and draft.created_at is None and node.css_first("time") is None:
        draft.created_at = blog_date(node_text(node))


def _page(document: LexborHTMLParser, drafts: list[_Draft]) -> Page:
    title = next(filter(None, (_first(document, selector) for selector in _TITLES)), None)
    address = _address(document)
    source = (urlsplit(address).hostname if address else None) or SOURCE
    discussion = f"{source}:{content_id(address or title)}"
    made = text_ids(discussion, [(draft.author, draft.text) for draft in drafts])
    ids = {
        draft: f"{source if address else discussion}:{draft.number}" if draft.number else identity
        for draft, identity in zip(drafts, made, strict=True)
    }
    comments = tuple(
        Comment(
            id=ids[draft],
            text=draft.text,
            created_at=draft.created_at,
            discussion=discussion,
            discussion_title=title,
            parent=ids[draft.parent] if draft.parent else None,
            author=draft.author,
            source=source,
            url=f"{address}#comment-{draft.number}" if address and draft.number else address,
        )
        for draft in _once(drafts)
        if draft.text and draft.text not in GONE
    )
    article = next(filter(None, (_first(document, selector) for selector in _ARTICLES)), None)
    return Page(title, Article(discussion, title, article) if article else None, comments, _claimed(document))


def _once(drafts: list[_Draft]) -> list[_Draft]:
    """Leave out comments whose number came before: themes repeat the featured one."""
    numbers: set[str] = set()
    kept = []
    for draft in drafts:
        if draft.number is None or draft.number not in numbers:
            kept.append(draft)
            numbers |= {draft.number} if draft.number else set()
    return kept


def _first(document: LexborHTMLParser, selector: str) -> str | None:
    node = document.css_first(selector)
    if node is None:
        return None
    return (node.attributes.get("content") or "").strip() or node_text(node) or None


def _address(document: LexborHTMLParser) -> str | None:
    for selector, name in (("link[rel=canonical]", "href"), ('meta[property="og:url"]', "content")):
        node = document.css_first(selector)
        address = (node.attributes.get(name) or "") if node is not None else ""
        if address.startswith(("https://", "http://")) and _has_host(address):
            return address.partition("#")[0]
    return None


def _has_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname)
    except ValueError:
        return False


def _claimed(document: LexborHTMLParser) -> int | None:
    node = document.css_first(".comments-title, #comments h2, #comments h3, h2#comments, h3#comments")
    match = _COUNTED.match(node_text(node)) if node is not None else None
    return int(re.sub(r"\D", "", match[1])) if match else None
