"""Faust as we run it: no folders, fetches that fit the embedded broker, little work for each message."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.transport.drivers import aiokafka as driver
from mode.services import Service, WaitResults
from mode.utils.queues import ThrowableQueue

from streams.broker import FETCH_WAIT_MS

__all__ = ["App", "rewind"]

LOOK_SECONDS: Final = 1.0
"""How often it is looked for marks of transactions: as often as offsets are committed."""


class App(faust.App):  # type: ignore[misc]  # Faust has no types here
    """Faust without its folders and its own monitor.

    Nothing of ours lies in the folders, and a killed worker would leave them; the monitor notes every
    message six times for figures that nobody here reads.

    Parameters
    ----------
    fed
        The topic that feeds write, maybe in transactions.
    """

    def __init__(self, name: str, fed: str = "", **settings: Any) -> None:
        super().__init__(name, Stream=_Stream, **settings)
        self.fed = fed

    def _create_directories(self) -> None:
        """Make none."""

    def on_init_dependencies(self) -> Any:
        """Put a sensor that notes nothing in the monitor's place; with none at all Faust complains."""
        services = super().on_init_dependencies()
        self.sensors.remove(self.monitor)
        self.sensors.add(faust.Sensor())
        return services

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> Any:  # noqa: N802
        """Return what holds the messages of a stream."""
        return _Queue(maxsize, flow_control=self.flow_control, clear_on_resume=clear_on_resume)

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


class _Queue(ThrowableQueue):  # type: ignore[misc]
    """Messages of one stream, which are never too many.

    When four fifths of its size wait here, Faust fetches no more for the stream. What it had fetched by then
    comes still; where there is no room left for that, Faust waits, and no other stream is given anything:
    comments would wait for stances.
    """

    def full(self) -> bool:
        """Never."""
        return False


class _Stream(faust.Stream):  # type: ignore[misc]
    """A stream that is taken from in one go: Faust's own gives every message a turn of the event loop."""

    async def noack_take(self, max_: int, within: float) -> AsyncIterator[Sequence[Any]]:
        """Yield events in the order of their coming; who takes them acknowledges them.

        Parameters
        ----------
        max_
            Most events yielded together.
        within
            Seconds to wait for more once there is one.
        """
        coming = self.channel.queue
        is_started = await self.maybe_start()
        try:
            while not self.should_stop:
                events = [await coming.get()]
                with suppress(TimeoutError):
                    async with asyncio.timeout(within):
                        while len(events) < max_:
                            events.append(await coming.get())
                if current := [event for event in events if self._is_current(event.message)]:
                    yield current
        except StopAsyncIteration:  # how Faust tells a stream that it is stopped
            return
        finally:
            self._channel_stop_iteration(self.channel)
            if is_started:
                await self.stop()
                self.service_reset()

    def _is_current(self, message: Any) -> bool:
        """Note a message as one to be acknowledged; those of an older generation come again."""
        app = self.app
        if not app.flow_control.is_active() or message.generation_id != app.consumer_generation_id:
            return False
        if not message.tracked and app.topics.acks_enabled_for(message.topic):
            message.tracked = True
            app.consumer.track_message(message)
        return True


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Reads what is committed, and notes where a feed's transactions have left nothing but their marks.

    A mark takes an offset and is never delivered, so nobody acknowledges it: a partition that ends with one
    would seem to be waited for. What stages write to each other has none.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._next: dict[TopicPartition, int | None] = {}
        """Where what was not delivered yet begins; None for the beginning."""
        self._empty: dict[TopicPartition, tuple[int | None, int]] = {}
        """Where nothing but marks lies, behind all that was delivered; """
        self._second: dict[TopicPartition, int] = {}
        """and where the second record is, with marks before it: Faust forgets the hole behind offset 0."""
        self._looked_at = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Make the consumer; Faust's own fetches wait 1.5 s and can't be set, nor what they take."""
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._isolation_level = "read_committed"
        return consumer

    async def seek_to_committed(self) -> Mapping[TopicPartition, int | None]:
        """Go back to what is not yet acknowledged: after a rebalance, or where records were let go."""
        committed: Mapping[TopicPartition, int | None] = await self.call_thread(
            rewind, self._ensure_consumer()
        )
        self._next = {place: offset or None for place, offset in committed.items()}
        self._empty.clear()
        self._second.clear()
        return committed

    async def _fetch_records(self, consumer: AIOKafkaConsumer, *arguments: Any, **named: Any) -> Any:
        records = await super()._fetch_records(consumer, *arguments, **named)
        for place, batch in records.items():
            first = [0] if self._next.get(place) == 1 else []
            match [*first, *(message.offset for message in batch[:2])]:
                case [0, second, *_] if second > 1:
                    self._second[place] = second
            self._next[place] = batch[-1].offset + 1
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            for place in self._next.keys() & consumer.assignment() - records.keys():
                if place.topic == self.app.fed:
                    self._empty[place] = self._next[place], await consumer.position(place)
        return records

    def beyond(self, place: TopicPartition, offset: int | None) -> int | None:
        """Return the offset that follows the marks that begin at this one, None where none do."""
        if offset == 1 and place in self._second:
            return self._second[place]
        start, end = self._empty.get(place, (None, 0))
        return end if (start or 0) <= (offset or 0) < end else None

    def watched(self) -> set[TopicPartition]:
        """Return the partitions that may hold marks."""
        return set(self._empty)


class _Eager(Service):  # type: ignore[misc]
    """A service that makes no tasks for what need not wait."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - mode's
        """Run the first coroutine up to where it has to wait, and make tasks only then.

        Faust waits like this for every message that it hands to a stream, which nearly always has
        room for it; the four tasks that it makes cost more than all the rest of the hand-over.
        """
        first, *others = coros
        if not inspect.iscoroutine(first):
            return await super().wait_first(*coros, timeout=timeout)
        try:
            waits_for = first.send(None)
        except BaseException as end:
            for other in filter(inspect.iscoroutine, others):
                other.close()
            if not isinstance(end, StopIteration):
                raise
            if self.should_stop:
                return WaitResults([], [], True)
            return WaitResults([first], [end.value], False)
        return await super().wait_first(_Started(first, waits_for), *others, timeout=timeout)


class _Consumer(_Eager, driver.Consumer):  # type: ignore[misc]
    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        for place in {*self._acked, *self._thread.watched()}:
            if topics is None or place in topics or place.topic in topics:
                yield place

    async def verify_all_partitions_active(self) -> None:
        """Look for nothing that stands still: the lag tells that, and Faust needs its monitor for it.

        Its look ends the worker where it falls on a partition that is just being rewound.
        """

    def _new_offset(self, tp: Any) -> int | None:
        """Return what can be committed: what is acknowledged, and the marks behind it."""
        acknowledged: int | None = super()._new_offset(tp)
        read = self._committed_offset[tp] if acknowledged is None else acknowledged
        return self._thread.beyond(tp, read) or acknowledged


class _Transport(driver.Transport):  # type: ignore[misc]
    Consumer = _Consumer


class _Started:
    """A coroutine that has been run up to its first wait, for a task to go on with."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait as the coroutine does and hand it what comes."""
        waits_for = self._waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(answer)
        except StopIteration as end:
            return end.value


async def rewind(consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, int | None]:
    """Seek every assigned partition to its committed offset, or to its beginning where there is none.

    aiokafka leaves a partition where it is if nothing was committed there; what Faust took and
    let go before the first commit would never come again.
    """
    committed: Mapping[TopicPartition, int | None] = await consumer.seek_to_committed()
    new = {place for place, offset in committed.items() if not offset} & consumer.assignment()
    if new:
        await consumer.seek_to_beginning(*new)
    return committed
