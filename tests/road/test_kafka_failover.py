"""State and chart move to another worker; a stale owner is fenced; strangers are kept out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import InconsistentGroupProtocolError, KafkaConnectionError

from agents.agent import Emission
from agents.embedding.encoder import load_encoder
from agents.errors import RoadError
from agents.records import Pulse
from streams.audit import audit
from streams.audit_reader import read_log
from streams.publish import Backlog, Publisher
from streams.settings import load_settings
from streams.thinking import make_agents
from streams.topic_admin import create_topics
from tests.road.conftest import Broker
from tests.support.deployment import Deployment, WorkerProcess, wait_until
from tests.support.stream import comments
from tests.support.torture import Feeder, differences_from_undisturbed, wait_for_rest

pytestmark = [pytest.mark.road, pytest.mark.kafka]

PARTITIONS = 4
SETTINGS = {"embedding": {"encoder": "static"}, "topics": {"partitions": PARTITIONS}}


@pytest.fixture
def two(on_kafka: Broker, tmp_path: Path) -> Iterator[Deployment]:
    """Two workers with the default session, both publishing."""
    load_encoder(load_settings(SETTINGS).embedding)  # distilled once, not by both
    environment = {"EMBEDDING__ENCODER": "static", "TOPICS__PARTITIONS": str(PARTITIONS)}
    deployment = Deployment(on_kafka.bootstrap, on_kafka.prefix, tmp_path, environment)
    asyncio.run(create_topics(on_kafka.connection, load_settings(SETTINGS).topics))
    deployment.start()
    deployment.start()
    yield deployment
    deployment.stop()


@pytest.fixture
def feeder(on_kafka: Broker, two: Deployment) -> Feeder:
    feeder = Feeder(on_kafka.bootstrap, f"{on_kafka.prefix}comments", comments(1, 0.5), rate=60)
    for worker in two.workers:
        wait_until(lambda worker=worker: worker.n_assigned() > 0, 120, f"{worker.name} publishes", two.check)
    return feeder


def test_another_worker_takes_over_within_fifteen_seconds_and_goes_on_with_the_same_state(
    on_kafka: Broker, two: Deployment, feeder: Feeder
) -> None:
    settings = load_settings(SETTINGS)
    victim = next(worker for worker in two.workers if owns_chart(worker))

    two.kill(victim)
    killed_at = time.time()
    (survivor,) = two.workers
    wait_until(lambda: owns_chart(survivor), 60, "the chart is taken over", two.check)
    wait_until(lambda: len(partitions_since(on_kafka, killed_at)) == PARTITIONS, 60, "all move", two.check)
    feeder.finish(0)
    evidence = wait_for_rest(on_kafka.connection, two, 120)

    first = partitions_since(on_kafka, killed_at)
    assert max(first.values()) - killed_at < 15
    assert audit(evidence, settings.embedding).findings == []
    agents = make_agents(settings, load_encoder(settings.embedding), {}, PARTITIONS, "0")
    assert differences_from_undisturbed(agents, evidence, PARTITIONS) == []


def test_the_owner_of_the_chart_that_was_paused_comes_back_as_a_stranger(
    on_kafka: Broker, two: Deployment, feeder: Feeder
) -> None:
    settings = load_settings(SETTINGS)
    stale = next(worker for worker in two.workers if owns_chart(worker))
    (other,) = (worker for worker in two.workers if worker is not stale)

    stale.pause()
    wait_until(lambda: owns_chart(other), 60, "the chart is taken over", two.check)
    n_before = other.metric("groundswell_stage_duration_seconds_count", stage="chart")
    wait_until(
        lambda: other.metric("groundswell_stage_duration_seconds_count", stage="chart") > n_before,
        60,
        "the new owner charts",
        two.check,
    )
    stale.resume()
    wait_until(lambda: not (owns_chart(stale) and owns_chart(other)), 60, "one owner is left", two.check)
    feeder.finish(0)
    evidence = wait_for_rest(on_kafka.connection, two, 120)

    report = audit(evidence, settings.embedding)
    last = asyncio.run(read_log(on_kafka.connection, "pulse")).messages[-1]
    assert report.findings == []
    assert msgspec.json.decode(last.value or b"", type=Pulse).total == report.counts["assigned"]
    agents = make_agents(settings, load_encoder(settings.embedding), {}, PARTITIONS, "0")
    assert differences_from_undisturbed(agents, evidence, PARTITIONS) == []


async def test_what_a_fenced_owner_sends_is_never_read(on_kafka: Broker) -> None:
    await create_topics(on_kafka.connection, load_settings(SETTINGS).topics)
    stale, owner, next_owner = (
        Publisher(on_kafka.connection, lambda *_: [], Backlog({}), f"{on_kafka.prefix}chart")
        for _ in range(3)
    )
    await stale.start()
    await stale.send([Emission("lineage", "first", b"before")])
    await owner.start()

    with pytest.raises(RoadError, match="ProducerFenced"):
        await stale.send([Emission("lineage", "stale", b"never")])
    await owner.send([Emission("lineage", "second", b"after")])
    await next_owner.start()  # once the last transaction can be read
    for publisher in (stale, owner, next_owner):
        await publisher.stop()

    read = await read_log(on_kafka.connection, "lineage")
    assert [message.value for message in read.messages] == [b"before", b"after"]


async def test_a_connection_that_closes_while_the_coordinator_is_looked_up_ends_nothing(
    on_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_topics(on_kafka.connection, load_settings(SETTINGS).topics)
    owner = Publisher(on_kafka.connection, lambda *_: [], Backlog({}), f"{on_kafka.prefix}chart")
    await owner.start()
    producer: Any = owner._producer
    look, failures = producer.client.coordinator_lookup, [KafkaConnectionError("closed")] * 2

    async def fail_first(*wanted: Any) -> Any:
        if failures:
            raise failures.pop()
        return await look(*wanted)

    monkeypatch.setattr(producer.client, "coordinator_lookup", fail_first)
    producer._sender._coordinators.clear()  # as after an answer that it was lost

    await owner.send([Emission("lineage", "first", b"once")])
    await owner.stop()

    read = await read_log(on_kafka.connection, "lineage")
    assert failures == []
    assert [message.value for message in read.messages] == [b"once"]


def test_a_foreign_client_can_not_join_the_group_and_disturbs_nobody(
    on_kafka: Broker, two: Deployment, feeder: Feeder
) -> None:
    async def join() -> None:
        stranger = AIOKafkaConsumer(
            f"{on_kafka.prefix}comments",
            bootstrap_servers=on_kafka.bootstrap,
            group_id=f"{on_kafka.prefix}workers",
        )
        try:
            await stranger.start()
        finally:
            await stranger.stop()

    with pytest.raises(InconsistentGroupProtocolError):
        asyncio.run(join())
    feeder.finish(0)
    evidence = wait_for_rest(on_kafka.connection, two, 120)

    assert audit(evidence, load_settings(SETTINGS).embedding).findings == []


def owns_chart(worker: WorkerProcess) -> bool:
    return worker.metric("groundswell_chart_owner") == 1


def partitions_since(broker: Broker, moment: float) -> dict[int, float]:
    """Return when each partition of ``embedded`` was first written after a moment."""
    first: dict[int, float] = {}
    for message in asyncio.run(read_log(broker.connection, "embedded")).messages:
        if message.timestamp > moment:
            first.setdefault(message.partition, message.timestamp)
    return first
