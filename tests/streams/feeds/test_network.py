"""Patience with servers that are away, busy or wrong."""

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from agents.errors import RoadError
from streams.feeds.feed import FeedError
from streams.feeds.network import (
    MAX_BODY_BYTES,
    AwayError,
    Patience,
    get_bytes,
    get_json,
    open_session,
    reconnecting,
)


def _answering(*answers):
    """Serve the answers one after the other, the last one for ever."""
    left = list(answers)

    async def answer(_):
        made = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(**made)

    app = web.Application()
    app.router.add_get("/", answer)
    return app


async def _get(url, patience, waits):
    async with open_session() as session:
        return await get_json(session, url, patience=patience, sleep=waits)


async def test_a_busy_server_is_asked_again_with_growing_waits(serve, patience, waits):
    url = await serve(_answering({"status": 503}, {"status": 502}, {"status": 500}, {"text": "[1]"}))

    assert await _get(url, patience, waits) == [1]
    assert waits == [1, 2, 4]


async def test_a_server_that_limits_the_rate_decides_the_wait(serve, patience, waits):
    url = await serve(
        _answering({"status": 429, "headers": {"Retry-After": "17"}}, {"text": "{}"}),
    )

    assert await _get(url, patience, waits) == {}
    assert waits == [17]


@pytest.mark.parametrize(
    "header",
    [
        lambda at: {"Retry-After": format_datetime(at, usegmt=True)},
        lambda at: {"X-RateLimit-Reset": at.isoformat()},
    ],
)
async def test_a_date_to_wait_for_is_understood(serve, patience, waits, header):
    at = datetime.now(UTC) + timedelta(seconds=100)
    url = await serve(_answering({"status": 429, "headers": header(at)}, {"text": "1"}))

    assert await _get(url, patience, waits) == 1
    assert waits[0] == pytest.approx(100, abs=5)


async def test_a_wait_that_makes_no_sense_is_our_own(serve, patience, waits):
    url = await serve(_answering({"status": 429, "headers": {"Retry-After": "soon"}}, {"text": "1"}))

    assert await _get(url, patience, waits) == 1
    assert waits == [1]


async def test_patience_ends(serve, patience, waits):
    url = await serve(_answering({"status": 503}))

    with pytest.raises(RoadError, match="answers 503"):
        await _get(url, patience, waits)
    assert sum(waits) == 1 + 2 + 4 + 8 + 8 + 8


async def test_nobody_there_is_waited_for_too(patience, waits, unused_tcp_port):
    with pytest.raises(RoadError, match="can't be reached"):
        await _get(f"http://127.0.0.1:{unused_tcp_port}/", patience, waits)
    assert waits


@pytest.mark.parametrize(("status", "remedy"), [(401, "token"), (403, "token"), (404, "address")])
async def test_a_refusal_is_final_and_says_what_to_do(serve, patience, waits, status, remedy):
    url = await serve(_answering({"status": status}))

    with pytest.raises(FeedError, match=f"{status}.*{remedy}"):
        await _get(url, patience, waits)
    assert waits == []


async def test_an_answer_that_is_not_json_is_refused(serve, patience, waits):
    url = await serve(_answering({"text": "<html>"}))

    with pytest.raises(FeedError, match="didn't answer with JSON"):
        await _get(url, patience, waits)


async def test_an_answer_without_end_is_not_held(serve, patience, waits):
    async def endless(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(MAX_BODY_BYTES // 2**20 + 1):
            await answer.write(b"x" * 2**20)
        return answer

    app = web.Application()
    app.router.add_get("/", endless)
    url = await serve(app)

    async with open_session() as session:
        with pytest.raises(FeedError, match="more than"):
            await get_bytes(session, url, patience=patience, sleep=waits)


async def test_a_stream_is_connected_again_and_waits_start_anew(waits):
    ends = iter([[1, 2], [], AwayError("busy", 9), [3], [4]])

    async def connect():
        end = next(ends)
        if isinstance(end, Exception):
            raise end
        for each in end:
            yield each

    given = []
    async with aclosing(reconnecting(connect, Patience(1, 8, 30), waits)) as stream:
        async for each in stream:
            given.append(each)
            if each == 4:
                break

    assert given == [1, 2, 3, 4]
    assert waits == [1, 2, 9, 1]


async def test_a_stream_that_stays_away_ends_the_feed(waits):
    async def connect():
        raise AwayError("away")
        yield

    with pytest.raises(RoadError, match="feed again later"):
        async for _ in reconnecting(connect, Patience(1, 8, 20), waits):
            pass
    assert waits == [1, 2, 4, 8, 8]
