"""The embedded broker: librdkafka's in-process Kafka, for trying out and for tests.

It keeps at most 5 MiB or 100,000 messages a partition and drops the oldest without a word, so
whoever writes to it must hold back while the reader is behind (`streams.publish.Backlog`). It
has four partitions a topic, takes one member a group, garbles batches of transactions (their
checksums fail from the second on), answers a fetch that finds nothing only when its time is up, even
if something comes meanwhile, and ends with its process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

__all__ = ["EMBEDDED", "EMBEDDED_PARTITIONS", "FETCH_WAIT_MS", "embedded_broker"]

EMBEDDED: Final = "embedded"
"""What ``broker.url`` says to have one started in the process."""

EMBEDDED_PARTITIONS: Final = 4
"""Partitions of every topic of the embedded broker; fixed in librdkafka."""

FETCH_WAIT_MS: Final = 50
"""How long a fetch may wait for records, so that none lies longer than that on the embedded broker."""


@contextlib.contextmanager
def embedded_broker() -> Iterator[str]:
    """Run an in-process broker for the length of the block and yield its ``host:port``."""
    from confluent_kafka import Producer

    owner = Producer({"test.mock.num.brokers": 1, "log_level": 3})
    try:
        (node,) = owner.list_topics(timeout=10).brokers.values()
        yield f"{node.host}:{node.port}"
    finally:
        owner.flush(1)
