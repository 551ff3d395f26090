"""A flood fills Kafka, not the process; what nobody can handle ends the worker with a clear word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.audit_reader import read_rest
from streams.options import TopicSettings
from streams.topic_admin import create_topics
from tests.road.conftest import Broker
from tests.support.deployment import Deployment, wait_until
from tests.support.stream import comments
from tests.support.torture import Feeder

pytestmark = [pytest.mark.road, pytest.mark.kafka]

PARTITIONS = 2
TEXTS_A_SECOND = 100
"""What the slowed encoder manages."""
FLOOD = 10 * TEXTS_A_SECOND
FLOOD_SECONDS = 120.0
WARM_UP = 10 * TEXTS_A_SECOND
"""Comments after which buffers, views and libraries have their size."""
MOST_GROWTH_BYTES = 100 * 1_048_576
"""Fetched and buffered records of four topics, far below the 40 MB and more that the flood holds in Kafka."""
BEHIND_SECONDS = 10


@pytest.fixture
def deployment(on_kafka: Broker, tmp_path: Path) -> Iterator[Deployment]:
    settings = {"TOPICS__PARTITIONS": str(PARTITIONS), "WEB__BEHIND_SECONDS": str(BEHIND_SECONDS)}
    deployment = Deployment(on_kafka.bootstrap, on_kafka.prefix, tmp_path, settings)
    asyncio.run(create_topics(on_kafka.connection, TopicSettings(partitions=PARTITIONS)))
    yield deployment
    deployment.stop()


def test_a_flood_of_ten_times_the_encoder_s_rate_fills_kafka_and_not_the_process(
    on_kafka: Broker, deployment: Deployment
) -> None:
    slow = {
        "GROUNDSWELL_EMBEDDING__ENCODER": "static",
        "SLOW_BATCH_SECONDS": "0",
        "SLOW_TEXT_SECONDS": str(1 / TEXTS_A_SECOND),
    }
    worker = deployment.start("tests.support.slow_worker", slow)
    feeder = Feeder(on_kafka.bootstrap, f"{on_kafka.prefix}comments", comments(7, 0.02), rate=FLOOD)
    wait_until(lambda: worker.n_assigned() > WARM_UP, 120, "the worker is warm", deployment.check)
    calm, most, began = worker.own_memory_bytes(), 0, time.monotonic()

    def watch() -> bool:
        nonlocal most
        most = max(most, worker.own_memory_bytes())
        return time.monotonic() - began > FLOOD_SECONDS

    wait_until(watch, FLOOD_SECONDS + 60, "the flood passes", deployment.check)
    status, words = worker.get("/readyz")
    feeder.finish(0)
    n_waiting = asyncio.run(read_rest(on_kafka.connection)).lag

    assert feeder.n_fed > 0.7 * FLOOD * FLOOD_SECONDS
    assert most - calm < MOST_GROWTH_BYTES
    assert status == 503
    assert "behind" in words
    assert n_waiting > 0.5 * feeder.n_fed
    wait_until(
        lambda: asyncio.run(read_rest(on_kafka.connection)).lag < n_waiting - 5 * TEXTS_A_SECOND,
        60,
        "the lag falls once the flood is over",
        deployment.check,
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"GROUNDSWELL_EMBEDDING__ENCODER": "/no/such/model"}, "/no/such/model"),
        (
            {
                "GROUNDSWELL_EMBEDDING__ENCODER": "static",
                "GROUNDSWELL_EMBEDDING__CACHE_FOLDER": "/dev/null/cache",
            },
            "embedding.cache_folder",
        ),
    ],
    ids=["missing model", "no room for the static one"],
)
def test_without_its_model_a_worker_ends_with_a_word_before_anything_is_acknowledged(
    on_kafka: Broker, deployment: Deployment, settings: dict[str, str], words: str
) -> None:
    feeder = Feeder(on_kafka.bootstrap, f"{on_kafka.prefix}comments", comments(8, 0.1), rate=1000)
    feeder.finish(100)

    worker = deployment.start(environment=settings)
    code = worker.exit_code(120)

    log = worker.log.read_text()
    assert code == 1
    assert words in log.replace("\n", "")
    assert "Traceback" not in log
    assert asyncio.run(committed(on_kafka)) == {None}
    deployment.workers.clear()


async def committed(broker: Broker) -> set[int | None]:
    """Return what the workers' group has acknowledged of ``comments``."""
    topic = f"{broker.prefix}comments"
    member = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=f"{broker.prefix}workers")
    await member.start()
    try:
        return {await member.committed(TopicPartition(topic, number)) for number in range(PARTITIONS)}
    finally:
        await member.stop()
