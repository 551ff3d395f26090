"""Handing a message to its stream at once where there is room, and taking from it in one go."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types.tuples import TP, ConsumerMessage

from streams.faust_app import App, _Eager

GENERATION = 3


async def hand_over(said: list[str], room: asyncio.Event | None = None) -> str:
    said.append("begun")
    if room is not None:
        await room.wait()
    said.append("handed over")
    return "done"


async def test_what_need_not_wait_is_done_without_a_task() -> None:
    said: list[str] = []
    tasks = asyncio.all_tasks()
    suspended = asyncio.Event().wait()

    result = await _Eager().wait_first(hand_over(said), suspended)

    assert said == ["begun", "handed over"]
    assert result.results == ["done"]
    assert asyncio.all_tasks() == tasks


async def test_what_has_to_wait_goes_on_where_it_stopped() -> None:
    said: list[str] = []
    room = asyncio.Event()
    handing = asyncio.create_task(_Eager().wait_first(hand_over(said, room), asyncio.Event().wait()))
    await asyncio.sleep(0)

    assert said == ["begun"]
    room.set()
    await handing

    assert said == ["begun", "handed over"]


async def test_what_waits_is_let_go_when_the_flow_is_suspended() -> None:
    said: list[str] = []
    suspended = asyncio.Event()
    handing = asyncio.create_task(_Eager().wait_first(hand_over(said, asyncio.Event()), suspended.wait()))
    await asyncio.sleep(0)
    suspended.set()
    await handing

    assert said == ["begun"]


async def test_an_error_reaches_who_hands_over() -> None:
    async def broken() -> Any:
        raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        await _Eager().wait_first(broken(), asyncio.Event().wait())


@pytest.fixture
async def app() -> App:
    made = App("taking", broker="memory://", autodiscover=False, loop=asyncio.get_running_loop())
    made.consumer_generation_id = GENERATION
    made.flow_control.resume()
    made.topics._acking_topics.add("comments")
    made.tracked = []
    made.consumer = SimpleNamespace(track_message=made.tracked.append)
    return made


def event(app: App, offset: int, generation: int = GENERATION) -> faust.Event:
    message = ConsumerMessage("comments", 0, offset, 0.0, 0, [], b"", b"", None, tp=TP("comments", 0))
    message.generation_id = generation
    return faust.Event(app, None, b"", {}, message)


async def take(app: App, *events: Any, most: int) -> list[list[int]]:
    """Return the offsets of each batch of a stream that is stopped after these events."""
    stream = app.stream(app.channel())
    for each in events:
        stream.channel.queue.put_nowait(each)
    batches: list[list[int]] = []
    taken = 0
    async for batch in stream.noack_take(most, within=0.01):
        batches.append([each.message.offset for each in batch])
        taken += len(batch)
        if stream.channel.queue.empty():
            stream.channel.queue._throw(StopAsyncIteration())
    return batches


async def test_a_stream_is_taken_from_in_order_and_no_more_than_asked_for(app: App) -> None:
    assert await take(app, *(event(app, offset) for offset in range(5)), most=2) == [[0, 1], [2, 3], [4]]


async def test_what_an_older_generation_read_is_left_out(app: App) -> None:
    assert await take(app, event(app, 0, GENERATION - 1), event(app, 1), most=10) == [[1]]


async def test_what_is_taken_waits_to_be_acknowledged(app: App) -> None:
    waiting = event(app, 7)

    await take(app, waiting, most=1)

    assert waiting.message.tracked
    assert app.tracked == [waiting.message]


async def test_all_that_was_fetched_has_room_and_no_more_is_fetched_until_it_is_taken(app: App) -> None:
    """Faust waits for room in a full queue, and gives no other stream anything meanwhile."""
    told: list[str] = []

    def stop_fetching() -> None:
        told.append("full")

    def go_on() -> None:
        told.append("drained")

    queue = app.channel(maxsize=4).queue
    for n in range(9):
        assert not queue.full()
        queue.put_nowait_enhanced(n, on_pressure_high=stop_fetching, on_pressure_drop=go_on)
    assert told == ["full"]

    assert [await queue.get() for _ in range(9)] == list(range(9))
    assert told == ["full", "drained"]
