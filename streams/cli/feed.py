"""``groundswell feed``: comments from any source to Kafka, with what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.live import Live
from rich.text import Text

from agents.errors import GroundswellError
from streams.broker import EMBEDDED
from streams.cli.common import format_option, in_words, map_option, settings_from, stderr, stdout
from streams.cli.ending import Stop, told_to_stop
from streams.feeds.feed import Feed, FeedError, Position
from streams.feeds.fields import parse_map
from streams.feeds.files import Format, Options
from streams.feeds.keys import Keys
from streams.feeds.outlet import KafkaOutlet
from streams.feeds.pace import AsIs, Pace, parse_rate, parse_speed
from streams.feeds.positions import PositionFile, default_folder
from streams.feeds.sending import Progress, Sending
from streams.feeds.sources import open_feed
from streams.logs import set_up
from streams.publish import Connection
from streams.settings import Settings

__all__ = ["feed"]

INCOMPLETE: Final = 3
"""Exit code where something couldn't become a comment or is missing from the source."""

LINE_SECONDS: Final = 10.0
"""Without a terminal, progress is a line this often."""

SHOW_SECONDS: Final = 0.25

RATE_SECONDS: Final = 5.0
"""The rate shown is that of so many seconds, or since the last line where that is longer ago."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for."""

    feed: Feed
    pace: Pace
    limit: int | None
    from_start: bool
    position: Path | None
    max_behind: int | None


@click.command(
    epilog="Exit code: 0 all was sent, 3 some was refused or is missing, 1 the source or the broker failed, "
    "130 interrupted by Ctrl-C, 143 by SIGTERM. In every case what was counted as sent is confirmed."
)
@click.argument("source")
@click.option("--broker", metavar="HOST:PORT", help="Kafka to feed: the address that the worker prints.")
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@map_option
@format_option
@click.option(
    "--source-name", metavar="NAME", help="Where rows come from that don't say; prefixes their ids."
)
@click.option(
    "--article/--no-article", default=None, help="Whether the first entry of a page is its article."
)
@click.option("--speed", metavar="FACTORx", help="Replay by the times of the comments, e.g. 60x; or as-is.")
@click.option("--rate", metavar="N/s", help="Send so many a second, e.g. 50/s, 300/min.")
@click.option("--limit", type=click.IntRange(1), help="Send at most this many comments.")
@click.option("--from-start", is_flag=True, help="Send all again, wherever the last run ended.")
@click.option(
    "--position", type=click.Path(dir_okay=False, path_type=Path), help="File to keep the position in."
)
@click.option("--max-behind", type=click.IntRange(1), help="Hold back while the worker is this much behind.")
@click.option("--url", metavar="URL", help="Address of the service, where it isn't the usual one.")
@in_words
def feed(
    *,
    source: str,
    broker: str | None,
    prefix: str | None,
    mapping: str | None,
    kind: Format | None,
    source_name: str | None,
    article: bool | None,
    speed: str | None,
    rate: str | None,
    limit: int | None,
    from_start: bool,
    position: Path | None,
    max_behind: int | None,
    url: str | None,
) -> None:
    """Feed comments from SOURCE, and go on where the last run ended.

    SOURCE is a file (JSON Lines, CSV, saved page, Reddit dump; .gz and .zst too), - for standard input,
    https://… for a page, sample, hackernews, hackernews:STORY, bluesky, mastodon:INSTANCE or
    mastodon:INSTANCE#TAG (token in MASTODON_TOKEN).

    Example: groundswell feed RC_2015-02.zst --speed 60x --broker localhost:9092
    """
    set_up("WARNING")
    if speed is not None and rate is not None:
        raise click.UsageError("--speed and --rate can't both decide; give one.")
    options = Options(kind, parse_map(mapping or ""), source_name, article)
    pace = parse_rate(rate) if rate else parse_speed(speed) if speed else AsIs()
    asked = _Asked(open_feed(source, options, url=url), pace, limit, from_start, position, max_behind)
    settings = settings_from(broker=broker, prefix=prefix)
    if settings.broker.url == EMBEDDED:
        raise FeedError(
            "no broker is named, and the embedded one lives in the process of its worker; give --broker with "
            "the address that `groundswell worker` or `groundswell demo` prints."
        )
    raise SystemExit(asyncio.run(_feed(asked, settings)))


async def _feed(asked: _Asked, settings: Settings) -> int:
    connection = Connection(settings.broker.url, settings.topics.prefix, settings.broker.client())
    outlet = KafkaOutlet(connection, settings.topics, max_behind=asked.max_behind)
    with told_to_stop() as stop:
        return await _feed_until(stop, asked, settings, outlet)


async def _feed_until(stop: Stop, asked: _Asked, settings: Settings, outlet: KafkaOutlet) -> int:
    async with outlet:
        file = _position_file(asked, outlet)
        with file.held() if file else contextlib.nullcontext():
            position, sending = await _prepare(asked, settings, outlet, file, stop)
            error = await _run(sending, position, outlet)
    _summarise(sending.progress, outlet)
    if error is not None:
        raise error
    return _exit_code(sending.progress, stop)


def _position_file(asked: _Asked, outlet: KafkaOutlet) -> PositionFile | None:
    if not asked.feed.is_resumable:
        return None
    deployment = f"{outlet.cluster}/{outlet.topic}"
    if asked.position is not None:
        return PositionFile(asked.position, asked.feed.name, deployment)
    return PositionFile.of(asked.feed.name, deployment, default_folder())


async def _prepare(
    asked: _Asked, settings: Settings, outlet: KafkaOutlet, file: PositionFile | None, stop: asyncio.Event
) -> tuple[Position, Sending]:
    """Find where to begin, and what an interrupted run wrote after that."""
    position: Position = {}
    kept = file.load() if file is not None and not asked.from_start else None
    written: list[bytes] = []
    if kept is not None:
        position = kept.position
        written = await outlet.written_since(kept.offsets)
        if kept.position:
            stderr.print(f"Going on after {kept.sent:,} comments; --from-start sends all again.", style="dim")
    elif file is not None:
        file.save({}, outlet.offsets(), 0)
    sending = Sending(
        asked.feed,
        outlet,
        Keys(outlet.n_partitions, keyed_by_id=settings.topics.keyed_by_id),
        asked.pace,
        positions=file,
        sent_before=written,
        n_before=kept.sent if kept else 0,
        limit=asked.limit,
        stop=stop,
    )
    return position, sending


async def _run(sending: Sending, position: Position, outlet: KafkaOutlet) -> GroundswellError | None:
    running = asyncio.create_task(sending.run(position))
    with _shown(sending.progress, outlet) as show:
        while not running.done():
            await asyncio.wait({running}, timeout=SHOW_SECONDS)
            show()
    try:
        await running
    except GroundswellError as error:
        return error
    return None


@contextlib.contextmanager
def _shown(progress: Progress, outlet: KafkaOutlet) -> Iterator[Callable[[], None]]:
    """Give a function that shows how far the run is: a line that changes, or a line now and then."""
    meter = Meter(progress, outlet)
    if stderr.is_terminal:
        with Live(meter.line(time.monotonic()), console=stderr, transient=True, auto_refresh=False) as live:
            yield lambda: live.update(meter.line(time.monotonic()), refresh=True)
        return
    said_at = time.monotonic()

    def say() -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= LINE_SECONDS:
            said_at = time.monotonic()
            stderr.print(meter.line(time.monotonic()))

    yield say


class Meter:
    """Turns progress into a line, with the rate over the last seconds."""

    def __init__(self, progress: Progress, outlet: KafkaOutlet) -> None:
        self._progress = progress
        self._outlet = outlet
        self._seen: list[tuple[float, int]] = []

    def line(self, now: float) -> Text:
        """Return how far the run is at a time in seconds."""
        progress = self._progress
        recent = [each for each in self._seen if now - each[0] <= RATE_SECONDS]
        self._seen = [*(recent or self._seen[-1:]), (now, progress.confirmed)]
        (then, before), seconds = self._seen[0], now - self._seen[0][0]
        rate = (progress.confirmed - before) / seconds if seconds > 0 and now > then else 0.0
        parts = [
            f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s",
            f"{progress.confirmed:,} sent",
            f"{progress.n_refused:,} refused",
            f"{self._outlet.behind:,} behind",
        ]
        if progress.behind_seconds >= 1:
            parts.append(f"{progress.behind_seconds:,.0f} s late")
        if progress.is_holding:
            parts.append("holding back for the worker")
        return Text("  ".join(parts))


def _summarise(progress: Progress, outlet: KafkaOutlet) -> None:
    """Say what became of everything that was read."""
    lines = [f"{progress.confirmed:,} comments sent to {outlet.topic} and confirmed"]
    if progress.retractions:
        lines.append(f"{progress.retractions:,} of them retract one")
    if progress.skipped:
        lines.append(f"{progress.skipped:,} were there already from the interrupted run")
    if progress.articles:
        lines.append(f"{progress.articles:,} article, which is no comment")
    if progress.n_refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in progress.refused.most_common())
        lines.append(f"{progress.n_refused:,} refused and sent to comments.rejected: {reasons}")
        lines.append(f"  first: {progress.first_refused}")
    lines += [f"gap: {gap}" for gap in progress.gaps]
    if progress.held_seconds >= 1:
        lines.append(f"held back {progress.held_seconds:,.0f} s for the worker")
    if progress.interrupted:
        lines.append("interrupted; what was read and isn't confirmed is not counted")
    for line in lines:
        stdout.print(line, markup=False, soft_wrap=True)


def _exit_code(progress: Progress, stop: Stop) -> int:
    if progress.interrupted:
        return stop.exit_code
    return INCOMPLETE if progress.n_refused or progress.gaps else 0
