"""``groundswell audit``: whether every comment has exactly one place."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import click

from agents.errors import RoadError
from streams.audit import audit as judge
from streams.audit_reader import Rest, read_evidence, read_rest
from streams.cli.common import broker_option, in_words, settings_from, stderr
from streams.cli.topics import on_kafka
from streams.evidence import Report
from streams.publish import Connection
from streams.topic_admin import must_exist
from streams.topics import TOPICS

__all__ = ["audit"]

MOST_TOLD: Final = 50
"""Findings printed; the rest is counted."""

LOOK_SECONDS: Final = 1.0


@click.command()
@broker_option
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait so long for the workers to catch up.")
@in_words
def audit(*, broker: str | None, prefix: str | None, wait: float) -> None:
    """Count again from the topics: every comment has one place, every count is right.

    Judges a deployment at rest: stop the feeds first. Exits with 1 where something is wrong.

    Example: groundswell audit --broker localhost:9092 --wait 60
    """
    settings = on_kafka(settings_from(broker=broker, prefix=prefix))
    connection = Connection(settings.broker.url, settings.topics.prefix, settings.broker.client())
    rest = asyncio.run(_until_still(connection, wait))
    if not rest.is_reached:
        raise RoadError(
            f"{rest.lag} messages lie before the workers and {rest.n_talking} partitions are not silent yet, "
            "so nothing can be said. Stop the feeds, see that workers run, and give --wait SECONDS."
        )
    if rest.n_unread:
        stderr.print(f"debated: {rest.n_unread} messages lie there for nobody, as no target is configured")
    report = judge(asyncio.run(read_evidence(connection)), settings.embedding)
    _tell(report)
    if not report.is_clean:
        raise SystemExit(1)


async def _until_still(connection: Connection, seconds: float) -> Rest:
    """Return how far it is from rest once it is there, or after so many seconds."""
    await must_exist(connection, *TOPICS)
    deadline = time.monotonic() + seconds
    rest = await read_rest(connection)
    while not rest.is_reached and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        rest = await read_rest(connection)
    return rest


def _tell(report: Report) -> None:
    for name, count in report.counts.items():
        click.echo(f"{count:>9,} {name}")
    for note in report.notes:
        stderr.print(note, markup=False)
    for finding in report.findings[:MOST_TOLD]:
        click.echo(str(finding))
    if len(report.findings) > MOST_TOLD:
        click.echo(f"... and {len(report.findings) - MOST_TOLD:,} more")
    click.echo("clean" if report.is_clean else f"{len(report.findings):,} findings")
