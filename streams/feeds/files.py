"""Files of any format that is known, recognised by what stands in them."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Final, Literal, get_args

from agents.errors import RejectedError
from agents.records import Comment
from streams.feeds.feed import Article, FeedError, Item, Position, Refused, count_in
from streams.feeds.fields import content_id, decode_row
from streams.feeds.html import is_html, parse_html
from streams.feeds.jsonlines import line_items, parse_line
from streams.feeds.lines import is_damage, open_bytes
from streams.feeds.page import Page
from streams.feeds.reddit import RedditLines, is_reddit
from streams.feeds.tables import is_table, table_items
from streams.feeds.thread import is_thread, parse_thread

__all__ = [
    "FORMATS",
    "FileFeed",
    "Format",
    "Options",
    "decode_page",
    "detect",
    "file_items",
    "page_items",
    "read_file",
]

logger = logging.getLogger(__name__)

Format = Literal["jsonlines", "table", "thread", "html", "reddit"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
"""What ``--format`` takes; without it the format is recognised."""

HEAD_BYTES: Final = 256 * 1024
"""The format is told from so much of a file."""

MAX_PAGE_BYTES: Final = 64 * 1024 * 1024
"""A page is parsed as a whole, so it has to fit in memory some ten times over."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a source.

    Parameters
    ----------
    format
        None to recognise it.
    mapping
        From our fields to those of the source.
    source
        Where the comments come from, for formats that don't say it.
    article
        Whether the first entry of a page is its article; None to tell.
    """

    format: Format | None = None
    mapping: Mapping[str, str] | None = None
    source: str | None = None
    article: bool | None = None


def read_file(
    path: Path | str,
    *,
    mapping: Mapping[str, str] | None = None,
    limit: int | None = None,
    options: Options | None = None,
    refused: Callable[[Refused], None] | None = None,
) -> Iterator[Comment]:
    """Give the comments of a file, in its order; a page's article isn't one of them.

    Parameters
    ----------
    limit
        Most comments to give, None for all.
    refused
        Called with whatever can't become a comment; without it that is logged as a warning.

    Raises
    ------
    FeedError
        If the file is missing, damaged or of no format that is known.
    """
    options = options or Options(mapping=mapping)
    return islice(_comments(Path(path), options, refused or _warn), limit)


def _comments(path: Path, options: Options, refused: Callable[[Refused], None]) -> Iterator[Comment]:
    for item in file_items(path, options, {}):
        if isinstance(item.what, Comment):
            yield item.what
        elif isinstance(item.what, Refused):
            refused(item.what)


def _warn(what: Refused) -> None:
    logger.warning(
        "not a comment", extra={"where": what.where, "reason": what.reason, "detail": what.message}
    )


@dataclass(frozen=True, slots=True)
class FileFeed:
    """A file as a feed; what is appended to lines later is read by the next run."""

    path: Path
    options: Options

    @property
    def name(self) -> str:
        """The path in full and what tells that the file is still the same.

        That is its first line, so that lines may be appended; a page is the same only as a whole.

        Raises
        ------
        FeedError
            If the file can't be read.
        """
        with open_bytes(self.path) as stream:
            head = _first_bytes(stream, self.path)
        kind = self.options.format or detect(head, self.path.name, self.options.mapping)
        status = self.path.stat()
        is_page = kind in ("thread", "html")
        mark = (status.st_size, status.st_mtime_ns) if is_page else (head.partition(b"\n")[0],)
        return f"{self.path.resolve()}#{content_id(*mark)}"

    @property
    def is_resumable(self) -> bool:
        """A file can be read on."""
        return True

    async def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items after a position."""
        for item in file_items(self.path, self.options, position):
            yield item


def file_items(path: Path, options: Options, position: Position) -> Iterator[Item]:
    """Give the items of a file after a position.

    Raises
    ------
    FeedError
        If the file is missing, damaged or of no format that is known.
    """
    with open_bytes(path) as stream:
        yield from stream_items(
            stream, options.format or detect(_peek(path), path.name, options.mapping), options, position
        )


def stream_items(stream: IO[bytes], kind: Format, options: Options, position: Position) -> Iterator[Item]:
    """Give the items of bytes of a known format after a position.

    Raises
    ------
    FeedError
        If they are damaged or not of that format.
    """
    if kind == "thread":
        yield from page_items(parse_thread(_read_page(stream), article=options.article), position)
    elif kind == "html":
        yield from page_items(parse_html(_read_page(stream)), position)
    elif kind == "table":
        yield from table_items(stream, options.mapping, options.source, position)
    else:
        plain = partial(parse_line, mapping=options.mapping, source=options.source)
        yield from line_items(stream, RedditLines() if kind == "reddit" else plain, position)


def page_items(page: Page, position: Position) -> Iterator[Item]:
    """Give the article and the comments of a page after a position, which counts them."""
    whats: list[Article | Comment] = [*filter(None, [page.article]), *page.comments]
    for number, what in enumerate(whats[count_in(position, "items") :], count_in(position, "items") + 1):
        yield Item(what, {"items": number})


def detect(head: bytes, name: str, mapping: Mapping[str, str] | None = None) -> Format:
    """Tell the format from the beginning of a file.

    Parameters
    ----------
    head
        Its first bytes, decompressed.
    name
        Its name, for the message.
    mapping
        What the fields are called, where not as ours; with it a dump is read as plain lines.

    Raises
    ------
    FeedError
        If it is none that is known.
    """
    text = decode_page(head).lstrip()
    if not text:
        raise FeedError(f"{name} is empty; give a file with comments.")
    if text[:1] == "[" and text[1:].lstrip()[:1] in ("{", "]"):
        raise FeedError(f"{name} is one JSON array; write it as lines: jq -c '.[]' {name} > comments.jsonl")
    if text.startswith("{"):
        return "reddit" if not mapping and is_reddit(_first_row(text)) else "jsonlines"
    if is_html(text):
        return "html"
    if is_thread(text):
        return "thread"
    if "\0" in text:
        raise FeedError(f"{name} isn't text; give JSON Lines, a table as CSV or a saved page.")
    if is_table(text, mapping) or name.lower().endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz")):
        return "table"
    raise FeedError(f"{name} is of no format that is known; name it: --format {'|'.join(FORMATS)}.")


def _first_row(text: str) -> dict[str, object]:
    try:
        return decode_row(text.partition("\n")[0].encode())
    except RejectedError:
        return {}


def decode_page(raw: bytes) -> str:
    """Read bytes as text: by their byte order mark, as UTF-8, else as Windows-1252; never fails."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(raw) - error.start < 4:
            return raw.decode("utf-8", "ignore")
        return raw.decode("cp1252", "replace")


def _peek(path: Path) -> bytes:
    with open_bytes(path) as stream:
        return _first_bytes(stream, path)


def _first_bytes(stream: IO[bytes], path: Path) -> bytes:
    try:
        return stream.read(HEAD_BYTES)
    except Exception as error:
        if not is_damage(error):
            raise
        raise FeedError(f"{path} is damaged: {error}. Fetch it again.") from error


def _read_page(stream: IO[bytes]) -> str:
    try:
        raw = stream.read(MAX_PAGE_BYTES + 1)
    except Exception as error:
        if not is_damage(error):
            raise
        raise FeedError(f"the page is damaged: {error}. Save it again.") from error
    if len(raw) > MAX_PAGE_BYTES:
        raise FeedError(f"the page is larger than {MAX_PAGE_BYTES} bytes; split it, or feed JSON Lines.")
    return decode_page(raw)
