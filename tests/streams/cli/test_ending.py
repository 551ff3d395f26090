"""How a command ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from streams.cli.ending import Stop, done_before, told_to_stop


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_first_signal_asks_and_the_next_of_its_kind_ends(number: signal.Signals, code: int) -> None:
    usual = signal.getsignal(number)
    with told_to_stop() as stop:
        assert stop.exit_code == 0
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await stop.wait()

        assert stop.exit_code == code
        assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    assert signal.getsignal(number) in (usual, signal.SIG_DFL, signal.default_int_handler)


async def test_work_is_given_up_at_a_stop_and_else_done_or_failed() -> None:
    stop, is_let_go = Stop(), asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_let_go.set()

    async def short() -> None: ...

    async def broken() -> None:
        raise KeyError("a bug")

    assert await done_before(stop, short())
    with pytest.raises(KeyError):
        await done_before(stop, broken())
    stop.set()
    assert not await done_before(stop, endless())
    assert is_let_go.is_set()
