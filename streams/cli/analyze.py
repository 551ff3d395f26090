"""``groundswell analyze``: the topics of a file, without Kafka."""

from __future__ import annotations

import json
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import click
import msgspec
from rich.progress import track

from agents.agent import Emission
from agents.analysis import Analysis
from agents.embedding.encoder import load_encoder
from agents.records import Record
from streams.cli.common import (
    encoder_option,
    format_option,
    in_words,
    map_option,
    settings_from,
    stderr,
    stdout,
    target_option,
)
from streams.feeds.fields import parse_map
from streams.feeds.files import Format, Options
from streams.logs import set_up
from streams.process import settle
from streams.settings import Settings
from streams.story import Discussion, own_targets, read_discussion, tell
from streams.summary import by_reason, render
from streams.thinking import make_agents
from streams.web.view import TOPICS, View

__all__ = ["analyze"]


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@map_option
@format_option
@click.option("--limit", type=click.IntRange(1), help="Read at most this many comments.")
@click.option(
    "--partitions", type=click.IntRange(1, 512), default=1, show_default=True, help="As on the road."
)
@encoder_option
@target_option
@click.option("--json", "as_json", is_flag=True, help="Print every public record, one JSON object a line.")
@in_words
def analyze(
    *,
    path: Path,
    mapping: str | None,
    kind: Format | None,
    limit: int | None,
    partitions: int,
    encoder: str | None,
    targets: tuple[str, ...],
    as_json: bool,
) -> None:
    """Sort a file of comments into topics, with the agents of the road and no Kafka.

    Example: groundswell analyze comments.jsonl --limit 3000
    """
    set_up("WARNING")
    discussion = read_discussion(path, limit, Options(kind, parse_map(mapping or "")))
    overrides = {} if targets else own_targets(path, discussion)
    settings = settings_from(encoder=encoder, targets=targets, **overrides)
    started = time.monotonic()
    view, rejected = _run(discussion, settings, partitions, as_json=as_json)
    story = tell(view, discussion, settings, rejected, time.monotonic() - started)
    if not as_json:
        stdout.print(render(story))
    elif story.rejected:
        stderr.print(by_reason(story.rejected))


def _run(
    discussion: Discussion, settings: Settings, n_partitions: int, *, as_json: bool
) -> tuple[View, Counter[str]]:
    view, rejected = View(settings.web), Counter[str]()

    def emit(emission: Emission) -> None:
        if emission.topic == "comments.rejected":
            rejected[dict(emission.headers)["reason"].decode()] += 1
            return
        key = emission.key if isinstance(emission.key, str) else (emission.key or b"").decode()
        record = emission.record if isinstance(emission.record, Record) else None
        if emission.topic in TOPICS:
            view.apply(emission.topic, key, record)
        if as_json:
            value = msgspec.to_builtins(record)
            click.echo(json.dumps({"topic": emission.topic, "key": key, "value": value}, ensure_ascii=False))

    agents = make_agents(
        settings, load_encoder(settings.embedding), view.placements, n_partitions, version("groundswell")
    )
    analysis = Analysis(
        agents.embed, agents.assign, agents.chart(0), agents.judge, view.placements, emit, n_partitions
    )
    settle()
    step = settings.embedding.batch_size
    starts = range(0, len(discussion.comments), step)
    now = time.time()
    for start in track(starts, "sorting", console=stderr, transient=True, disable=not stderr.is_terminal):
        analysis.feed(discussion.comments[start : start + step], now)
    analysis.pause()
    return view, rejected
