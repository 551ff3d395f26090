"""Mastodon's streaming and timelines, served here with their recorded shapes."""

import asyncio
import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import REASONS, RejectedError
from agents.records import Comment
from streams.feeds.feed import FeedError, Refused
from streams.feeds.mastodon import PAGE, Mastodon, comment_of_status
from streams.feeds.sse import EventReader, ServerEvent


def status(number, content="<p>Trams &amp; <br>buses</p>", **more):
    return {
        "id": str(number),
        "created_at": "2024-05-02T09:15:00.000Z",
        "in_reply_to_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"https://town.example/users/ada/statuses/{number}",
        "url": f"https://town.example/@ada/{number}",
        "content": content,
        "reblog": None,
        "account": {"id": "1", "username": "ada", "acct": "ada@town.example"},
        **more,
    }


def update(number, kind="update", **more):
    return f"event: {kind}\ndata: {json.dumps(status(number, **more))}\n\n"


class Instance:
    """Streams what each connection is to get, then closes it; its timeline has all posts."""

    def __init__(self, *connections, posts=()) -> None:
        self._connections = list(connections)
        self.posts = list(posts)
        self.requests: list[str] = []
        self.tokens: list[str | None] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1/streaming/{kind:.*}", self._stream)
        app.router.add_get("/api/v1/timelines/{kind:.*}", self._timeline)
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        self.tokens.append(request.headers.get("Authorization"))
        events = self._connections.pop(0) if self._connections else None
        if isinstance(events, web.StreamResponse):
            return events
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b":)\n")
        for event in events or []:
            await answer.write(event.encode())
        if events is None:
            await asyncio.Event().wait()
        return answer

    async def _timeline(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        after = int(request.query["min_id"])
        newer = sorted(number for number in self.posts if number > after)[: int(request.query["limit"])]
        return web.json_response([status(number) for number in reversed(newer)])


async def _feed(serve, instance, waits, patience, **more):
    url = await serve(instance.app())
    return Mastodon("town.example", url=url, sleep=waits, patience=patience, **more)


def _numbers(items):
    return [item.what.id.rpartition("/")[2] for item in items]


async def test_posts_become_comments(serve, take, waits, patience):
    instance = Instance([update(11), ":thump\n", update(12, in_reply_to_id="11", spoiler_text="Noise")])

    first, second = await take(await _feed(serve, instance, waits, patience, token="t0"), 2)

    assert first.what == Comment(
        id="mastodon:town.example/11",
        text="Trams &\nbuses",
        created_at="2024-05-02T09:15:00.000Z",
        discussion="mastodon:town.example/11",
        author="ada@town.example",
        lang="en",
        source="mastodon",
        url="https://town.example/@ada/11",
    )
    assert second.what.text == "Noise\n\nTrams &\nbuses"
    assert instance.tokens == ["Bearer t0"]


async def test_answers_to_answers_stay_in_their_discussion(serve, take, waits, patience):
    events = [update(11), update(12, in_reply_to_id="11"), update(13, in_reply_to_id="12")]

    items = await take(await _feed(serve, Instance(events), waits, patience), 3)

    assert {item.what.discussion for item in items} == {"mastodon:town.example/11"}
    assert items[2].what.parent == "mastodon:town.example/12"


async def test_edits_and_deletions_are_given(serve, take, waits, patience):
    events = [update(11), update(11, "status.update", content="<p>No.</p>"), "event: delete\ndata: 11\n\n"]

    items = await take(await _feed(serve, Instance(events), waits, patience), 3)

    assert [item.what.id for item in items] == ["mastodon:town.example/11"] * 3
    assert items[1].what.text == "No."
    assert items[2].what.deleted


async def test_shared_private_and_wordless_posts_are_nothing(serve, take, waits, patience):
    events = [
        update(11, reblog=status(5)),
        update(12, visibility="unlisted"),
        update(13, content="<p></p>"),
        update(14),
    ]

    items = await take(await _feed(serve, Instance(events), waits, patience), 4)

    assert [item.what is None for item in items] == [True, True, True, False]


async def test_after_a_cut_what_was_missed_is_fetched_from_the_timeline(serve, take, waits, patience):
    missed = range(12, 12 + PAGE + 5)
    instance = Instance([update(11)], [update(56), update(90)], posts=[*range(1, 12), *missed])

    items = await take(await _feed(serve, instance, waits, patience), 1 + len(missed) + 1)

    assert _numbers(items) == ["11", *map(str, missed), "90"]
    assert instance.requests == [
        "/api/v1/streaming/public",
        "/api/v1/streaming/public",
        "/api/v1/timelines/public?min_id=11&limit=40",
        "/api/v1/timelines/public?min_id=51&limit=40",
    ]


async def test_the_next_run_goes_on_from_the_last_post(serve, take, waits, patience):
    instance = Instance([update(20)], posts=[11, 12, 13])

    items = await take(await _feed(serve, instance, waits, patience), 3, {"id": "11"})

    assert _numbers(items) == ["12", "13", "20"]
    assert items[1].position == {"id": "13"}


async def test_a_hashtag_has_its_own_stream_and_timeline(serve, take, waits, patience):
    instance = Instance([update(20)], posts=[12])

    feed = await _feed(serve, instance, waits, patience, tag="trams")
    await take(feed, 2, {"id": "11"})

    assert feed.name == "mastodon:town.example#trams"
    assert instance.requests == [
        "/api/v1/streaming/hashtag?tag=trams",
        "/api/v1/timelines/tag/trams?min_id=11&limit=40",
    ]


async def test_a_server_without_a_token_says_that_it_wants_one(serve, take, waits, patience):
    with pytest.raises(FeedError, match=r"401.*token"):
        await take(await _feed(serve, Instance(web.Response(status=401)), waits, patience), 1)


async def test_a_rate_limit_is_waited_for(serve, take, waits, patience):
    busy = web.Response(status=429, headers={"Retry-After": "21"})

    await take(await _feed(serve, Instance(busy, [update(11)]), waits, patience), 1)

    assert waits == [21]


async def test_an_event_that_cannot_be_used_is_refused_and_the_stream_goes_on(serve, take, waits, patience):
    events = [
        "event: update\ndata: {broken\n\n",
        "event: update\ndata: {}\n\n",
        update(11, content=5),
        update(12),
    ]

    items = await take(await _feed(serve, Instance(events), waits, patience), 4)

    assert [isinstance(item.what, Refused) for item in items] == [True, False, True, False]


@given(
    st.lists(st.tuples(st.sampled_from(["update", "delete"]), st.text("ab: ", max_size=5)), max_size=5),
    st.data(),
)
def test_events_are_the_same_however_the_stream_is_cut(events, data):
    raw = b"".join(f"event: {kind}\r\ndata:{text}\r\n:thump\r\n\r\n".encode() for kind, text in events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    reader = EventReader()

    read = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        read += reader.feed(raw[start:end])

    assert read == [ServerEvent(kind, text.removeprefix(" ").encode()) for kind, text in events]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_events_or_none(pieces):
    reader = EventReader()

    for piece in pieces:
        assert isinstance(reader.feed(piece), list)


values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=1)


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "content", "spoiler_text", "account", "created_at", "language", "in_reply_to_id"]
        ),
        values,
    )
)
def test_any_post_is_a_comment_nothing_or_refused(made):
    try:
        comment_of_status({"visibility": "public", **made}, "town.example")
    except RejectedError as error:
        assert error.reason in REASONS
