"""From a name to a feed, and pages on the web."""

from pathlib import Path

import pytest
from aiohttp import web

from streams.feeds import FeedError, Options
from streams.feeds.files import FileFeed
from streams.feeds.sources import open_feed
from streams.feeds.web_page import WebPage

DATA = Path("tests/data/feeds")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("hackernews", "hackernews"),
        ("hackernews:8863", "hackernews:8863"),
        ("https://news.ycombinator.com/item?id=8863", "hackernews:8863"),
        ("bluesky", "bluesky"),
        ("mastodon:town.example", "mastodon:town.example"),
        ("mastodon:town.example#trams", "mastodon:town.example#trams"),
        ("https://courier.example/harbour-road", "https://courier.example/harbour-road"),
        ("-", "-"),
    ],
)
def test_a_source_is_known_by_its_name(source, name):
    assert open_feed(source).name == name


def test_a_file_is_known_by_its_full_path():
    feed = open_feed(str(DATA / "wordpress.html"))

    assert isinstance(feed, FileFeed)
    assert feed.name.startswith(f"{(DATA / 'wordpress.html').resolve()}#")


@pytest.mark.parametrize("source", ["nowhere.jsonl", "tests", "mastodon:", "hackernews:eight", ""])
def test_a_source_that_is_none_lists_those_that_are(source):
    with pytest.raises(FeedError, match=r"is no file and no source that is known.*mastodon:INSTANCE"):
        open_feed(source)


async def test_a_page_on_the_web_is_read_like_a_file(serve, take):
    async def page(_):
        return web.Response(body=(DATA / "wordpress.html").read_bytes(), content_type="text/html")

    app = web.Application()
    app.router.add_get("/harbour-road", page)
    url = await serve(app)

    items = await take(WebPage(f"{url}/harbour-road", Options()), 9)

    assert [item.what.id for item in items[1:]] == [f"courier.example:{n}" for n in (1201, 1203, 1210, 1207)]


async def test_an_address_that_is_none_is_refused(take):
    with pytest.raises(FeedError, match="is no address"):
        await take(WebPage("http://", Options()), 1)
