"""Markup of web pages and of Markdown: what a reader doesn't see, and what somebody else wrote."""

from __future__ import annotations

import re

__all__ = ["without_markup", "without_quotes"]

_BLOCK = re.compile(
    "address|article|aside|blockquote|body|br|caption|center|d[dlt]|details|div|fieldset|figcaption|figure|"
    "footer|form|h[1-6r]|head|header|html|li|main|nav|ol|p|pre|section|summary|t[dhr]|table|tbody|tfoot|thead|ul"
)
_INLINE = re.compile(
    "a|abbr|acronym|audio|b|bd[io]|big|button|cite|code|col|colgroup|del|dfn|em|embed|font|i|iframe|img|input|"
    "ins|kbd|label|link|mark|meta|noscript|object|picture|q|r[pt]|ruby|s|samp|small|source|span|strike|strong|"
    "su[bp]|svg|time|tt|u|var|video|wbr"
)
_ALONE = frozenset({"br", "dd", "dt", "hr", "li", "p", "td", "th", "tr", "wbr"})
"""Elements that HTML lets stand without their other half; half of another, as in ``List<Label>``, is text."""

_CODE = r"```.*?```|`[^`\n]*`"
_VALUE = r"""\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_MARKUP = re.compile(
    rf"{_CODE}"
    r"|(?P<unseen><!--(?:(?!<!--).)*?-->|<(script|style)(?=[\s/>])[^<>]*>(?:(?!<\2[\s/>]).)*?</\2\s*>)"
    r"|<(?P<slash>/?)(?P<name>[a-z][a-z0-9]*)"
    rf"(?P<attributes>(?:\s+[\w:.-]+{_VALUE}(?:\s+[\w:.-]+(?:{_VALUE})?)*)?)\s*/?>",
    re.I | re.S,
)
"""No attempt runs far past the next one's start, so that 20,000 of them take linear time.

The first attribute must have a value: ``a <b and c> d`` is a comparison."""

_LINK = re.compile(
    rf"{_CODE}"
    r"|!?\[(?P<label>[^\[\]]+)\]\(\s*https?://[^\s()]*(?:\([^\s()]*\)[^\s()]*)*(?:\s+\"[^\"]*\")?\s*\)",
    re.I | re.S,
)
_BLANK_LINES = re.compile(r"\n[ \t\r\n]*\n")

_OPENED, _CLOSED = "\ue000", "\ue001"
"""Stand where a ``<blockquote>`` begins and ends; for private use, so that no text has them."""

_QUOTED_LINE = re.compile(r"[ \t]*>(?!!|[:;=]['\-]?[()\[\]DPp/|\\]|[._\-]+[<>]).*")
"""A line as Markdown and mail quote: no spoiler (``>!so!<``), and no face (``>:(``, ``>_<``)."""

_WROTE = re.compile(
    r"(?=.{1,200}$).*\b(?:wrote|writes|schrieb|schreibt|escribi\u00f3|escreveu|ha scritto|a \u00e9crit|"
    r"schreef)\b.*:[ \t]*"
)
"""What a mail program says above a quote."""


def without_markup(text: str) -> str:
    """Take out the tags of known elements, and leave of links in Markdown their words.

    Code between backticks and what only looks like a tag stay; the lines of a ``<blockquote>`` begin
    with ``>`` afterwards.

    Examples
    --------
    >>> without_markup("I <b>love</b> `<b>` and List<String>, see [why](https://example.org)")
    'I love `<b>` and List<String>, see why'
    """
    if "<" in text:
        text = _without_tags(text)
    if "](" in text:
        text = _LINK.sub(lambda found: found["label"] or found[0], text)
    return text


def _without_tags(text: str) -> str:
    """Take out the tags of known elements, comments, and scripts and styles with what they hold."""
    tags = [(found["slash"], found["name"].lower()) for found in _MARKUP.finditer(text) if found["name"]]
    paired = {name for slash, name in tags if slash} & {name for slash, name in tags if not slash}
    whole = paired | _ALONE

    def left(found: re.Match[str]) -> str:
        if found["unseen"]:
            return ""
        name = (found["name"] or "").lower()
        if name not in whole and not found["attributes"]:
            return found[0]
        if name == "blockquote":
            return f"{_CLOSED}\n" if found["slash"] else f"\n{_OPENED}"
        if _BLOCK.fullmatch(name):
            return "\n"
        return "" if _INLINE.fullmatch(name) else found[0]

    plain = _MARKUP.sub(left, text.replace(_OPENED, "").replace(_CLOSED, ""))
    if _OPENED in plain or _CLOSED in plain:
        plain = _with_marks(plain)
    return text if plain == text else _BLANK_LINES.sub("\n\n", plain)


def _with_marks(text: str) -> str:
    """Begin the lines of every block quote with ``>``; one that is never closed quotes nothing."""
    parts = re.split(f"([{_OPENED}{_CLOSED}])", text)
    opened: list[int] = []
    whole: set[int] = set()
    for place, part in enumerate(parts):
        if part == _OPENED:
            opened.append(place)
        elif part == _CLOSED and opened:
            whole |= {opened.pop(), place}
    depth = 0
    marked: list[str] = []
    for place, part in enumerate(parts):
        if part in (_OPENED, _CLOSED):
            depth += (place in whole) * (1 if part == _OPENED else -1)
        elif depth:
            lines = part.split("\n")
            marked.append("\n".join(f"> {line}" if line.strip() else line for line in lines))
        else:
            marked.append(part)
    return "".join(marked)


def without_quotes(text: str) -> str:
    r"""Take out the lines that quote somebody else; a text that is only a quote keeps them.

    A line quotes if it begins with ``>``, unless it lies in a block of code. What a mail program
    writes above a quote (``Ann wrote:``) goes with it.

    Examples
    --------
    >>> without_quotes("> The tram is too dear.\nNot for me.")
    'Not for me.'
    >>> without_quotes("> The tram is too dear.")
    '> The tram is too dear.'
    """
    if ">" not in text:
        return text
    own: list[str] = []
    in_code = False
    for line in text.split("\n"):
        in_code ^= line.lstrip().startswith("```")
        if in_code or not _QUOTED_LINE.fullmatch(line):
            own.append(line)
            continue
        while own and not own[-1].strip():
            own.pop()
        if own and _WROTE.fullmatch(own[-1]):
            own.pop()
        own.append("")
    plain = _BLANK_LINES.sub("\n\n", "\n".join(own)).strip()
    return plain or text
