"""Bluesky's Jetstream: every public post as JSON over a WebSocket.

The position is the server's time of the last event. Jetstream asks to rewind a few seconds when
connecting again, since events around a cut may come out of order; what came before is known by
its key and passed over, also by the next run: the keys of the rewound time are in the position.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp

from agents.errors import InvalidError, RejectedError
from agents.records import Comment
from streams.feeds.feed import Gap, Item, Position, Refused, count_in
from streams.feeds.fields import comment_of, decode_row, event_seconds
from streams.feeds.jsonlines import KEPT_BYTES
from streams.feeds.network import AwayError, Patience, Sleep, check_status, open_session, reconnecting

__all__ = ["JETSTREAM_URL", "Bluesky", "Event", "parse_event"]

JETSTREAM_URL: Final = "wss://jetstream2.us-east.bsky.network/subscribe"

SOURCE: Final = "bluesky"
COLLECTION: Final = "app.bsky.feed.post"

REWIND_MICROSECONDS: Final = 5_000_000
"""As much as Jetstream's documentation advises."""

GAP_MICROSECONDS: Final = 120_000_000
"""Posts come by the dozen a second: silence of two minutes right after connecting again is a gap."""

MAX_RECENT: Final = 20_000
"""Keys kept of the rewound time, far above what five seconds bring."""

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One message of Jetstream.

    Parameters
    ----------
    time_us
        The server's time of it, in microseconds since 1970.
    key
        What tells it from every other.
    comment
        None where it is about something else than the text of a post.
    """

    time_us: int
    key: str
    comment: Comment | None


def parse_event(raw: bytes) -> Event:
    """Read one message.

    Raises
    ------
    RejectedError
        If it isn't a message of Jetstream.
    """
    row = decode_row(raw)
    time_us, did = row.get("time_us"), row.get("did")
    if not isinstance(time_us, int) or isinstance(time_us, bool) or time_us < 0 or not isinstance(did, str):
        raise InvalidError("a message without 'time_us' or 'did'; is this a Jetstream?", "wrong_type")
    commit = row.get("commit")
    if row.get("kind") != "commit" or not isinstance(commit, dict):
        return Event(time_us, f"{did}/{row.get('kind')}/{time_us}", None)
    rkey = commit.get("rkey")
    key = f"{did}/{rkey}/{commit.get('rev')}"
    if commit.get("collection") != COLLECTION or not isinstance(rkey, str):
        return Event(time_us, key, None)
    if commit.get("operation") == "delete":
        return Event(time_us, key, comment_of({"id": f"{did}/{rkey}", "deleted": True}, source=SOURCE))
    record = commit.get("record")
    return Event(time_us, key, _post(did, rkey, time_us, record) if isinstance(record, dict) else None)


def _post(did: str, rkey: str, time_us: int, record: dict[str, Any]) -> Comment | None:
    text = record.get("text")
    if isinstance(text, str) and not text.strip():
        return None
    reply = record.get("reply")
    links = reply if isinstance(reply, dict) else {}
    langs = record.get("langs")
    ours = {
        "id": f"{did}/{rkey}",
        "text": text,
        "created_at": _time(record.get("createdAt"), time_us),
        "discussion": _linked(links.get("root")) or f"{did}/{rkey}",
        "parent": _linked(links.get("parent")),
        "author": did,
        "lang": langs[0] if isinstance(langs, list) and langs else None,
        "url": f"https://bsky.app/profile/{did}/post/{rkey}",
    }
    return comment_of(ours, source=SOURCE)


def _time(claimed: object, time_us: int) -> object:
    """Return the time that the author's client claims, the server's where that is none or lies after it."""
    seconds = event_seconds(claimed) if isinstance(claimed, str) else None
    return claimed if seconds is not None and seconds <= time_us / 1e6 else time_us // 1000


def _linked(link: object) -> str | None:
    """Return the post that a link such as ``at://DID/app.bsky.feed.post/RKEY`` names."""
    uri = link.get("uri") if isinstance(link, dict) else None
    parts = uri.removeprefix("at://").split("/") if isinstance(uri, str) else []
    return f"{parts[0]}/{parts[2]}" if len(parts) == 3 and all(parts) else None


class Bluesky:
    """The posts of Bluesky from now on, or from a position of the last day or so.

    Parameters
    ----------
    url
        Where a Jetstream is.
    """

    is_resumable = True
    name = SOURCE

    def __init__(
        self, *, url: str = JETSTREAM_URL, patience: Patience | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._url = url
        self._patience = patience or Patience()
        self._sleep = sleep
        self._time_us = 0
        self._recent: OrderedDict[str, int] = OrderedDict()

    async def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items after a position.

        ``time_us`` is the time of the last event, ``recent`` has the keys of those that a rewind
        brings again, each with its time.
        """
        self._time_us = count_in(position, "time_us")
        recent = position.get("recent", {})
        self._recent = OrderedDict(recent) if isinstance(recent, dict) else OrderedDict()
        async with (
            open_session() as session,
            aclosing(reconnecting(partial(self._connect, session), self._patience, self._sleep)) as items,
        ):
            async for item in items:
                yield item

    async def _connect(self, session: aiohttp.ClientSession) -> AsyncGenerator[Item, None]:
        params = {"wantedCollections": COLLECTION}
        before = self._time_us
        if before:
            params["cursor"] = str(max(0, before - REWIND_MICROSECONDS))
        is_first = True
        try:
            async with session.ws_connect(
                self._url, params=params, heartbeat=20, max_msg_size=MAX_MESSAGE_BYTES
            ) as socket:
                async for message in socket:
                    if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        continue
                    raw = message.data.encode() if isinstance(message.data, str) else message.data
                    for item in self._items(raw, before if is_first else 0):
                        yield item
                    is_first = False
                raise AwayError(f"{self._url} closed the stream ({socket.close_code}).")
        except aiohttp.WSServerHandshakeError as error:
            check_status(self._url, error.status, error.headers or {})
            raise AwayError(f"{self._url} doesn't speak WebSocket: {error.message}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AwayError(f"{self._url} can't be reached: {error!r}. Look at the network.") from error

    def _items(self, raw: bytes, before: int) -> list[Item]:
        try:
            event = parse_event(raw)
        except RejectedError as error:
            return [Item(Refused(raw[:KEPT_BYTES], error.reason, str(error), "a message"), self._position())]
        items = []
        if before and event.time_us - before > GAP_MICROSECONDS:
            seconds = (event.time_us - before) / 1e6
            message = f"{seconds:.0f} s of posts are missing: the Jetstream doesn't keep them for so long."
            items.append(Item(Gap(seconds, message), self._position()))
        if event.key in self._recent:
            return items
        self._note(event)
        return [*items, Item(event.comment, self._position())]

    def _note(self, event: Event) -> None:
        self._time_us = max(self._time_us, event.time_us)
        self._recent[event.key] = event.time_us
        while self._recent:
            oldest = next(iter(self._recent))
            if (
                self._recent[oldest] >= self._time_us - REWIND_MICROSECONDS
                and len(self._recent) <= MAX_RECENT
            ):
                break
            del self._recent[oldest]

    def _position(self) -> Position:
        return {"time_us": self._time_us, "recent": dict(self._recent)}
