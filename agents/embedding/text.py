"""Reading what was fed: bytes in, a checked comment out, or the one reason why not."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from agents.agent import Message
from agents.embedding.markup import without_markup, without_quotes
from agents.embedding.settings import EmbeddingSettings
from agents.errors import InvalidError, Reason, RejectedError, UnreadableError
from agents.records import Comment

__all__ = ["Checked", "check", "clean", "event_time"]

MILLISECONDS_FROM = 1e11
"""A number at or above it counts milliseconds: in seconds it would lie beyond the year 5138."""

MOST_TITLE = 300
"""Characters that are kept of a discussion's title."""

_KEPT_CONTROLS = {"\n", "\t"}
_TOO_LONG = re.compile(r"length <= (\d+) - at `\$\.(\w+)`")
_DAY = re.compile(r"[12]\d{3}[01]\d[0-3]\d")
_comments = msgspec.json.Decoder(Comment)


@dataclass(frozen=True, slots=True)
class Checked:
    """A comment that can be embedded, or a retraction."""

    comment: Comment
    text: str
    event_time: datetime
    truncated: bool


def clean(text: str) -> str:
    r"""Return the author's own words as a reader sees them.

    HTML tags go, and leave a line end where a block ended; links in Markdown leave their words.
    Code between backticks and what only looks like a tag stay, and so does a tag that was written
    with entities: these become characters afterwards. Line ends become ``\n``, control and invisible
    format characters go (a zero-width joiner between emoji stays), and composed letters are
    composed (NFC). Quoted lines go, unless there is nothing else.

    Examples
    --------
    >>> clean("  Tom &amp; Jerry\r\n\x07ring ")
    'Tom & Jerry\nring'
    >>> clean("<p>I <b>love</b> it</p><p>See [why](https://example.org), 1 <3")
    'I love it\n\nSee why, 1 <3'
    >>> clean("&gt; Nobody takes the tram.\n\nI do.")
    'I do.'
    """
    text = without_markup(text)
    text = html.unescape(text) if "&" in text else text
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.isprintable():
        text = "".join(c for c in text if c in _KEPT_CONTROLS or _is_visible(c))
    return without_quotes(text).strip()


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cf":
        return character in "\u200c\u200d"
    return category not in {"Cc", "Cs", "Co", "Cn"}


def event_time(created_at: str | float | None, record_time: float, future_seconds: float) -> datetime:
    """Return when the comment was written, in UTC.

    Parameters
    ----------
    created_at
        ISO 8601 (no zone means UTC), or seconds or milliseconds since 1970; None takes the
        record's time.
    record_time
        Timestamp of the Kafka record, seconds since 1970.
    future_seconds
        How far the result may lie after the record's time.

    Raises
    ------
    InvalidError
        If it is no time (``bad_time``), or lies too far after its record (``future_time``).

    Examples
    --------
    >>> event_time("2025-03-10T08:00:00+01:00", 1.8e9, 300).isoformat()
    '2025-03-10T07:00:00+00:00'
    >>> event_time(1_741_590_000_000, 1.8e9, 300).isoformat()
    '2025-03-10T07:00:00+00:00'
    """
    if created_at is None:
        return datetime.fromtimestamp(record_time, UTC)
    time = _parse(created_at)
    ahead = time.timestamp() - record_time
    if ahead > future_seconds:
        raise InvalidError(
            f"created_at is {created_at!r}, {ahead:.0f} s after its Kafka record; at most "
            f"{future_seconds:.0f} s are taken (embedding.future_seconds). "
            "Mend the clock or the zone of the source.",
            "future_time",
        )
    return time


def _parse(created_at: str | float) -> datetime:
    try:
        number = _number(created_at)
        if number is None:
            time = datetime.fromisoformat(str(created_at).strip())
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
        return datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError) as cause:
        raise InvalidError(
            f"created_at is {str(created_at)[:80]!r}; write it as ISO 8601 (2025-03-10T08:00:00Z) "
            "or as seconds or milliseconds since 1970.",
            "bad_time",
        ) from cause


def _number(created_at: str | float) -> float | None:
    if isinstance(created_at, str) and _DAY.fullmatch(created_at.strip()):
        return None
    try:
        return float(created_at)
    except ValueError:
        return None


def check(message: Message, settings: EmbeddingSettings) -> Checked:
    """Read one message as a comment.

    Raises
    ------
    RejectedError
        With the reason, if it can't be used.
    """
    comment = _read(message.value, settings)
    if comment.discussion_title is not None:
        title = " ".join(clean(comment.discussion_title).split())[:MOST_TITLE]
        comment = msgspec.structs.replace(comment, discussion_title=title or None)
    time = event_time(comment.created_at, message.timestamp, settings.future_seconds)
    if comment.deleted:
        return Checked(comment, "", time, truncated=False)
    if comment.text is None:
        raise InvalidError("text is missing; send the comment's words as a string.", "no_text")
    text = clean(comment.text)
    if not text:
        raise InvalidError(
            f"text is empty: {len(comment.text)} characters of white space, controls or markup; "
            "send the comment's words.",
            "empty_text",
        )
    truncated = len(text) > settings.max_characters
    return Checked(comment, text[: settings.max_characters] if truncated else text, time, truncated)


def _read(value: bytes | None, settings: EmbeddingSettings) -> Comment:
    if value is None:
        raise UnreadableError(
            'value is null; to retract a comment send {"id": …, "deleted": true}.',
            "null",
        )
    if len(value) > settings.max_bytes:
        raise UnreadableError(
            f"value has {len(value)} bytes; at most {settings.max_bytes} are taken (embedding.max_bytes). "
            "Cut the text.",
            "too_large",
        )
    try:
        return _comments.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise _diagnose(value, cause) from cause


def _diagnose(value: bytes, cause: Exception) -> RejectedError:
    """Name the first thing that is wrong with bytes that aren't a comment."""
    try:
        value.decode()
    except UnicodeDecodeError as wrong:
        return UnreadableError(f"byte {wrong.start} is not UTF-8; encode the record as UTF-8.", "not_utf8")
    try:
        fields: Any = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        return UnreadableError(f"not JSON: {wrong}; send one JSON object a record.", "not_json")
    if not isinstance(fields, dict):
        return UnreadableError(
            f"JSON of type {type(fields).__name__}; send one object a record.", "not_an_object"
        )
    if fields.get("id") is None or fields["id"] == "":
        return InvalidError("id is missing; give every comment an id that is unique here.", "no_id")
    if too_long := _TOO_LONG.search(str(cause)):
        most, field = too_long.groups()
        return InvalidError(
            f"{field} has {len(fields[field])} characters; at most {most} are taken. Shorten it.", "too_large"
        )
    reason: Reason = "bad_time" if "$.created_at" in str(cause) else "wrong_type"
    return InvalidError(f"{cause}; see the schema of comments.", reason)
