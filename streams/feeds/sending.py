"""From a feed to the road: paced, in confirmed batches, held back while the worker is behind."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

from agents.agent import Emission, Message
from agents.embedding.agent import rejection
from agents.errors import RejectedError
from agents.records import Comment, encode
from streams.feeds.feed import Article, Feed, Gap, Item, Position, Refused
from streams.feeds.fields import event_seconds
from streams.feeds.keys import Keys
from streams.feeds.pace import Pace
from streams.feeds.positions import PositionFile

__all__ = ["MAX_RECORD_BYTES", "Outlet", "Progress", "Sending", "value_digest"]

MAX_RECORD_BYTES: Final = 960 * 1024
"""A larger comment is refused: topics take 1 MiB with key and headers."""

BATCH: Final = 500
BATCH_BYTES: Final = 256 * 1024
LINGER_SECONDS: Final = 0.2
"""Longest time that a comment waits for others."""

AHEAD: Final = 1_000
"""Items read ahead of sending."""


class Outlet(Protocol):
    """Where comments go."""

    async def room(self, n_bytes: int) -> bool:
        """Say whether so much can be sent now without the reader losing anything."""
        ...

    async def send(self, emissions: Sequence[Emission]) -> None:
        """Write the records and wait until all are confirmed.

        Raises
        ------
        RoadError
            If the broker refuses or can't be reached.
        """
        ...

    def offsets(self) -> dict[str, int]:
        """Return offsets by partition at or before whatever is sent from now on."""
        ...


@dataclass(slots=True)
class Progress:
    """What a run has done so far; times in seconds."""

    read: int = 0
    sent: int = 0
    confirmed: int = 0
    retractions: int = 0
    skipped: int = 0
    """Found on the topic already: sent before an interruption, before the position could be kept."""
    articles: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    first_refused: str | None = None
    gaps: list[str] = field(default_factory=list)
    held_seconds: float = 0.0
    behind_seconds: float = 0.0
    """How far the run is behind its pace."""
    is_holding: bool = False
    interrupted: bool = False

    @property
    def n_refused(self) -> int:
        """Everything that couldn't become a comment."""
        return sum(self.refused.values())


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Sending:
    """One run of one feed.

    Parameters
    ----------
    feed
        What to send.
    outlet
        Where to.
    keys
        Gives comments their keys.
    pace
        How fast.
    positions
        Where to keep the position; None keeps none.
    sent_before
        Digests of the records that an interrupted run wrote after its last position.
    n_before
        Comments that earlier runs sent.
    limit
        Most comments to send, None for all.
    stop
        Set to end the run: what is in hand is sent and confirmed, if the reader has room for it, and
        nothing more is read.
    now, wall
        Monotonic clock and time of day, in seconds.
    """

    def __init__(
        self,
        feed: Feed,
        outlet: Outlet,
        keys: Keys,
        pace: Pace,
        *,
        positions: PositionFile | None = None,
        sent_before: Iterable[bytes] = (),
        n_before: int = 0,
        limit: int | None = None,
        stop: asyncio.Event | None = None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.progress = Progress()
        self._feed, self._outlet, self._keys, self._pace = feed, outlet, keys, pace
        self._positions = positions
        self._sent_before = Counter(sent_before)
        self._n_before = n_before
        self._limit = limit
        self._stop = stop or asyncio.Event()
        self._now, self._wall = now, wall
        self._queue: asyncio.Queue[Item | _End] = asyncio.Queue(AHEAD)
        self._batch: list[Emission] = []
        self._batch_bytes = 0
        self._batch_began = 0.0
        self._n_batch = 0
        self._position: Position | None = None
        self._started: float | None = None

    async def run(self, position: Position) -> Progress:
        """Send everything after a position.

        Raises
        ------
        FeedError
            If the source can't be read. What was read before is sent and confirmed.
        RoadError
            If the source or the broker stays away. The position is that of the last confirmed batch.
        """
        reading = asyncio.create_task(self._read(position))
        try:
            error = await self._work()
            await self._flush()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if error is not None:
            raise error
        return self.progress

    async def _read(self, position: Position) -> None:
        error: BaseException | None = None
        try:
            async with aclosing(self._feed.read(position)) as items:
                async for item in items:
                    await self._queue.put(item)
        except Exception as caught:
            error = caught
        await self._queue.put(_End(error))

    async def _work(self) -> BaseException | None:
        """Take items until there are no more, or enough; return what ended the source."""
        while not self._stop.is_set():
            item = await self._next()
            if isinstance(item, _End):
                return item.error
            if item is None:
                await self._flush()
                continue
            if not await self._take(item):
                break
            if len(self._batch) >= BATCH or self._batch_bytes >= BATCH_BYTES:
                await self._flush()
            if self.progress.sent == self._limit:
                return None
        self.progress.interrupted = True
        return None

    async def _next(self) -> Item | _End | None:
        """Return the next item; None once those in hand have waited long enough, or on a stop."""
        left = None
        if self._position is not None:
            left = self._batch_began + LINGER_SECONDS - self._now()
            if left <= 0:
                return None
        if not self._queue.empty():
            return self._queue.get_nowait()
        getting = asyncio.create_task(self._queue.get())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({getting, stopping}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if getting.done():
            return getting.result()
        getting.cancel()
        return None

    async def _take(self, item: Item) -> bool:
        """Put what an item holds into the batch; return False where a stop came first."""
        what = item.what
        if isinstance(what, Comment):
            if not await self._wait_until_due(what):
                return False
            self._add(what)
        elif isinstance(what, Refused):
            self._refuse(what)
        elif isinstance(what, Gap):
            self.progress.gaps.append(what.message)
        elif isinstance(what, Article):
            self.progress.articles += 1
        if self._position is None:
            self._batch_began = self._now()
        self._position = item.position
        return True

    async def _wait_until_due(self, comment: Comment) -> bool:
        due = self._pace.due(event_seconds(comment.created_at))
        if self._started is None:
            self._started = self._now()
        while (left := self._started + due - self._now()) > 0:
            if self._position is not None and left > LINGER_SECONDS:
                await self._flush()
                continue
            self.progress.behind_seconds = 0.0
            if await self._stopped_within(left):
                return False
        if due > 0:
            self.progress.behind_seconds = -left
        return True

    def _add(self, comment: Comment) -> None:
        value = encode(comment)
        if len(value) > MAX_RECORD_BYTES:
            message = f"{comment.id} has {len(value)} bytes; {MAX_RECORD_BYTES} are taken. Cut the text."
            self._refuse(Refused(value[: 64 * 1024], "too_large", message, comment.id))
            return
        self.progress.read += 1
        digest = value_digest(value)
        if self._sent_before[digest]:
            self._sent_before[digest] -= 1
            self._keys.emissions(comment)
            self.progress.skipped += 1
            return
        self._batch += self._keys.emissions(comment)
        self._batch_bytes += len(value)
        self._n_batch += 1
        self.progress.sent += 1
        self.progress.retractions += comment.deleted

    def _refuse(self, what: Refused) -> None:
        self.progress.refused[what.reason] += 1
        if self.progress.first_refused is None:
            self.progress.first_refused = f"{what.where}: {what.message}"
        message = Message(value=what.raw, topic=f"feed:{self._feed.name}", offset=-1, timestamp=self._wall())
        error = RejectedError(f"{what.where}: {what.message}", what.reason)
        emission = rejection(message, "feed", error)
        self._batch.append(emission)
        self._batch_bytes += len(what.raw)

    async def _flush(self) -> None:
        """Send the batch, wait for its confirmation, then keep the position after it."""
        if self._position is None:
            return
        is_sent = await self._hold() if self._batch else True
        if is_sent:
            offsets = self._outlet.offsets()
            if self._batch:
                await self._outlet.send(self._batch)
            self.progress.confirmed += self._n_batch
            if self._positions is not None:
                self._positions.save(self._position, offsets, self._n_before + self.progress.confirmed)
        self._batch, self._batch_bytes, self._n_batch, self._position = [], 0, 0, None

    async def _hold(self) -> bool:
        """Wait until the reader of the topic has room; return False where a stop came first."""
        while not await self._outlet.room(self._batch_bytes):
            self.progress.is_holding = True
            began = self._now()
            is_stopped = await self._stopped_within(LINGER_SECONDS)
            self.progress.held_seconds += self._now() - began
            if is_stopped:
                return False
        self.progress.is_holding = False
        return True

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True


def value_digest(value: bytes) -> bytes:
    """Return what tells the value of a record from every other: 16 bytes."""
    return blake2b(value, digest_size=16).digest()
