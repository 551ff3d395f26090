"""Reads all that an audit needs, up to where the topics end at that moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata

from agents.agent import Message
from agents.records import Embedded, Pause
from streams.checkpoints import decode_checkpoint
from streams.evidence import Evidence, Log
from streams.publish import Connection
from streams.topics import INPUTS

__all__ = ["Rest", "count_lag", "read_evidence", "read_log", "read_rest"]

FETCH_BYTES: Final = 16 * 1_048_576

_embedded: Final = msgspec.json.Decoder(Embedded | Pause)


async def read_evidence(connection: Connection) -> Evidence:
    """Return what the topics of a deployment keep now.

    Offsets are read first, then checkpoints, then outputs: whatever goes on meanwhile, what was
    committed is confirmed by what is read after it.
    """
    committed = {place: offset for place, (offset, _) in (await _standings(connection)).items()}
    checkpoints = await _checkpoints(connection)
    names = ("rejected", "embedded", "assignments", "judgements", "placements", "clusters", "sketches")
    comments = await read_log(connection, "comments")
    logs = {
        name: await read_log(connection, "comments.rejected" if name == "rejected" else name)
        for name in names
    }
    return Evidence(comments=comments, committed=committed, checkpoints=checkpoints, **logs)


@dataclass(frozen=True, slots=True)
class Rest:
    """How far a deployment is from being at rest."""

    lag: int
    """Messages that lie before the workers, over all stages."""
    n_talking: int
    """Partitions that have not said yet that they are silent; the chart waits for them."""
    n_unread: int = 0
    """Messages of ``debated`` that nobody will read, as no worker has a target; left out of the lag."""

    @property
    def is_reached(self) -> bool:
        """Whether nothing is on its way."""
        return not self.lag and not self.n_talking


async def read_rest(connection: Connection) -> Rest:
    """Return how much is still on its way.

    What is read first is what was worked through, then what there is to do: it may say that work is
    left where there is none, never that there is none where some is left.
    """
    subscribed = await _subscribed(connection)
    lag, n_unread = count_lag(await _standings(connection), subscribed)
    return Rest(lag, 0 if lag else await _count_talking(connection), n_unread)


def count_lag(
    standings: Mapping[tuple[str, int], tuple[int, int]], subscribed: Collection[str]
) -> tuple[int, int]:
    """Return how many messages lie before the workers, and how many of ``debated`` lie there for nobody.

    Parameters
    ----------
    standings
        The committed offset and the end, by topic and partition.
    subscribed
        Topics that the running workers read; empty where none runs or it isn't known, and then all count.
    """
    lags: Counter[str] = Counter()
    for (topic, _), (offset, end) in standings.items():
        lags[topic] += max(0, end - offset)
    n_unread = lags.pop("debated", 0) if subscribed and "debated" not in subscribed else 0
    return lags.total(), n_unread


async def _count_talking(connection: Connection) -> int:
    """Return the number of partitions of ``embedded`` whose last record is no pause."""
    consumer = AIOKafkaConsumer(
        connection.topic("embedded"),
        **connection.client(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await consumer.start()
        places = consumer.assignment()
        n_talking = 0
        for place, end in (await consumer.end_offsets(places)).items():
            if end:
                consumer.seek(place, end - 1)
            if not end or not isinstance(_embedded.decode((await consumer.getone(place)).value), Pause):
                n_talking += 1
        return n_talking
    finally:
        await consumer.stop()


async def read_log(connection: Connection, name: str) -> Log:
    """Return all that a topic keeps, transactions that were given up left out."""
    consumer = AIOKafkaConsumer(
        connection.topic(name),
        **connection.client(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await consumer.start()
        places = sorted(consumer.assignment())
        begins = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        messages: list[Message] = []
        behind = [place for place in places if begins[place] < ends[place]]
        while behind:
            for place, records in (await consumer.getmany(*behind, timeout_ms=200)).items():
                messages.extend(_message(name, record) for record in records if record.offset < ends[place])
            behind = [place for place in behind if await consumer.position(place) < ends[place]]
        return Log(messages, {place.partition: begins[place] for place in places})
    finally:
        await consumer.stop()


def _message(name: str, record: object) -> Message:
    return Message(
        value=record.value,  # type: ignore[attr-defined]
        key=record.key,  # type: ignore[attr-defined]
        topic=name,
        partition=record.partition,  # type: ignore[attr-defined]
        offset=record.offset,  # type: ignore[attr-defined]
        timestamp=record.timestamp / 1000,  # type: ignore[attr-defined]
        headers=tuple(record.headers),  # type: ignore[attr-defined]
    )


async def _standings(connection: Connection) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the committed offset and the end of every partition that a stage reads."""
    topics = {connection.topic(name): name for name in INPUTS}
    asking = AIOKafkaConsumer(*topics, **connection.client(), enable_auto_commit=False)
    member = AIOKafkaConsumer(
        **connection.client(), group_id=f"{connection.prefix}workers", enable_auto_commit=False
    )
    try:
        await asking.start()
        await member.start()
        places = sorted(asking.assignment())
        committed = await asyncio.gather(*(member.committed(place) for place in places))
        ends = await asking.end_offsets(places)
        return {
            (topics[place.topic], place.partition): (offset or 0, ends[place])
            for place, offset in zip(places, committed, strict=True)
        }
    finally:
        await asking.stop()
        await member.stop()


async def _subscribed(connection: Connection) -> set[str]:
    """Return the topics that the group's members read, without their prefix; none while it rebalances."""
    admin = AIOKafkaAdminClient(**connection.client())
    try:
        await admin.start()
        (answer,) = await admin.describe_consumer_groups([f"{connection.prefix}workers"])
    finally:
        await admin.close()
    _, _, state, _, _, members, *_ = answer.groups[0]
    if state != "Stable":
        return set()
    read = (ConsumerProtocolMemberMetadata.decode(member[3]).subscription for member in members)
    return {topic.removeprefix(connection.prefix) for topics in read for topic in topics}


async def _checkpoints(connection: Connection) -> dict[tuple[str, int], int]:
    """Return the last input offset that the newest checkpoint of each agent and partition includes."""
    included: dict[tuple[str, int], int] = {}
    for message in (await read_log(connection, "checkpoints")).messages:
        agent, _, partition = (message.key or b"").decode().rpartition(":")
        if message.value is not None:
            checkpoint = decode_checkpoint(message.value)
            included[agent, int(partition)] = checkpoint.offset
    return included
