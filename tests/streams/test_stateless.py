"""Batches of EMBED: one is sent while the agent works on the next, and none outlives its generation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.agent import Emission, Message
from agents.errors import RoadError
from streams.offsets import Standing
from streams.road import DeliverySettings, Road, SleptError
from streams.stateless import StatelessDelivery


class Echo:
    """Emits what it is given, and notes it."""

    def __init__(self) -> None:
        self.stepped: list[int] = []
        self.begin: Callable[[], Any] = lambda: None

    def step(self, batch: Sequence[Message]) -> list[Emission]:
        self.begin()
        self.stepped += [message.offset for message in batch]
        return [Emission("embedded", None, str(message.offset).encode(), 0) for message in batch]

    def pause(self, partition: int, offset: int) -> Emission:
        return Emission("embedded", None, b"pause", partition)


class Door:
    """A publisher that confirms when it is told to."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.confirm = asyncio.Event()
        self.failure: Exception | None = None

    async def send(self, emissions: Iterable[Emission]) -> None:
        self.sent += [cast(bytes, each.record) for each in emissions]
        await self.confirm.wait()
        if self.failure is not None:
            raise self.failure


class Stage:
    """The delivery with everything around it by hand."""

    def __init__(self) -> None:
        self.agent, self.door = Echo(), Door()
        self.acknowledged: list[int] = []
        self.app = SimpleNamespace(consumer_generation_id=1, rebalancing=False)
        quiet = SimpleNamespace(
            sent=lambda *_: None,
            processed=lambda *_: None,
            revoked=lambda *_: None,
            checkpointed=lambda *_: None,
        )
        self.standings: dict[tuple[str, int], Standing] = {}
        offsets = SimpleNamespace(all=lambda: self.standings)

        async def release(*_: Any) -> None: ...

        road = Road(
            self.app,
            cast(Any, SimpleNamespace(topic=lambda name: name)),
            cast(Any, self.door),
            cast(Any, SimpleNamespace(release=release)),
            cast(Any, offsets),
            cast(Any, quiet),
            DeliverySettings(pause_seconds=0.5),
            asyncio.get_running_loop().create_future(),
        )
        self.delivery = StatelessDelivery("embed", "comments", self.agent, road)

        async def ack(event: Any) -> None:
            self.acknowledged.append(event.message.offset)

        self.delivery._stream = SimpleNamespace(ack=ack)

    async def is_sending(self, n: int) -> None:
        """Wait until ``n`` records were given to the publisher: the agent works in threads of its own."""
        async with asyncio.timeout(10):
            while len(self.door.sent) < n:  # noqa: ASYNC110
                await asyncio.sleep(0)

    def events(self, *offsets: int) -> list[Any]:
        generation = self.app.consumer_generation_id
        return [
            SimpleNamespace(
                message=SimpleNamespace(
                    value=b"{}",
                    key=None,
                    topic="comments",
                    partition=0,
                    offset=offset,
                    timestamp=0.0,
                    headers=(),
                    generation_id=generation,
                )
            )
            for offset in offsets
        ]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.delivery._forget()
    await asyncio.sleep(0)


async def test_the_agent_works_on_while_a_batch_is_sent(stage: Stage) -> None:
    await stage.delivery._receive(stage.events(0, 1))
    await stage.is_sending(2)
    second = asyncio.create_task(stage.delivery._receive(stage.events(2, 3)))
    while len(stage.agent.stepped) < 4:  # noqa: ASYNC110 - the agent works in a thread of its own
        await asyncio.sleep(0)

    assert stage.door.sent == [b"0", b"1"]
    assert stage.acknowledged == []

    stage.door.confirm.set()
    await second
    await stage.delivery._sent()

    assert stage.door.sent == [b"0", b"1", b"2", b"3"]
    assert stage.acknowledged == [0, 1, 2, 3]


async def test_the_agent_is_given_a_batch_while_it_works_on_the_one_before(stage: Stage) -> None:
    both_at_work = threading.Barrier(2, timeout=10)
    stage.agent.begin = both_at_work.wait

    await stage.delivery._receive(stage.events(0))
    second = asyncio.create_task(stage.delivery._receive(stage.events(1)))
    stage.door.confirm.set()
    await second
    await stage.delivery._sent()

    assert stage.door.sent == [b"0", b"1"]
    assert stage.acknowledged == [0, 1]


async def test_a_batch_of_an_older_generation_is_never_acknowledged(stage: Stage) -> None:
    await stage.delivery._receive(stage.events(0, 1))
    await stage.is_sending(2)
    stage.app.consumer_generation_id = 2
    stage.door.confirm.set()
    await stage.delivery._receive(stage.events(0))
    await stage.delivery._sent()

    assert stage.acknowledged == [0]
    assert stage.door.sent == [b"0", b"1", b"0"]


async def test_a_batch_that_was_refused_stops_the_stage_before_the_next_is_sent(stage: Stage) -> None:
    await stage.delivery._receive(stage.events(0))
    stage.door.failure = RoadError("the broker refused")
    stage.door.confirm.set()

    with pytest.raises(RoadError, match="refused"):
        await stage.delivery._receive(stage.events(1))

    assert stage.door.sent == [b"0"]
    assert stage.acknowledged == []


async def test_a_stage_that_slept_takes_no_further_batch_of_its_generation(stage: Stage) -> None:
    await stage.delivery._receive(stage.events(0))
    stage.door.failure = SleptError("its partitions may be another's")
    stage.door.confirm.set()
    await stage.delivery._receive(stage.events(1))
    await stage.delivery._receive(stage.events(2))

    assert 2 not in stage.agent.stepped
    assert stage.acknowledged == []


async def test_a_silent_partition_is_told_of_while_another_is_busy(stage: Stage) -> None:
    stage.standings = {("comments", 0): Standing(0, 2, 0), ("comments", 1): Standing(0, 0, 0)}
    await stage.delivery._receive(stage.events(0, 1))
    await stage.is_sending(2)
    await stage.delivery._tend()
    stage.delivery._heard_at[1] -= 1.0
    telling = asyncio.create_task(stage.delivery._tend())
    await asyncio.sleep(0)

    assert stage.door.sent == [b"0", b"1", b"pause"]

    stage.door.confirm.set()
    await telling
    assert stage.delivery._paused == {1}


async def test_a_partition_is_not_silent_while_its_comments_are_under_way(stage: Stage) -> None:
    stage.standings = {("comments", 0): Standing(0, 1, 1)}
    await stage.delivery._tend_if_owned()
    stage.delivery._heard_at[0] -= 1.0
    await stage.delivery._receive(stage.events(1))
    await stage.delivery._tend_if_owned()
    await stage.is_sending(1)

    assert stage.door.sent == [b"1"]
