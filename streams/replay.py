"""Copies the comments of one deployment into another, for a new encoder or another number of partitions.

Keys, headers and the records' own timestamps stay, so event time is what it was. Partitions are
merged by timestamp: a new partition that takes from several old ones gets its comments in the
order in which they once arrived, and the comments of one key keep theirs.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.errors import SettingsError
from streams.publish import Connection
from streams.topic_admin import must_exist

__all__ = ["replay"]

IN_FLIGHT: Final = 2000
"""Records that may wait for their confirmation."""


async def replay(old: Connection, new: Connection) -> int:
    """Copy all that the old deployment's ``comments`` still keep; return how many records that was.

    The topics of the new deployment must exist. What arrives while it runs is not copied: switch the
    feeds over first.

    Raises
    ------
    SettingsError
        If both are the same deployment, or the old one has no comments.
    """
    if old.prefix == new.prefix:
        raise SettingsError(
            f"topics.prefix is {new.prefix!r}, the one to copy from; a replay needs a new one. "
            'Set it in groundswell.toml, e.g. prefix = "groundswell-2.".'
        )
    await must_exist(old, "comments")
    consumer = AIOKafkaConsumer(
        old.topic("comments"),
        **old.client(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(
        **new.client(), acks="all", enable_idempotence=True, compression_type="zstd", linger_ms=20
    )
    try:
        await consumer.start()
        await producer.start()
        return await _copy(consumer, producer, new.topic("comments"))
    finally:
        await producer.stop()
        await consumer.stop()


async def _copy(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, target: str) -> int:
    places = sorted(consumer.assignment())
    n_copied = 0
    waiting: list[asyncio.Future[Any]] = []
    async for record in _merged(consumer, places):
        waiting.append(
            await producer.send(
                target, record.value, record.key, timestamp_ms=record.timestamp, headers=list(record.headers)
            )
        )
        n_copied += 1
        if len(waiting) >= IN_FLIGHT:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    return n_copied


async def _merged(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> AsyncIterator[Any]:
    """Yield the records of all partitions up to their present ends, the oldest first."""
    begins = await consumer.beginning_offsets(places)
    ends = await consumer.end_offsets(places)
    open_places = [place for place in places if begins[place] < ends[place]]
    heads: list[tuple[int, int, int, Any, AsyncIterator[Any]]] = []
    for place in open_places:
        consumer.seek(place, begins[place])
        await _push(heads, _partition(consumer, place, ends[place]))
    while heads:
        _, _, _, record, rest = heapq.heappop(heads)
        yield record
        await _push(heads, rest)


async def _push(heads: list[tuple[int, int, int, Any, AsyncIterator[Any]]], rest: AsyncIterator[Any]) -> None:
    async for record in rest:
        heapq.heappush(heads, (record.timestamp, record.partition, record.offset, record, rest))
        return


async def _partition(consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> AsyncIterator[Any]:
    """Yield the records of one partition below the offset ``end``."""
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=1000)).get(place, ()):
            if record.offset < end:
                yield record
