"""``groundswell watch``: follow a discussion in the terminal, every comment with its settled cluster."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click
from rich.style import Style
from rich.text import Text

from agents.errors import SettingsError
from agents.records import Assignment, Drift, Judgement, Lineage, Record, Side, encode
from streams.broker import EMBEDDED
from streams.cli.common import broker_option, in_words, settings_from, stderr, stdout
from streams.cli.ending import done_before, told_to_stop
from streams.drift_line import plain_name
from streams.publish import Connection
from streams.settings import Settings
from streams.topic_admin import must_exist
from streams.web import view as views
from streams.web.reader import Reader
from streams.web.settings import WebSettings
from streams.web.view import View

__all__ = ["Choice", "Watch", "tame", "watch"]

MOST_WAITING: Final = 2_000
"""Comments that wait for their micro-cluster to be placed; the oldest are told as unassigned."""

MOST_NAMES: Final = 12
"""Known ids that are told where another was asked for."""

LONGEST: Final = 400
"""Characters of a comment that are shown."""

STYLES: Final[dict[str, Style]] = {
    "favor": Style(color="cyan"),
    "against": Style(color="yellow"),
    "none": Style(dim=True),
}
EVENTS: Final = {"emerged": "emerged", "faded": "faded", "merged": "merged into", "split": "split from"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is followed; None of all."""

    cluster: str | None = None
    target: str | None = None
    side: Side | None = None
    discussion: str | None = None
    source: str | None = None

    def takes(self, record: Assignment | Judgement, settled: str | None) -> bool:
        """Whether a comment or judgement is followed."""
        return (
            (self.cluster is None or settled == self.cluster)
            and (self.discussion is None or record.discussion == self.discussion)
            and (self.source is None or record.source == self.source)
        )


class Watch(View):
    """A view that also tells what happens, line by line, once `begin` was called.

    Parameters
    ----------
    choice
        What is followed.
    tell
        Takes a line and the record that it tells of.
    """

    def __init__(self, choice: Choice, tell: Callable[[Text, Record], None]) -> None:
        super().__init__(WebSettings(comments=5_000, judgements=5_000, ticks=10))
        self._choice = choice
        self._tell = tell
        self._is_live = False
        self._waiting: OrderedDict[str, Assignment] = OrderedDict()
        self._told: OrderedDict[tuple[str, int], None] = OrderedDict()

    def begin(self, n_last: int) -> None:
        """Tell the last comments, and from now on whatever comes."""
        records = self.judgements.values() if self._choice.target else self.comments.values()
        known: list[Assignment | Judgement] = sorted(records, key=lambda record: record.event_time)
        followed = [one for one in known if self._is_followed(one)]
        self._is_live = True
        for record in followed[-n_last:] if n_last else ():
            self._say(record)

    def unknown(self) -> list[str]:
        """Say which cluster or target was asked for that nothing tells of yet, and which there are."""
        targets = sorted({record.target for record in self.judgements.values()})
        live = [cluster.id for cluster in self.live()]
        asked = (
            ("--cluster", self._choice.cluster, self.clusters.keys(), live),
            ("--target", self._choice.target, targets, targets),
        )
        return [
            f"{option} is {name!r}, which is not known yet; known are {_listed(ids)}. Waiting for it."
            for option, name, known, ids in asked
            if name is not None and name not in known
        ]

    def apply(
        self,
        topic: str,
        key: str,
        record: Record | None,
        timestamp: float | None = None,
        place: tuple[int, int] | None = None,
    ) -> None:
        """Take over one record, and tell of it where it is followed."""
        super().apply(topic, key, record, timestamp, place)
        if not self._is_live:
            return
        match record:
            case Assignment():
                self._waiting.pop(key, None)
                self._hear(record)
            case Judgement() | Lineage() | Drift():
                self._say(record)
            case _ if topic == "placements":
                self._place(key)
            case None if topic == "assignments":
                self._waiting.pop(key, None)

    def _hear(self, comment: Assignment) -> None:
        """Tell of a comment once it has a cluster."""
        if self.settled(comment) is None:
            self._waiting[comment.id] = comment
            while len(self._waiting) > MOST_WAITING:
                self._say(self._waiting.popitem(last=False)[1])
        else:
            self._say(comment)

    def _place(self, micro: str) -> None:
        """Tell of the comments that waited for their micro-cluster to be placed."""
        for comment in [waiting for waiting in self._waiting.values() if waiting.micro == micro]:
            del self._waiting[comment.id]
            self._say(comment)

    def _is_followed(self, record: Assignment | Judgement) -> bool:
        if isinstance(record, Judgement):
            if self._choice.target not in (None, record.target):
                return False
            if self._choice.side not in (None, record.side):
                return False
        elif self._choice.target is not None:
            return False
        return self._choice.takes(record, self.settled(record))

    def _say(self, record: Record) -> None:
        match record:
            case Judgement() if self._choice.target is not None and self._is_followed(record):
                self._tell(self._line(record, self._side(record)), record)
            case Assignment() if self._is_followed(record) and self._is_new(record):
                self._tell(self._line(record, Text()), record)
            case Lineage() if self._choice.cluster in (None, record.cluster, record.other):
                self._tell(self._event(record), record)
            case Drift() if record.state != "value" and self._choice == Choice():
                self._tell(self._alarm(record), record)

    def _is_new(self, comment: Assignment) -> bool:
        """Whether this comment, as it stands at this offset, wasn't told of yet."""
        name = (comment.id, comment.offset)
        if name in self._told:
            return False
        self._told[name] = None
        while len(self._told) > self.settings.comments:
            self._told.popitem(last=False)
        return True

    def _side(self, judged: Judgement) -> Text:
        return Text(f"{judged.side} {judged.confidence:.0%} ", STYLES[judged.side])

    def _line(self, record: Assignment | Judgement, side: Text) -> Text:
        settled = self.settled(record)
        line = Text(_when(record.event_time), Style(dim=True))
        line.append(f"{settled or '-'} ", Style(bold=True))
        line.append(f"{self._label(settled)}  ", Style(color="green"))
        line.append_text(side)
        line.append(tame(record.excerpt or f"(comment {record.id})"))
        return line

    def _label(self, cluster: str | None) -> str:
        known = self.clusters.get(cluster) if cluster is not None else None
        return tame(known.label) if known is not None else "unassigned" if cluster is None else "new"

    def _event(self, event: Lineage) -> Text:
        line = Text(_when(event.at), Style(dim=True))
        line.append(f"{event.cluster} {tame(event.label) or self._label(event.cluster)} ", Style(bold=True))
        line.append(EVENTS[event.event], Style(color="magenta"))
        if event.event in ("merged", "split") and event.other is not None:
            line.append(f" {event.other} {self._label(event.other)}", Style(bold=True))
        return line

    def _alarm(self, alarm: Drift) -> Text:
        line = Text(_when(alarm.at), Style(dim=True))
        word = "alarm" if alarm.state == "alarm" else "all-clear"
        known = self.clusters.get(alarm.subject) if alarm.subject is not None else None
        subject = known.label if known is not None else alarm.subject
        of = f": {tame(subject)}" if subject else ""
        line.append(f"{word}: {tame(plain_name(alarm.measure))}{of}", Style(color="red"))
        moved = ", ".join(tame(one.label or one.id) for one in alarm.moved[:3])
        line.append(f" ({moved})" if moved else "")
        return line


def tame(text: str) -> str:
    r"""Text that can't steer a terminal: no control codes, no marks of direction, one line, not endless.

    Examples
    --------
    >>> tame("red\x1b[31m and\nbell\x07")
    'red[31m and bell'
    """
    spaced = (" " if letter in "\n\r\t" else letter for letter in text[: 4 * LONGEST])
    calm = "".join(letter for letter in spaced if unicodedata.category(letter) not in ("Cc", "Cf", "Cs"))
    return calm if len(calm) <= LONGEST else f"{calm[:LONGEST]}…"


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - MOST_NAMES:,} more" if len(ids) > MOST_NAMES else ""
    return f"{', '.join(map(tame, ids[:MOST_NAMES]))}{more}" if ids else "none"


def _when(at: datetime) -> str:
    """Say a time by the reader's clock, as the page does."""
    return f"{at.astimezone():%d %b %H:%M} "


@click.command()
@broker_option
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@click.option("--cluster", metavar="ID", help="Only comments of this cluster, e.g. c0-42.")
@click.option("--target", metavar="ID", help="Judgements toward this stance target instead of comments.")
@click.option(
    "--side", type=click.Choice(["favor", "against", "none"]), help="With --target: this side only."
)
@click.option("--discussion", metavar="ID", help="Only comments of this discussion.")
@click.option("--source", metavar="NAME", help="Only comments from this source.")
@click.option("--last", "n_last", type=click.IntRange(0), default=10, help="Begin with this many; 10.")
@click.option("--json", "as_json", is_flag=True, help="One record a line instead of words.")
@in_words
def watch(
    *,
    broker: str | None,
    prefix: str | None,
    cluster: str | None,
    target: str | None,
    side: Side | None,
    discussion: str | None,
    source: str | None,
    n_last: int,
    as_json: bool,
) -> None:
    """Follow comments live in the terminal, each with the cluster that it belongs to now; times are yours.

    Example: groundswell watch --broker localhost:9092 --cluster c0-42
    """
    if side is not None and target is None:
        raise click.UsageError("--side says which side toward a target; name that with --target.")
    settings = settings_from(broker=broker, prefix=prefix)
    connection = _connection(settings)

    def tell(line: Text, record: Record) -> None:
        if as_json:
            click.echo(encode(record))
        else:
            stdout.print(line, soft_wrap=True)

    view = Watch(Choice(cluster, target, side, discussion, source), tell)
    asyncio.run(_follow(connection, view, n_last))


def _connection(settings: Settings) -> Connection:
    if settings.broker.url == EMBEDDED:
        raise SettingsError(
            "broker.url is embedded; that broker lives in the worker's process and its address changes. Pass "
            "the one that the worker printed: groundswell watch --broker 127.0.0.1:PORT"
        )
    return Connection(settings.broker.url, settings.topics.prefix, settings.broker.client())


async def _start(reader: Reader, connection: Connection) -> None:
    await must_exist(connection, *views.TOPICS)
    await reader.start()


async def _follow(connection: Connection, view: Watch, n_last: int) -> None:
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(error: BaseException) -> None:
        if not failed.done():
            failed.set_exception(error)

    reader = Reader(connection, view, has_past=False, fail=fail)
    with told_to_stop() as stop:
        try:
            with stderr.status("Reading what there is …"):
                is_up = await done_before(stop, _start(reader, connection))
            if is_up:
                view.begin(n_last)
                for line in view.unknown():
                    stderr.print(line, markup=False, soft_wrap=True)
                await done_before(stop, failed)
        finally:
            await reader.stop()
