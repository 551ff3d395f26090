"""The HTTP side of a worker: the live page, JSON views, live events, metrics and health.

Everything here only reads; what writes (``POST /comments``) is handed in as routes. `build` makes the
application; whoever runs the worker serves it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from streams.web import answers
from streams.web.answers import TargetWords
from streams.web.asking import Asked, AskError, asked
from streams.web.caching import Answers
from streams.web.doors import foreign_name, foreign_origin
from streams.web.readiness import Readiness
from streams.web.settings import WebSettings
from streams.web.view import View

__all__ = ["build"]

logger = logging.getLogger(__name__)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""On every answer: scripts and styles from here only, none inline, no frames, no guessing of types."""

TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
HEARTBEAT_SECONDS: Final = 15.0
"""Longest silence of a live connection, so that proxies keep it open and a dead one is noticed."""

GATHER_SECONDS: Final = 1.0
"""Changes are told at most this often."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VIEW: Final = web.AppKey("view", View)
CLOSING: Final = web.AppKey("closing", asyncio.Event)


def build(
    view: View,
    metrics_text: Callable[[], tuple[bytes, str] | bytes | str],
    readiness: Callable[[], Readiness],
    post_routes: Iterable[web.AbstractRouteDef],
    settings: WebSettings,
    targets: Sequence[TargetWords] = (),
) -> web.Application:
    """Make the application that a worker serves.

    Parameters
    ----------
    view
        What is shown.
    metrics_text
        Gives what Prometheus scrapes, or that and its content type.
    readiness
        Tells how the worker is.
    post_routes
        Routes that write; empty where comments can't be posted.
    settings
        Bounds.
    targets
        Stance targets with their words.
    """
    site = Site(view, metrics_text, readiness, settings, targets)
    application = web.Application(middlewares=[_guarded(settings)])
    application[VIEW] = view
    application[CLOSING] = asyncio.Event()
    application.on_shutdown.append(_close)
    application.add_routes(site.routes())
    application.add_routes(post_routes)
    application.add_routes(_page_routes())
    return application


class Site:
    """The handlers, over one view."""

    def __init__(
        self,
        view: View,
        metrics_text: Callable[[], tuple[bytes, str] | bytes | str],
        readiness: Callable[[], Readiness],
        settings: WebSettings,
        targets: Sequence[TargetWords],
    ) -> None:
        self._view = view
        self._metrics_text = metrics_text
        self._readiness = readiness
        self._settings = settings
        self._targets = targets
        self._answers = Answers()
        self._n_viewers = 0

    def routes(self) -> list[web.RouteDef]:
        """Every address, documented at ``/api``."""
        views: dict[str, Callable[[Asked], Any]] = {
            "overview": self._overview,
            "flow": self._flow,
            "clusters": self._clusters,
            "comments": self._comments,
            "events": self._events,
            "drift": lambda ask: answers.drift(self._view, window_seconds=ask.window, points=ask.points),
            "stances": lambda ask: answers.stances(
                self._view, self._targets, window_seconds=ask.window, points=ask.points
            ),
        }
        return [
            *(web.get(f"/api/{name}", self._json(make)) for name, make in views.items()),
            web.get("/api/clusters/{cluster}", self._cluster),
            web.get("/events", self._live, allow_head=False),  # it has no end
            web.get("/metrics", self._metrics),
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/status", self._status),
        ]

    def _json(self, make: Callable[[Asked], Any]) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            ask = asked(request.query)
            return _json(self._answers.get(request.path_qs, lambda: make(ask)))

        return answer

    def _overview(self, ask: Asked) -> Any:
        return answers.overview(self._view, self._readiness(), self._settings.behind_seconds)

    def _flow(self, ask: Asked) -> Any:
        return answers.flowing(
            self._view, ask.where, window_seconds=ask.window, points=ask.points, top=ask.top
        )

    def _clusters(self, ask: Asked) -> Any:
        return answers.clusters(self._view, ask.where, state=ask.state, offset=ask.offset, limit=ask.limit)

    def _comments(self, ask: Asked) -> Any:
        return answers.comments(
            self._view, ask.where, cluster_id=ask.cluster, before=ask.before, limit=ask.limit
        )

    def _events(self, ask: Asked) -> Any:
        return answers.events(self._view, ask.where, offset=ask.offset, limit=ask.limit)

    async def _cluster(self, request: web.Request) -> web.Response:
        ask = asked(request.query)
        name = request.match_info["cluster"]
        if name not in self._view.clusters:
            return _problem(404, f"There is no cluster {name[:64]!r}; /api/clusters lists those there are.")
        return _json(
            self._answers.get(
                request.path_qs,
                lambda: answers.cluster(self._view, name, window_seconds=ask.window, points=ask.points),
            )
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Tell what changed, as server-sent events, at most once a second."""
        if self._n_viewers >= self._settings.viewers:
            return _problem(503, f"{self._n_viewers} viewers are connected, as many as web.viewers allows.")
        self._n_viewers += 1
        changed = asyncio.Event()
        self._view.listeners.append(changed.set)
        response = web.StreamResponse(
            headers={
                **HEADERS,
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        try:
            await response.prepare(request)
            await response.write(b"retry: 2000\n\n")
            while not request.app[CLOSING].is_set():
                changed.clear()
                await response.write(self._changes())
                try:
                    await asyncio.wait_for(_either(changed, request.app[CLOSING]), HEARTBEAT_SECONDS)
                    await asyncio.sleep(GATHER_SECONDS)
                except TimeoutError:
                    continue
        except (ConnectionResetError, asyncio.CancelledError):
            logger.debug("viewer left")
        finally:
            self._view.listeners.remove(changed.set)
            self._n_viewers -= 1
        return response

    def _changes(self) -> bytes:
        """One event: how often each topic changed, and the word for the whole."""
        state = answers.state(self._view, self._readiness(), self._settings.behind_seconds)
        told = msgspec.json.encode({"state": state, "versions": self._view.versions})
        return b"event: change\nid: %d\ndata: %b\n\n" % (self._view.version, told)

    async def _metrics(self, request: web.Request) -> web.Response:
        made = self._metrics_text()
        text, kind = made if isinstance(made, tuple) else (made, "text/plain; version=0.0.4; charset=utf-8")
        body = text.encode() if isinstance(text, str) else text
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        ready = self._readiness()
        body = msgspec.json.encode({"ready": ready.is_ready, "reasons": ready.reasons})
        return _json(body, status=200 if ready.is_ready else 503)

    async def _status(self, request: web.Request) -> web.Response:
        ready = self._readiness()
        view = self._view
        newest = view.newest()
        told = {
            "ready": ready.is_ready,
            "reasons": ready.reasons,
            "lag": ready.lag,
            "behind_seconds": ready.behind_seconds,
            "details": dict(ready.details),
            "state": answers.state(view, ready, self._settings.behind_seconds),
            "tick": newest.tick if newest else None,
            "records": view.versions,
            "viewers": self._n_viewers,
        }
        return _json(msgspec.json.encode(told))


def _guarded(settings: WebSettings) -> Any:
    """Make what gives every answer its headers and every mistake a sentence, and turns foreign pages away."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if why := foreign_name(host, settings):
            response: web.StreamResponse = _problem(421, why)
        elif why := foreign_origin(request.headers.get("Origin"), host, settings):
            response = _problem(403, why)
        else:
            response = await _answered(request, handler)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    return guarded


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AskError as cause:
        return _problem(400, str(cause))
    except web.HTTPNotFound:
        return _problem(404, "Nothing is here; /api lists what is.")
    except web.HTTPException as cause:
        answer = _problem(cause.status, f"{cause.reason}; /api lists what may be asked.")
        if "Allow" in cause.headers:
            answer.headers["Allow"] = cause.headers["Allow"]
        return answer


def _page_routes() -> list[web.RouteDef]:
    """One route for every file of the page: nothing else in the folder, nor outside it, can be asked for."""
    page = files("streams.web") / "page"
    root = Path(str(page))
    routes = []
    for path in sorted(root.rglob("*")):
        if path.suffix in TYPES:
            name = path.relative_to(root).as_posix()
            routes.append(web.get(f"/page/{name}", _file(path)))
    routes.append(web.get("/", _file(root / "index.html")))
    routes.append(web.get("/api", _file(root / "api.html")))
    return routes


def _file(path: Path) -> Handler:
    body = path.read_bytes()
    kind = f"{TYPES[path.suffix]}; charset=utf-8"

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-cache"})

    return give


async def _either(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _close(application: web.Application) -> None:
    """End the live connections, so that the worker need not wait for its viewers."""
    application[CLOSING].set()


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(
        body=body, status=status, headers={"Content-Type": "application/json", "Cache-Control": "no-store"}
    )


def _problem(status: int, message: str) -> web.Response:
    return _json(msgspec.json.encode({"error": message}), status)
