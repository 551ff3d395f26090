"""Follows the public topics outside any group and keeps a `View` up to date."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.drift.measures import MEASURES
from agents.errors import RoadError
from agents.records import decode
from streams.publish import Connection
from streams.topics import TOPICS
from streams.web import view as views
from streams.web.kept import stride
from streams.web.view import View

__all__ = ["Reader"]

logger = logging.getLogger(__name__)

LATER: Final = ("lineage", "drift")
AT_FIRST: Final = 10_000
"""Topics whose past nobody waits for where it is longer than this: it is read once the present is known."""

YOUNGEST_SECONDS: Final = 60.0
STEPS: Final = 14
"""From how long ago a long topic is read: a minute, doubled until enough lies there, up to eleven days."""

ENOUGH: Final = 2
"""How many records are read of a long topic for every one that is kept: some say again what others said."""

GATHER_MS: Final = 100
GATHER_BYTES: Final = 256 * 1024
"""How long and for how much a fetch gathers: every one asks for all partitions of all topics. Longer would
let ASSIGN wait for its placements where a day is replayed in seconds."""

ONE_BYTES: Final = 16 * 1024
"""What is fetched for one old tick; the broker sends a larger one all the same."""

POLL_MS: Final = 500
VALUE: Final = b'"state":"value"'
"""In a record of drift that is neither alarm nor all-clear, as nearly all are."""

RETRY_SECONDS: Final = 1.0
AT_ONCE: Final = 500
"""Records taken over before the event loop is given to others."""

Offsets = Mapping[TopicPartition, int]


class Reader:
    """Reads what is committed, every partition, in every worker: so all pages show the same.

    Of what was there at the start it reads first what the work needs and the page begins with, as much as
    is kept; then, behind it, what happened to clusters, the alarms, and of old ticks those that are kept.

    Parameters
    ----------
    connection
        How to reach the broker.
    view
        What is fed.
    has_past
        Whether old ticks, alarms and events are read at all.
    fail
        Called with the error that ended the following for good: what is shown would stand still.
    """

    def __init__(
        self,
        connection: Connection,
        view: View,
        *,
        has_past: bool = True,
        fail: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._connection = connection
        self._view = view
        view.broker = connection.bootstrap
        self._names = {connection.topic(name): name for name in views.TOPICS}
        self._has_past = has_past
        self._fail = fail
        self._consumer: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: dict[TopicPartition, int] = {}
        self._later: list[TopicPartition] = []
        self.caught_up = asyncio.Event()
        """Set once the present has been read: all that was there at the start but the past of `LATER` topics
        and older ticks."""

    async def start(self) -> None:
        """Connect, read what is there, and go on following in the background.

        Raises
        ------
        RoadError
            If the broker can't be reached.
        """
        self._consumer = self._client(
            *self._names, max_partition_fetch_bytes=4 * 1_048_576, fetch_min_bytes=GATHER_BYTES
        )
        try:
            await self._consumer.start()
            tick = await self._go_to_tails()
        except KafkaError as cause:
            await self._consumer.stop()
            raise RoadError(
                f"the broker at {self._connection.bootstrap} can't be read ({cause!r}). Is it running, and "
                "is that its address?"
            ) from cause
        following = asyncio.create_task(self._follow(), name="reader of the public topics")
        waiting = asyncio.create_task(self.caught_up.wait())
        self._tasks = [following]
        await asyncio.wait({following, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if following.done():
            await following
        if tick is not None:
            self._tasks.append(asyncio.create_task(self._read_back(*tick), name="reader of old ticks"))
        for task in self._tasks:
            task.add_done_callback(self._note_end)

    async def stop(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._consumer is not None:
            # Without a broker aiokafka cancels what it waits for, and that escapes.
            await asyncio.gather(self._consumer.stop(), return_exceptions=True)
            self._consumer = None

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _client(self, *topics: str, **fetching: int) -> Any:
        return AIOKafkaConsumer(
            *topics,
            **self._connection.client(),
            group_id=None,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=GATHER_MS,
            metadata_max_age_ms=30_000,
            **fetching,
        )

    async def _go_to_tails(self) -> tuple[TopicPartition, int, int] | None:
        """Go to where each partition is read from, and note where each ends now.

        Returns the partition of ticks with the first offset that it holds and the first one that is read;
        None where that is the same.
        """
        partitions = sorted(self._consumer.assignment())
        ends = await self._consumer.end_offsets(partitions)
        begins = await self._consumer.beginning_offsets(partitions)
        starts = dict(begins)
        older = None
        settings = self._view.settings
        for name, most in (("assignments", settings.comments), ("judgements", settings.judgements)):
            long = [one for one in partitions if self._names[one.topic] == name]
            starts |= await self._tails(long, begins, ends, ENOUGH * most)
        for partition in partitions:
            name = self._names[partition.topic]
            if name == "pulse":
                starts[partition] = max(begins[partition], ends[partition] - 2 * settings.ticks)
                if self._has_past and starts[partition] > begins[partition]:
                    older = (partition, begins[partition], starts[partition])
            if name in LATER and not self._has_past:
                starts[partition] = ends[partition]
            if name in LATER and ends[partition] - starts[partition] > AT_FIRST:
                self._later.append(partition)
            elif starts[partition] < ends[partition]:
                self._ends[partition] = ends[partition]
            self._consumer.seek(partition, starts[partition])
        self._consumer.pause(*self._later)
        self._note_caught_up()
        return older

    async def _tails(
        self, partitions: list[TopicPartition], begins: Offsets, ends: Offsets, most: int
    ) -> dict[TopicPartition, int]:
        """Return offsets of one moment behind which ``most`` records lie, if there are so many."""
        first = {one: max(begins[one], ends[one] - most) for one in partitions}
        now = time.time()
        for step in range(STEPS + 1):
            moment = round(1000 * (now - YOUNGEST_SECONDS * 2**step))
            found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, moment))
            tails = {one: found[one].offset if found.get(one) else ends[one] for one in partitions}
            if sum(ends[one] - tails[one] for one in partitions) >= most:
                return {one: max(tails[one], first[one]) for one in partitions}
        return first

    async def _read_back(self, partition: TopicPartition, begin: int, end: int) -> None:
        """Read of the ticks in between those that are kept, the newest first."""
        part = stride(end, self._view.settings.ticks)
        reading = self._client(max_partition_fetch_bytes=ONE_BYTES)
        try:
            await reading.start()
            reading.assign([partition])
            for number in range((end - 1) // part, begin // part - 1, -1):
                reading.seek(partition, max(begin, number * part))
                message = await reading.getone()
                if message.offset < end:
                    self._take("pulse", message)
        except KafkaError as cause:
            logger.warning(
                "old ticks not readable, the page shows the newer ones", extra={"cause": repr(cause)}
            )
        finally:
            await reading.stop()

    async def _follow(self) -> None:
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=POLL_MS)
            except KafkaError as cause:
                logger.warning("public topics not readable, trying again", extra={"cause": repr(cause)})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for partition, messages in fetched.items():
                for start in range(0, len(messages), AT_ONCE):
                    for message in messages[start : start + AT_ONCE]:
                        self._take(self._names[partition.topic], message)
                    await asyncio.sleep(0)
            if not self.caught_up.is_set():
                await self._note_progress()

    def _take(self, name: str, message: Any) -> None:
        """Apply one Kafka record; one that can't be read is skipped with a warning."""
        kind = TOPICS[name].value
        if kind is None:
            return
        key = (message.key or b"").decode("utf-8", "replace")
        if name == "drift" and VALUE in (message.value or b"") and not _is_of_target(key):
            return
        try:
            record = None if message.value is None else decode(message.value, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            where = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
            logger.warning("record not readable, skipped", extra={**where, "cause": str(cause)})
            return
        place = (message.partition, message.offset)
        self._view.apply(name, key, record, message.timestamp / 1000, place)

    async def _note_progress(self) -> None:
        """Forget the partitions that have been read to where they ended at the start."""
        for partition, end in list(self._ends.items()):
            if await self._consumer.position(partition) >= end:
                del self._ends[partition]
        self._note_caught_up()

    def _note_caught_up(self) -> None:
        """Set `caught_up` once the present is known, and let its past follow."""
        if not self._ends:
            self._consumer.resume(*self._later)
            self.caught_up.set()


def _is_of_target(measure: str) -> bool:
    """Whether the values of a measure are kept, and not only its alarms."""
    known = MEASURES.get(measure)
    return known is not None and known.subject == "target"
