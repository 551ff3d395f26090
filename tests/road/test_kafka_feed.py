"""What a feed finds on Apache Kafka when it goes on."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.feeds.outlet import KafkaOutlet
from streams.feeds.sending import value_digest
from streams.options import TopicSettings
from tests.road.conftest import Broker

pytestmark = [pytest.mark.road, pytest.mark.kafka]


async def test_what_others_wrote_in_transactions_holds_up_no_feed_that_goes_on(on_kafka: Broker) -> None:
    connection = on_kafka.connection
    async with (
        KafkaOutlet(connection, TopicSettings(partitions=1)) as outlet,
        AIOKafkaProducer(bootstrap_servers=on_kafka.bootstrap, transactional_id="other") as other,
    ):
        before = outlet.offsets()
        for said, is_meant in ((b"said", True), (b"unsaid", False)):
            await other.begin_transaction()
            await other.send_and_wait(outlet.topic, said, partition=0)
            await (other.commit_transaction() if is_meant else other.abort_transaction())
        await _until_marked(on_kafka.bootstrap, outlet.topic, n=4)

        async with asyncio.timeout(30):
            written = await outlet.written_since(before)

    assert written == [value_digest(b"said")]


async def _until_marked(bootstrap: str, topic: str, n: int) -> None:
    """Read until a topic ends with the mark of the last transaction, which follows its end."""
    place = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as reader, asyncio.timeout(30):
        reader.assign([place])
        reader.seek(place, 0)
        while await reader.position(place) < n:
            await reader.getmany(timeout_ms=100)
