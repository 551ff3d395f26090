"""``POST /comments``: any program feeds comments over HTTP, one or many, and hears what became of each.

``202`` means that everything accepted is confirmed by the broker. Retractions and edits get the
key of the original. `Comments.add_to` mounts it on the worker's page::

    curl -d '{"id": "1", "text": "Trams.", "discussion": "traffic"}' http://127.0.0.1:6066/comments
"""

from __future__ import annotations

import asyncio
import codecs
import hmac
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiohttp import web

from agents.agent import Emission, Message
from agents.embedding.settings import EmbeddingSettings
from agents.embedding.text import check
from agents.errors import RejectedError, RoadError, SettingsError
from agents.records import Comment
from streams.feeds.keys import Keys

__all__ = ["Comments", "PostSettings"]

Publish = Callable[[Iterable[Emission]], Awaitable[None]]

MAX_ERRORS: Final = 1_000
"""Errors described one by one in an answer; the counts are exact beyond that."""

BODY_SECONDS: Final = 60.0
"""How long a body may be on its way."""

_JSON: Final = frozenset({"application/json", "application/x-ndjson", "application/jsonl"})
_UNSAID: Final = frozenset({"application/octet-stream", "application/x-www-form-urlencoded", "text/plain"})
"""What clients say that say nothing."""


@dataclass(frozen=True, slots=True)
class PostSettings:
    """How comments may be posted.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    is_enabled: bool = True
    """Whether a worker takes comments over HTTP at all."""

    token: str = field(default="", repr=False)
    """What a client has to send as `Authorization: Bearer TOKEN`; empty asks for none."""

    max_bytes: int = 4_194_304
    """Largest body in bytes, 1024 to 67108864."""

    max_comments: int = 5_000
    """Most comments in one body, 1 to 100000."""

    comments_per_second: float = 2_000.0
    """Most comments a second over all clients of a worker, above 0; more are told to come back."""

    together: int = 16
    """Bodies that may wait for the broker at once, 1 to 1000; the next is told to come back."""

    def __post_init__(self) -> None:
        """Check every value."""
        bounds = {"max_bytes": (1024, 67_108_864), "max_comments": (1, 100_000), "together": (1, 1_000)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"post.{name} is {value}; it must be {low} to {high}.")
        if self.comments_per_second <= 0:
            value = self.comments_per_second
            raise SettingsError(f"post.comments_per_second is {value}; it must be above 0, e.g. 2000.")
        if not self.token.isascii() or any(character.isspace() for character in self.token):
            raise SettingsError("post.token has white space or letters beyond ASCII; choose another.")


class Comments:
    """Takes comments over HTTP.

    Parameters
    ----------
    publish
        Writes emissions and waits until they are confirmed; `streams.publish.Publisher.send`.
    n_partitions
        Partitions of ``comments``.
    settings
        Bounds and token.
    embedding
        What a comment is checked against: the same that EMBED checks.
    keyed_by_id
        ``topics.keyed_by_id``.
    home
        The partition of a comment that another worker took, or this one before it was started again.
    now, wall
        Monotonic clock and time of day, in seconds.
    """

    def __init__(
        self,
        publish: Publish,
        n_partitions: int,
        settings: PostSettings,
        embedding: EmbeddingSettings,
        *,
        keyed_by_id: bool = False,
        home: Callable[[str], int | None] = lambda comment: None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._publish = publish
        self._settings = settings
        self._embedding = embedding
        self._keys = Keys(n_partitions, keyed_by_id=keyed_by_id, home=home)
        self._now, self._wall = now, wall
        self._waiting = 0
        self._in_order = asyncio.Lock()
        self._allowance = settings.comments_per_second
        self._refilled_at = now()

    def add_to(self, app: web.Application) -> None:
        """Mount the door on an application."""
        app.router.add_post("/comments", self.post)

    async def post(self, request: web.Request) -> web.Response:
        """Answer one request."""
        try:
            self._admit(request)
            return await self._take(await self._rows(request))
        except _ProblemError as problem:
            return web.json_response({"error": str(problem)}, status=problem.status, headers=problem.headers)

    def _admit(self, request: web.Request) -> None:
        if not self._settings.is_enabled:
            raise _ProblemError(404, "comments aren't taken over HTTP here; post.is_enabled switches it on.")
        if not self._is_allowed(request):
            raise _ProblemError(401, "send Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"})
        kind = request.content_type
        if kind not in _JSON | _UNSAID:
            raise _ProblemError(415, f"the body is said to be {kind}; send application/json.")

    async def _rows(self, request: web.Request) -> list[bytes]:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await self._body(request)
        except TimeoutError as cause:
            message = f"the body took more than {BODY_SECONDS:g} s; send several smaller ones."
            raise _ProblemError(408, message) from cause
        rows = _split(body)
        if len(rows) > self._settings.max_comments:
            most = self._settings.max_comments
            raise _ProblemError(413, f"{len(rows)} comments are more than {most} in one body; send several.")
        return rows

    async def _body(self, request: web.Request) -> bytes:
        body = bytearray()
        async for piece in request.content.iter_chunked(64 * 1024):
            body += piece
            if len(body) > self._settings.max_bytes:
                most = self._settings.max_bytes
                raise _ProblemError(413, f"the body is larger than {most} bytes; send several.")
        return bytes(body)

    async def _take(self, rows: Sequence[bytes]) -> web.Response:
        wait = self._refused_for(len(rows))
        if wait:
            per_second = self._settings.comments_per_second
            message = f"more than {per_second:g} comments a second; come back in {wait} s."
            raise _ProblemError(429, message, {"Retry-After": str(wait)})
        if self._waiting >= self._settings.together:
            raise _ProblemError(503, "the worker is behind; come back in 5 s.", {"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._in_order:
                return await self._send(rows)
        except RoadError as error:
            message = f"nothing of it is confirmed: {error} Send it again."
            raise _ProblemError(503, message, {"Retry-After": "5"}) from error
        finally:
            self._waiting -= 1

    async def _send(self, rows: Sequence[bytes]) -> web.Response:
        emissions: list[Emission] = []
        errors: list[dict[str, Any]] = []
        for index, row in enumerate(rows):
            try:
                emissions += self._keys.emissions(self._checked(row))
            except RejectedError as error:
                errors.append({"index": index, "reason": error.reason, "message": str(error)})
        if emissions:
            await self._publish(emissions)
        answer: dict[str, Any] = {"accepted": len(rows) - len(errors), "rejected": len(errors)}
        if errors:
            answer["errors"] = errors[:MAX_ERRORS]
        return web.json_response(answer, status=202 if len(errors) < len(rows) or not rows else 422)

    def _checked(self, row: bytes) -> Comment:
        return check(Message(value=row, timestamp=self._wall()), self._embedding).comment

    def _is_allowed(self, request: web.Request) -> bool:
        if not self._settings.token:
            return True
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        return scheme.lower() == "bearer" and hmac.compare_digest(given, self._settings.token.encode())

    def _refused_for(self, n_comments: int) -> int:
        """Take an allowance for so many comments; return 0, or the whole seconds after which there is one.

        A body may overdraw a full allowance, or one larger than a second's would never pass.
        """
        rate, now = self._settings.comments_per_second, self._now()
        self._allowance = min(rate, self._allowance + (now - self._refilled_at) * rate)
        self._refilled_at = now
        if self._allowance >= min(n_comments, rate):
            self._allowance -= n_comments
            return 0
        return max(1, round((min(n_comments, rate) - self._allowance) / rate + 0.5))


class _ProblemError(Exception):
    """A request that isn't answered with what became of its comments."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def _split(body: bytes) -> list[bytes]:
    """Split a body into comments: one object, a list of them, or one a line."""
    stripped = body.removeprefix(codecs.BOM_UTF8).strip()
    try:
        if stripped.startswith(b"["):
            return [bytes(each) for each in msgspec.json.decode(stripped, type=list[msgspec.Raw])]
        msgspec.json.decode(stripped, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        lines = [line for line in stripped.split(b"\n") if line.strip()]
        if stripped.startswith(b"[") or len(lines) < 2:
            message = f"the body isn't JSON ({error}); send a comment, a list of them, or one a line."
            raise _ProblemError(400, message) from error
        return lines
    return [stripped]
