"""Topics on Apache Kafka: made once, refused where unfit, copied into a new deployment."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from click.testing import CliRunner

from agents.embedding.encoder import load_encoder
from agents.errors import RoadError, SettingsError, StateError
from agents.records import Comment
from streams.cli import main
from streams.options import TopicSettings
from streams.replay import replay
from streams.settings import load_settings
from streams.topic_admin import create_topics, differences, ensure_topics
from streams.topics import TOPICS
from tests.road.conftest import Broker
from tests.support.worker import feed, running, settled

pytestmark = [pytest.mark.road, pytest.mark.kafka]


async def test_missing_topics_are_made_once_with_partitions_and_limits(on_kafka: Broker) -> None:
    settings = TopicSettings(partitions=3)

    made = await asyncio.gather(*(ensure_topics(on_kafka.connection, settings) for _ in range(3)))
    again = await ensure_topics(on_kafka.connection, settings)

    assert sorted(itertools.chain(*made)) == sorted(on_kafka.prefix + name for name in TOPICS)
    assert again == []
    assert await differences(on_kafka.connection, settings) == []


async def test_another_number_of_partitions_is_refused_with_both_figures(on_kafka: Broker) -> None:
    await ensure_topics(on_kafka.connection, TopicSettings(partitions=3))

    with pytest.raises(SettingsError, match=r"t\d+\.comments has partitions 3, not 5\.") as refused:
        await ensure_topics(on_kafka.connection, TopicSettings(partitions=5))

    assert "lineage" not in str(refused.value)


async def test_a_lower_message_limit_is_refused_and_another_retention_only_told(on_kafka: Broker) -> None:
    settings = TopicSettings(partitions=1)
    checkpoints = NewTopic(f"{on_kafka.prefix}checkpoints", 1, 1, topic_configs={"cleanup.policy": "compact"})
    pulse = NewTopic(f"{on_kafka.prefix}pulse", 1, 1, topic_configs={"retention.ms": "1000"})
    admin = AIOKafkaAdminClient(**on_kafka.connection.client())
    await admin.start()
    await admin.create_topics([checkpoints, pulse])
    await admin.close()

    await create_topics(on_kafka.connection, settings)
    limit, kept = await differences(on_kafka.connection, settings)

    assert (limit.name, limit.wanted, limit.found) == ("max.message.bytes", "16777216", "1048588")
    assert limit.is_fatal
    assert (kept.name, kept.found, kept.is_fatal) == ("retention.ms", "1000", False)
    with pytest.raises(SettingsError, match=r"max\.message\.bytes"):
        await ensure_topics(on_kafka.connection, settings)


async def test_a_worker_that_may_not_make_topics_names_the_missing_ones(on_kafka: Broker) -> None:
    with pytest.raises(SettingsError, match=f"{len(TOPICS)} topics are missing .* topics create"):
        await ensure_topics(on_kafka.connection, TopicSettings(create=False))


async def test_more_copies_than_brokers_are_refused_in_words(on_kafka: Broker) -> None:
    with pytest.raises(RoadError, match=r"With one broker topics\.replication must be 1"):
        await ensure_topics(on_kafka.connection, TopicSettings(replication=3))


def test_the_command_makes_topics_and_fails_where_one_is_unfit(
    on_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["topics", "create", "--broker", on_kafka.bootstrap, "--prefix", on_kafka.prefix]

    first = CliRunner().invoke(main, words)
    second = CliRunner().invoke(main, words)
    monkeypatch.setenv("GROUNDSWELL_TOPICS__PARTITIONS", "4")
    third = CliRunner().invoke(main, words)

    assert first.exit_code == 0
    assert first.stdout.count("made ") == len(TOPICS)
    assert (second.exit_code, second.stdout) == (0, "")
    assert third.exit_code == 1
    assert "has partitions 8, not 4" in third.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("comments", r"comments ends at offset 0 .* offset 9 was given a place: the topic was made anew"),
        ("embedded", r"embedded ends at offset .* the checkpoint of assign includes offset .* made anew"),
    ],
)
async def test_a_topic_that_was_made_anew_ends_the_worker_before_it_skips_a_comment(
    name: str, said: str, on_kafka: Broker
) -> None:
    settings = load_settings(
        {
            "broker": {"url": on_kafka.bootstrap},
            "topics": {"prefix": on_kafka.prefix, "partitions": 1},
            "embedding": {"encoder": "static"},
            "delivery": {"pause_seconds": 0.5, "processes": False},
            "web": {"port": 0},
        }
    )
    encoder = load_encoder(settings.embedding)
    async with running(settings, on_kafka.bootstrap, encoder) as worker:
        await feed(worker, [Comment(id=f"a{n}", text=f"tram {n} is late") for n in range(10)])
        await settled(worker)
    await _delete(on_kafka, name)

    with pytest.raises(StateError, match=said):
        async with running(settings, on_kafka.bootstrap, encoder) as worker:
            await feed(worker, [Comment(id="b", text="the bus is late")])
            async with asyncio.timeout(60):
                await worker.run(asyncio.Event())


async def _delete(broker: Broker, name: str) -> None:
    """Delete a topic and wait until it is gone."""
    topic = broker.prefix + name
    admin = AIOKafkaAdminClient(**broker.connection.client())
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(30):
            while topic in await admin.list_topics():
                continue
    finally:
        await admin.close()


async def test_a_replay_keeps_keys_times_and_the_order_of_each_key(on_kafka: Broker) -> None:
    old, new = f"{on_kafka.prefix}old.", f"{on_kafka.prefix}new."
    await create_topics(Broker(on_kafka.bootstrap, old, False).connection, TopicSettings(partitions=2))
    an_hour_ago = int(time.time() * 1000) - 3_600_000  # older than its retention, and the broker drops it
    written = [(f"thread-{n % 7}".encode(), str(n).encode(), an_hour_ago + n) for n in range(700)]
    async with AIOKafkaProducer(
        bootstrap_servers=on_kafka.bootstrap, transactional_id="old feed"
    ) as producer:
        async with producer.transaction():
            for key, value, when in written:
                await producer.send(f"{old}comments", value, key, timestamp_ms=when, headers=[("h", value)])
        await producer.begin_transaction()
        await producer.send_and_wait(f"{old}comments", b"taken back", b"thread-1", timestamp_ms=an_hour_ago)
        await producer.abort_transaction()

    words = ["topics", "replay", "--broker", on_kafka.bootstrap, "--from", old, "--prefix", new]
    told = await asyncio.to_thread(CliRunner().invoke, main, words)

    assert told.exit_code == 0, told.output
    assert "700 comments copied" in told.stdout
    read = await _read(on_kafka.bootstrap, f"{new}comments", 8, 700)
    assert sorted((r.key, r.value, r.timestamp) for r in read) == sorted(written)
    assert all(r.headers == (("h", r.value),) for r in read)
    for key in {key for key, _, _ in written}:
        assert [r.value for r in read if r.key == key] == [value for k, value, _ in written if k == key]


async def test_a_replay_from_nowhere_or_into_itself_is_refused(on_kafka: Broker) -> None:
    there = on_kafka.connection

    with pytest.raises(SettingsError, match=r"no topic nowhere\.comments .* --from"):
        await replay(Broker(on_kafka.bootstrap, "nowhere.", False).connection, there)
    with pytest.raises(SettingsError, match="a replay needs a new one"):
        await replay(there, there)


async def _read(bootstrap: str, topic: str, n_partitions: int, n: int) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(n_partitions)])
        await consumer.seek_to_beginning()
        records: list[Any] = []
        while len(records) < n:
            for some in (await consumer.getmany(timeout_ms=1000)).values():
                records.extend(some)
        return records
    finally:
        await consumer.stop()
