"""``groundswell topics``: list, create, and replay into new ones."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import click

from agents.errors import SettingsError
from streams.broker import EMBEDDED
from streams.cli.common import broker_option, in_words, settings_from, stderr, stdout
from streams.publish import Connection
from streams.replay import replay
from streams.settings import Settings
from streams.topic_admin import create_topics, differences, must_exist, n_partitions
from streams.topics import DAY_SECONDS, TOPICS, Topic

__all__ = ["on_kafka", "topics"]


@click.group(invoke_without_command=True)
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@click.pass_context
@in_words
def topics(ctx: click.Context, *, prefix: str | None) -> None:
    """List the topics: key, value, partitions, how long they are kept, purpose.

    Example: groundswell topics
    """
    if ctx.invoked_subcommand is not None:
        return
    settings = settings_from(prefix=prefix).topics
    for topic in TOPICS.values():
        n = n_partitions(topic, settings)
        click.echo(
            f"{settings.prefix}{topic.name}\n"
            f"    {topic.purpose}\n"
            f"    {topic.key} → {topic.value.__name__ if topic.value else 'bytes'}; {_kept(topic)}; "
            f"{n} partition{'s' if n > 1 else ''}; "
            f"{'for subscribers' if topic.is_public else 'ours alone'}"
        )


def _kept(topic: Topic) -> str:
    """Say how long the broker keeps records."""
    if topic.cleanup == "compact":
        return "the latest of each key kept for ever"
    which = "the latest of each key" if "compact" in topic.cleanup else "all"
    if topic.retention_seconds is None:
        return f"{which} kept for ever"
    days = topic.retention_seconds // DAY_SECONDS
    return f"{which} kept {days} day{'s' if days > 1 else ''}"


@topics.command()
@broker_option
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@in_words
def create(*, broker: str | None, prefix: str | None) -> None:
    """Make the topics that are missing and say where others differ.

    Exits with 1 where a topic can't serve as it is.

    Example: groundswell topics create --broker localhost:9092
    """
    settings = on_kafka(settings_from(broker=broker, prefix=prefix))
    connection = _connection(settings, settings.topics.prefix)
    for name in asyncio.run(create_topics(connection, settings.topics)):
        stdout.print(f"made {name}")
    found = asyncio.run(differences(connection, settings.topics))
    for difference in found:
        stderr.print(str(difference), markup=False)
    if any(difference.is_fatal for difference in found):
        raise SystemExit(1)


@topics.command(name="replay")
@broker_option
@click.option("--prefix", metavar="NAME", help="The new deployment: what its topic names begin with.")
@click.option(
    "--from", "old", required=True, metavar="NAME", help="The prefix of the deployment to copy from."
)
@in_words
def replay_command(*, broker: str | None, prefix: str | None, old: str) -> None:
    """Copy the comments of another deployment into this one: for a new encoder or more partitions.

    Example: groundswell topics replay --broker localhost:9092 --from groundswell. --prefix groundswell-2.
    """
    settings = on_kafka(settings_from(broker=broker, prefix=prefix))
    new = _connection(settings, settings.topics.prefix)
    n_copied = asyncio.run(_replay(settings, new, replace(new, prefix=old)))
    stdout.print(f"{n_copied} comments copied from {old}comments to {new.topic('comments')}")


async def _replay(settings: Settings, new: Connection, old: Connection) -> int:
    await must_exist(old, "comments")
    await create_topics(new, settings.topics)
    return await replay(old, new)


def on_kafka(settings: Settings) -> Settings:
    """Return the settings, unless they say the embedded broker.

    Raises
    ------
    SettingsError
        If they do: it can't be reached from another process.
    """
    if settings.broker.url == EMBEDDED:
        raise SettingsError(
            f"broker.url is {EMBEDDED!r}, which makes its topics by itself and ends with its process. "
            "Give Kafka's address, e.g. --broker localhost:9092."
        )
    return settings


def _connection(settings: Settings, prefix: str) -> Connection:
    return Connection(settings.broker.url, prefix, settings.broker.client())
