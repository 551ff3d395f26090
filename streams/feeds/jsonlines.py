"""JSON Lines: one comment a line, its fields under our names or under those that a mapping gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import IO, Final

from agents.errors import RejectedError
from agents.records import Comment
from streams.feeds.feed import Item, Position, Refused, count_in
from streams.feeds.fields import comment_of, decode_row
from streams.feeds.lines import MAX_LINE_BYTES, read_lines

__all__ = ["KEPT_BYTES", "Parse", "line_items", "parse_line", "parsed"]

Parse = Callable[[bytes], Comment | None]
"""From a line to a comment; None for a line that is none, such as a blank one."""

KEPT_BYTES: Final = 64 * 1024
"""As much of a refused line goes to the dead letters."""


def parse_line(
    raw: bytes, mapping: Mapping[str, str] | None = None, source: str | None = None
) -> Comment | None:
    """Make a comment of one line, None of a blank one.

    Raises
    ------
    RejectedError
        If the line isn't a JSON object that can become a comment.

    Examples
    --------
    >>> parse_line(b'{"name": "t1_a", "body": "Agreed."}', {"id": "name", "text": "body"}).text
    'Agreed.'
    """
    if not raw.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        return None
    return comment_of(decode_row(raw), mapping, source)


def line_items(stream: IO[bytes], parse: Parse, position: Position) -> Iterator[Item]:
    """Give an item for every line after a position; ``position`` holds ``line`` and ``offset``.

    Raises
    ------
    FeedError
        If a compressed stream is damaged.
    """
    number, offset = count_in(position, "line"), count_in(position, "offset")
    for raw, after in read_lines(stream, offset):
        number += 1
        yield Item(parsed(raw, parse, number), {"line": number, "offset": after})


def parsed(raw: bytes | None, parse: Parse, number: int) -> Comment | Refused | None:
    """Parse one line; None in its place stands for one that was too long to hold."""
    where = f"line {number}"
    if raw is None:
        message = f"a line is longer than {MAX_LINE_BYTES} bytes; split the file into one comment a line."
        return Refused(b"", "too_large", message, where)
    try:
        return parse(raw)
    except RejectedError as error:
        return Refused(raw[:KEPT_BYTES], error.reason, str(error), where)
