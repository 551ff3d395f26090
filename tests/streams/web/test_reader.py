"""What the reader of the public topics reads at its start, and what it does with what can't be read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.records import Drift, Placement, Record, encode
from streams.publish import Connection
from streams.web import reader as readers
from streams.web.reader import Reader
from streams.web.settings import WebSettings
from streams.web.view import View

SMALL = WebSettings(comments=10, judgements=10, ticks=8, events=5, ended=2)
HERE = Connection("b:1", "p.")
PLACED = Placement(micro="0-1", cluster="c0-1", since=datetime(2025, 3, 10, tzinfo=UTC))


class Log:
    """Topics in memory, and how many records were handed out of each."""

    def __init__(self, has_times: bool = True) -> None:
        self.has_times = has_times
        self.records: dict[TopicPartition, list[Any]] = {}
        self.given: list[tuple[str, int]] = []
        self.hold: set[str] = set()
        self.changed = asyncio.Event()

    def write(
        self, topic: str, record: Record, *, key: str = "", at: float = 0.0, partition: int = 0
    ) -> None:
        place = TopicPartition(f"p.{topic}", partition)
        log = self.records.setdefault(place, [])
        value = SimpleNamespace(topic=place.topic, partition=partition, offset=len(log), timestamp=1000 * at)
        value.key, value.value = key.encode(), encode(record)
        log.append(value)
        self.changed.set()


class Consumer:
    """As much of aiokafka's consumer as the reader asks of it, over a `Log`."""

    def __init__(self, log: Log, *topics: str, **_: Any) -> None:
        self.log = log
        self.places = {place: 0 for place in log.records if place.topic in topics}
        self.paused: set[TopicPartition] = set()

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def assign(self, places: list[TopicPartition]) -> None:
        self.places = dict.fromkeys(places, 0)

    def assignment(self) -> set[TopicPartition]:
        return set(self.places)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self.log.records[place]) for place in places}

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        found = {}
        for place, moment in times.items():
            later = [one for one in self.log.records[place] if one.timestamp >= moment]
            found[place] = later[0] if later and self.log.has_times else None
        return found

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.places[place] = offset

    def pause(self, *places: TopicPartition) -> None:
        self.paused |= set(places)

    def resume(self, *places: TopicPartition) -> None:
        self.paused -= set(places)

    async def position(self, place: TopicPartition) -> int:
        return self.places[place]

    async def getone(self) -> Any:
        ((place, offset),) = self.places.items()
        return self._give(place, offset)

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        open_places = [
            place
            for place in self.places
            if place not in self.paused and place.topic[2:] not in self.log.hold
        ]
        for place in open_places:
            offset = self.places[place]
            if offset < len(self.log.records[place]):
                return {place: [self._give(place, offset)]}
        self.log.changed.clear()
        await self.log.changed.wait()
        return {}

    def _give(self, place: TopicPartition, offset: int) -> Any:
        self.log.given.append((place.topic[2:], offset))
        self.places[place] = offset + 1
        return self.log.records[place][offset]


@asynccontextmanager
async def reading(log: Log, view: View, monkeypatch: pytest.MonkeyPatch, **how: Any) -> AsyncIterator[Reader]:
    monkeypatch.setattr(readers, "AIOKafkaConsumer", lambda *topics, **more: Consumer(log, *topics, **more))
    its = Reader(HERE, view, **how)
    async with asyncio.timeout(10):
        await its.start()
    try:
        yield its
    finally:
        await its.stop()


async def until_quiet(its: Reader) -> None:
    """Wait until the old ticks are read, and with them all that comes before the next record."""
    await asyncio.gather(*its._tasks[1:])
    while its._consumer.log.changed.is_set():  # noqa: ASYNC110 - it is a stand-in for a broker
        await asyncio.sleep(0)


def offsets(log: Log, topic: str) -> list[int]:
    return [offset for name, offset in log.given if name == topic]


async def test_of_ticks_only_what_is_kept_is_read_and_is_what_others_keep(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, there_from_the_start, late = Log(), View(SMALL), View(SMALL)
    for minute in range(400):
        log.write("pulse", make.pulse(minute))
        there_from_the_start.apply("pulse", "", make.pulse(minute))

    async with reading(log, late, monkeypatch) as its:
        at_first = offsets(log, "pulse")
        await until_quiet(its)

    assert at_first == list(range(384, 400))
    assert len(offsets(log, "pulse")) <= 16 + 4
    assert late.pulses == there_from_the_start.pulses
    assert late.pulses[0].tick == make.noon


async def test_ready_does_not_wait_for_a_long_past_of_alarms(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "AT_FIRST", 3)
    log, view = Log(), View(SMALL)
    log.hold.add("drift")
    log.write("drift", Drift(measure="mmd", at=make.noon, state="alarm", value=1.0))
    for minute in range(9):
        log.write("drift", Drift(measure="mmd", at=make.minute(minute), state="value", value=1.0), key="mmd")
    log.write("placements", make.placement())

    async with reading(log, view, monkeypatch) as its:
        at_first = (its.caught_up.is_set(), dict(view.placements).keys(), view.open_alarms())
        log.hold.clear()
        log.changed.set()
        await until_quiet(its)

    assert at_first == (True, {"0-1"}, [])
    assert [alarm.measure for alarm in view.open_alarms()] == ["mmd"]
    assert view.versions["drift"] == 1, "plain values that nobody keeps aren't even read"


async def test_values_of_targets_are_read(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log, view = Log(), View(SMALL)
    told = Drift(measure="balance", subject="tram", at=make.noon, state="value", value=0.5)
    log.write("drift", told, key="balance")

    async with reading(log, view, monkeypatch):
        assert view.of_targets == {"balance/tram": {make.noon: 0.5}}


@pytest.mark.parametrize("has_times", [True, False])
async def test_of_a_long_topic_the_newest_are_read_over_all_partitions(
    make: Any, monkeypatch: pytest.MonkeyPatch, has_times: bool
) -> None:
    monkeypatch.setattr(readers.time, "time", lambda: 1_000_000.0)
    log, view = Log(has_times), View(SMALL)
    for n in range(1_000):
        for partition in range(2):
            name = f"{partition}-{n}"
            at = 1_000_000.0 - 10 * (1_000 - n)
            log.write("assignments", make.assignment(name), key=name, at=at, partition=partition)

    async with reading(log, view, monkeypatch):
        pass

    assert set(view.comments) == {f"{partition}-{n}" for partition in range(2) for n in range(995, 1_000)}
    assert 20 <= len(offsets(log, "assignments")) <= 2 * 20


async def test_without_the_past_only_what_comes_is_read_of_it(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, view = Log(), View(SMALL)
    log.write("lineage", make.event("old"))
    for minute in range(40):
        log.write("pulse", make.pulse(minute))

    async with reading(log, view, monkeypatch, has_past=False) as its:
        log.write("lineage", make.event("new"))
        await until_quiet(its)

    assert list(view.lineage) == ["new"]
    assert offsets(log, "pulse") == list(range(24, 40))


async def test_what_ends_the_following_for_good_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log, told = Log(), asyncio.Queue[BaseException]()
    log.write("placements", PLACED, key=PLACED.micro)
    bug = KeyError("a bug")

    def apply(*_: Any) -> None:
        raise bug

    view = View(SMALL)
    async with reading(log, view, monkeypatch, fail=told.put_nowait):
        monkeypatch.setattr(view, "apply", apply)
        log.write("placements", PLACED, key=PLACED.micro)
        async with asyncio.timeout(10):
            assert await told.get() is bug


async def test_it_stops_in_good_order_where_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stop(its: Consumer) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(Consumer, "stop", stop)
    log = Log()
    log.write("placements", PLACED, key=PLACED.micro)
    async with reading(log, View(SMALL), monkeypatch) as its:
        pass

    assert its._consumer is None


async def test_a_start_that_can_not_catch_up_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    log.write("placements", PLACED, key=PLACED.micro)
    view = View(SMALL)
    monkeypatch.setattr(view, "apply", lambda *_: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        async with reading(log, view, monkeypatch):
            pass


@pytest.mark.parametrize("value", [b'{"id": "\xff\xfe"}', b"[" * 100_000, b"nonsense", b"{}"])
def test_a_record_that_cannot_be_read_is_skipped_with_a_warning(
    value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    view = View()
    reader = Reader(HERE, view)
    message = SimpleNamespace(
        key=b"\xff", value=value, topic="p.assignments", partition=0, offset=3, timestamp=0
    )

    with caplog.at_level(logging.WARNING):
        reader._take("assignments", message)

    assert [record.message for record in caplog.records] == ["record not readable, skipped"]
    assert not view.comments
