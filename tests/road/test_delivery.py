"""The runner on each broker, with an agent whose state is sensitive to order."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import confluent_kafka.admin
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import KafkaTimeoutError

from agents.agent import Emission
from agents.errors import RoadError, StateError
from agents.records import Debated, Pause
from streams.audit_reader import read_log
from streams.checkpoints import read_checkpoint
from streams.faust_app import App, rewind
from streams.offsets import Offsets
from streams.options import TopicSettings
from streams.publish import Backlog, Publisher
from streams.road import DeliverySettings, Road
from streams.stateful import StatefulDelivery
from streams.topic_admin import ensure_topics
from tests.road.conftest import Broker

pytestmark = pytest.mark.road

N_PARTITIONS = 4
EARLIEST = OffsetResetStrategy.EARLIEST


class Quiet:
    """An observer that notes nothing."""

    def sent(self, stage: str, emissions: Sequence[Emission]) -> None: ...
    def processed(self, stage: str, events: Sequence[Any], seconds: float) -> None: ...
    def checkpointed(self, stage: str, partition: int, n_bytes: int) -> None: ...
    def revoked(self, stage: str) -> None: ...


class Chain:
    """Hashes everything it has seen into its state; breaks on a poisonous record."""

    def __init__(self, partition: int) -> None:
        self.state = bytes([partition])

    def step(self, batch: Sequence[Pause]) -> list[Emission]:
        emissions = []
        for pause in batch:
            self.state = hashlib.sha256(self.state + str(pause.offset).encode()).digest()
            if pause.offset == 13:
                raise ZeroDivisionError("poison")
            if pause.offset == 66:
                raise StateError("nobody can handle this")
            emissions.append(Emission("lineage", f"{pause.partition}:{pause.offset}", self.state, 0))
        return emissions

    def snapshot(self) -> bytes:
        return self.state

    def restore(self, state: bytes) -> None:
        self.state = state


def expected_chain(partition: int, offsets: Sequence[int]) -> list[bytes]:
    state, states = bytes([partition]), []
    for offset in offsets:
        state = hashlib.sha256(state + str(offset).encode()).digest()
        states.append(state)
    return states


@asynccontextmanager
async def running(broker: Broker, checkpoint_seconds: float = 0.1) -> AsyncIterator[Road]:
    connection = broker.connection
    await ensure_topics(connection, TopicSettings(partitions=N_PARTITIONS), embedded=broker.is_embedded)
    backlog = Backlog({})
    publisher = Publisher(connection, lambda *_: [], backlog)
    await publisher.start()
    app = App(
        f"{broker.prefix}workers",
        broker=f"aiokafka://{broker.bootstrap}",
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
        broker_commit_interval=0.2,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.5,
        autodiscover=False,
    )
    offsets = Offsets(
        connection,
        f"{broker.prefix}workers",
        lambda: ((tp.topic, tp.partition) for tp in app.consumer.assignment()),
    )
    failed = asyncio.get_running_loop().create_future()
    road = Road(
        app,
        connection,
        publisher,
        backlog,
        offsets,
        Quiet(),
        DeliverySettings(checkpoint_seconds=checkpoint_seconds),
        failed,
    )
    fenced = None if broker.is_embedded else partial(fence, broker)
    delivery = StatefulDelivery("chain", "debated", Chain, Debated | Pause, road, fenced)
    app.agent(
        app.topic(
            connection.topic("debated"), key_serializer="raw", value_serializer="raw", allow_empty=True
        ),
        name="chain",
    )(delivery.__call__)
    await offsets.start()
    await app.start()
    try:
        yield road
    finally:
        await app.stop()
        await road.stop()
        await offsets.stop()
        await publisher.stop()
        failed.cancel() if not failed.done() else failed.exception()


def fence(broker: Broker, partition: int) -> Publisher:
    return Publisher(broker.connection, lambda *_: [], Backlog({}), f"{broker.prefix}chain.{partition}")


async def read_all(broker: Broker, name: str, n: int) -> list[Any]:
    """Read the first ``n`` records of a topic, whatever their partition."""
    topic = broker.connection.topic(name)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        records: list[Any] = []
        while len(records) < n:
            for some in (await consumer.getmany(timeout_ms=1000)).values():
                records.extend(some)
        return records
    finally:
        await consumer.stop()


async def feed(road: Road, partition: int, offsets: Sequence[int]) -> None:
    await road.publisher.send(
        Emission("debated", None, Pause(partition=partition, offset=offset), partition) for offset in offsets
    )


async def settled(road: Road, n_in: int) -> None:
    """Wait until everything fed is committed."""
    async with asyncio.timeout(30):
        while True:
            await road.offsets.ask()
            standings = road.offsets.all()
            if sum(s.end for s in standings.values()) >= n_in and not sum(s.lag for s in standings.values()):
                return
            await asyncio.sleep(0)


async def test_every_state_follows_from_all_before_it_and_outlives_the_worker(broker: Broker) -> None:
    async with running(broker) as road:
        for partition in range(N_PARTITIONS):
            await feed(road, partition, range(100, 400))
        await settled(road, 4 * 300)
    async with running(broker) as road:
        for partition in range(N_PARTITIONS):
            await feed(road, partition, range(400, 500))
        records = await read_all(broker, "lineage", 4 * 400)
        await settled(road, 4 * 400)
        checkpoint = await read_checkpoint(road.connection, "chain", 2)

    by_key = {record.key.decode(): record.value for record in records}
    assert len(by_key) == 4 * 400
    for partition in range(N_PARTITIONS):
        states = expected_chain(partition, range(100, 500))
        assert [by_key[f"{partition}:{offset}"] for offset in range(100, 500)] == states
    assert checkpoint is not None
    assert checkpoint.offset == 399
    assert checkpoint.state == expected_chain(2, range(100, 500))[-1]


async def test_what_was_let_go_before_the_first_commit_comes_again(broker: Broker) -> None:
    async with running(broker, checkpoint_seconds=60) as road:
        await feed(road, 1, range(100, 150))
        await read_all(broker, "lineage", 50)

        road.app.consumer_generation_id += 1  # as after a rebalance: what came before is forgotten
        await road.app.consumer.perform_seek()
        await feed(road, 1, range(150, 160))
        records = await read_all(broker, "lineage", 50 + 60)

    latest = {record.key.decode(): record.value for record in records}
    assert [latest[f"1:{offset}"] for offset in range(100, 160)] == expected_chain(1, range(100, 160))


async def test_what_is_delivered_again_is_not_acknowledged_before_its_checkpoint(broker: Broker) -> None:
    async with running(broker, checkpoint_seconds=60) as road:
        await feed(road, 1, range(100, 150))
        await read_all(broker, "lineage", 50)

        await road.app.consumer.perform_seek()
        await feed(road, 1, range(150, 160))
        records = await read_all(broker, "lineage", 60)
        await road.app.consumer.commit()
        await road.offsets.ask()
        standing = road.offsets.standing(road.connection.topic("debated"), 1)

    assert [record.value for record in records] == expected_chain(1, range(100, 160))
    assert standing is not None
    assert standing.lag == 60


async def test_a_partition_that_is_just_being_rewound_ends_no_worker(broker: Broker) -> None:
    async with running(broker) as road:
        await feed(road, 1, range(100, 110))
        await settled(road, 10)
        consumer = road.app.consumer
        assigned = consumer._thread._ensure_consumer()._subscription.subscription.assignment
        assigned.state_value(TopicPartition(road.connection.topic("debated"), 1)).await_reset(EARLIEST)

        await consumer.verify_all_partitions_active()
        await feed(road, 1, range(110, 120))
        records = await read_all(broker, "lineage", 20)

    assert [record.value for record in records] == expected_chain(1, range(100, 120))


async def test_a_hole_in_what_is_delivered_ends_the_worker(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leap(consumer: AIOKafkaConsumer) -> Any:
        committed = await rewind(consumer)
        consumer.seek(TopicPartition(broker.connection.topic("debated"), 1), 13)
        return committed

    async with running(broker) as road:
        await feed(road, 1, range(100, 110))
        await settled(road, 10)
        await road.app.stop()
        await feed(road, 1, range(110, 120))
    monkeypatch.setattr("streams.faust_app.rewind", leap)
    async with running(broker) as road:
        with pytest.raises(RoadError, match=r"offset 13 of .*debated on partition 1 where 10 comes next"):
            await asyncio.wait_for(asyncio.shield(road.failed), 30)


async def test_the_record_that_breaks_an_agent_is_found_and_the_rest_goes_on(broker: Broker) -> None:
    async with running(broker) as road:
        await feed(road, 1, range(100, 130))
        await feed(road, 1, [13])
        await feed(road, 1, range(200, 230))
        await settled(road, 61)
        dead = await read_all(broker, "comments.rejected", 1)
        records = await read_all(broker, "lineage", 60)

    states = [record.value for record in records if record.key]
    assert states == expected_chain(1, [*range(100, 130), *range(200, 230)])
    assert dict(dead[0].headers)["reason"] == b"unusable"
    assert dead[0].value == b'{"kind":"pause","partition":1,"offset":13}'


async def test_what_nobody_can_handle_ends_the_worker_before_it_is_acknowledged(broker: Broker) -> None:
    async with running(broker) as road:
        await feed(road, 3, [100, 66, 101])
        with pytest.raises(StateError, match="nobody can handle"):
            await asyncio.wait_for(asyncio.shield(road.failed), 30)
        await road.offsets.ask()
        standing = road.offsets.standing(road.connection.topic("debated"), 3)

    assert standing is not None
    assert standing.read == 0


async def test_a_partition_waits_for_a_broker_that_is_away_when_it_is_opened(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([KafkaTimeoutError("away"), ConnectionError("still away")])

    async def read(*where: Any) -> Any:
        for error in failures:
            raise error
        return await read_checkpoint(*where)

    monkeypatch.setattr("streams.stateful.read_checkpoint", read)
    async with running(broker) as road:
        await feed(road, 2, range(100, 110))
        await settled(road, 10)
        records = await read_all(broker, "lineage", 10)

    assert [record.value for record in records] == expected_chain(2, range(100, 110))


@pytest.mark.kafka
async def test_a_lost_checkpoint_is_noticed_though_nothing_of_its_input_is_kept(
    on_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(*_: Any) -> None:
        return None

    async with running(on_kafka) as road:
        await feed(road, 1, range(100, 110))
        await settled(road, 10)
        place = confluent_kafka.TopicPartition(on_kafka.connection.topic("debated"), 1, 10)
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": on_kafka.bootstrap})
    (deleted,) = admin.delete_records([place]).values()
    assert deleted.result().low_watermark == 10
    monkeypatch.setattr("streams.stateful.read_checkpoint", read)

    async with running(on_kafka) as road:
        await feed(road, 1, [110])
        with pytest.raises(StateError, match=r"acknowledged .*debated up to offset 10 .* checkpoint is gone"):
            await asyncio.wait_for(asyncio.shield(road.failed), 30)


@pytest.mark.kafka
async def test_nothing_of_a_stale_owner_lands_after_a_new_one_has_opened_its_partition(
    on_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = asyncio.Event()
    monkeypatch.setattr(StatefulDelivery, "_lose", lambda *_: lost.set())
    async with running(on_kafka) as road:
        await feed(road, 1, range(100, 110))
        await feed(road, 2, range(100, 110))
        await settled(road, 20)
        new_owner = fence(on_kafka, 1)
        await new_owner.start()
        await feed(road, 1, range(110, 120))
        await asyncio.wait_for(lost.wait(), 30)
        await new_owner.stop()
        log = await read_log(on_kafka.connection, "lineage")
        await road.offsets.ask()
        standing = road.offsets.standing(road.connection.topic("debated"), 1)

    assert [message.value for message in log.messages if message.key.startswith(b"1:")] == expected_chain(
        1, range(100, 110)
    )
    assert standing is not None
    assert standing.lag == 10
