"""``groundswell rejected``: what could not be used, why, and sending it again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial

import click
from rich.markup import escape
from rich.table import Table

from agents.errors import REASONS, SettingsError
from streams.broker import EMBEDDED
from streams.cli.common import broker_option, in_words, settings_from, stdout
from streams.contracts import headers
from streams.dead_letters import DeadLetter, read_dead_letters
from streams.dead_letters import replay as send_again
from streams.publish import Backlog, Connection, Publisher
from streams.topic_admin import must_exist

__all__ = ["rejected"]

prefix_option = click.option("--prefix", metavar="NAME", help="What every topic name begins with.")


@click.group(invoke_without_command=True)
@broker_option
@prefix_option
@click.option(
    "--list", "shown", type=click.IntRange(0), default=10, show_default=True, help="Records to show."
)
@click.pass_context
@in_words
def rejected(context: click.Context, *, broker: str | None, prefix: str | None, shown: int) -> None:
    """Count the dead letters by reason and show the newest.

    Example: groundswell rejected --broker localhost:9092
    """
    context.obj = partial(_connection, broker, prefix)
    if context.invoked_subcommand is None:
        _show(asyncio.run(_read(context.obj())), shown)


@rejected.command()
@click.option("--reason", "reasons", multiple=True, type=click.Choice(REASONS), help="Only these.")
@click.pass_obj
@in_words
def replay(connect: Callable[[], Connection], *, reasons: tuple[str, ...]) -> None:
    """Send rejected comments to `comments` again, after whatever was wrong is mended.

    Example: groundswell rejected --broker localhost:9092 replay --reason future_time
    """
    stdout.print(f"{asyncio.run(_replay(connect(), reasons)):,} sent again")


def _connection(broker: str | None, prefix: str | None) -> Connection:
    settings = settings_from(broker=broker, prefix=prefix)
    if settings.broker.url == EMBEDDED:
        raise SettingsError(
            "broker.url is 'embedded', which lives in the worker's process. "
            "Give the address that the worker printed: --broker HOST:PORT."
        )
    return Connection(settings.broker.url, settings.topics.prefix, settings.broker.client())


async def _read(connection: Connection) -> list[DeadLetter]:
    await must_exist(connection, "comments.rejected")
    return [letter async for letter in read_dead_letters(connection)]


async def _replay(connection: Connection, reasons: tuple[str, ...]) -> int:
    publisher = Publisher(connection, partial(headers, deployment=connection.deployment), Backlog({}))
    await must_exist(connection, "comments.rejected", "comments")
    await publisher.start()
    try:
        return await send_again(connection, publisher, reasons or None)
    finally:
        await publisher.stop()


def _show(letters: list[DeadLetter], shown: int) -> None:
    counts = Table("reason", "stage", "records", box=None, pad_edge=False)
    for (reason, stage), n in Counter((each.reason, each.stage) for each in letters).most_common():
        counts.add_row(reason, stage, f"{n:,}")
    stdout.print(counts if letters else "Nothing was rejected.")
    for letter in sorted(letters, key=lambda each: each.origin_time)[-shown:] if shown else []:
        place = f"{letter.origin_topic}[{letter.origin_partition}]@{letter.origin_offset}"
        stdout.print(
            f"[dim]{letter.origin_time:%Y-%m-%d %H:%M:%S} {escape(place)}[/dim] {escape(letter.exception)}"
        )
