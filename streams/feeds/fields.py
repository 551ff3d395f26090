"""From a row of any source to a comment: mapping of fields, ids that stay unique, times for pacing."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Final, overload

import msgspec

from agents.embedding.text import event_time
from agents.errors import InvalidError, UnreadableError
from agents.records import Comment
from streams.feeds.feed import FeedError

__all__ = [
    "FIELDS",
    "HASH",
    "comment_of",
    "content_id",
    "decode_row",
    "event_seconds",
    "parse_map",
    "prefixed",
    "source_name",
]

FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Comment) if field.name != "v")
"""What a comment can carry, as ``--map`` names it."""

HASH: Final = "@hash"
"""In place of a source field, for ``id``: an id made of the comment's content."""

USUAL: Final[Mapping[str, frozenset[str]]] = {
    "id": frozenset({"id", "comment_id"}),
    "text": frozenset({"text", "body", "comment", "message", "content", "selftext"}),
    "created_at": frozenset({"created_at", "created_utc", "date", "time", "timestamp"}),
    "author": frozenset({"author", "user", "username"}),
}
"""What sources call our fields, in any case, where nobody mapped them.

A ``name`` isn't taken for an id: where it is a person's, their comments would replace one another.
"""

MAX_ID_CHARACTERS: Final = 512
"""The bound of `agents.records.CommentId`."""

_TRUE: Final = frozenset({"1", "true", "yes", "y", "t"})
_FALSE: Final = frozenset({"0", "false", "no", "n", "f", ""})


def parse_map(text: str) -> dict[str, str]:
    """Read ``text=body,id=name`` as a mapping from our fields to those of the source.

    Raises
    ------
    FeedError
        If a part isn't ``OURS=THEIRS``, or ``OURS`` isn't a field of a comment.

    Examples
    --------
    >>> parse_map("text=body,id=name,created_at=created_utc")
    {'text': 'body', 'id': 'name', 'created_at': 'created_utc'}
    """
    mapping: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        ours, equals, theirs = (piece.strip() for piece in part.partition("="))
        if not equals or not theirs:
            raise FeedError(f"--map has {part!r}; each part must be OURS=THEIRS, e.g. text=body.")
        if ours not in FIELDS:
            raise FeedError(f"--map names {ours!r}; a comment has {', '.join(FIELDS)}. Map one of these.")
        mapping[ours] = theirs
    return mapping


def decode_row(raw: bytes) -> dict[str, object]:
    """Read bytes as one JSON object.

    Half a surrogate pair, which dumps cut in the middle of an emoji, becomes U+FFFD, and control
    codes within a string are kept; everything else that isn't JSON is refused.

    Raises
    ------
    UnreadableError
        With the reason ``not_utf8``, ``not_json`` or ``not_an_object``.
    """
    try:
        row = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        row = _decode_leniently(raw)
    if not isinstance(row, dict):
        kind = type(row).__name__
        raise UnreadableError(
            f"a {kind} stands where a JSON object must; write one comment a line.", "not_an_object"
        )
    return row


def _decode_leniently(raw: bytes) -> object:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte 0x{raw[error.start]:02x} at {error.start} isn't UTF-8; convert the source to UTF-8."
        raise UnreadableError(message, "not_utf8") from error
    try:
        return _mend(json.loads(text, strict=False))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {error}. Write one JSON object a line.", "not_json") from error


def _mend(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mend(each) for each in value]
    if isinstance(value, dict):
        return {str(_mend(key)): _mend(each) for key, each in value.items()}
    return value


def comment_of(
    row: Mapping[str, object], mapping: Mapping[str, str] | None = None, source: str | None = None
) -> Comment:
    """Make a comment of a row.

    Parameters
    ----------
    row
        Fields of the source by name.
    mapping
        From our field to theirs, which may be a path into nested objects (``user.name``). A field
        that isn't mapped is looked for under our own name, then under a usual one (`source_name`).
    source
        Where rows come from that don't say it themselves. Their ids, parents and discussions get
        it as a prefix; without it, and in rows that name their own source, ids are taken as unique.

    Raises
    ------
    InvalidError
        With the reason ``no_id``, ``no_text``, ``bad_time`` or ``wrong_type``.
    """
    mapping = mapping or {}
    found = {field: _find(row, field, mapping) for field in FIELDS if mapping.get(field) != HASH}
    origin = _as_text("source", found.get("source"))
    if origin is not None:
        source = None
    deleted = _as_bool(found.get("deleted"))
    text = found.get("text")
    if text is not None and not isinstance(text, str):
        message = f"text is a {type(text).__name__}; it must be a string. Map another field."
        raise InvalidError(message, "wrong_type")
    if text is None and not deleted:
        raise InvalidError(
            f"no {mapping.get('text', 'text')!r} field; map one with --map text=FIELD.", "no_text"
        )
    created_at = _as_time(found.get("created_at"))
    identity = _as_text("id", found.get("id"))
    if mapping.get("id") == HASH:
        identity = content_id(text, created_at, found.get("author"), found.get("discussion"))
    if not identity:
        name = mapping.get("id", "id")
        raise InvalidError(
            f"no {name!r} field; map one with --map id=FIELD, or id={HASH} to make one.", "no_id"
        )
    return Comment(
        id=_bounded(prefixed(identity, source)),
        text=text,
        created_at=created_at,
        discussion=prefixed(_as_text("discussion", found.get("discussion")), source),
        discussion_title=_as_text("discussion_title", found.get("discussion_title")),
        parent=prefixed(_as_text("parent", found.get("parent")), source),
        author=_as_text("author", found.get("author")),
        source=origin or source,
        lang=_as_text("lang", found.get("lang")),
        url=_as_text("url", found.get("url")),
        deleted=deleted,
    )


@overload
def prefixed(identity: str, source: str | None) -> str: ...
@overload
def prefixed(identity: str | None, source: str | None) -> str | None: ...
def prefixed(identity: str | None, source: str | None) -> str | None:
    """Return an id that starts with its source, as it is where it does so already.

    Examples
    --------
    >>> prefixed("8863", "hackernews"), prefixed("hackernews:8863", "hackernews"), prefixed("8863", None)
    ('hackernews:8863', 'hackernews:8863', '8863')
    """
    if not identity or not source or identity.startswith(f"{source}:"):
        return identity
    return f"{source}:{identity}"


def content_id(*parts: object) -> str:
    """Return an id made of content: equal for equal parts, 16 hexadecimal digits."""
    written = json.dumps([None if part is None else str(part) for part in parts])
    return blake2b(written.encode(), digest_size=8).hexdigest()


def event_seconds(created_at: str | float | None) -> float | None:
    """Return a time as seconds since 1970 UTC, None where there is none that can be read.

    Only for pacing a replay: what a time means to the road is decided by the worker.

    Examples
    --------
    >>> event_seconds("1970-01-01T00:01:00Z"), event_seconds(1_422_921_600_000), event_seconds("soon")
    (60.0, 1422921600.0, None)
    """
    if created_at is None:
        return None
    try:
        return event_time(created_at, record_time=math.inf, future_seconds=0).timestamp()
    except InvalidError:
        return None


def source_name(field: str, names: Collection[str], mapping: Mapping[str, str]) -> str:
    """Return what a source calls a field: as mapped, as we do, or the one of `USUAL` that it has.

    Examples
    --------
    >>> source_name("text", ["ID", "Body"], {}), source_name("text", ["body", "message"], {})
    ('Body', 'text')
    """
    if field in mapping:
        return mapping[field]
    if field in names or field not in USUAL:
        return field
    found = [name for name in names if name.lower() in USUAL[field]]
    return found[0] if len(found) == 1 else field


def _find(row: Mapping[str, object], field: str, mapping: Mapping[str, str]) -> object:
    """Return the value of a field; under a name that nobody mapped only where it fits."""
    name = source_name(field, row, mapping)
    value = _look_up(row, name)
    is_guess = name != field and field not in mapping
    return None if is_guess and not _fits(field, value) else value


def _fits(field: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return False
    return field != "created_at" or event_seconds(value) is not None


def _look_up(row: Mapping[str, object], path: str) -> object:
    if path in row:
        return row[path]
    here: object = row
    for step in path.split("."):
        if not isinstance(here, Mapping) or step not in here:
            return None
        here = here[step]
    return here


def _as_text(field: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    message = f"{field} is a {type(value).__name__}; it must be a string or a number. Map another field."
    raise InvalidError(message, "wrong_type")


def _as_time(value: object) -> str | int | float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        message = (
            f"created_at is a {type(value).__name__}; it must be ISO 8601 or an epoch. Map another field."
        )
        raise InvalidError(message, "bad_time")
    if not isinstance(value, str) and not abs(value) < 2**63:
        raise InvalidError(f"created_at is {value:g}; it must be an epoch in (milli)seconds.", "bad_time")
    return value


def _as_bool(value: object) -> bool:
    if value is None or isinstance(value, (bool, int, float)):
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidError(
        f"deleted is {str(value)[:40]!r}; it must be true or false. Map another field.", "wrong_type"
    )


def _bounded(identity: str) -> str:
    if len(identity) > MAX_ID_CHARACTERS:
        message = f"id has {len(identity)} characters; it may have {MAX_ID_CHARACTERS}. Map a shorter field."
        raise InvalidError(message, "wrong_type")
    return identity
