"""Where comments come from: one module a format or source, one protocol (`streams.feeds.feed`)."""

from streams.feeds.feed import Article, Feed, FeedError, Item, Position, Refused
from streams.feeds.fields import parse_map
from streams.feeds.files import Options, read_file
from streams.feeds.sample import SAMPLE

__all__ = [
    "SAMPLE",
    "Article",
    "Feed",
    "FeedError",
    "Item",
    "Options",
    "Position",
    "Refused",
    "parse_map",
    "read_file",
]
