"""``groundswell audit`` on Apache Kafka: clean on what a worker made, and not after somebody tampered."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest
from click.testing import CliRunner, Result

from agents.agent import Emission
from agents.embedding.encoder import load_encoder
from streams.app import Worker
from streams.audit_reader import read_log
from streams.cli import main
from streams.settings import Settings, load_settings
from tests.road.conftest import Broker
from tests.support.stream import comments
from tests.support.worker import running, settled

pytestmark = [pytest.mark.road, pytest.mark.kafka]


async def run_audit(broker: Broker, *words: str) -> Result:
    arguments = ["audit", "--broker", broker.bootstrap, "--prefix", broker.prefix, *words]
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


async def feed(worker: Worker, n: int) -> None:
    await worker.publisher.send(
        Emission("comments", key, value) for key, value in islice(comments(3, 0.5), n)
    )


def settings_on(broker: Broker) -> Settings:
    return load_settings(
        {
            "broker": {"url": broker.url},
            "topics": {"prefix": broker.prefix, "partitions": 2},
            "embedding": {"encoder": "static"},
            "web": {"port": 0},
            "delivery": {"pause_seconds": 0.5},
        }
    )


async def test_what_a_worker_made_is_clean_until_somebody_drops_doubles_or_alters_a_record(
    on_kafka: Broker,
) -> None:
    settings = settings_on(on_kafka)
    async with running(settings, on_kafka.bootstrap, load_encoder(settings.embedding)) as worker:
        await feed(worker, 300)
        await settled(worker)
        clean = await run_audit(on_kafka, "--wait", "30")
        placed = await read_log(on_kafka.connection, "assignments")
        latest = {message.key: message for message in placed.messages}
        one, other = [message for message in latest.values() if message.value is not None][-2:]
        said = {}
        for name, record in {
            "dropped": Emission("assignments", one.key, None, one.partition),
            "doubled": Emission("assignments", one.key, one.value, 1 - one.partition),
            "altered": Emission("assignments", one.key, other.value, one.partition),
        }.items():
            await worker.publisher.send([record])
            said[name] = await run_audit(on_kafka)
            await worker.publisher.send([Emission("assignments", one.key, one.value, one.partition)])

    assert (clean.exit_code, clean.stdout.splitlines()[-1]) == (0, "clean"), clean.output
    assert said["dropped"].exit_code == said["doubled"].exit_code == said["altered"].exit_code == 1
    assert f"missing: {(one.key or b'').decode()}" in said["dropped"].stdout
    assert f"doubled: {(one.key or b'').decode()}" in said["doubled"].stdout
    assert "doubled" in said["altered"].stdout


async def test_what_was_debated_before_the_last_target_went_holds_up_no_audit(on_kafka: Broker) -> None:
    settings = settings_on(on_kafka)
    async with running(settings, on_kafka.bootstrap, load_encoder(settings.embedding)) as worker:
        await feed(worker, 50)
        await worker.publisher.send([Emission("debated", "old", b"{}", 0)])
        await settled(worker)
        told = await run_audit(on_kafka, "--wait", "30")

    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "clean"), told.output
    assert "debated: 1 messages lie there for nobody" in told.stderr


async def test_a_deployment_on_its_way_is_not_judged(on_kafka: Broker) -> None:
    settings = load_settings(
        {
            "broker": {"url": on_kafka.url},
            "topics": {"prefix": on_kafka.prefix, "partitions": 2},
            "embedding": {"encoder": "static"},
            "web": {"port": 0},
        }
    )
    async with running(settings, on_kafka.bootstrap, load_encoder(settings.embedding)) as worker:
        await feed(worker, 50)

    told = await run_audit(on_kafka)

    assert told.exit_code == 1
    assert "nothing can be said" in told.stderr
