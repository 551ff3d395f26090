"""The bounds of the server, over real connections."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from agents.embedding.settings import EmbeddingSettings
from agents.errors import RoadError
from streams.web import post, serving
from streams.web.post import Comments, PostSettings
from streams.web.serving import serve
from streams.web.settings import WebSettings

POST = b"POST /comments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def quick(request: web.Request) -> web.Response:
    return web.Response(text="here")


async def endless(request: web.Request) -> web.StreamResponse:
    """Say more than anybody's buffers hold."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 1_048_576)


async def take(emissions: object) -> None:
    """Take comments, and do nothing."""


@asynccontextmanager
async def serving_with(settings: WebSettings) -> AsyncIterator[int]:
    application = web.Application()
    application.add_routes([web.get("/", quick), web.get("/endless", endless)])
    Comments(take, 4, PostSettings(), EmbeddingSettings()).add_to(application)
    runner = await serve(application, settings)
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving_with(WebSettings(port=0)) as its:
        yield its


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return everything that comes until the server ends the connection."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def test_who_is_one_too_many_is_told_so_and_the_others_are_answered() -> None:
    async with serving_with(WebSettings(port=0, connections=2)) as port:
        first, second = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        refused = await until_closed(reader)
        first[1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answered = await until_closed(first[0])
        again = await asyncio.open_connection("127.0.0.1", port)
        again[1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answered_again = await until_closed(again[0])
        for _, each in (first, second, (reader, writer), again):
            each.close()

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"2 connections are open, as many as web.connections allows" in refused
    assert answered.endswith(b"here")
    assert answered_again.endswith(b"here")


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHos"])
async def test_a_head_that_does_not_end_ends_the_connection(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "SILENT_SECONDS", 0.05)
    async with serving_with(WebSettings(port=0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)

        assert await until_closed(reader) == b""
        writer.close()


async def test_one_too_many_that_does_not_ask_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REFUSED_SECONDS", 0.05)
    async with serving_with(WebSettings(port=0, connections=2)) as port:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        assert await until_closed(reader) == b""
        for _, each in (*kept, (reader, writer)):
            each.close()


async def test_a_body_that_does_not_end_is_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "BODY_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST + b"Connection: close\r\nContent-Length: 1000\r\n\r\n{")
    async with asyncio.timeout(10):
        said = await reader.readuntil(b"}")
    writer.close()

    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"the body took more than 0.05 s" in said


async def test_who_does_not_read_what_it_is_sent_is_let_go(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "STALLED_SECONDS", 0.05)
    lost: asyncio.Queue[None] = asyncio.Queue()
    told = serving._Connection.connection_lost
    monkeypatch.setattr(
        serving._Connection,
        "connection_lost",
        lambda connection, exc: (told(connection, exc), lost.put_nowait(None)),
    )
    with socket.create_connection(("127.0.0.1", port)) as deaf:
        deaf.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")

        async with asyncio.timeout(10):
            await lost.get()


@pytest.mark.parametrize(
    "said",
    [
        POST + b"Content-Length: 1000\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01 nonsense\r\n\r\n",
    ],
)
async def test_a_client_that_breaks_off_makes_no_noise(
    port: int, said: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard, lost = asyncio.Event(), asyncio.Event()
    hear, lose = serving._Connection.data_received, serving._Connection.connection_lost
    monkeypatch.setattr(
        serving._Connection, "data_received", lambda its, data: (hear(its, data), heard.set())
    )
    monkeypatch.setattr(serving._Connection, "connection_lost", lambda its, exc: (lose(its, exc), lost.set()))
    with caplog.at_level(logging.INFO):
        leaving = socket.create_connection(("127.0.0.1", port))
        leaving.sendall(said)
        async with asyncio.timeout(10):
            await heard.wait()
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            leaving.close()
            await lost.wait()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            await reader.read()
        writer.close()

    assert caplog.records == []


async def test_an_address_that_is_taken_is_told_with_the_remedy(port: int) -> None:
    with pytest.raises(RoadError, match=rf"web\.port is {port}, which can't be opened .* --port"):
        await serve(web.Application(), WebSettings(port=port))
