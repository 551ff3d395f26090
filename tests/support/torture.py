"""Faults at random moments while comments stream in, and what must be true after them."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from agents.agent import Emission
from agents.records import Cluster, Embedded, Pause, Record, Sketch, encode
from streams.audit import check_offsets
from streams.audit_reader import read_evidence, read_rest
from streams.evidence import Evidence, Log
from streams.publish import Connection
from streams.route import Agents
from tests.support.deployment import Deployment, WorkerProcess, wait_until
from tests.support.kafka import Kafka

__all__ = ["Feeder", "Torturer", "differences_from_undisturbed", "wait_for_rest"]

logger = logging.getLogger(__name__)

SESSION_SECONDS: Final = 6.0
WORKING_SECONDS: Final = 300.0
"""A started worker must publish within this many seconds, on a busy machine."""

BROKER_DOWN_SECONDS: Final = 30.0
AFTER: Final = 2.0
"""A fault strikes up to this many seconds after all workers were seen to publish."""


class Feeder:
    """Feeds comments in a thread of its own, at a steady rate and then without restraint.

    Parameters
    ----------
    bootstrap, topic
        Where to.
    stream
        Keys and values; as many are taken as are needed.
    rate
        Comments a second until `finish` is called.
    """

    def __init__(
        self, bootstrap: str, topic: str, stream: Iterator[tuple[bytes, bytes]], rate: float
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._stream = stream
        self._rate = rate
        self._wanted: int | None = None
        self.n_fed = 0
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self, at_least: int) -> None:
        """Feed up to ``at_least`` comments as fast as the broker takes them, then stop."""
        self._wanted = at_least
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._feed())
        except BaseException as error:
            self._failure = error

    async def _feed(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=120_000,
            linger_ms=5,
        )
        await producer.start()
        started = time.monotonic()
        try:
            while self._wanted is None or self.n_fed < self._wanted:
                key, value = next(self._stream)
                await producer.send(self._topic, value, key)
                self.n_fed += 1
                ahead = self.n_fed / self._rate - (time.monotonic() - started)
                if self._wanted is None and ahead > 0:
                    await asyncio.sleep(ahead)
            await producer.flush()
        finally:
            await producer.stop()


@dataclass
class Torturer:
    """Strikes one fault after the other, each once all workers were seen to publish assignments."""

    deployment: Deployment
    kafka: Kafka
    choose: random.Random
    struck: list[str] = field(default_factory=list)

    def strike(self, fault: str) -> None:
        """Wait until all workers publish, and a random moment more, then strike."""
        self.wait_until_all_publish()
        time.sleep(self.choose.uniform(0, AFTER))
        started = time.monotonic()
        getattr(self, fault)()
        self.struck.append(fault)
        logger.info("struck %s, %.0f s", fault, time.monotonic() - started)

    def wait_until_all_publish(self) -> None:
        """Return once every worker has published an assignment since it was started."""
        for worker in self.deployment.workers:
            self._wait_for_more(worker, 0)

    def kill(self) -> None:
        """``kill -9`` a worker and start another."""
        self.deployment.kill(self._one())
        self.deployment.start()

    def terminate(self) -> None:
        """End a worker with SIGTERM in the middle of its work and start another."""
        worker = self._one()
        code = self.deployment.terminate(worker)
        assert code == 0, f"{worker.name} ended with {code}:\n{worker.log.read_text()[-3000:]}"
        self.deployment.start()

    def pause(self) -> None:
        """Take a worker's processor away for twice the session: it wakes up as a stranger."""
        worker = self._one()
        worker.pause()
        time.sleep(2 * SESSION_SECONDS)
        worker.resume()
        before = worker.n_assigned()
        self._wait_for_more(worker, before)

    def join_and_leave(self) -> None:
        """Let a third worker join, work and leave."""
        third = self.deployment.start()
        self._wait_for_more(third, 0)
        assert self.deployment.terminate(third) == 0

    def slow(self) -> None:
        """Replace a worker by one whose encoder takes its time."""
        self.deployment.kill(self._one())
        self.deployment.start("tests.support.slow_worker")

    def stop_broker(self) -> None:
        """Stop the broker for half a minute and start it again on its data."""
        self.kafka.stop()
        time.sleep(BROKER_DOWN_SECONDS)
        self.kafka.start()
        before = {worker.name: worker.n_assigned() for worker in self.deployment.workers}
        for worker in self.deployment.workers:
            self._wait_for_more(worker, before[worker.name])

    def _one(self) -> WorkerProcess:
        return self.choose.choice(self.deployment.workers)

    def _wait_for_more(self, worker: WorkerProcess, than: float) -> None:
        """Return once a worker has published more assignments than these, since it was started."""
        what = f"{worker.name} publishes"
        wait_until(lambda: worker.n_assigned() > than, WORKING_SECONDS, what, self.deployment.check)


def wait_for_rest(connection: Connection, deployment: Deployment, seconds: float) -> Evidence:
    """Wait until all is worked through and all partitions have said that they are silent."""

    def is_still() -> bool:
        return asyncio.run(read_rest(connection)).is_reached

    wait_until(is_still, seconds, "everything is worked through", deployment.check)
    return asyncio.run(read_evidence(connection))


def check_now(connection: Connection) -> None:
    """Fail where an offset is committed, at this very moment, before what follows from it is there."""
    findings = list(check_offsets(asyncio.run(read_evidence(connection))))
    assert findings == []


def differences_from_undisturbed(agents: Agents, evidence: Evidence, n_partitions: int) -> list[str]:
    """Run ASSIGN and CHART again from their own input logs and say where the outcome differs.

    Compared to the byte: every sketch of every partition, which hold all that the micro-clusters
    learned, and the latest record of every cluster.
    """
    said: list[str] = []
    published = _latest_sketches(evidence.sketches)
    inputs = _by_partition(evidence.embedded)
    for partition in range(n_partitions):
        agent = agents.assign(partition)
        again = agent.step([_embedded.decode(value) for value in inputs.get(partition, ())])
        expected = {s.seq: encode(s) for s in _records(again, Sketch)}
        found = published.get(partition, {})
        wrong = [seq for seq in expected.keys() | found.keys() if expected.get(seq) != found.get(seq)]
        if wrong:
            said.append(f"sketches of partition {partition} differ: {sorted(wrong)[:5]} of {len(expected)}")
    chart = agents.chart(0)
    sketches = [msgspec.json.decode(m.value, type=Sketch) for m in evidence.sketches.messages if m.value]
    clusters: dict[str, bytes] = {}
    for emission in chart.step(sketches):
        if emission.topic == "clusters" and isinstance(emission.record, Cluster):
            clusters[str(emission.key)] = encode(emission.record)
    there = {(m.key or b"").decode(): m.value for m in evidence.clusters.messages}
    wrong_clusters = [id_ for id_ in clusters.keys() | there.keys() if clusters.get(id_) != there.get(id_)]
    if wrong_clusters:
        said.append(f"clusters differ: {sorted(wrong_clusters)[:5]} of {len(clusters)}")
    return said


_embedded: Final = msgspec.json.Decoder(Embedded | Pause)


def _records(emissions: Iterable[Emission], kind: type[Any]) -> Iterator[Any]:
    for emission in emissions:
        if isinstance(emission.record, Record) and isinstance(emission.record, kind):
            yield emission.record


def _latest_sketches(log: Log) -> dict[int, dict[int, bytes]]:
    found: dict[int, dict[int, bytes]] = {}
    for message in log.messages:
        if message.value is not None:
            sketch = msgspec.json.decode(message.value, type=Sketch)
            if sketch.stage == "assign":
                found.setdefault(sketch.partition, {})[sketch.seq] = message.value
    return found


def _by_partition(log: Log) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for message in log.messages:
        if message.value is not None:
            found.setdefault(message.partition, []).append(message.value)
    return found
