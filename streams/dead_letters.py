"""The dead letters: what was rejected, why, and sending it again after a mend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.agent import Emission
from agents.records import Comment, Embedded
from streams.publish import Connection, Publisher

__all__ = ["DeadLetter", "read_dead_letters", "replay"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected record: its bytes untouched, and what the headers say."""

    key: bytes | None
    value: bytes | None
    stage: str
    reason: str
    exception: str
    origin_topic: str
    origin_partition: int
    origin_offset: int
    origin_time: datetime


async def read_dead_letters(connection: Connection) -> AsyncIterator[DeadLetter]:
    """Yield everything that lies in ``comments.rejected`` now, partition by partition."""
    topic = connection.topic("comments.rejected")
    consumer = AIOKafkaConsumer(
        **connection.client(), enable_auto_commit=False, isolation_level="read_committed"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.beginning_offsets([TopicPartition(topic, 0)])
        places = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place, begin in (await consumer.beginning_offsets(places)).items():
            consumer.seek(place, begin)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    if record.offset < ends[place]:
                        yield _letter(record.key, record.value, dict(record.headers))
    finally:
        await consumer.stop()


async def replay(connection: Connection, publisher: Publisher, reasons: Collection[str] | None = None) -> int:
    """Send what was rejected to ``comments`` again; return how many.

    What only a later stage couldn't use goes there as the comment that it was made of, cleaned.

    Parameters
    ----------
    reasons
        Only those that were rejected for one of these; None for all.
    """
    n_sent = 0
    async for letter in read_dead_letters(connection):
        is_wanted = reasons is None or letter.reason in reasons
        comment = _comment_of(letter) if is_wanted else None
        if comment is not None:
            await publisher.send([Emission("comments", letter.key, comment)])
            n_sent += 1
    return n_sent


def _comment_of(letter: DeadLetter) -> Comment | bytes | None:
    """Return what can be sent to ``comments`` again, None where nothing can."""
    if letter.stage == "embed" or letter.value is None:
        return letter.value
    try:
        record = msgspec.json.decode(letter.value, type=Embedded)
    except msgspec.MsgspecError:
        return None
    common = {name: getattr(record, name) for name in Comment.__struct_fields__ if hasattr(record, name)}
    return Comment(**common, created_at=record.event_time.isoformat())


def _letter(key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> DeadLetter:
    said = {name: headers.get(name, b"").decode() for name in DeadLetter.__dataclass_fields__}
    return DeadLetter(
        key,
        value,
        said["stage"],
        said["reason"],
        said["exception"],
        said["origin_topic"],
        int(said["origin_partition"] or -1),
        int(said["origin_offset"] or -1),
        datetime.fromisoformat(said["origin_time"]),
    )
