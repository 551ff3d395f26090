"""Markup of web pages and of Markdown: what a reader doesn't see."""

from __future__ import annotations

import re

__all__ = ["without_markup"]

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


def without_markup(text: str) -> str:
    """Take out the tags of known elements, and leave of links in Markdown their words.

    Code between backticks and what only looks like a tag stay.

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
        if _BLOCK.fullmatch(name):
            return "\n"
        return "" if _INLINE.fullmatch(name) else found[0]

    plain = _MARKUP.sub(left, text)
    return text if plain == text else _BLANK_LINES.sub("\n\n", plain)
