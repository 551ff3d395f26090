"""From what a person names to the feed that reads it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from streams.feeds.bluesky import JETSTREAM_URL, Bluesky
from streams.feeds.feed import Feed, FeedError
from streams.feeds.files import FileFeed, Options
from streams.feeds.hackernews import API_URL, HackerNews
from streams.feeds.mastodon import Mastodon
from streams.feeds.sample import SAMPLE
from streams.feeds.stdin import StandardInput
from streams.feeds.web_page import WebPage

__all__ = ["SOURCES", "open_feed"]

SOURCES: Final = (
    "a file (JSON Lines, CSV, saved page, Reddit dump; .gz and .zst too), - for standard input, "
    "https://… for a page, sample, hackernews, hackernews:STORY, bluesky, mastodon:INSTANCE, "
    "mastodon:INSTANCE#TAG"
)

_STORY: Final = re.compile(r"(?:hackernews:|https?://news\.ycombinator\.com/item\?id=)(\d{1,15})")
_MASTODON: Final = re.compile(r"mastodon:([A-Za-z0-9.:-]+)(?:#([^\s#/?]+))?")


def open_feed(source: str, options: Options | None = None, *, url: str | None = None) -> Feed:
    """Return the feed that reads a source.

    Parameters
    ----------
    source
        A path, an address, or one of the names in `SOURCES`.
    url
        Where the service is, for one that isn't at its usual place.

    Raises
    ------
    FeedError
        If it names nothing that can be read.
    """
    options = options or Options()
    if story := _STORY.fullmatch(source):
        return HackerNews(int(story[1]), url=url or API_URL)
    if server := _MASTODON.fullmatch(source):
        return Mastodon(server[1], server[2], token=os.environ.get("MASTODON_TOKEN"), url=url)
    if source.startswith(("http://", "https://")):
        return WebPage(source, options)
    if source == "hackernews":
        return HackerNews(url=url or API_URL)
    if source == "bluesky":
        return Bluesky(url=url or JETSTREAM_URL)
    return _local(source, options)


def _local(source: str, options: Options) -> Feed:
    if source == "-":
        return StandardInput(options)
    path = SAMPLE if source == "sample" else Path(source)
    if not path.is_file():
        raise FeedError(f"{source!r} is no file and no source that is known; it may be {SOURCES}.")
    return FileFeed(path, options)
