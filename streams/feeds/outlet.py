"""From a feed to the topic: confirmed writes, how far the worker is behind, and where writing began."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from agents.agent import Emission
from agents.errors import RoadError
from agents.records import Comment
from streams.contracts import headers
from streams.feeds.feed import FeedError
from streams.feeds.sending import value_digest
from streams.options import TopicSettings
from streams.publish import PATIENCE_MS, Backlog, Connection, Publisher
from streams.topic_admin import ensure_topics

__all__ = ["EMBEDDED_CLUSTER", "KafkaOutlet"]

EMBEDDED_CLUSTER: Final = "mockCluster"
"""What the id of the embedded broker's cluster begins with."""

EMBEDDED_BYTES: Final = 2 * 1024 * 1024
"""Unread bytes after which a feed holds back on the embedded broker: it drops the oldest beyond 5 MiB."""

ASK_SECONDS: Final = 1.0

TAIL_MS: Final = 1_000
"""How long a look at the end of the topic waits for records: another's transaction may be open there."""

OTHERS_BYTES: Final = 500
"""A typical comment: what one counts for that another feed wrote."""


class KafkaOutlet:
    """Writes comments and dead letters; to be used as an async context.

    Parameters
    ----------
    connection
        How to reach the broker.
    settings
        How topics are made where they are missing.
    max_behind
        Comments that the worker may be behind before the feed holds back; None decides by the broker:
        on the embedded one by bytes, on Kafka never.
    """

    def __init__(
        self,
        connection: Connection,
        settings: TopicSettings,
        *,
        max_behind: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cluster = ""
        self.n_partitions = 0
        self.behind = 0
        """Comments that the worker hasn't confirmed as read, as of the last look."""
        self._connection = connection
        self._settings = settings
        self._max_behind = max_behind
        self._now = now
        self._asked_at = -ASK_SECONDS
        self._places: list[TopicPartition] = []
        self._ends: dict[TopicPartition, int] = {}
        self._unread: deque[int] = deque()
        self._unread_bytes = 0
        self._n_others = 0
        self._n_since = 0
        self._publisher = Publisher(
            connection, partial(headers, deployment=connection.deployment), Backlog({})
        )
        self._consumer = AIOKafkaConsumer(
            **connection.client(),
            group_id=f"{connection.prefix}workers",
            enable_auto_commit=False,
            request_timeout_ms=PATIENCE_MS,
        )

    @property
    def is_embedded(self) -> bool:
        """Whether the broker is one that ends with its process."""
        return self.cluster.startswith(EMBEDDED_CLUSTER)

    @property
    def topic(self) -> str:
        """Full name of the topic that is written."""
        return self._connection.topic("comments")

    async def __aenter__(self) -> KafkaOutlet:
        try:
            self.cluster = await self._cluster_id()
            await ensure_topics(self._connection, self._settings, embedded=self.is_embedded)
            await self._publisher.start()
            await self._consumer.start()
            await self._find_partitions()
            await self._ask()
        except KafkaError as error:
            await self._stop()
            raise self._refused(error) from error
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def room(self, n_bytes: int) -> bool:
        """Say whether so much can be sent now; looks at the worker at least once a second."""
        if self._now() - self._asked_at >= ASK_SECONDS or not self._has_room(n_bytes):
            await self._ask_or_raise()
        return self._has_room(n_bytes)

    async def send(self, emissions: Sequence[Emission]) -> None:
        """Write the records and wait until all are confirmed."""
        await self._publisher.send(emissions)
        sizes = [_size(each) for each in emissions if each.topic == "comments"]
        self._unread.extend(sizes)
        self._unread_bytes += sum(sizes)
        self._n_since += len(sizes)

    def offsets(self) -> dict[str, int]:
        """Return the ends of ``comments`` by partition as of the last look."""
        return {str(place.partition): end for place, end in self._ends.items()}

    async def written_since(self, offsets: dict[str, int]) -> list[bytes]:
        """Return the digests of what was written to ``comments`` at or after some offsets.

        Raises
        ------
        FeedError
            If the topic ends before one of them: it isn't the topic that they were taken from.
        """
        await self._ask_or_raise()
        for place, end in self._ends.items():
            if offsets.get(str(place.partition), 0) > end:
                raise FeedError(f"{self.topic} was made anew since the last run. Feed with --from-start.")
        reader = AIOKafkaConsumer(
            **self._connection.client(), enable_auto_commit=False, isolation_level="read_committed"
        )
        await reader.start()
        try:
            return await self._read_tail(reader, offsets)
        except KafkaError as error:
            raise self._refused(error) from error
        finally:
            await reader.stop()

    async def _read_tail(self, reader: AIOKafkaConsumer, offsets: dict[str, int]) -> list[bytes]:
        reader.assign(self._places)
        begins = await reader.beginning_offsets(self._places)
        for place, end in self._ends.items():
            reader.seek(place, max(begins[place], offsets.get(str(place.partition), end)))
        digests = []
        while any([await reader.position(place) < end for place, end in self._ends.items()]):
            for records in (await reader.getmany(timeout_ms=TAIL_MS)).values():
                digests += [value_digest(record.value) for record in records if record.value is not None]
        return digests

    async def _cluster_id(self) -> str:
        admin = AIOKafkaAdminClient(**self._connection.client())
        try:
            await admin.start()
            return str((await admin.describe_cluster()).get("cluster_id") or "")
        finally:
            await admin.close()

    async def _find_partitions(self) -> None:
        partitions = await self._publisher.partitions("comments")
        self.n_partitions = len(partitions)
        self._places = [TopicPartition(self.topic, partition) for partition in partitions]

    async def _ask_or_raise(self) -> None:
        try:
            await self._ask()
        except KafkaError as error:
            raise self._refused(error) from error

    async def _ask(self) -> None:
        begins = await self._consumer.beginning_offsets(self._places)
        committed = {place: await self._consumer.committed(place) for place in self._places}
        self._ends = await self._consumer.end_offsets(self._places)
        self.behind = sum(
            max(0, end - max(begins[place], committed[place] or 0)) for place, end in self._ends.items()
        )
        while len(self._unread) > self.behind:
            self._unread_bytes -= self._unread.popleft()
        self._n_others = self.behind - len(self._unread)
        self._n_since = 0
        self._asked_at = self._now()

    def _has_room(self, n_bytes: int) -> bool:
        n_unread = self.behind + self._n_since
        if self._max_behind is not None:
            return n_unread < self._max_behind
        if not self.is_embedded or n_unread == 0:
            return True
        unread_bytes = self._unread_bytes + self._n_others * OTHERS_BYTES
        return unread_bytes + n_bytes <= EMBEDDED_BYTES

    def _refused(self, error: KafkaError) -> RoadError:
        return RoadError(
            f"the broker at {self._connection.bootstrap} can't be reached or refuses ({error!r}). "
            "Is it running, and is --broker right? Feeding goes on from the last confirmed comment."
        )

    async def _stop(self) -> None:
        await self._consumer.stop()
        await self._publisher.stop()


def _size(emission: Emission) -> int:
    """Return about how many bytes a comment takes, without encoding it once more."""
    comment = emission.record
    return 400 + len((comment.text or "").encode()) if isinstance(comment, Comment) else 0
