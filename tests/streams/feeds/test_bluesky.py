"""Jetstream, served here with its recorded shapes."""

import asyncio
import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import REASONS, RejectedError
from agents.records import Comment
from streams.feeds.bluesky import REWIND_MICROSECONDS, Bluesky, parse_event
from streams.feeds.feed import FeedError, Gap, Refused

DID = "did:plc:eygmaihciaxprqvxpfvl6flk"
T0 = 1725911162329308


def message(seconds, rkey, text="Trams.", operation="create", **record):
    commit = {
        "rev": f"3l3qo2{rkey}",
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": rkey,
    }
    if operation != "delete":
        commit["cid"] = "bafyreidc6sydkkbchcyg62v77wbhzvb2mvytlmsychqgwf2xojjtirmzj4"
        commit["record"] = {
            "$type": "app.bsky.feed.post",
            "createdAt": "2024-09-09T19:46:02.102Z",
            "langs": ["en"],
            "text": text,
            **record,
        }
    return {"did": DID, "time_us": T0 + seconds * 1_000_000, "kind": "commit", "commit": commit}


def uri(rkey):
    return {"cid": "bafy", "uri": f"at://{DID}/app.bsky.feed.post/{rkey}"}


class Jetstream:
    """Sends what each connection is to get, then closes it."""

    def __init__(self, *connections) -> None:
        self._connections = list(connections)
        self.queries: list[dict[str, str]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/subscribe", self._subscribe)
        return app

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        messages = self._connections.pop(0) if self._connections else None
        if isinstance(messages, web.StreamResponse):
            return messages
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for each in messages or []:
            await socket.send_str(each if isinstance(each, str) else json.dumps(each))
        if messages is None:
            await socket.receive()
        await socket.close()
        return socket


async def _feed(serve, jetstream, waits, patience):
    url = await serve(jetstream.app())
    return Bluesky(url=f"{url}/subscribe", sleep=waits, patience=patience)


async def test_posts_become_comments(serve, take, waits, patience):
    reply = message(1, "b", "No.", reply={"parent": uri("x"), "root": uri("a")})
    jetstream = Jetstream([message(0, "a"), reply])

    first, second = await take(await _feed(serve, jetstream, waits, patience), 2)

    assert first.what == Comment(
        id=f"bluesky:{DID}/a",
        text="Trams.",
        created_at="2024-09-09T19:46:02.102Z",
        discussion=f"bluesky:{DID}/a",
        author=DID,
        lang="en",
        source="bluesky",
        url=f"https://bsky.app/profile/{DID}/post/a",
    )
    assert (second.what.discussion, second.what.parent) == (f"bluesky:{DID}/a", f"bluesky:{DID}/x")
    assert jetstream.queries == [{"wantedCollections": "app.bsky.feed.post"}]


async def test_a_deleted_post_is_a_retraction_and_other_events_are_nothing(serve, take, waits, patience):
    like = message(2, "l")
    like["commit"]["collection"] = "app.bsky.feed.like"
    account = {"did": DID, "time_us": T0, "kind": "account", "account": {"active": True, "did": DID}}
    jetstream = Jetstream([account, like, message(3, "e", "  "), message(4, "a", operation="delete")])

    items = await take(await _feed(serve, jetstream, waits, patience), 4)

    assert [item.what for item in items[:3]] == [None, None, None]
    assert items[3].what == Comment(id=f"bluesky:{DID}/a", deleted=True, source="bluesky")


async def test_after_a_cut_it_rewinds_and_what_came_before_is_passed_over(serve, take, waits, patience):
    first = [message(0, "a"), message(7, "b"), message(8, "c")]
    again = [message(7, "b"), message(7, "late"), message(8, "c"), message(9, "d")]
    jetstream = Jetstream(first, again)

    items = await take(await _feed(serve, jetstream, waits, patience), 5)

    assert [item.what.id.rpartition("/")[2] for item in items] == ["a", "b", "c", "late", "d"]
    assert jetstream.queries[1]["cursor"] == str(T0 + 8_000_000 - REWIND_MICROSECONDS)
    assert waits == [1]


async def test_the_next_run_passes_over_what_the_last_one_sent(serve, take, waits, patience):
    before = await take(await _feed(serve, Jetstream([message(0, "a"), message(1, "b")]), waits, patience), 2)
    position = json.loads(json.dumps(before[-1].position))
    jetstream = Jetstream([message(0, "a"), message(1, "b"), message(2, "c")])

    items = await take(await _feed(serve, jetstream, waits, patience), 1, position)

    assert items[0].what.id == f"bluesky:{DID}/c"
    assert jetstream.queries[0]["cursor"] == str(T0 + 1_000_000 - REWIND_MICROSECONDS)


async def test_posts_that_the_server_no_longer_has_are_told_as_a_gap(serve, take, waits, patience):
    jetstream = Jetstream([message(3600, "z")])

    gap, item = await take(await _feed(serve, jetstream, waits, patience), 2, {"time_us": T0, "recent": {}})

    assert isinstance(gap.what, Gap)
    assert gap.what.seconds == 3600
    assert gap.position["time_us"] == T0
    assert item.what.id == f"bluesky:{DID}/z"


async def test_a_time_that_lies_ahead_of_the_server_is_replaced_by_its_own():
    ahead = message(0, "a", createdAt="2031-01-01T00:00:00Z")
    nonsense = message(0, "a", createdAt="yesterday")

    for each in (ahead, nonsense):
        assert parse_event(json.dumps(each).encode()).comment.created_at == T0 // 1000


async def test_a_message_that_is_none_is_refused_and_the_stream_goes_on(serve, take, waits, patience):
    jetstream = Jetstream(["not json", message(0, "a", 5), message(1, "b")])

    items = await take(await _feed(serve, jetstream, waits, patience), 3)

    assert [isinstance(item.what, Refused) for item in items] == [True, True, False]


async def test_a_limit_on_connections_is_waited_for(serve, take, waits, patience):
    busy = web.Response(status=429, headers={"Retry-After": "11"})
    jetstream = Jetstream(busy, [message(0, "a")])

    await take(await _feed(serve, jetstream, waits, patience), 1)

    assert waits == [11]


async def test_an_address_without_a_jetstream_is_refused(serve, take, waits, patience):
    with pytest.raises(FeedError, match="404"):
        await take(await _feed(serve, Jetstream(web.Response(status=404)), waits, patience), 1)


async def test_a_server_that_falls_silent_and_goes_is_followed(serve, take, waits, patience):
    jetstream = Jetstream([message(0, "a")])
    feed = await _feed(serve, jetstream, waits, patience)

    async with asyncio.timeout(10):
        items = await take(feed, 1)

    assert len(items) == 1


values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=1)
records = st.dictionaries(st.sampled_from(["text", "createdAt", "langs", "reply"]), values)
commits = st.dictionaries(st.sampled_from(["rkey", "rev", "operation"]), values).flatmap(
    lambda made: records.map(lambda record: {**made, "collection": "app.bsky.feed.post", "record": record})
)


@given(
    st.binary(max_size=200)
    | commits.map(
        lambda made: json.dumps({"did": "d", "time_us": 1, "kind": "commit", "commit": made}).encode()
    )
)
def test_any_message_is_an_event_or_is_refused(raw):
    try:
        parse_event(raw)
    except RejectedError as error:
        assert error.reason in REASONS
