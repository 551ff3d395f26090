"""``groundswell worker``: one worker of a deployment, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib

import click

from streams.app import Worker
from streams.broker import EMBEDDED, embedded_broker
from streams.cli.common import broker_option, encoder_option, in_words, settings_from, stderr, target_option
from streams.cli.ending import done_before, leave, told_to_stop
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
    running = Worker(settings, bootstrap)
    is_up = False
    with told_to_stop() as stop:
        try:
            is_up = await done_before(stop, running.start())
            if is_up:
                stderr.print(f"Page and metrics at {running.url}, Kafka at {bootstrap}. Ctrl-C ends.")
                await running.run(stop)
        finally:
            await running.stop()
    if not is_up:
        leave(0)
