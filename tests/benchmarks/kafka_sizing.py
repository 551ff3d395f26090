"""How much a worker carries on Apache Kafka: ``python -m tests.benchmarks.kafka_sizing --workers 2``.

Comments wait in Kafka before the workers start, so the rate is theirs and not the feed's. Processor
time per comment is told beside the rate: it stays what it is on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import psutil

from agents.embedding.encoder import load_encoder
from streams.audit_reader import read_rest
from streams.publish import Connection
from streams.settings import load_settings
from streams.topic_admin import create_topics
from tests.support.deployment import Deployment, WorkerProcess, wait_until
from tests.support.kafka import running
from tests.support.stream import comments
from tests.support.torture import Feeder

__all__ = ["main"]

PREFIX = "sizing."
STAGES = ("embed", "assign", "chart")


def main() -> None:
    """Feed, start the workers, wait until all is worked through, tell the rates."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--comments", type=int, default=20_000)
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--partitions", type=int, default=8)
    asked = parser.parse_args()
    settings = load_settings(
        {"embedding": {"encoder": asked.encoder}, "topics": {"partitions": asked.partitions}}
    )
    load_encoder(settings.embedding)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "kafka") as kafka:
        connection = Connection(kafka.bootstrap, PREFIX)
        asyncio.run(create_topics(connection, settings.topics))
        stream = islice(comments(1, 0.2), asked.comments)
        Feeder(kafka.bootstrap, f"{PREFIX}comments", stream, 1e9).finish(asked.comments)
        deployment = Deployment(
            kafka.bootstrap,
            PREFIX,
            Path(folder),
            {"EMBEDDING__ENCODER": asked.encoder, "TOPICS__PARTITIONS": str(asked.partitions)},
        )
        try:
            workers = [deployment.start() for _ in range(asked.workers)]
            say(measure(connection, deployment, workers, asked.comments))
        finally:
            deployment.stop()


def measure(
    connection: Connection, deployment: Deployment, workers: Sequence[WorkerProcess], n_comments: int
) -> list[str]:
    """Return the lines to tell once everything is worked through."""

    def is_begun() -> bool:
        return sum(worker.n_assigned() for worker in workers) > 0

    wait_until(is_begun, 300, "the workers begin", deployment.check)
    began, used = time.monotonic(), [worker.cpu_seconds() for worker in workers]
    before = sum(worker.n_assigned() for worker in workers)

    def is_done() -> bool:
        return asyncio.run(read_rest(connection)).lag == 0

    wait_until(is_done, 1200, "all is worked through", deployment.check)
    seconds = time.monotonic() - began
    spent = sum(worker.cpu_seconds() for worker in workers) - sum(used)
    n_done = sum(worker.n_assigned() for worker in workers) - before
    lines = [
        f"{len(workers)} worker(s): {n_done / seconds:,.0f} assignments a second over {seconds:.0f} s "
        f"(load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores)",
        f"{1000 * spent / n_done:.2f} ms of processor time a comment",
    ]
    for stage in STAGES:
        name = "groundswell_stage_duration_seconds_sum"
        total = sum(worker.metric(name, stage=stage) for worker in workers)
        lines.append(f"{stage}: {1000 * total / n_comments:.3f} ms of wall time a comment")
    memory = max(worker.memory_bytes() for worker in workers)
    lines.append(f"{memory / 2**20:,.0f} MiB of memory a worker")
    return lines


def say(lines: Sequence[str]) -> None:
    """Print them."""
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
