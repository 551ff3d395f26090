"""Follows the public topics outside any group and keeps a `View` up to date."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.errors import RoadError
from agents.records import decode
from streams.publish import Connection
from streams.topics import TOPICS
from streams.web import view as views
from streams.web.view import View

__all__ = ["Reader"]

logger = logging.getLogger(__name__)

TAILS: Final = ("assignments", "judgements")
"""Topics of which only the newest records are read; the others are read from their beginning."""

GATHER_MS: Final = 100
GATHER_BYTES: Final = 256 * 1024
"""How long and for how much a fetch gathers: every one asks for all partitions of all topics. Longer would
let ASSIGN wait for its placements where a day is replayed in seconds."""

POLL_MS: Final = 500
RETRY_SECONDS: Final = 1.0
AT_ONCE: Final = 500
"""Records taken over before the event loop is given to others."""


class Reader:
    """Reads what is committed, every partition, in every worker: so all pages show the same.

    Parameters
    ----------
    connection
        How to reach the broker.
    view
        What is fed.
    topics
        Logical names of the topics to follow.
    """

    def __init__(self, connection: Connection, view: View, topics: tuple[str, ...] = views.TOPICS) -> None:
        self._connection = connection
        self._view = view
        view.broker = connection.bootstrap
        self._names = {connection.topic(name): name for name in topics}
        self._consumer: Any = None
        self._task: asyncio.Task[None] | None = None
        self._ends: dict[TopicPartition, int] = {}
        self.caught_up = asyncio.Event()
        """Set once everything that was there at the start has been read."""

    async def start(self) -> None:
        """Connect, read what is there, and go on following in the background.

        Raises
        ------
        RoadError
            If the broker can't be reached.
        """
        self._consumer = AIOKafkaConsumer(
            *self._names,
            **self._connection.client(),
            group_id=None,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 * 1_048_576,
            fetch_max_wait_ms=GATHER_MS,
            fetch_min_bytes=GATHER_BYTES,
            metadata_max_age_ms=30_000,
        )
        try:
            await self._consumer.start()
            await self._go_to_tails()
        except KafkaError as cause:
            await self._consumer.stop()
            raise RoadError(
                f"the broker at {self._connection.bootstrap} can't be read ({cause!r}). Is it running, and "
                "is that its address?"
            ) from cause
        self._task = asyncio.create_task(self._follow(), name="reader of the public topics")
        waiting = asyncio.create_task(self.caught_up.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def _go_to_tails(self) -> None:
        """Note where every partition ends now, and skip the older records of the long topics."""
        partitions = sorted(self._consumer.assignment())
        self._ends = await self._consumer.end_offsets(partitions)
        begins = await self._consumer.beginning_offsets(partitions)
        settings = self._view.settings
        keep = {"assignments": settings.comments, "judgements": settings.judgements}
        for partition in partitions:
            name = self._names[partition.topic]
            begin = begins[partition]
            if name in TAILS:
                begin = max(begin, self._ends[partition] - keep[name])
            self._consumer.seek(partition, begin)
            if begin >= self._ends[partition]:
                del self._ends[partition]
        if not self._ends:
            self.caught_up.set()

    async def _follow(self) -> None:
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=POLL_MS)
            except KafkaError as cause:
                logger.warning("public topics not readable, trying again", extra={"cause": repr(cause)})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for partition, messages in fetched.items():
                for start in range(0, len(messages), AT_ONCE):
                    for message in messages[start : start + AT_ONCE]:
                        self._take(self._names[partition.topic], message)
                    await asyncio.sleep(0)
            if not self.caught_up.is_set():
                await self._note_progress()

    def _take(self, name: str, message: Any) -> None:
        """Apply one Kafka record; one that can't be read is skipped with a warning."""
        kind = TOPICS[name].value
        if kind is None:
            return
        key = (message.key or b"").decode("utf-8", "replace")
        try:
            record = None if message.value is None else decode(message.value, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            where = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
            logger.warning("record not readable, skipped", extra={**where, "cause": str(cause)})
            return
        self._view.apply(name, key, record, message.timestamp / 1000)

    async def _note_progress(self) -> None:
        """Set `caught_up` once every partition has been read to where it ended at the start."""
        for partition, end in list(self._ends.items()):
            if await self._consumer.position(partition) >= end:
                del self._ends[partition]
        if not self._ends:
            self.caught_up.set()
