"""Serves the page with bounds: on connections, on how long one may say nothing, on who doesn't listen."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from agents.errors import RoadError
from streams.web.settings import WebSettings

__all__ = ["serve"]

logger = logging.getLogger(__name__)

SILENT_SECONDS: Final = 75.0
"""How long a connection may take for the head of a request, or rest between two: longer than proxies keep
one that rests, so that it is theirs to end it."""

STALLED_SECONDS: Final = 30.0
"""How long a client may leave what it is sent unread."""

REFUSED_SECONDS: Final = 2.0
"""How long a connection beyond the bound may take until it asks and is told so."""

SHUTDOWN_SECONDS: Final = 5.0
"""How long a request that is being answered may hold up a worker that ends."""


async def serve(application: web.Application, settings: WebSettings) -> web.AppRunner:
    """Listen on ``web.host`` and ``web.port``; `web.AppRunner.cleanup` ends it.

    Raises
    ------
    RoadError
        If the address can't be opened.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _Site(runner, settings).start()
    except OSError as cause:
        await runner.cleanup()
        raise RoadError(
            f"web.port is {settings.port}, which can't be opened on {settings.host}: {cause.strerror}. "
            "Free it, or give another with --port; 0 takes any free one."
        ) from cause
    return runner


class _Site(web.BaseSite):
    """As `web.TCPSite`, with connections that are bounded."""

    def __init__(self, runner: web.AppRunner, settings: WebSettings) -> None:
        super().__init__(runner)
        assert runner.server is not None
        self._bounded = runner.server
        self._settings = settings

    @property
    def name(self) -> str:
        return f"http://{self._settings.host}:{self._settings.port}"

    async def start(self) -> None:
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._settings.host, self._settings.port)

    def _connection(self) -> asyncio.Protocol:
        most = self._settings.connections
        if len(self._bounded.connections) >= most:
            return _Refusal(most)
        loop = asyncio.get_running_loop()
        return _Connection(self._bounded, loop=loop, access_log=None, keepalive_timeout=SILENT_SECONDS)


class _Connection(web.RequestHandler):
    """A connection that ends where its client doesn't read, and is quiet where the client is at fault."""

    __slots__ = ("_stalled",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = asyncio.get_running_loop().call_later(STALLED_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def log_exception(self, *arguments: Any, **named: Any) -> None:
        cause = named.get("exc_info")
        has_left = self.transport is None or self.transport.is_closing()
        if isinstance(cause, HttpProcessingError) or (has_left and isinstance(cause, ConnectionError)):
            logger.debug("client left or asked for nonsense", extra={"cause": repr(cause)})
        else:
            super().log_exception(*arguments, **named)

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _give_up(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()


class _Refusal(asyncio.Protocol):
    """Answers the first request with 503 and ends: the connection is one too many."""

    def __init__(self, most: int) -> None:
        self._most = most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._waiting = asyncio.get_running_loop().call_later(REFUSED_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        message = f"{self._most} connections are open, as many as web.connections allows; come back in 5 s."
        body = msgspec.json.encode({"error": message})
        self._transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self._transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._waiting.cancel()
