"""The API of Hacker News: every new comment as it is written, or those of one story.

Items are numbered in the order in which they were made, so the position is a number: whatever
was written while nobody listened is fetched, and nothing is missing. An item that has a number
and no content yet is asked for again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from msgspec import json

from agents.records import Comment
from streams.feeds.feed import FeedError, Item, Position, Refused, count_in
from streams.feeds.fields import content_id
from streams.feeds.hackernews_page import ITEM_URL, SOURCE
from streams.feeds.jsonlines import KEPT_BYTES
from streams.feeds.markup import fragment_text
from streams.feeds.network import Patience, Sleep, get_json, open_session

__all__ = ["API_URL", "HackerNews", "comment_of_item"]

API_URL: Final = "https://hacker-news.firebaseio.com/v0"

N_TOGETHER: Final = 16
"""Items fetched at once; the API names no limit and asks for none."""

MAX_POLLS: Final = 30
"""An item without content is asked for so often before it is passed over: some never get any."""

MAX_REMEMBERED: Final = 50_000
"""Stories of recent items and contents of recent comments kept in memory."""


@dataclass(frozen=True, slots=True)
class _Story:
    id: int
    title: str | None


def comment_of_item(item: object, story: int, title: str | None) -> Comment | None:
    r"""Make a comment of an item of the API; None of a story, a job or a poll.

    What was deleted or killed comes as a retraction.

    Examples
    --------
    >>> item = {"id": 2, "type": "comment", "parent": 1, "by": "ann", "time": 60, "text": "A<p>B"}
    >>> comment_of_item(item, 1, None).text
    'A\n\nB'

    Raises
    ------
    FeedError
        If the text nests too deep.
    """
    if not isinstance(item, dict) or item.get("type") != "comment" or not isinstance(item.get("id"), int):
        return None
    number, parent = item["id"], item.get("parent")
    is_gone = bool(item.get("deleted") or item.get("dead"))
    text, author, time = item.get("text"), item.get("by"), item.get("time")
    return Comment(
        id=f"{SOURCE}:{number}",
        text=None if is_gone else fragment_text(text if isinstance(text, str) else ""),
        deleted=is_gone,
        created_at=time if isinstance(time, int) and not isinstance(time, bool) else None,
        discussion=f"{SOURCE}:{story}",
        discussion_title=title,
        parent=f"{SOURCE}:{parent}" if isinstance(parent, int) and parent != story else None,
        author=author if isinstance(author, str) else None,
        source=SOURCE,
        url=f"{ITEM_URL}{number}",
    )


class HackerNews:
    """Comments of Hacker News, polled.

    Parameters
    ----------
    story
        Number of the one story whose comments to give: first those that it has, then new ones as
        they come. None for those of all stories from now on.
    url
        Where the API is.
    poll_seconds
        Time between two looks, > 0.
    """

    is_resumable = True

    def __init__(
        self,
        story: int | None = None,
        *,
        url: str = API_URL,
        poll_seconds: float = 10.0,
        patience: Patience | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._story = story
        self._url = url.rstrip("/")
        self._poll_seconds = poll_seconds
        self._patience = patience or Patience()
        self._sleep = sleep
        self._stories: OrderedDict[int, _Story] = OrderedDict()
        self._contents: OrderedDict[str, str] = OrderedDict()

    @property
    def name(self) -> str:
        """The API, with the story where it is one."""
        return SOURCE if self._story is None else f"{SOURCE}:{self._story}"

    async def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items after a position.

        ``item`` is the last number seen, ``pending`` are those before it that had no content,
        ``walked`` counts those of the story that were given.
        """
        async with open_session() as session:
            self._session = session
            last = count_in(position, "item") or await self._newest()
            if self._story is not None and not position.get("is_walked"):
                async with aclosing(self._walk(last, count_in(position, "walked"))) as walk:
                    async for item in walk:
                        yield item
            async with aclosing(self._follow(last, _numbers(position.get("pending", [])))) as news:
                async for item in news:
                    yield item

    async def _walk(self, newest: int, done: int) -> AsyncGenerator[Item, None]:
        """Give the comments that the story has, up to the newest item, in a fixed order."""
        assert self._story is not None
        story = await self._item(self._story)
        if not isinstance(story, dict) or story.get("type") == "comment":
            raise FeedError(f"item {self._story} is no story of Hacker News; give the number of one.")
        self._remember(self._story, _Story(self._story, _title(story)))
        given, waiting = 0, deque(_kids(story, newest))
        while waiting:
            numbers = [waiting.popleft() for _ in range(min(N_TOGETHER, len(waiting)))]
            for item in await self._items(numbers):
                given += 1
                waiting.extend(_kids(item, newest))
                if given > done:
                    what = await self._comment(item)
                    yield Item(what, {"item": newest, "walked": given})
        yield Item(None, {"item": newest, "is_walked": True})

    async def _follow(self, last: int, pending: Sequence[int]) -> AsyncGenerator[Item, None]:
        """Give whatever is written from now on, and what is edited or deleted."""
        polls = dict.fromkeys(pending, 0)
        while True:
            newest = await self._newest()
            numbers = [*polls, *range(last + 1, newest + 1)]
            for start in range(0, len(numbers), N_TOGETHER):
                some = numbers[start : start + N_TOGETHER]
                for number, item in zip(some, await self._items(some), strict=True):
                    last = max(last, number)
                    polls[number] = polls.get(number, 0) + 1
                    if item is not None or polls[number] >= MAX_POLLS:
                        del polls[number]
                    yield Item(await self._wanted(item), self._position(last, polls))
            for item in await self._items(await self._updated(last, polls)):
                yield Item(await self._wanted(item), self._position(last, polls))
            await self._sleep(self._poll_seconds)

    def _position(self, last: int, polls: dict[int, int]) -> Position:
        position: Position = {"item": last, "pending": list(polls)}
        return position if self._story is None else {**position, "is_walked": True}

    async def _wanted(self, item: object) -> Comment | Refused | None:
        """Return the comment of an item if it is of the story asked for and says something new."""
        comment = await self._comment(item)
        if not isinstance(comment, Comment) or (
            self._story is not None and comment.discussion != f"{SOURCE}:{self._story}"
        ):
            return comment if isinstance(comment, Refused) else None
        content = content_id(comment.text, comment.deleted)
        if self._contents.get(comment.id) == content:
            return None
        _keep(self._contents, comment.id, content)
        return comment

    async def _comment(self, item: object) -> Comment | Refused | None:
        if not isinstance(item, dict):
            return None
        number = item.get("id")
        if item.get("type") != "comment":
            if isinstance(number, int):
                self._remember(number, _Story(number, _title(item)))
            return None
        story = await self._story_of(item)
        if isinstance(number, int):
            self._remember(number, story)
        try:
            return comment_of_item(item, story.id, story.title)
        except FeedError as error:
            return Refused(json.encode(item)[:KEPT_BYTES], "unusable", str(error), f"item {number}")

    async def _story_of(self, item: dict[str, Any]) -> _Story:
        """Go up from a comment to its story; as far as it goes where an item on the way is missing."""
        passed: list[int] = []
        here: object = item
        while isinstance(here, dict):
            number, parent = here.get("id"), here.get("parent")
            if isinstance(number, int):
                passed.append(number)
            if not isinstance(parent, int) or parent in passed:
                break
            if parent in self._stories:
                return self._stories[parent]
            here = await self._item(parent)
        story = _Story(passed[-1] if passed else 0, _title(here))
        for number in passed:
            self._remember(number, story)
        return story

    def _remember(self, number: int, story: _Story) -> None:
        _keep(self._stories, number, story)

    async def _updated(self, last: int, pending: dict[int, int]) -> list[int]:
        answer = await self._get("updates")
        items = answer.get("items") if isinstance(answer, dict) else None
        return [number for number in _numbers(items) if number <= last and number not in pending]

    async def _newest(self) -> int:
        newest = await self._get("maxitem")
        if not isinstance(newest, int) or isinstance(newest, bool):
            raise FeedError(
                f"{self._url}/maxitem.json answers {str(newest)[:40]!r}, no number. Check the address."
            )
        return newest

    async def _items(self, numbers: Sequence[int]) -> list[object]:
        return list(await asyncio.gather(*map(self._item, numbers)))

    async def _item(self, number: int) -> object:
        return await self._get(f"item/{number}")

    async def _get(self, path: str) -> object:
        session: aiohttp.ClientSession = self._session
        return await get_json(session, f"{self._url}/{path}.json", patience=self._patience, sleep=self._sleep)


def _kids(item: object, newest: int) -> list[int]:
    """Return the replies of an item up to the newest, in the order in which they were written."""
    kids = item.get("kids") if isinstance(item, dict) else None
    return sorted(number for number in _numbers(kids) if number <= newest)


def _numbers(value: object) -> list[int]:
    if not isinstance(value, list):
        return []
    return [number for number in value if isinstance(number, int) and not isinstance(number, bool)]


def _title(item: object) -> str | None:
    title = item.get("title") if isinstance(item, dict) else None
    return title if isinstance(title, str) else None


def _keep(memory: OrderedDict[Any, Any], key: object, value: object) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
