"""A worker in the test's process, and a foreign client that reads what it publishes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from agents.agent import Emission
from agents.embedding.encoder import Encoder
from agents.records import Record
from streams.app import Worker
from streams.settings import Settings

PREFIX = "groundswell."
END = KafkaError._PARTITION_EOF


@asynccontextmanager
async def running(
    settings: Settings, bootstrap: str, encoder: Encoder | None = None
) -> AsyncIterator[Worker]:
    worker = Worker(settings, bootstrap, encoder)
    try:
        await worker.start()
        yield worker
    finally:
        await worker.stop()


async def feed(worker: Worker, records: Iterable[Record | bytes | None], key: str | None = None) -> None:
    await worker.publisher.send(
        Emission("comments", key or str(n), record) for n, record in enumerate(records)
    )


async def settled(worker: Worker, seconds: float = 60) -> None:
    """Wait until nothing is on the road any more, or the worker has failed."""

    async def look() -> None:
        while not await worker.is_settled():  # noqa: ASYNC110 - the broker is asked, it does not tell
            await asyncio.sleep(0.1)

    stop = asyncio.Event()
    failing = asyncio.create_task(worker.run(stop))
    looking = asyncio.create_task(look())
    try:
        async with asyncio.timeout(seconds):
            await asyncio.wait({failing, looking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        looking.cancel()
        await failing


def read_topic(bootstrap: str, topic: str, prefix: str = PREFIX) -> list[Any]:
    """Read everything in a topic with librdkafka: the messages, oldest first in each partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "foreign",
            "enable.auto.commit": False,
            "enable.partition.eof": True,  # the last offset may be the mark of a transaction
        }
    )
    try:
        name = prefix + topic
        numbers = consumer.list_topics(name, timeout=10).topics[name].partitions
        messages: list[Any] = []
        for number in sorted(numbers):
            low, high = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=10)
            if high <= low:
                continue
            consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING)])
            last = low - 1
            while last < high - 1:
                message = consumer.poll(10)
                if message is None or (message.error() and message.error().code() == END):
                    break
                assert message.error() is None, message.error()
                last = message.offset()
                messages.append(message)
        return messages
    finally:
        consumer.close()


def latest(messages: Iterable[Any]) -> dict[str, Any]:
    """Return the newest JSON value of every key, those with a tombstone left out."""
    table: dict[str, Any] = {}
    for message in sorted(messages, key=lambda message: message.timestamp()[1]):
        key = message.key().decode()
        if message.value() is None:
            table.pop(key, None)
        else:
            table[key] = json.loads(message.value())
    return table
