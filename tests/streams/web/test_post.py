"""``POST /comments``, through a real server."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from agents.embedding.settings import EmbeddingSettings
from agents.errors import RoadError, SettingsError
from streams.web.post import Comments, PostSettings, _ProblemError, _split

NOW = 1_700_000_000.0


class Road:
    """Keeps what was published; refuses or waits when told to."""

    def __init__(self):
        self.emissions = []
        self.error = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()

    async def __call__(self, emissions):
        self.waiting.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.emissions += emissions

    @property
    def ids(self):
        return [emission.record.id for emission in self.emissions]


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def road():
    return Road()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def door(road, clock):
    clients = []

    async def open_door(keyed_by_id=False, **settings):
        app = web.Application()
        comments = Comments(
            road,
            4,
            PostSettings(**settings),
            EmbeddingSettings(),
            keyed_by_id=keyed_by_id,
            now=clock,
            wall=lambda: NOW,
        )
        comments.add_to(app)
        client = TestClient(TestServer(app, host="127.0.0.1"))
        clients.append(client)
        await client.start_server()
        return client

    yield open_door
    for client in clients:
        await client.close()


async def _post(client, body, headers=None):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    async with client.post("/comments", data=body, headers=sent) as answer:
        return answer.status, await answer.json(), answer.headers


async def test_a_comment_is_accepted_once_it_is_confirmed(door, road):
    status, answer, _ = await _post(await door(), {"id": "a", "text": "Trams.", "discussion": "d"})

    assert (status, answer) == (202, {"accepted": 1, "rejected": 0})
    assert [(e.topic, e.key, e.record.text) for e in road.emissions] == [("comments", "d", "Trams.")]


@pytest.mark.parametrize("make", [json.dumps, lambda rows: "\n".join(map(json.dumps, rows))])
async def test_many_come_as_a_list_or_one_a_line(door, road, make):
    rows = [{"id": str(number), "text": "t"} for number in range(3)]

    status, answer, _ = await _post(await door(), make(rows).encode())

    assert (status, answer["accepted"]) == (202, 3)
    assert road.ids == ["0", "1", "2"]


@pytest.mark.parametrize("body", ['{"id": "a", "text": "t"}', '[{"id": "a", "text": "t"}]'])
async def test_a_byte_order_mark_before_the_body_is_no_part_of_it(door, road, body):
    client = await door()

    answer = await client.post("/comments", data=body.encode("utf-8-sig"))

    assert answer.status == 202
    assert road.ids == ["a"]


async def test_each_that_cannot_be_used_is_told_and_the_others_are_taken(door, road):
    rows = [
        {"id": "a", "text": "t"},
        {"text": "t"},
        {"id": "c"},
        {"id": "d", "text": "  "},
        {"id": "e", "text": "t", "created_at": "soon"},
        {"id": "f", "text": "t", "created_at": NOW + 3600},
        {"id": 7, "text": "t"},
        "text",
        None,
        {"id": "z", "text": "t"},
    ]

    status, answer, _ = await _post(await door(), rows)

    assert (status, answer["accepted"], answer["rejected"]) == (202, 2, 8)
    assert [(error["index"], error["reason"]) for error in answer["errors"]] == [
        (1, "no_id"),
        (2, "no_text"),
        (3, "empty_text"),
        (4, "bad_time"),
        (5, "future_time"),
        (6, "wrong_type"),
        (7, "not_an_object"),
        (8, "not_an_object"),
    ]
    assert road.ids == ["a", "z"]


async def test_a_body_of_which_nothing_can_be_used_is_no_success(door, road):
    status, answer, _ = await _post(await door(), {"text": "t"})

    assert (status, answer["accepted"], answer["rejected"]) == (422, 0, 1)
    assert road.emissions == []


async def test_an_edit_and_a_retraction_get_the_key_of_the_original(door, road):
    client = await door()
    await _post(client, {"id": "a", "text": "t", "discussion": "d"})
    await _post(client, {"id": "a", "text": "other"})
    await _post(client, {"id": "a", "deleted": True})

    assert [emission.key for emission in road.emissions] == ["d", "d", "d"]


async def test_a_retraction_of_what_another_worker_took_reaches_every_partition(door, road):
    status, answer, _ = await _post(await door(), {"id": "a", "deleted": True})

    assert (status, answer["accepted"]) == (202, 1)
    assert [emission.partition for emission in road.emissions] == [0, 1, 2, 3]


@pytest.mark.parametrize("sent", [None, "Bearer wrong", "Basic c2VzYW1l", "Bearer", "Bearer s\u00e9same"])
async def test_without_the_token_nothing_is_taken(door, road, sent):
    headers = {} if sent is None else {"Authorization": sent}

    status, _, answered = await _post(await door(token="sesame"), {"id": "a", "text": "t"}, headers)

    assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
    assert road.emissions == []


async def test_with_the_token_it_is(door):
    client = await door(token="sesame")

    status, _, _ = await _post(client, {"id": "a", "text": "t"}, {"Authorization": "Bearer sesame"})

    assert status == 202


async def test_bodies_are_bounded_in_bytes_and_comments(door, road):
    client = await door(max_bytes=1024, max_comments=2)

    large, _, _ = await _post(client, {"id": "a", "text": "x" * 2000})
    many, _, _ = await _post(client, [{"id": str(n), "text": "t"} for n in range(3)])

    assert (large, many) == (413, 413)
    assert road.emissions == []


async def test_a_rate_is_bounded_and_the_wait_is_told(door, clock):
    client = await door(comments_per_second=2)
    rows = [{"id": "a", "text": "t"}, {"id": "b", "text": "t"}]

    first, _, _ = await _post(client, rows)
    second, _, headers = await _post(client, rows)
    clock.seconds = float(headers["Retry-After"])
    third, _, _ = await _post(client, rows)

    assert (first, second, third) == (202, 429, 202)


async def test_a_batch_larger_than_a_second_s_allowance_passes_and_is_paid_for(door, clock):
    client = await door(comments_per_second=1)

    first, _, _ = await _post(client, [{"id": str(n), "text": "t"} for n in range(5)])
    clock.seconds = 3.0
    early, _, _ = await _post(client, {"id": "x", "text": "t"})
    clock.seconds = 5.0
    later, _, _ = await _post(client, {"id": "x", "text": "t"})

    assert (first, early, later) == (202, 429, 202)


async def test_a_broker_that_refuses_is_told_and_nothing_counts_as_taken(door, road):
    road.error = RoadError("the broker is away.")

    status, answer, headers = await _post(await door(), {"id": "a", "text": "t"})

    assert status == 503
    assert "the broker is away" in answer["error"]
    assert headers["Retry-After"] == "5"


async def test_while_the_worker_is_behind_only_so_many_wait(door, road):
    client = await door(together=1)
    road.gate.clear()
    waiting = asyncio.create_task(_post(client, {"id": "a", "text": "t"}))
    await road.waiting.wait()

    refused, _, headers = await _post(client, {"id": "b", "text": "t"})
    road.gate.set()
    accepted, _, _ = await waiting

    assert (refused, headers["Retry-After"], accepted) == (503, "5", 202)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[1, 2", b"\xff\xfe", b"[" * 50_000])
async def test_a_body_that_is_not_json_is_told(door, body):
    status, answer, _ = await _post(await door(), body)

    assert status == 400
    assert "isn't JSON" in answer["error"]


async def test_what_a_plain_curl_sends_is_taken(door):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    status, _, _ = await _post(await door(), {"id": "a", "text": "t"}, headers)

    assert status == 202


async def test_switched_off_there_is_no_door(door):
    status, _, _ = await _post(await door(is_enabled=False), {"id": "a", "text": "t"})

    assert status == 404


async def test_hostile_text_passes_as_data(door, road):
    text = "<script>alert(1)</script> \u202egnp.exe " + "w" * 10_000

    await _post(await door(), {"id": "a", "text": text})

    assert road.emissions[0].record.text == text


@pytest.mark.parametrize(
    "wrong", [{"max_bytes": 1}, {"max_comments": 0}, {"comments_per_second": 0}, {"token": "two words"}]
)
def test_settings_out_of_their_range_are_refused(wrong):
    with pytest.raises(SettingsError, match=f"post.{next(iter(wrong))}"):
        PostSettings(**wrong)


@given(st.binary(max_size=200))
def test_any_body_is_rows_or_a_problem(body):
    try:
        rows = _split(body)
    except _ProblemError as problem:
        assert problem.status == 400
    else:
        assert all(isinstance(row, bytes) for row in rows)
