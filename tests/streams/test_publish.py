"""The backlog that holds writers back on the embedded broker."""

from __future__ import annotations

import asyncio

import pytest

from streams.publish import Backlog


async def test_a_writer_waits_until_the_reader_has_caught_up() -> None:
    backlog = Backlog({"embedded": 100})
    await backlog.take("embedded", 0, 80)
    await backlog.take("embedded", 0, 80)

    waiting = asyncio.create_task(backlog.take("embedded", 0, 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await backlog.release("embedded", 0, 80)

    await asyncio.wait_for(waiting, 1)


async def test_partitions_do_not_wait_for_each_other() -> None:
    backlog = Backlog({"embedded": 10})
    await backlog.take("embedded", 0, 1000)

    await asyncio.wait_for(backlog.take("embedded", 1, 1), 1)


@pytest.mark.parametrize("topic", ["assignments", "clusters"])
async def test_a_topic_without_a_limit_never_waits(topic: str) -> None:
    backlog = Backlog({"embedded": 1})

    for _ in range(3):
        await asyncio.wait_for(backlog.take(topic, 0, 1_000_000), 1)


async def test_a_reader_is_told_that_a_writer_waits_for_it() -> None:
    backlog = Backlog({"embedded": 1})
    await backlog.take("embedded", 0, 1)
    waiting = asyncio.create_task(backlog.take("embedded", 0, 1))
    await asyncio.sleep(0)
    assert backlog.is_pressing("embedded", 0)
    await backlog.release("embedded", 0, 1)
    await waiting
    assert not backlog.is_pressing("embedded", 0)
    assert not backlog.is_pressing("comments", 0)
