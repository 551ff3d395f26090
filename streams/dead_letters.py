"""The dead letters: what was rejected, why, and sending it again after a mend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

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
    async for record in _records(connection, "comments.rejected"):
        yield _letter(record.key, record.value, dict(record.headers))


async def replay(connection: Connection, publisher: Publisher, reasons: Collection[str] | None = None) -> int:
    """Send what was rejected to ``comments`` again; return how many.

    What only a later stage couldn't use goes there as the comment that it was made of, cleaned. What
    ``comments`` hold again since, be it edited, taken back or sent again already, stays where it is.

    Parameters
    ----------
    reasons
        Only those that were rejected for one of these; None for all.
    """
    newest = await _newest(connection, reasons)
    n_sent = 0
    async for letter in read_dead_letters(connection):
        said = _said(letter, reasons)
        if said is not None and newest[said.partition, said.name] == said.offset:
            await publisher.send([Emission("comments", letter.key, said.comment, said.partition)])
            n_sent += 1
    return n_sent


class _Named(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What a dead letter says that can be sent again."""

    comment: Comment | bytes
    name: str | bytes
    partition: int
    offset: int
    """Where it lies in ``comments``."""


async def _newest(
    connection: Connection, reasons: Collection[str] | None
) -> dict[tuple[int, str | bytes], int]:
    """Return the last offset in ``comments`` of what the dead letters say, by partition and name."""
    newest: dict[tuple[int, str | bytes], int] = {}
    first: dict[int, int] = {}
    async for letter in read_dead_letters(connection):
        if said := _said(letter, reasons):
            place = said.partition, said.name
            newest[place] = max(said.offset, newest.get(place, -1))
            first[said.partition] = min(said.offset, first.get(said.partition, said.offset))
    if first:
        async for record in _records(connection, "comments", first):
            place = record.partition, _name(record.value or b"")
            if place in newest:
                newest[place] = max(record.offset, newest[place])
    return newest


def _said(letter: DeadLetter, reasons: Collection[str] | None) -> _Said | None:
    """Return what can be sent again, None where nothing can or it was rejected for another reason."""
    if letter.value is None or (reasons is not None and letter.reason not in reasons):
        return None
    if letter.stage == "embed":
        name = _name(letter.value)
        return _Said(letter.value, name, letter.origin_partition, letter.origin_offset)
    try:
        record = msgspec.json.decode(letter.value, type=Embedded)
    except msgspec.MsgspecError:
        return None
    common = {name: getattr(record, name) for name in Comment.__struct_fields__ if hasattr(record, name)}
    comment = Comment(**common, created_at=record.event_time.isoformat())
    return _Said(comment, record.id, record.partition, record.offset)


def _name(value: bytes) -> str | bytes:
    """Return the id of a comment; where it can't be read, what tells its bytes from others."""
    try:
        return msgspec.json.decode(value, type=_Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return blake2b(value, digest_size=16).digest()


async def _records(
    connection: Connection, name: str, first: Mapping[int, int] | None = None
) -> AsyncIterator[Any]:
    """Yield what lies in a topic now; with ``first`` only of those partitions and from those offsets on."""
    topic = connection.topic(name)
    consumer = AIOKafkaConsumer(
        **connection.client(), enable_auto_commit=False, isolation_level="read_committed"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.beginning_offsets([TopicPartition(topic, 0)])
        numbers = sorted(consumer.partitions_for_topic(topic))
        places = [TopicPartition(topic, n) for n in numbers if first is None or n in first]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place, begin in (await consumer.beginning_offsets(places)).items():
            consumer.seek(place, max(begin, first[place.partition] if first else 0))
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    if record.offset < ends[place]:
                        yield record
    finally:
        await consumer.stop()


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
