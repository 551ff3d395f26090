"""The API of Hacker News, served here with its recorded shapes."""

import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agents.records import Comment
from streams.feeds.feed import FeedError
from streams.feeds.hackernews import MAX_POLLS, HackerNews, comment_of_item

STORY = {
    "by": "nina",
    "descendants": 3,
    "id": 100,
    "kids": [103, 101],
    "score": 57,
    "time": 1712822400,
    "title": "Show HN: A map of night trains",
    "type": "story",
    "url": "https://trains.example/",
}
FIRST = {
    "by": "otto",
    "id": 101,
    "kids": [102],
    "parent": 100,
    "text": 'The one to Vienna is gone.<p>See <a href="https:&#x2F;&#x2F;rail.example">rail</a> &amp; weep.',
    "time": 1712823600,
    "type": "comment",
}
REPLY = {"by": "pia", "id": 102, "parent": 101, "text": "Since when?", "time": 1712824860, "type": "comment"}
LAST = {"by": "quin", "id": 103, "parent": 100, "text": "Sleepers.", "time": 1712829600, "type": "comment"}


class Api:
    """Items by number, and what was asked for."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items: dict[int, dict[str, Any] | None] = {item["id"]: item for item in items}
        self.updates: list[int] = []
        self.asked: list[str] = []
        self.busy: set[str] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v0/{path:.*}.json", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.asked.append(path)
        if path in self.busy:
            self.busy.discard(path)
            return web.Response(status=429, headers={"Retry-After": "3"})
        if path == "maxitem":
            return web.json_response(max(self.items))
        if path == "updates":
            return web.json_response({"items": self.updates, "profiles": ["nina"]})
        return web.Response(text=json.dumps(self.items.get(int(path.removeprefix("item/")))))


class Clock(list[float]):
    """A sleep between polls; what happens meanwhile is said beforehand."""

    def __init__(self, *events: Any) -> None:
        super().__init__()
        self._events = list(events)

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        assert len(self) < 100, "the feed polls for ever and gives nothing"
        if self._events:
            self._events.pop(0)()


async def _feed(serve, api, *events, story=None, patience=None):
    url = await serve(api.app())
    return HackerNews(story, url=f"{url}/v0", sleep=Clock(*events), patience=patience)


def _ids(items):
    return [item.what.id for item in items if item.what is not None]


async def test_new_comments_are_given_with_their_story(serve, take):
    api = Api(STORY, FIRST)
    feed = await _feed(serve, api, lambda: api.items.update({102: REPLY, 103: LAST}))

    items = await take(feed, 2)

    assert items[0].what == Comment(
        id="hackernews:102",
        text="Since when?",
        created_at=1712824860,
        discussion="hackernews:100",
        discussion_title="Show HN: A map of night trains",
        parent="hackernews:101",
        author="pia",
        source="hackernews",
        url="https://news.ycombinator.com/item?id=102",
    )
    assert items[1].what.parent is None
    assert items[1].position == {"item": 103, "pending": []}


async def test_what_was_written_while_nobody_listened_is_fetched(serve, take):
    feed = await _feed(serve, Api(STORY, FIRST, REPLY, LAST))

    items = await take(feed, 3, {"item": 100, "pending": []})

    assert _ids(items) == ["hackernews:101", "hackernews:102", "hackernews:103"]
    assert items[0].what.text == "The one to Vienna is gone.\n\nSee rail & weep."


async def test_reading_on_from_every_position_gives_the_rest(serve, take):
    api = Api(STORY, FIRST, REPLY, LAST)
    items = await take(await _feed(serve, api), 3, {"item": 100})

    for number, item in enumerate(items[:-1], 1):
        rest = await take(await _feed(serve, api), 3 - number, item.position)
        assert [each.what for each in rest] == [each.what for each in items[number:]]


async def test_an_item_without_content_is_asked_for_again_and_kept_in_the_position(serve, take):
    api = Api(STORY, FIRST, LAST)
    feed = await _feed(serve, api, lambda: api.items.update({102: REPLY}))

    items = await take(feed, 3, {"item": 101})

    assert [item.what and item.what.id for item in items[:3]] == [None, "hackernews:103", "hackernews:102"]
    assert items[1].position == {"item": 103, "pending": [102]}
    assert items[2].position == {"item": 103, "pending": []}


async def test_an_item_that_never_gets_content_is_passed_over(serve, take):
    feed = await _feed(serve, Api(STORY, LAST), story=None)

    items = await take(feed, MAX_POLLS + 1, {"item": 101})

    assert items[-1].position == {"item": 103, "pending": []}


async def test_edits_and_deletions_are_given_and_repeats_are_not(serve, take):
    api = Api(STORY, FIRST, REPLY, LAST)
    edited = {**FIRST, "text": "It is back."}
    gone = {"deleted": True, "id": 102, "parent": 101, "time": 1712824860, "type": "comment"}

    def change():
        api.items.update({101: edited, 102: gone})
        api.updates = [101, 102, 103, 100]

    feed = await _feed(serve, api, change)

    items = await take(feed, 3 + 4, {"item": 100})

    edit, deletion, *others = [item.what for item in items[3:]]
    assert (edit.id, edit.text) == ("hackernews:101", "It is back.")
    assert (deletion.id, deletion.deleted, deletion.text) == ("hackernews:102", True, None)
    assert others == [None, None]


async def test_a_rate_limit_is_waited_for_and_nothing_is_lost(serve, take):
    api = Api(STORY, FIRST, REPLY)
    api.busy = {"item/101", "maxitem"}
    feed = await _feed(serve, api)

    items = await take(feed, 2, {"item": 100})

    assert _ids(items) == ["hackernews:101", "hackernews:102"]
    assert feed._sleep.count(3) == 2


async def test_one_story_is_given_as_it_stands_and_then_as_it_grows(serve, take):
    other = {"id": 90, "type": "story", "title": "Another", "by": "x", "time": 1}
    stray = {"id": 104, "parent": 90, "type": "comment", "text": "Elsewhere.", "time": 2}
    new = {"id": 105, "parent": 102, "type": "comment", "text": "Since May.", "time": 3}
    api = Api(other, STORY, FIRST, REPLY, LAST)
    feed = await _feed(serve, api, lambda: api.items.update({104: stray, 105: new}), story=100)

    items = await take(feed, 6)

    assert _ids(items) == ["hackernews:101", "hackernews:103", "hackernews:102", "hackernews:105"]
    assert items[0].position == {"item": 103, "walked": 1}
    assert items[-1].position == {"item": 105, "pending": [], "is_walked": True}


async def test_the_walk_through_a_story_goes_on_where_it_was_cut_off(serve, take):
    api = Api(STORY, FIRST, REPLY, LAST)

    items = await take(await _feed(serve, api, story=100), 2, {"item": 103, "walked": 1})

    assert _ids(items) == ["hackernews:103", "hackernews:102"]


async def test_a_number_that_is_no_story_is_refused(serve, take):
    with pytest.raises(FeedError, match="is no story"):
        await take(await _feed(serve, Api(STORY, FIRST), story=101), 1)


async def test_an_address_that_is_no_api_is_refused(serve, take):
    app = web.Application()
    app.router.add_get("/v0/maxitem.json", _html)
    url = await serve(app)

    with pytest.raises(FeedError, match="didn't answer with JSON"):
        await take(HackerNews(url=f"{url}/v0"), 1)


async def _html(_):
    return web.Response(text="<html>")


values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)


@given(
    st.none()
    | st.text()
    | st.dictionaries(
        st.sampled_from(["id", "parent", "text", "by", "time", "deleted", "dead", "kids"]), values
    )
)
def test_any_item_is_a_comment_or_none(item):
    if isinstance(item, dict):
        item["type"] = "comment"
    assert isinstance(comment_of_item(item, 1, None), Comment | None)
