"""``groundswell worker``: one worker of a deployment, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from typing import Any

import click

from streams.app import Worker
from streams.broker import EMBEDDED, embedded_broker
from streams.cli.common import broker_option, encoder_option, in_words, settings_from, stderr, target_option
from streams.logs import set_up
from streams.settings import Settings

__all__ = ["worker"]


@click.command()
@broker_option
@encoder_option
@target_option
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@click.option("--port", type=int, help="Port of the page and the metrics.")
@click.option("--log-level", default="INFO", show_default=True, help="DEBUG, INFO, WARNING or ERROR.")
@in_words
def worker(
    *,
    broker: str | None,
    encoder: str | None,
    targets: tuple[str, ...],
    prefix: str | None,
    port: int | None,
    log_level: str,
) -> None:
    """Run a worker; start as many as there are partitions.

    Example: groundswell worker --broker localhost:9092
    """
    set_up(log_level.upper())
    web = {} if port is None else {"web": {"port": port}}
    settings = settings_from(broker=broker, encoder=encoder, targets=targets, prefix=prefix, **web)
    with contextlib.ExitStack() as stack:
        url = settings.broker.url
        bootstrap = stack.enter_context(embedded_broker()) if url == EMBEDDED else url
        asyncio.run(_work(settings, bootstrap))


async def _work(settings: Settings, bootstrap: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    running = Worker(settings, bootstrap)
    is_up = False
    try:
        is_up = await _done_before(stop, running.start())
        if is_up:
            stderr.print(f"Page and metrics at {running.url}, Kafka at {bootstrap}. Ctrl-C ends.")
            await running.run(stop)
    finally:
        await running.stop()
    if not is_up:
        os._exit(0)  # a thread that still loads the model can't be cancelled, and would be waited for


async def _done_before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the work was done before the event was set; else it is given up."""
    working = asyncio.create_task(work)
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
