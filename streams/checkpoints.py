"""The state of an agent and the input offset that it includes, in one record.

Written before the input is acknowledged, read when a partition comes to a worker. The topic is
compacted, so the newest record of a key lies near the end: it is searched from there.
"""

from __future__ import annotations

from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from agents.agent import Emission
from agents.errors import StateError
from streams.publish import Connection

__all__ = ["Checkpoint", "checkpoint_emission", "decode_checkpoint", "read_checkpoint"]

FIRST_LOOK: Final = 8
"""Records read from the end at first; doubled until the key is found."""

MAX_BYTES: Final = 16 * 1_048_576


class Checkpoint(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What the record holds.

    Parameters
    ----------
    offset
        The last input offset that the state includes; -1 for none.
    state
        What the agent's ``snapshot`` gave.
    """

    offset: int
    state: bytes


def checkpoint_emission(agent: str, partition: int, checkpoint: Checkpoint) -> Emission:
    """Return the record that keeps the checkpoint.

    Raises
    ------
    StateError
        If it is larger than the topic takes.
    """
    value = msgspec.msgpack.encode(checkpoint)
    if len(value) > MAX_BYTES:
        raise StateError(
            f"the state of {agent} on partition {partition} has {len(value)} bytes; at most {MAX_BYTES} "
            "fit a checkpoint. Lower clustering.micro_clusters or clustering.recent_comments."
        )
    return Emission("checkpoints", _key(agent, partition), value)


def decode_checkpoint(value: bytes) -> Checkpoint:
    """Return what such a record holds.

    Raises
    ------
    StateError
        If it holds no checkpoint.
    """
    try:
        return msgspec.msgpack.decode(value, type=Checkpoint)
    except msgspec.MsgspecError as cause:
        raise StateError(
            f"a checkpoint of {len(value)} bytes can't be read ({cause}). Choose a new topics.prefix "
            "and replay."
        ) from cause


async def read_checkpoint(connection: Connection, agent: str, partition: int) -> Checkpoint | None:
    """Return the newest checkpoint of an agent on a partition, None where there is none."""
    wanted = _key(agent, partition).encode()
    topic = connection.topic("checkpoints")
    consumer = AIOKafkaConsumer(
        **connection.client(),
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=MAX_BYTES,
    )
    try:
        await consumer.start()
        place = await _where(consumer, topic, wanted)
        newest = await _newest(consumer, place, wanted)
        return None if newest is None else decode_checkpoint(newest)
    finally:
        await consumer.stop()


def _key(agent: str, partition: int) -> str:
    return f"{agent}:{partition}"


async def _where(consumer: AIOKafkaConsumer, topic: str, key: bytes) -> TopicPartition:
    """Return the partition that the key goes to."""
    first = TopicPartition(topic, 0)
    consumer.assign([first])
    await consumer.beginning_offsets([first])
    numbers = sorted(consumer.partitions_for_topic(topic))
    return TopicPartition(topic, DefaultPartitioner()(key, numbers, numbers))


async def _newest(consumer: AIOKafkaConsumer, place: TopicPartition, wanted: bytes) -> bytes | None:
    """Return the value of the newest record of a key in one partition."""
    consumer.assign([place])
    begin = (await consumer.beginning_offsets([place]))[place]
    end = (await consumer.end_offsets([place]))[place]
    upper, look = end, FIRST_LOOK
    while upper > begin:
        lower = max(begin, upper - look)
        newest = await _scan(consumer, place, wanted, lower, upper)
        if newest is not None:
            return newest
        upper, look = lower, look * 2
    return None


async def _scan(
    consumer: AIOKafkaConsumer, place: TopicPartition, wanted: bytes, lower: int, upper: int
) -> bytes | None:
    """Return the last record of the key at an offset of ``lower`` to below ``upper``."""
    consumer.seek(place, lower)
    newest: bytes | None = None
    while await consumer.position(place) < upper:
        for record in (await consumer.getmany(place, timeout_ms=1000)).get(place, ()):
            if record.offset < upper and record.key == wanted and record.value is not None:
                newest = record.value
    return newest
