"""Small real servers on 127.0.0.1 that speak the protocols of the sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.feeds.feed import Feed, Item, Position
from streams.feeds.network import Patience

Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[TestServer] = []

    async def start(app: web.Application) -> str:
        server = TestServer(app, host="127.0.0.1")
        servers.append(server)
        await server.start_server()
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server in servers:
        await server.close()


class Waits(list[float]):
    """A sleep that takes no time and notes how long it would have been."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def patience() -> Patience:
    return Patience(first_seconds=1, longest_seconds=8, give_up_seconds=30)


@pytest.fixture
def take() -> Callable[..., Awaitable[list[Item]]]:
    async def read(feed: Feed, n_items: int, position: Position | None = None) -> list[Item]:
        items: list[Item] = []
        async with aclosing(feed.read(position or {})) as stream:
            async for item in stream:
                items.append(item)
                if len(items) == n_items:
                    break
        return items

    return read
