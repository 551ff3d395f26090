"""Two workers on Apache Kafka, killed, paused and cut off: nothing lost, nothing double.

The short form runs with the other tests; ``make torture`` runs the long one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.embedding.encoder import load_encoder
from streams.audit import audit
from streams.publish import Connection
from streams.settings import load_settings
from streams.thinking import make_agents
from streams.topic_admin import create_topics
from tests.support.deployment import Deployment
from tests.support.kafka import Kafka
from tests.support.stream import comments
from tests.support.torture import (
    SESSION_SECONDS,
    Feeder,
    Torturer,
    check_now,
    differences_from_undisturbed,
    wait_for_rest,
)

pytestmark = pytest.mark.road

logger = logging.getLogger(__name__)

PARTITIONS = 6
"""Two workers share them, and three do: Faust gives a worker at most partitions over workers, rounded up."""


@dataclass(frozen=True)
class Form:
    """How much of it."""

    n_comments: int
    faults: tuple[str, ...]
    rate: float
    seed: int


SHORT = Form(
    20_000,
    ("kill", "terminate", "kill", "pause", "kill", "join_and_leave", "kill", "stop_broker", "slow", "kill"),
    rate=150.0,
    seed=6,
)

OTHERS = ("terminate", "pause", "join_and_leave", "slow", "stop_broker")


def long_form(n_kills: int = 100) -> Form:
    """Return so many kills, after every eighth one of the other faults."""
    faults: list[str] = []
    for n in range(n_kills):
        faults.append("kill")
        if n % 8 == 7:
            faults.append(OTHERS[n // 8 % len(OTHERS)])
    return Form(100_000, tuple(faults), rate=60.0, seed=100)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """A node of the test's own: it is stopped in the middle."""
    node = Kafka(tmp_path / "kafka")
    node.start()
    yield node
    node.stop()


@pytest.mark.kafka
def test_two_workers_lose_and_double_nothing_whatever_happens(own_kafka: Kafka, tmp_path: Path) -> None:
    torture(own_kafka, tmp_path, SHORT)


@pytest.mark.torture
def test_a_hundred_kills_lose_and_double_nothing(own_kafka: Kafka, tmp_path: Path) -> None:
    torture(own_kafka, tmp_path, long_form())


def torture(kafka: Kafka, folder: Path, form: Form) -> None:
    settings = load_settings({"embedding": {"encoder": "static"}, "topics": {"partitions": PARTITIONS}})
    encoder = load_encoder(settings.embedding)
    connection = Connection(kafka.bootstrap, "torture.")
    deployment = Deployment(
        kafka.bootstrap,
        connection.prefix,
        folder,
        {
            "EMBEDDING__ENCODER": "static",
            "TOPICS__PARTITIONS": str(PARTITIONS),
            "DELIVERY__SESSION_SECONDS": str(SESSION_SECONDS),
        },
    )
    asyncio.run(create_topics(connection, settings.topics))
    try:
        for _ in range(2):
            deployment.start()
        torturer = Torturer(deployment, kafka, random.Random(form.seed))
        stream = comments(form.seed, step_seconds=3 * 3600 / form.n_comments / 2)
        feeder = Feeder(kafka.bootstrap, f"{connection.prefix}comments", stream, form.rate)
        for n, fault in enumerate(form.faults):
            torturer.strike(fault)
            if n % 10 == 9:
                check_now(connection)
        torturer.wait_until_all_publish()
        feeder.finish(form.n_comments)
        evidence = wait_for_rest(connection, deployment, seconds=600)
    finally:
        deployment.stop()

    report = audit(evidence, settings.embedding)
    n_repeated = len(evidence.embedded.messages) - len({m.value for m in evidence.embedded.messages})
    logger.info("%s after %s; embedded twice: %d", dict(report.counts), torturer.struck, n_repeated)
    agents = make_agents(settings, encoder, {}, PARTITIONS, "0")
    assert report.findings == []
    assert report.counts["comments"] >= form.n_comments
    assert report.counts["assigned"] > 0.7 * form.n_comments
    assert differences_from_undisturbed(agents, evidence, PARTITIONS) == []
