"""How a command ends when it is told to: in good order first, at once the second time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Iterator
from typing import NoReturn

__all__ = ["Stop", "done_before", "leave", "told_to_stop"]


class Stop(asyncio.Event):
    """Set once the command is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.number: int | None = None
        """The signal that told it."""

    @property
    def exit_code(self) -> int:
        """What a shell expects of a command that a signal has ended; 0 where none has."""
        return 128 + self.number if self.number is not None else 0


@contextlib.contextmanager
def told_to_stop() -> Iterator[Stop]:
    """Give what Ctrl-C or SIGTERM sets; the same signal again ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def note(number: int) -> None:
        stop.number = stop.number or number
        stop.set()
        loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, note, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def done_before(stop: asyncio.Event, work: Awaitable[None]) -> bool:
    """Whether the work was done before the event was set; else it is given up."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def leave(code: int) -> NoReturn:
    """End the process: a thread that still loads a model can't be cancelled, and would be waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
