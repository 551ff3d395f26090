"""Handing a message to its stream: at once where there is room, else as Faust does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.faust_app import _Eager


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
