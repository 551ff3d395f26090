"""Tables: CSV, TSV and their kin, one comment a row under a row of names."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import IO, Final

from agents.errors import InvalidError, RejectedError, UnreadableError
from agents.records import Comment
from streams.feeds.feed import FeedError, Item, Position, Refused, count_in
from streams.feeds.fields import HASH, comment_of, source_name
from streams.feeds.lines import MAX_LINE_BYTES, read_lines

__all__ = ["is_table", "table_items"]

DELIMITERS: Final = ",;\t|"
"""What may part the cells; the one that the first line has most of does."""

MOST_CHARACTERS: Final = 200
"""So much of the names is told where a column is missing."""


def is_table(head: str, mapping: Mapping[str, str] | None = None) -> bool:
    """Say whether a text opens with a row of names that has what a comment needs."""
    first = head.lstrip("\ufeff").splitlines()[:1]
    if not first:
        return False
    names = _names(_rows(iter(first), _delimiter(first[0])))
    return len(names) > 1 and not _missing(names, mapping or {})


def table_items(
    stream: IO[bytes], mapping: Mapping[str, str] | None, source: str | None, position: Position
) -> Iterator[Item]:
    """Give an item for every row after a position; ``position`` counts the rows under the names.

    Raises
    ------
    FeedError
        If there is no row of names, it lacks the columns that are needed, a line is longer than
        `streams.feeds.lines.MAX_LINE_BYTES`, or a compressed stream is damaged.
    """
    lines = _text_lines(stream)
    first = next(lines, "")
    rows = _rows(chain([first], lines), _delimiter(first))
    names = _names(rows)
    if missing := _missing(names, mapping or {}):
        raise FeedError(
            f"the table has {_told(names)} and lacks {' and '.join(missing)}; "
            f"map others with --map text=COLUMN,id=COLUMN, or make ids with --map id={HASH}."
        )
    done = count_in(position, "row")
    for number, row in enumerate(rows, 1):
        if number > done:
            yield Item(_comment(row, names, mapping, source, number), {"row": number})


def _comment(
    row: list[str] | RejectedError,
    names: Sequence[str],
    mapping: Mapping[str, str] | None,
    source: str | None,
    number: int,
) -> Comment | Refused | None:
    where = f"row {number}"
    if isinstance(row, RejectedError):
        return Refused(b"", row.reason, str(row), where)
    if not any(row):
        return None
    try:
        _check(row, names)
        return comment_of(
            {name: cell or None for name, cell in zip(names, row, strict=False)}, mapping, source
        )
    except RejectedError as error:
        return Refused("\t".join(row).encode(), error.reason, str(error), where)


def _check(row: Sequence[str], names: Sequence[str]) -> None:
    if len(row) > len(names):
        message = f"it has {len(row)} cells under {len(names)} names; put cells with a delimiter in quotes."
        raise InvalidError(message, "wrong_type")


def _names(rows: Iterator[list[str] | RejectedError]) -> list[str]:
    first = next(rows, [])
    return [] if isinstance(first, RejectedError) else [name.strip() for name in first]


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str] | RejectedError]:
    is_over = False

    def told() -> Iterator[str]:
        nonlocal is_over
        yield from lines
        is_over = True

    reader = csv.reader(told(), delimiter=delimiter)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            limit = csv.field_size_limit()
            message = f"{error}; a cell may have {limit} characters: look for a quote that isn't closed."
            yield UnreadableError(message, "too_large")
        else:
            yield _unclosed(row) if is_over else row


def _unclosed(row: Sequence[str]) -> InvalidError:
    """Say why a row that only the end of the table has ended is none."""
    n_lines = sum(cell.count("\n") for cell in row)
    message = f"a quote in it isn't closed, so the last {n_lines} lines of the table are one cell; close it."
    return InvalidError(message, "wrong_type")


def _text_lines(stream: IO[bytes]) -> Iterator[str]:
    for number, (raw, _) in enumerate(read_lines(stream)):
        if raw is None:
            raise FeedError(f"line {number + 1} is longer than {MAX_LINE_BYTES} bytes; is this a table?")
        yield raw.decode("utf-8-sig" if number == 0 else "utf-8") + "\n"


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _missing(names: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    wanted = [source_name(field, names, mapping) for field in ("id", "text")]
    return [repr(name) for name in wanted if name != HASH and name not in names]


def _told(names: Sequence[str]) -> str:
    """Say what the columns are called, with no code that a terminal would obey."""
    words = ", ".join(names)[:MOST_CHARACTERS]
    return f"the columns {repr(words)[1:-1]}" if words else "no row of names"
