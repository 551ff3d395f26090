"""Where a topic ends and how far the group has confirmed it: lag, silence and readiness come from here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.publish import Connection

__all__ = ["Offsets", "Standing"]

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a group stands on one partition.

    ``begin`` and ``end`` are the first offset kept and the next one to be written;
    ``committed`` is the next one to read, None where nothing was committed.
    """

    begin: int
    end: int
    committed: int | None

    @property
    def lag(self) -> int:
        """Messages that are written and not confirmed as read."""
        return max(0, self.end - self.read)

    @property
    def read(self) -> int:
        """The next offset to read, as far as the group has confirmed it."""
        return max(self.committed or 0, self.begin)


class Offsets:
    """Asks the broker about the partitions that this worker owns, once a second.

    Parameters
    ----------
    connection
        How to reach the broker.
    group
        The consumer group whose commits are read; it is not joined.
    owned
        Gives the topics and partitions to ask about.
    """

    def __init__(
        self, connection: Connection, group: str, owned: Callable[[], Iterable[tuple[str, int]]]
    ) -> None:
        self._connection = connection
        self._group = group
        self._owned = owned
        self._standings: dict[tuple[str, int], Standing] = {}
        self._answered_at = time.monotonic()
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and begin to ask."""
        self._consumer = AIOKafkaConsumer(
            **self._connection.client(), group_id=self._group, enable_auto_commit=False
        )
        await self._consumer.start()
        self._task = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Stop asking and disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    def standing(self, topic: str, partition: int) -> Standing | None:
        """Return the latest answer, None where there is none yet."""
        return self._standings.get((topic, partition))

    def all(self) -> dict[tuple[str, int], Standing]:
        """Return the latest answers of the partitions owned now."""
        return dict(self._standings)

    async def beginning(self, topic: str, partition: int) -> int:
        """Ask the broker for the first offset that it keeps of a partition."""
        assert self._consumer is not None
        place = TopicPartition(topic, partition)
        begins: dict[TopicPartition, int] = await self._consumer.beginning_offsets([place])
        return begins[place]

    async def end(self, topic: str, partition: int) -> int:
        """Ask the broker for the next offset that will be written to a partition."""
        assert self._consumer is not None
        place = TopicPartition(topic, partition)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets([place])
        return ends[place]

    async def _poll(self) -> None:
        while True:
            try:
                await self.ask()
            except Exception as error:
                logger.warning("offsets unknown", extra={"error": repr(error)})
            await asyncio.sleep(POLL_SECONDS)

    async def ask(self) -> None:
        """Ask the broker now."""
        consumer = self._consumer
        assert consumer is not None
        places = [TopicPartition(*place) for place in sorted(self._owned())]
        if not places:
            self._standings = {}
            return
        begins = await consumer.beginning_offsets(places)
        committed = {place: await consumer.committed(place) for place in places}
        ends = await consumer.end_offsets(places)
        self._standings = {
            (place.topic, place.partition): Standing(begins[place], ends[place], committed[place])
            for place in places
        }
