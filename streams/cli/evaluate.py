"""``groundswell evaluate``: how good the clusters of a labelled stream are."""

from __future__ import annotations

import gzip
import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from agents.embedding.encoder import load_encoder
from agents.embedding.text import clean, event_time
from agents.errors import InvalidError
from agents.evaluation import Evaluation, Scores, Trial
from agents.evaluation import evaluate as judge
from agents.records import Embedded
from streams.cli.common import encoder_option, in_words, settings_from, stderr, stdout
from streams.process import settle
from streams.settings import Settings

__all__ = ["Row", "as_embedded", "evaluate", "read_rows", "vectors_of"]

START: Final = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
"""Time of the first comment of a file without times; the others follow one a second."""

TOGETHER: Final = 512
"""Texts encoded between two moves of the progress bar."""

Row = dict[str, Any]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--label", required=True, metavar="FIELD", help="Field that names the true topic.")
@encoder_option
@click.option("--partitions", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--batch", type=click.IntRange(1, 4096), default=64, show_default=True)
@click.option(
    "--vectors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Vectors of the file (.npy): read where it exists, else written for the next run.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@in_words
def evaluate(
    *,
    file: Path,
    label: str,
    encoder: str | None,
    partitions: int,
    batch: int,
    vectors: Path | None,
    as_json: bool,
) -> None:
    """Run the agents once over labelled comments, JSON Lines, and score their clusters.

    Comments come in the file's order, at their created_at, or one a second where they have none.

    Example: groundswell evaluate news.jsonl --label topic --json
    """
    settings = settings_from(encoder=encoder)
    rows = read_rows(file, label)
    matrix, name, encoding_seconds = vectors_of([row["text"] for row in rows], settings, vectors)
    settle()
    trial = Trial(settings.clustering, settings.charting, settings.time, partitions, batch)
    comments = as_embedded(rows, matrix, name, settings)
    found = judge(comments, [str(row[label]) for row in rows], trial)
    report = _report(found, name, encoding_seconds)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _show(found, report)


def read_rows(file: Path, label: str, truth: Mapping[str, Row] | None = None) -> list[Row]:
    """Read the labelled comments; texts are cleaned as on the road, ``truth`` adds fields by id."""
    rows: list[Row] = []
    with (
        gzip.open(file, "rt", encoding="utf-8")
        if file.suffix == ".gz"
        else file.open(encoding="utf-8") as lines
    ):
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as cause:
                raise InvalidError(f"line {number} is not JSON: {cause}; mend it.", "not_json") from cause
            if truth and isinstance(row, dict):
                row = truth.get(str(row.get("id")), {}) | row
            for needed in ("text", label):
                if not isinstance(row, dict) or row.get(needed) is None:
                    raise InvalidError(
                        f"line {number} has no field {needed!r}; name the true topic with --label.",
                        "wrong_type",
                    )
            text = clean(str(row["text"]))
            if text:
                rows.append(row | {"text": text, "id": str(row.get("id", number))})
    if not rows:
        raise InvalidError(f"{file} has no comment; give JSON Lines with text and {label}.", "no_text")
    return rows


def vectors_of(
    texts: list[str], settings: Settings, kept: Path | None
) -> tuple[NDArray[np.float16], str, float | None]:
    """Encode the texts, or read their vectors; with the encoder's name and its seconds."""
    if kept is not None and kept.exists():
        matrix = np.load(kept)
        if len(matrix) != len(texts):
            raise InvalidError(
                f"{kept} has {len(matrix)} vectors, the file {len(texts)} comments; remove it.", "unusable"
            )
        return matrix.astype(np.float16), kept.stem, None
    encoder = load_encoder(settings.embedding)
    starts = range(0, len(texts), TOGETHER)
    started = time.perf_counter()
    rows = [
        encoder.encode(texts[start : start + TOGETHER]).astype(np.float16)
        for start in track(starts, "Encoding", console=stderr, transient=True, disable=not stderr.is_terminal)
    ]
    seconds = time.perf_counter() - started
    matrix = np.concatenate(rows)
    if kept is not None:
        np.save(kept, matrix)
    return matrix, encoder.name, seconds


def as_embedded(
    rows: list[Row], matrix: NDArray[np.float16], encoder: str, settings: Settings
) -> list[Embedded]:
    """Make what EMBED would have made; an id that occurs again is a comment of its own here."""
    seen: set[str] = set()
    comments: list[Embedded] = []
    for i, row in enumerate(rows):
        name = row["id"] if row["id"] not in seen else f"{row['id']}#{i}"
        seen.add(name)
        at = event_time(row.get("created_at"), START + i, float("inf"))
        comments.append(
            Embedded(
                id=name,
                text=row["text"],
                event_time=at,
                vector=matrix[i].astype("<f2").tobytes(),
                encoder=encoder,
                partition=0,
                offset=i,
                discussion=row.get("discussion"),
                discussion_title=row.get("discussion_title"),
                parent=row.get("parent"),
            )
        )
    return comments


def _report(found: Evaluation, encoder: str, encoding_seconds: float | None) -> dict[str, Any]:
    """Return everything that is told, by name."""
    rate = found.n_comments / found.seconds
    whole = None if encoding_seconds is None else found.n_comments / (found.seconds + encoding_seconds)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        **asdict(found),
        "encoder": encoder,
        "comments_per_second": round(rate, 1),
        "comments_per_second_with_encoder": None if whole is None else round(whole, 1),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    }


def _show(found: Evaluation, report: dict[str, Any]) -> None:
    stdout.print(
        f"{found.n_comments:,} comments, {found.n_labels:,} true topics; {found.n_clusters:,} clusters "
        f"of {found.n_micros:,} micro-clusters ({report['encoder']})"
    )
    table = Table("measure", "settled", "on arrival", box=None, pad_edge=False)
    for name, title in (("nmi", "NMI"), ("ami", "AMI"), ("ari", "ARI"), ("b_cubed", "B-cubed F1")):
        table.add_row(title, _three(found.settled, name), _three(found.on_arrival, name))
    table.add_row("unassigned", f"{found.unassigned:.1%}", f"{found.unassigned_on_arrival:.1%}")
    stdout.print(table)
    stdout.print(
        f"identity: {found.id_stable:.1%} of the assigned ended in their first cluster or its heir; "
        f"{found.never_changed:.1%} of all had their last cluster from arrival on; "
        f"{found.placed_repeatedly:.1%} changed the cluster that they were placed in more than once, "
        f"{found.changed_repeatedly:.1%} with what was named on arrival"
    )
    whole = report["comments_per_second_with_encoder"]
    beside = "" if whole is None else f", {whole:,.0f} with the encoder"
    stdout.print(
        f"rate: {report['comments_per_second']:,.0f} comments a second{beside}; "
        f"peak memory {report['peak_memory_bytes'] / 2**20:,.0f} MiB"
    )


def _three(scores: Scores, name: str) -> str:
    return f"{getattr(scores, name):.3f}"
