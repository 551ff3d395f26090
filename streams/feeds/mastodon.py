"""Mastodon: the public posts of an instance, or those under a hashtag, by server-sent events.

The stream has no memory. So when it opens again, what was missed is fetched from the timeline,
which gives the posts after the last one seen, page by page; then the stream goes on. Ids follow
the time of writing: a post that reached the instance late, while nobody listened, stays missing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

import aiohttp

from agents.errors import InvalidError, RejectedError
from agents.records import Comment
from streams.feeds.feed import FeedError, Gap, Item, Position, Refused
from streams.feeds.fields import comment_of, decode_row
from streams.feeds.jsonlines import KEPT_BYTES
from streams.feeds.markup import fragment_text
from streams.feeds.network import (
    AwayError,
    Patience,
    Sleep,
    check_status,
    get_json,
    open_session,
    reconnecting,
)
from streams.feeds.sse import EventReader, ServerEvent

__all__ = ["Mastodon", "comment_of_status"]

SOURCE: Final = "mastodon"

PAGE: Final = 40
"""Posts on a page of the timeline; the API gives no more."""

MAX_PAGES: Final = 250
"""Pages fetched for what was missed: 10,000 posts, and 250 of the 300 requests that five minutes allow."""

MAX_REMEMBERED: Final = 100_000
"""Posts whose discussion, and last posts whose id, are kept in memory."""

SILENCE: Final = aiohttp.ClientTimeout(total=None, connect=20, sock_read=90)
"""The server sends a sign of life every 15 seconds."""


def comment_of_status(status: dict[str, Any], instance: str, discussion: str | None = None) -> Comment | None:
    """Make a comment of a post; None of one that only shares another, shows no text or isn't public.

    Parameters
    ----------
    instance
        Host that the post was read from; ids are those that it gave.
    discussion
        Id of the post that began the thread, where that is known; else the post answered to, else itself.

    Raises
    ------
    RejectedError
        If it isn't a post.
    """
    if status.get("reblog") is not None or status.get("visibility") != "public":
        return None
    number, parent, account = status.get("id"), status.get("in_reply_to_id"), status.get("account")
    if not isinstance(number, str) or not isinstance(status.get("content"), str):
        raise InvalidError("a post without 'id' or 'content'; is this a Mastodon server?", "wrong_type")
    try:
        parts = [fragment_text(str(status.get(name) or "")) for name in ("spoiler_text", "content")]
    except FeedError as error:
        raise InvalidError(str(error), "unusable") from error
    text = "\n\n".join(filter(None, parts))
    if not text.strip():
        return None
    ours = {
        "id": f"{instance}/{number}",
        "text": text,
        "created_at": status.get("created_at"),
        "discussion": f"{instance}/{discussion or parent or number}",
        "parent": f"{instance}/{parent}" if parent else None,
        "author": account.get("acct") if isinstance(account, dict) else None,
        "lang": status.get("language"),
        "url": status.get("url"),
    }
    return comment_of(ours, source=SOURCE)


class Mastodon:
    """Public posts of one instance.

    Parameters
    ----------
    instance
        Its host: ``mastodon.social``.
    tag
        Hashtag without ``#``; None for all public posts.
    token
        Access token; servers from version 4.2 on stream nothing without one.
    url
        Where it is, if not at ``https://`` and the host.
    """

    is_resumable = True

    def __init__(
        self,
        instance: str,
        tag: str | None = None,
        *,
        token: str | None = None,
        url: str | None = None,
        patience: Patience | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._instance = instance
        self._tag = tag
        self._url = (url or f"https://{instance}").rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._patience = patience or Patience()
        self._sleep = sleep
        self._last: str | None = None
        self._discussions: OrderedDict[str, str] = OrderedDict()

    @property
    def name(self) -> str:
        """The instance, with the hashtag where there is one."""
        return f"{SOURCE}:{self._instance}" + (f"#{self._tag}" if self._tag else "")

    async def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items after a position: ``id`` is that of the last post seen."""
        last = position.get("id")
        self._last = last if isinstance(last, str) else None
        async with (
            open_session() as session,
            aclosing(reconnecting(partial(self._connect, session), self._patience, self._sleep)) as items,
        ):
            async for item in items:
                yield item

    async def _connect(self, session: aiohttp.ClientSession) -> AsyncGenerator[Item, None]:
        path = "hashtag" if self._tag else "public"
        url = f"{self._url}/api/v1/streaming/{path}"
        headers = {**self._headers, "Accept": "text/event-stream"}
        try:
            async with session.get(url, params=self._query(), headers=headers, timeout=SILENCE) as answer:
                check_status(url, answer.status, answer.headers)
                async with aclosing(self._missed(session)) as missed:
                    async for item in missed:
                        yield item
                reader = EventReader()
                async for piece in answer.content.iter_any():
                    for told in filter(None, map(self._event, reader.feed(piece))):
                        yield told
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise FeedError(f"{url} is no address: {error}. Give the host of an instance.") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AwayError(f"{url} can't be reached: {error!r}. Look at the network.") from error

    async def _missed(self, session: aiohttp.ClientSession) -> AsyncGenerator[Item, None]:
        """Give the posts between the last one seen and now."""
        if self._last is None:
            return
        timeline = f"tag/{self._tag}" if self._tag else "public"
        url = f"{self._url}/api/v1/timelines/{timeline}"
        for _ in range(MAX_PAGES):
            before = self._last
            page = await get_json(
                session,
                url,
                params={"min_id": before, "limit": str(PAGE)},
                headers=self._headers,
                patience=self._patience,
                sleep=self._sleep,
            )
            statuses = [each for each in page if isinstance(each, dict)] if isinstance(page, list) else []
            for status in sorted(statuses, key=lambda each: _order(str(each.get("id")))):
                yield self._status(status, b"")
            if len(statuses) < PAGE or self._last == before:
                return
        message = f"more than {MAX_PAGES * PAGE} posts were missed; those after them until now are missing."
        yield Item(Gap(float("nan"), message), self._position())

    def _event(self, event: ServerEvent) -> Item | None:
        if event.kind == "delete":
            number = event.data.decode("utf-8", "replace").strip()
            if not number:
                return None
            gone = {"id": f"{self._instance}/{number}", "deleted": True}
            return self._checked(lambda: comment_of(gone, source=SOURCE), event.data)
        if event.kind not in ("update", "status.update"):
            return None
        try:
            status = decode_row(event.data)
        except RejectedError as error:
            return Item(
                Refused(event.data[:KEPT_BYTES], error.reason, str(error), "an event"), self._position()
            )
        if event.kind == "update" and str(status.get("id")) in self._discussions:
            return None
        return self._status(status, event.data)

    def _status(self, status: dict[str, Any], raw: bytes) -> Item:
        number, parent = status.get("id"), status.get("in_reply_to_id")
        root = self._discussions.get(str(parent), str(parent)) if parent else str(number)
        if isinstance(number, str) and number:
            self._discussions[number] = root
            if len(self._discussions) > MAX_REMEMBERED:
                self._discussions.popitem(last=False)
            if self._last is None or _order(number) > _order(self._last):
                self._last = number
        return self._checked(lambda: comment_of_status(status, self._instance, root), raw)

    def _checked(self, make: Any, raw: bytes) -> Item:
        try:
            return Item(make(), self._position())
        except RejectedError as error:
            return Item(Refused(raw[:KEPT_BYTES], error.reason, str(error), "a post"), self._position())

    def _query(self) -> dict[str, str]:
        return {"tag": self._tag} if self._tag else {}

    def _position(self) -> Position:
        return {} if self._last is None else {"id": self._last}


def _order(number: str) -> tuple[int, str]:
    """Return what ids are ordered by: they are whole numbers written out, longer than any that JSON keeps."""
    return len(number), number
