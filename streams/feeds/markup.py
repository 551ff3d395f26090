"""HTML as text: one walk without recursion, so that nesting costs memory and not the stack."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from streams.feeds.feed import FeedError

__all__ = ["SKIPPED", "classes", "fragment_text", "node_text", "parse_document", "walk"]

SKIPPED: Final = frozenset(
    {
        "script",
        "style",
        "template",
        "noscript",
        "form",
        "textarea",
        "select",
        "button",
        "svg",
        "iframe",
        "object",
    }
)
"""Elements whose text no reader of the page sees as part of a comment."""

MAX_DEPTH: Final = 2_000
"""Parsing takes time quadratic in the depth: 200,000 nested elements took 79 s; real pages stay below 200."""

_PARAGRAPHS: Final = frozenset(
    {"blockquote", "div", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"}
)
_LINES: Final = frozenset(
    {
        "address",
        "article",
        "aside",
        "dd",
        "dl",
        "dt",
        "footer",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "section",
        "td",
        "th",
        "tr",
    }
)
_UNNESTED: Final = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dd",
        "dt",
        "option",
        "tbody",
        "thead",
        "html",
        "head",
        "body",
    }
)
"""Elements that are empty, or that the parser closes where the page forgot to."""

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")


def parse_document(text: str) -> LexborHTMLParser:
    """Parse a page.

    Raises
    ------
    FeedError
        If it nests deeper than `MAX_DEPTH`.
    """
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _UNNESTED:
            depth = max(0, depth + (-1 if tag[1] else 1))
        if depth > MAX_DEPTH:
            raise FeedError(f"the page nests deeper than {MAX_DEPTH} elements; save it as text instead.")
    return LexborHTMLParser(text)


def walk(root: LexborNode, enter: Callable[[LexborNode], bool], leave: Callable[[LexborNode], None]) -> None:
    """Visit a node and what is below it in the order of the document.

    Parameters
    ----------
    enter
        Called with every node; returns whether to go below it.
    leave
        Called with every node that was gone below, after that.
    """
    node, depth = root, 0
    is_down = enter(root)
    while True:
        child = node.first_child if is_down else None
        if child is not None:
            node, depth = child, depth + 1
            is_down = enter(node)
            continue
        if is_down:
            leave(node)
        while depth and node.next is None and node.parent is not None:
            node, depth = node.parent, depth - 1
            leave(node)
        if not depth or node.next is None:
            return
        node = node.next
        is_down = enter(node)


def node_text(root: LexborNode, skip: Callable[[LexborNode], bool] = lambda _: False) -> str:
    r"""Return the text of a node as a reader sees it: paragraphs apart, a line for every ``<br>``.

    Parameters
    ----------
    skip
        Says which elements to leave out, besides `SKIPPED`.
    """
    pieces: list[str] = []
    preformatted = 0

    def enter(node: LexborNode) -> bool:
        nonlocal preformatted
        if node.is_text_node:
            text = node.text_content or ""
            pieces.append(text if preformatted else _SPACE.sub(" ", text))
        tag = node.tag or ""
        if not node.is_element_node or tag in SKIPPED or (node.mem_id != root.mem_id and skip(node)):
            return False
        preformatted += tag == "pre"
        pieces.append("\n" if tag == "br" else _break(tag))
        return True

    def leave(node: LexborNode) -> None:
        nonlocal preformatted
        preformatted -= node.tag == "pre"
        pieces.append(_break(node.tag or ""))

    walk(root, enter, leave)
    lines = "\n".join(line.strip(" \t\r\f") for line in "".join(pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")


def fragment_text(text: str) -> str:
    r"""Return a piece of HTML as text.

    Raises
    ------
    FeedError
        If it nests deeper than `MAX_DEPTH`.

    Examples
    --------
    >>> fragment_text("<p>Trams &amp; buses<br>again</p><script>x</script><p>No.</p>")
    'Trams & buses\nagain\n\nNo.'
    """
    body = parse_document(text).body
    return "" if body is None else node_text(body)


def classes(node: LexborNode) -> frozenset[str]:
    """Return the class names of an element."""
    return frozenset((node.attributes.get("class") or "").split())


def _break(tag: str) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    return "\n" if tag in _LINES else ""
