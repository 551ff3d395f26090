"""Delivery: at least once in, the effect of once out.

One runner brings batches to an agent and takes its emissions out. What it holds to:

1. An event is acknowledged only after everything that followed from it is confirmed by the
   broker, and for an agent with a state only after a checkpoint that includes it is.
2. State and unacknowledged events belong to one *generation* of the consumer group. When the
   group has rebalanced they are forgotten, and events of an older generation are dropped: Kafka
   delivers them again from the last commit to whoever owns the partition now.
3. A step is a function of state and events, so what is sent twice is equal.
4. A worker that slept longer than its session sends nothing before a heartbeat has told that the
   group still counts on it; if not, or when it was fenced, it rejoins first. What it had on the
   wire is refused once a new owner has opened the partition.
5. An agent never raises: the event that breaks it is found by halving and becomes a dead
   letter. What nobody can handle ends the process before anything further is acknowledged.

`Delivery` holds what every runner does; `streams.stateless` and `streams.stateful` say how a
batch is worked through.
"""

from __future__ import annotations

import abc
import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from aiokafka.errors import ProducerFenced

from agents.agent import Emission, Message
from agents.errors import RoadError
from streams.publish import Publisher
from streams.road import Road, SleptError

__all__ = ["BEAT_SECONDS", "HEARTBEATS", "Delivery", "let_go", "message_of"]

logger = logging.getLogger(__name__)

BEAT_SECONDS: Final = 0.25
"""How often a runner looks after what time alone brings: checkpoints due, silence, new placements."""

HEARTBEATS: Final = 4
"""Heartbeats a session."""

HEARTBEATS_TO_TELL: Final = 2
"""After a sleep, one that may have been under way and the next: the group has answered by then."""

REJOIN_SECONDS: Final = 120.0
"""A worker that has not rejoined by then ends, for its supervisor to start it again."""

T = TypeVar("T")


class Delivery(abc.ABC):
    """Runs one agent on one topic.

    Parameters
    ----------
    stage
        Name of the agent, on checkpoints, dead letters and metrics.
    topic
        Logical name of the topic that it reads.
    road
        What all runners share.
    batch
        Most events taken at once; ``delivery.batch`` unless given.
    threads
        Steps of the agent at a time: one, unless it has no state.
    """

    def __init__(
        self,
        stage: str,
        topic: str,
        road: Road,
        batch: int | None = None,
        threads: int = 1,
    ) -> None:
        self.stage = stage
        self.topic = topic
        self._road = road
        self._batch = batch or road.settings.batch
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=stage)
        self._lock = asyncio.Lock()
        self._generation = -1
        self._lost: int | None = None
        self._lost_at = 0.0
        self._awake_at = time.monotonic()
        self._in_doubt_until = 0.0
        self._stream: Any = None

    async def __call__(self, stream: Any) -> None:
        """Work until the stream stops; nothing escapes but cancellation."""
        self._stream = stream
        self._awake_at = time.monotonic()
        tasks = asyncio.create_task(self._beat()), asyncio.create_task(self._stay_awake())
        try:
            async for events in self._batches(stream):
                async with self._lock:
                    await self._receive(events)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)
            await asyncio.Event().wait()
        finally:
            for task in tasks:
                task.cancel()
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:  # Faust cancels more than once
                self._forget()

    @abc.abstractmethod
    async def _work(self, events: Sequence[Any]) -> None:
        """Work through events of this generation, in order, send what follows, acknowledge."""

    @abc.abstractmethod
    async def _tend(self) -> None:
        """Do what time alone brings."""

    @abc.abstractmethod
    def _forget(self) -> None:
        """Forget everything that belongs to the generation that has ended."""

    def _batches(self, stream: Any) -> AsyncIterator[Sequence[Any]]:
        batches: AsyncIterator[Sequence[Any]] = stream.noack_take(
            self._batch, within=self._road.settings.within_seconds
        )
        return batches

    def _fail(self, error: BaseException) -> None:
        logger.error("stage stopped", extra={"stage": self.stage}, exc_info=error)
        self._road.fail(error)

    async def _receive(self, events: Sequence[Any]) -> None:
        """Work through events of this generation and drop older ones."""
        self._enter_generation()
        current = [event for event in events if event.message.generation_id == self._generation]
        if not current or self._lost == self._generation:
            return
        try:
            await self._work(current)
        except SleptError as error:
            self._lose(error)

    def _processed(self, events: Sequence[Any], started: float) -> None:
        """Tell that events were worked through and what follows from them is sent."""
        self._road.observer.processed(self.stage, events, time.monotonic() - started)

    def _enter_generation(self) -> None:
        if self._road.generation != self._generation:
            self._forget()
            self._generation = self._road.generation
            self._road.observer.revoked(self.stage)

    def _lose(self, error: SleptError) -> None:
        """Take no further event of this generation: some of it is forgotten now."""
        logger.warning("rejoining", extra={"stage": self.stage, "why": str(error)})
        self._lost = self._generation
        self._lost_at = time.monotonic()
        self._forget()

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run the thinking beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def _send(self, emissions: Iterable[Emission], publisher: Publisher | None = None) -> None:
        """Send and wait for the confirmation, unless the partitions may be another's by now."""
        emissions = list(emissions)
        if not emissions:
            return
        await self._make_sure()
        try:
            await (publisher or self._road.publisher).send(emissions)
        except RoadError as error:
            if isinstance(error.__cause__, ProducerFenced):
                raise SleptError("another worker has taken over its transactions") from error
            raise
        self._road.observer.sent(self.stage, emissions)

    async def _make_sure(self) -> None:
        """Return once no doubt is left that the partitions are ours.

        Raises
        ------
        SleptError
            If they may be another's by now.
        """
        self._note_sleep()
        await self._settle_doubt()
        self._must_own()

    def _must_own(self) -> None:
        if self._lost == self._generation or self._road.generation != self._generation:
            raise SleptError("its partitions may have gone to another worker")

    def _note_sleep(self) -> None:
        """Doubt that the partitions are still ours if the process did not run for a whole session."""
        now, session = time.monotonic(), self._road.settings.session_seconds
        if now - self._awake_at > session:
            self._in_doubt_until = now + session * HEARTBEATS_TO_TELL / HEARTBEATS
        self._awake_at = now

    async def _stay_awake(self) -> None:
        """Note sleeps beside the work: a step that takes longer than the session is none."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._note_sleep()

    async def _settle_doubt(self) -> None:
        """Wait until a heartbeat has told whether the group still counts on us."""
        while self._in_doubt_until > time.monotonic() or (self._in_doubt_until and self._road.is_rebalancing):
            self._must_own()
            await asyncio.sleep(BEAT_SECONDS)
        self._in_doubt_until = 0.0

    async def _acknowledge(self, events: Iterable[Any]) -> None:
        """Acknowledge events in order."""
        n_bytes: Counter[tuple[str, int]] = Counter()
        for event in events:
            self._must_own()
            await self._stream.ack(event)
            message = event.message
            n_bytes[message.topic, message.partition] += len(message.value or b"")
        for place, n in n_bytes.items():
            await self._road.backlog.release(*place, n)

    async def _beat(self) -> None:
        try:
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                async with self._lock:
                    await self._tend_if_owned()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)

    async def _tend_if_owned(self) -> None:
        self._enter_generation()
        if self._lost == self._generation:
            if time.monotonic() - self._lost_at > REJOIN_SECONDS:
                raise RoadError(
                    f"{self.stage} lost its partitions and has not rejoined for {REJOIN_SECONDS:.0f} s. "
                    "Start the worker again; nothing unconfirmed was acknowledged."
                )
            return
        try:
            await self._tend()
        except SleptError as error:
            self._lose(error)


def let_go(task: asyncio.Task[Any] | None) -> None:
    """Cancel what is under way for a generation that has ended; it will be delivered again."""
    if task is not None:
        task.add_done_callback(_take_note)
        task.cancel()


def _take_note(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def message_of(event: Any) -> Message:
    """Return Faust's event as the agents know it."""
    message = event.message
    return Message(
        value=message.value,
        key=message.key,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        headers=tuple(_pairs(message.headers)),
    )


def _pairs(headers: Any) -> Iterable[tuple[str, bytes]]:
    if not headers:
        return ()
    pairs: Iterable[tuple[str, bytes]] = headers.items() if hasattr(headers, "items") else headers
    return pairs
