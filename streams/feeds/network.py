"""What feeds over the network share: bounded requests, patience, and streams that connect again."""

from __future__ import annotations

import asyncio
import email.utils
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypeVar

import aiohttp
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from agents.errors import RoadError
from streams.feeds.feed import FeedError

__all__ = [
    "MAX_BODY_BYTES",
    "AwayError",
    "Patience",
    "Sleep",
    "check_status",
    "get_bytes",
    "get_json",
    "open_session",
    "reconnecting",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""No answer that a feed asks for is larger than a page of comments."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=20, sock_read=60)
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_MAX_WAIT_SECONDS: Final = 3_600.0


class AwayError(RoadError):
    """A server is away or busy; the same request can succeed later.

    Parameters
    ----------
    retry_after
        Seconds that the server asked to wait, None where it didn't say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Patience:
    """How a network feed waits for a server that is away.

    Parameters
    ----------
    first_seconds
        First wait; each further one is twice as long.
    longest_seconds
        Longest wait, unless the server asks for a longer one.
    give_up_seconds
        Waits in a row that add up to so much end the feed.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    give_up_seconds: float = 1_800.0

    def wait(self, attempt: int, retry_after: float | None) -> float:
        """Return how long to wait after the ``attempt``-th failure in a row, counted from 1."""
        own = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempt - 1, 30))
        return own if retry_after is None else min(max(retry_after, 0.0), _MAX_WAIT_SECONDS)


def open_session() -> aiohttp.ClientSession:
    """Return a session that says who asks."""
    return aiohttp.ClientSession(timeout=_TIMEOUT, headers={"User-Agent": "groundswell-feed"}, trust_env=True)


async def get_json(
    session: aiohttp.ClientSession,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    patience: Patience,
    sleep: Sleep = asyncio.sleep,
) -> object:
    """Return what a server answers as JSON, asked again for as long as patience lasts.

    Raises
    ------
    FeedError
        If the server refuses or its answer isn't JSON.
    RoadError
        If it stayed away or busy for too long.
    """
    raw = await get_bytes(session, url, params=params, headers=headers, patience=patience, sleep=sleep)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FeedError(f"{url} didn't answer with JSON: {error}. Is this the address of the API?") from error


async def get_bytes(
    session: aiohttp.ClientSession,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    patience: Patience,
    sleep: Sleep = asyncio.sleep,
) -> bytes:
    """Return the body of an answer, asked for again as long as patience lasts.

    Raises
    ------
    FeedError
        If the server refuses, or the body is larger than `MAX_BODY_BYTES`.
    RoadError
        If it stayed away or busy for too long.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return patience.wait(state.attempt_number, getattr(error, "retry_after", None))

    attempts = AsyncRetrying(
        sleep=sleep,
        wait=wait,
        stop=lambda state: state.idle_for >= patience.give_up_seconds,
        retry=retry_if_exception_type(AwayError),
        before_sleep=_tell,
        reraise=True,
    )
    return await attempts(_get, session, url, params, headers)


async def _get(
    session: aiohttp.ClientSession,
    url: str,
    params: Mapping[str, str] | None,
    headers: Mapping[str, str] | None,
) -> bytes:
    try:
        async with session.get(url, params=params, headers=headers) as answer:
            check_status(str(answer.url), answer.status, answer.headers)
            body = bytearray()
            async for piece in answer.content.iter_chunked(64 * 1024):
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise FeedError(
                        f"{url} answers with more than {MAX_BODY_BYTES} bytes; fetch it to a file."
                    )
            return bytes(body)
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise FeedError(f"{url} is no address: {error}. Write it as https://…") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AwayError(
            f"{url} can't be reached: {error!r}. Look at the network; feeding goes on later."
        ) from error


def check_status(url: str, status: int, headers: Mapping[str, str]) -> None:
    """Raise for an answer that isn't one.

    Raises
    ------
    AwayError
        If the server is busy or limits the rate; with the wait that it asks for.
    FeedError
        If it refuses for good.
    """
    if status < 400:
        return
    what = f"{url} answers {status}"
    if status in _BUSY:
        raise AwayError(f"{what}. It is asked again later.", _asked_wait(headers))
    remedy = "Give a token that may read it." if status in (401, 403) else "Check the address."
    raise FeedError(f"{what}. {remedy}")


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: ``Retry-After``, else the reset of its limit."""
    now = datetime.now(UTC)
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        if asked:
            return (email.utils.parsedate_to_datetime(asked).astimezone(UTC) - now).total_seconds()
        reset = datetime.fromisoformat(headers.get("X-RateLimit-Reset", ""))
        return (reset.astimezone(UTC) - now).total_seconds()
    except ValueError:
        return None


async def reconnecting(
    connect: Callable[[], AsyncGenerator[T, None]], patience: Patience, sleep: Sleep = asyncio.sleep
) -> AsyncGenerator[T, None]:
    """Give what a stream gives, connected again whenever it ends or breaks.

    The waits grow while nothing arrives and start anew with the first thing that does.

    Raises
    ------
    FeedError
        If the server refuses.
    RoadError
        If it stayed away for longer than patience lasts.
    """
    attempt, waited = 0, 0.0
    while True:
        error = AwayError("the server closed the stream")
        try:
            async with aclosing(connect()) as stream:
                async for each in stream:
                    attempt, waited = 0, 0.0
                    yield each
        except AwayError as away:
            error = away
        attempt += 1
        if waited >= patience.give_up_seconds:
            raise RoadError(f"{error} It was away for {waited:.0f} s; feed again later.") from error
        seconds = patience.wait(attempt, error.retry_after)
        logger.warning("connecting again", extra={"wait_seconds": seconds, "error": str(error)})
        waited += max(seconds, patience.first_seconds)
        await sleep(seconds)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    logger.warning("asking again", extra={"wait_seconds": wait, "error": str(error)})
