"""``groundswell demo``: a discussion from door to door, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from agents.agent import Emission
from agents.records import Comment
from streams.app import Worker
from streams.broker import EMBEDDED, EMBEDDED_PARTITIONS, embedded_broker
from streams.cli.common import (
    broker_option,
    encoder_option,
    format_option,
    in_words,
    map_option,
    settings_from,
    stderr,
    stdout,
    target_option,
)
from streams.cli.ending import done_before, leave, told_to_stop
from streams.feeds.fields import parse_map
from streams.feeds.files import Format, Options
from streams.feeds.sample import SAMPLE
from streams.logs import set_up
from streams.story import Discussion, own_targets, read_discussion, tell
from streams.summary import render

__all__ = ["demo"]

SEND_TOGETHER: Final = 64
PAUSE_SECONDS: Final = 2.0
"""A file has no stragglers: two seconds of silence are its end."""
LOOK_SECONDS: Final = 0.25
LINE_SECONDS: Final = 5.0
"""Without a terminal, progress is a line this often."""


@click.command()
@click.argument("path", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@map_option
@format_option
@click.option("--limit", type=click.IntRange(1), help="Feed at most this many comments.")
@broker_option
@encoder_option
@target_option
@click.option("--prefix", metavar="NAME", help="What every topic name begins with.")
@click.option("--port", type=int, help="Port of the page and the metrics; 0 takes any free one.")
@click.option("--keep/--no-keep", default=None, help="Keep serving afterwards; by default on a terminal.")
@in_words
def demo(
    *,
    path: Path | None,
    mapping: str | None,
    kind: Format | None,
    limit: int | None,
    broker: str | None,
    encoder: str | None,
    targets: tuple[str, ...],
    prefix: str | None,
    port: int | None,
    keep: bool | None,
) -> None:
    """Run a discussion from door to door: the sample, or any thread page or file of comments.

    Example: groundswell demo thread.html --target "a ban on cars in the centre"
    """
    set_up("WARNING")
    path = path or SAMPLE
    discussion = read_discussion(path, limit, Options(kind, parse_map(mapping or "")))
    overrides: dict[str, Any] = {"delivery": {"pause_seconds": PAUSE_SECONDS}}
    if port is not None:
        overrides["web"] = {"port": port}
    if not targets:
        overrides |= own_targets(path, discussion)
    if broker is not None and prefix is None:
        prefix = f"demo-{int(time.time())}."
    settings = settings_from(broker=broker, encoder=encoder, targets=targets, prefix=prefix, **overrides)
    is_kept = sys.stdout.isatty() if keep is None else keep
    with contextlib.ExitStack() as stack:
        url = settings.broker.url
        bootstrap = stack.enter_context(embedded_broker()) if url == EMBEDDED else url
        raise SystemExit(asyncio.run(_run(Worker(settings, bootstrap), discussion, is_kept=is_kept)))


async def _run(worker: Worker, discussion: Discussion, *, is_kept: bool) -> int:
    """Return the exit code: that of a signal where one came before the end."""
    is_up, code = False, 0
    with told_to_stop() as stop:
        try:
            with stderr.status("Starting: model, broker, worker …"):
                is_up = await done_before(stop, worker.start())
            if is_up:
                stderr.print(f"Watch it live: [bold]{worker.url}[/bold]")
                started = time.monotonic()
                await _feed(worker, discussion.comments, stop)
                seconds = time.monotonic() - started
                if worker.view.newest() is not None or not stop.is_set():
                    links = _links(worker)
                    story = tell(worker.view, discussion, worker.settings, worker.rejected, seconds, links)
                    stdout.print(render(story))
            code = stop.exit_code
            if is_kept and not stop.is_set():
                stderr.print("Serving until Ctrl-C.", style="dim")
                await worker.run(stop)
        finally:
            await worker.stop()
    if not is_up:
        leave(code)
    return code


async def _feed(worker: Worker, comments: list[Comment], stop: asyncio.Event) -> None:
    """Send all comments and wait until everything that follows from them has arrived, or for the event.

    Raises
    ------
    GroundswellError
        What nobody on the road could handle.
    """
    sending = asyncio.create_task(_send(worker, comments))
    working = asyncio.create_task(worker.run(stop))
    try:
        with _progress(len(comments)) as show:
            while not working.done():
                show(worker)
                if sending.done():
                    await sending
                    if await worker.is_settled():
                        break
                await asyncio.wait({working}, timeout=LOOK_SECONDS)
            show(worker)
        if working.done():
            await working
    finally:
        for task in (sending, working):
            task.cancel()
        await asyncio.gather(sending, working, return_exceptions=True)


async def _send(worker: Worker, comments: list[Comment]) -> None:
    by_id = worker.settings.topics.keyed_by_id
    for start in range(0, len(comments), SEND_TOGETHER):
        await worker.publisher.send(
            Emission("comments", comment.id if by_id else comment.discussion or comment.id, comment)
            for comment in comments[start : start + SEND_TOGETHER]
        )


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Give a function that shows how far a worker is."""
    if not stderr.is_terminal:
        said_at = 0.0

        def say(worker: Worker) -> None:
            nonlocal said_at
            if time.monotonic() - said_at >= LINE_SECONDS:
                said_at = time.monotonic()
                n_live = len(worker.view.live())
                stderr.print(f"{worker.n_placed:,} of {total:,} comments sorted, {n_live} live topics")

        yield say
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("comments sorted"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[bold]{task.fields[topics]}[/bold] live topics  [dim]{task.fields[newest]}[/dim]"),
        console=stderr,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total, topics=0, newest="")

        def show(worker: Worker) -> None:
            live = worker.view.live()
            newest = max(live, key=lambda cluster: cluster.born, default=None)
            label = f"newest: {newest.label}" if newest is not None else ""
            bar.update(task, completed=worker.n_placed, topics=len(live), newest=label)

        yield show


def _links(worker: Worker) -> list[tuple[str, str]]:
    bootstrap, prefix = worker.connection.bootstrap, worker.connection.prefix
    note = f" (embedded, {EMBEDDED_PARTITIONS} partitions a topic)" if worker.is_embedded else ""
    names = ("assignments", "placements", "clusters", "lineage", "drift", "pulse")
    return [
        ("page", worker.url),
        ("metrics", f"{worker.url}/metrics"),
        ("Kafka", bootstrap + note),
        ("topics", ", ".join(prefix + name for name in names)),
        ("subscribe", " ".join(["groundswell watch --broker", bootstrap, *_unless_default(prefix)])),
    ]


def _unless_default(prefix: str) -> tuple[str, ...]:
    """Return the option that names the prefix, where another command would not find it by itself."""
    return () if prefix == settings_from().topics.prefix else ("--prefix", prefix)
