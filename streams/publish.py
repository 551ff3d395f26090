"""The way out: emissions become records on topics, in order, confirmed before anybody goes on."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.partitioner import DefaultPartitioner

from agents.agent import Emission
from agents.errors import RoadError
from agents.records import Record, encode
from streams.topics import TOPICS

__all__ = ["PATIENCE_MS", "Backlog", "Connection", "Outgoing", "Publisher"]

BATCH_BYTES: Final = 512 * 1024
"""Uncompressed bytes of one batch of records; well under the 1 MiB that topics take by default."""

REQUEST_BYTES: Final = 18 * 1_048_576
"""Largest record that can be sent: a checkpoint of 16 MiB with its overhead."""

PATIENCE_MS: Final = 150_000
"""How long a record waits for a broker that is away: one that restarts on a busy machine takes a minute."""

LOOK_AGAIN_SECONDS: Final = 0.1
"""What aiokafka waits between two attempts of the same kind."""

Headers = list[tuple[str, bytes]]
Labeller = Callable[[str, bytes | None, Record | bytes | None, bytes | None], Headers]
Copier = Callable[[Emission], Iterable[Emission]]


def _no_copies(_emission: Emission) -> Iterable[Emission]:
    return ()


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the broker."""

    bootstrap: str
    """``host:port``, several separated by commas."""
    prefix: str
    """What every topic name begins with."""
    security: Mapping[str, Any] = field(default_factory=dict)
    """aiokafka's ``security_protocol``, ``sasl_*`` and ``ssl_context``."""

    def topic(self, name: str) -> str:
        """Return the full name of a topic."""
        return self.prefix + name

    @property
    def deployment(self) -> str:
        """What the deployment is called: its prefix without the trailing point."""
        return self.prefix.rstrip(".-_") or "groundswell"

    def client(self) -> dict[str, Any]:
        """Return what every aiokafka client needs to connect."""
        return {"bootstrap_servers": self.bootstrap, **self.security}

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """The context for TLS, None without."""
        return self.security.get("ssl_context")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record ready to be written."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Backlog:
    """Bytes written to a topic and not yet acknowledged by its reader in the same process.

    On the embedded broker a writer waits here until the reader has caught up. Unlimited elsewhere.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._open: dict[tuple[str, int], int] = defaultdict(int)
        self._waiting: Counter[tuple[str, int]] = Counter()
        self._released = asyncio.Condition()

    async def take(self, topic: str, partition: int, n_bytes: int) -> None:
        """Wait until the topic's partition has room, then count the bytes as open."""
        limit = self._limits.get(topic)
        if limit is None:
            return
        place = topic, partition
        if self._open[place] >= limit:
            self._waiting[place] += 1
            try:
                async with self._released:
                    await self._released.wait_for(lambda: self._open[place] < limit)
            finally:
                self._waiting[place] -= 1
        self._open[place] += n_bytes

    def is_pressing(self, topic: str, partition: int) -> bool:
        """Whether a writer waits for the reader of a partition."""
        return self._waiting[topic, partition] > 0

    async def release(self, topic: str, partition: int, n_bytes: int) -> None:
        """Count bytes as read."""
        if topic in self._limits:
            async with self._released:
                self._open[topic, partition] -= n_bytes
                self._released.notify_all()


class _Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types here
    """A producer that outlives a connection which closes while it looks for its coordinator.

    aiokafka looks again after any other failure of that kind; after this one its sender ends, and with it
    every later send.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._look = self._sender._find_coordinator
        self._sender._find_coordinator = self._look_again

    async def _look_again(self, *wanted: Any) -> Any:
        while True:
            try:
                return await self._look(*wanted)
            except KafkaError as error:
                if not isinstance(error.__cause__, KafkaConnectionError):
                    raise
                await asyncio.sleep(LOOK_AGAIN_SECONDS)


class Publisher:
    """Writes emissions to topics, each batch confirmed by the broker.

    Parameters
    ----------
    connection
        How to reach the broker.
    label
        Gives the headers of a record from its topic, its key, the record and its bytes.
    backlog
        Where to wait on the embedded broker.
    copies
        Gives what also leaves when an emission does.
    transactional_id
        With one, `send` writes everything in one transaction, and starting fences whoever used
        the same one before.
    """

    def __init__(
        self,
        connection: Connection,
        label: Labeller,
        backlog: Backlog,
        transactional_id: str | None = None,
        copies: Copier = _no_copies,
    ) -> None:
        self._copies = copies
        self._connection = connection
        self._label = label
        self._backlog = backlog
        self._transactional_id = transactional_id
        self._producer: AIOKafkaProducer | None = None
        self._partition_of = DefaultPartitioner()
        self._partitions: dict[str, list[int]] = {}

    async def start(self) -> None:
        """Connect; with a transactional id also fence the former owner."""
        self._producer = _Producer(
            **self._connection.client(),
            acks="all",
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            request_timeout_ms=PATIENCE_MS,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=PATIENCE_MS,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def send(self, emissions: Iterable[Emission]) -> None:
        """Write the emissions, in order within each partition, and wait until all are confirmed.

        Raises
        ------
        RoadError
            If the broker refuses or can't be reached in time.
        """
        outgoing = [
            await self._ready(each) for emission in emissions for each in (emission, *self._copies(emission))
        ]
        if not outgoing:
            return
        for record in outgoing:
            await self._backlog.take(record.topic, record.partition, len(record.value or b""))
        try:
            if self._transactional_id is None:
                await self._write(outgoing)
            else:
                async with self._started.transaction():
                    await self._write(outgoing)
        except KafkaError as cause:
            raise RoadError(
                f"the broker at {self._connection.bootstrap} refused {len(outgoing)} records ({cause!r}). "
                "Look at its log and start the worker again; nothing unconfirmed was acknowledged."
            ) from cause

    @property
    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RoadError("the publisher is not started; call start() first.")
        return self._producer

    async def _ready(self, emission: Emission) -> Outgoing:
        topic = self._connection.topic(emission.topic)
        key = emission.key.encode() if isinstance(emission.key, str) else emission.key
        record = emission.record
        value = encode(record) if isinstance(record, Record) else record
        is_public = emission.topic not in TOPICS or TOPICS[emission.topic].is_public
        ours = self._label(emission.topic, key, record, value) if is_public else []
        headers = [*ours, *emission.headers]
        partition = emission.partition
        if partition is None:
            partition = await self._choose(emission.topic, key)
        return Outgoing(topic, partition, key, value, headers)

    async def _choose(self, name: str, key: bytes | None) -> int:
        if name in TOPICS and TOPICS[name].is_single:
            return 0
        partitions = await self.partitions(name)
        return int(self._partition_of(key, partitions, partitions))

    async def partitions(self, name: str) -> list[int]:
        """Return the partitions of a topic, in order."""
        topic = self._connection.topic(name)
        if topic not in self._partitions:
            self._partitions[topic] = sorted(await self._started.partitions_for(topic))
        return self._partitions[topic]

    async def _write(self, outgoing: Iterable[Outgoing]) -> None:
        by_partition: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for record in outgoing:
            by_partition[record.topic, record.partition].append(record)
        await asyncio.gather(*(self._write_partition(*place, rows) for place, rows in by_partition.items()))

    async def _write_partition(self, topic: str, partition: int, rows: list[Outgoing]) -> None:
        """Write rows in batches, each confirmed before the next: none ever lands without those before it."""
        producer = self._started
        batch = producer.create_batch()
        for row in rows:
            if batch.append(timestamp=None, key=row.key, value=row.value, headers=row.headers) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=row.key, value=row.value, headers=row.headers)
        await (await producer.send_batch(batch, topic, partition=partition))
