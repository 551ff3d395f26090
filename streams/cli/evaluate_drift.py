"""``groundswell evaluate-drift``: whether alarms meet what happened in a labelled stream."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from agents.drift.evaluation import Report, Shift, meet, onsets, watch_sides
from agents.embedding.encoder import load_encoder
from agents.evaluation import Trial
from agents.records import Drift, Side
from agents.stance.gate import Asked, Gatekeeper
from agents.stance.loading import load_panel
from agents.stance.model import Question
from streams.cli.common import encoder_option, in_words, settings_from, stdout
from streams.cli.evaluate import Row, as_embedded, read_rows, vectors_of
from streams.settings import Settings

__all__ = ["evaluate_drift"]

Sided = dict[str, list[tuple[Side, datetime]]]
"""Side and time of the comments about each target, in their order."""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--label", required=True, metavar="FIELD", help="Field that names the true topic.")
@click.option("--truth", type=FILE, help="JSON Lines with more fields by id: the label, stances by target.")
@click.option("--events", type=FILE, help="Schedule of shifts of topic and stance; instead of the onsets.")
@click.option("--targets", type=FILE, help="TOML of stance targets; their sides are judged as well.")
@click.option("--shuffles", type=click.IntRange(0), default=0, help="Seeded shuffles: all alarms are false.")
@click.option(
    "--together",
    type=click.IntRange(1),
    default=1,
    help="With --shuffles: as many neighbours stay together, so that conversations do.",
)
@click.option("--vectors", type=click.Path(dir_okay=False, path_type=Path), help="As of `evaluate`.")
@encoder_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
@in_words
def evaluate_drift(
    *,
    file: Path,
    label: str,
    truth: Path | None,
    events: Path | None,
    targets: Path | None,
    shuffles: int,
    together: int,
    vectors: Path | None,
    encoder: str | None,
    as_json: bool,
) -> None:
    """Run the agents over labelled comments, and tell which onsets the alarms of drift found.

    A label's onset is its tenth comment. With --shuffles the stream is shuffled instead: comment by comment
    all are independent; in pieces of neighbours, with --together, they come in bursts as before. Shifts of
    stance are watched on the true sides, and with --targets on those that the stance model names.

    Example: groundswell evaluate-drift tweets.jsonl --label event --json
    """
    named: dict[str, Any] = {"stance": tomllib.loads(targets.read_text("utf-8"))} if targets else {}
    settings = settings_from(encoder=encoder, **named)
    known = {str(row["id"]): row for row in _lines(truth)} if truth else None
    rows = read_rows(file, label, known)
    matrix, name, _ = vectors_of([row["text"] for row in rows], settings, vectors)
    if shuffles:
        found_by = _shuffled(rows, matrix, name, settings, shuffles, together)
        _tell_shuffled(found_by, len(rows), as_json)
        return
    alarms, times = _alarms(rows, matrix, name, settings)
    shifts = _scheduled(events) if events else onsets([str(row[label]) for row in rows], times)
    report = meet(shifts, alarms, times, settings.drift.window_comments)
    stances = _stances(_true_sides(rows, times), events, settings) if events else {}
    judged = _stances(_judged_sides(rows, matrix, times, settings), events, settings) if events else {}
    if as_json:
        told = _as_json(report) | {
            "stances": {target: _as_json(found) for target, found in stances.items()},
            "judged": {target: _as_json(found) for target, found in judged.items()},
        }
        click.echo(json.dumps(told, indent=2))
        return
    _show(report, "topics")
    for target, found in stances.items():
        _show(found, f"stance toward {target}, true sides given")
    for target, found in judged.items():
        _show(found, f"stance toward {target}, sides as judged")


def _lines(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def _alarms(
    rows: list[Row], matrix: NDArray[np.float16], encoder: str, settings: Settings
) -> tuple[list[Drift], list[datetime]]:
    comments = as_embedded(rows, matrix, encoder, settings)
    trial = Trial(settings.clustering, settings.charting, settings.time, drift=settings.drift)
    trial.run(comments)
    return trial.alarms, [comment.event_time for comment in comments]


def _shuffled(
    rows: list[Row], matrix: NDArray[np.float16], encoder: str, settings: Settings, n: int, together: int
) -> list[int]:
    """Return the alarms of each shuffle of pieces; the texts change places, the times stay."""
    found = []
    pieces = np.split(np.arange(len(rows)), range(together, len(rows), together))
    for seed in range(n):
        generator = np.random.default_rng(seed)
        order = np.concatenate([pieces[at] for at in generator.permutation(len(pieces))])
        moved = [
            rows[at] | {"created_at": rows[place].get("created_at")}
            for place, at in enumerate(order.tolist())
        ]
        records, _ = _alarms(moved, matrix[order], encoder, settings)
        found.append(sum(record.state == "alarm" for record in records))
    return found


def _scheduled(events: Path) -> list[Shift]:
    """Read the shifts of topic: something emerged, split or merged."""
    shifts = []
    for event in json.loads(events.read_text("utf-8"))["topics"]:
        if event["event"] in {"emerged", "split", "merged"}:
            at = datetime.fromisoformat(event["at"])
            named = event.get("into") if event["event"] == "merged" else event["topic"]
            shifts.append(Shift(f"{event['event']}: {named}", at, at))
    return shifts


def _true_sides(rows: list[Row], times: Sequence[datetime]) -> Sided:
    sided: Sided = defaultdict(list)
    for row, at in zip(rows, times, strict=True):
        for target, side in (row.get("stances") or {}).items():
            sided[target].append((side, at))
    return sided


def _judged_sides(
    rows: list[Row], matrix: NDArray[np.float16], times: Sequence[datetime], settings: Settings
) -> Sided:
    """Let the gate and the stance model say which sides the comments take."""
    sided: Sided = defaultdict(list)
    stance = settings.stance
    if not stance.judged:
        return sided
    encoder = load_encoder(settings.embedding)
    keeper = Gatekeeper(stance.judged, encoder.encode, stance.gate)
    targets = {target.id: target for target in stance.judged}
    about = keeper.about_each(
        Asked(
            row["id"], vector.astype(np.float32), row.get("discussion_title"), row.get("parent"), row["text"]
        )
        for row, vector in zip(rows, matrix, strict=True)
    )
    asked = [
        (Question(row["text"], targets[target]), at)
        for row, ids, at in zip(rows, about, times, strict=True)
        for target in ids
    ]
    verdicts = load_panel(stance, encoder.encode, encoder.name).judge([question for question, _ in asked])
    for (question, at), verdict in zip(asked, verdicts, strict=True):
        sided[question.target.id].append((verdict.side(stance.confidence), at))
    return sided


def _stances(sided: Sided, events: Path, settings: Settings) -> dict[str, Report]:
    """Watch the sides toward every target of the schedule that has any."""
    schedule = json.loads(events.read_text("utf-8")).get("stance_shifts", [])
    found = {}
    for target in sorted({shift["target"] for shift in schedule} & sided.keys()):
        sides, own = [side for side, _ in sided[target]], [at for _, at in sided[target]]
        begins = [datetime.fromisoformat(each["starts"]) for each in schedule if each["target"] == target]
        records = watch_sides(target, sides, own, settings.drift, settings.time.tick_seconds)
        shifts = [Shift(target, at, at) for at in begins]
        found[target] = meet(shifts, records, own, settings.drift.window_comments)
    return found


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "comments": report.n_comments,
        "shifts": len(report.findings),
        "found": report.n_found,
        "median_delay_comments": report.median_delay_comments,
        "median_delay_hours": report.median_delay_hours,
        "alarms": report.n_alarms,
        "false_alarms": len(report.false_alarms),
        "false_alarms_per_10000": round(report.false_per_10_000, 3),
        "findings": [
            {
                "name": finding.shift.name,
                "at": finding.shift.at.isoformat(),
                "found": finding.alarm is not None,
                "measure": finding.alarm and finding.alarm.measure,
                "delay_comments": finding.delay_comments,
                "delay_hours": finding.delay_hours,
                "moved": [each.label for each in finding.alarm.moved] if finding.alarm else [],
            }
            for finding in report.findings
        ],
        "false": [
            {
                "measure": alarm.measure,
                "at": alarm.at.isoformat(),
                "moved": [each.label for each in alarm.moved],
            }
            for alarm in report.false_alarms
        ],
    }


def _show(report: Report, what: str) -> None:
    table = Table("shift", "at (UTC)", "delay", "by", "what moved", box=None, pad_edge=False)
    for finding in report.findings:
        found = finding.alarm
        delay = "not found" if found is None else f"{finding.delay_comments}, {finding.delay_hours:.1f} h"
        moved = ", ".join(each.label for each in found.moved[:2]) if found else ""
        at = f"{finding.shift.at.astimezone(UTC):%Y-%m-%d %H:%M}"
        table.add_row(finding.shift.name, at, delay, found.measure if found else "", moved)
    stdout.print(f"[bold]{what}[/bold]")
    stdout.print(table)
    delays = (
        f"; median delay {report.median_delay_comments:.0f} comments, {report.median_delay_hours:.1f} h"
        if report.n_found
        else ""
    )
    stdout.print(
        f"{report.n_found} of {len(report.findings)} found{delays}; {len(report.false_alarms)} false alarms "
        f"of {report.n_alarms}, {report.false_per_10_000:.2f} in 10,000 comments\n"
    )


def _tell_shuffled(alarms: list[int], n_comments: int, as_json: bool) -> None:
    rate = sum(alarms) * 10_000 / (n_comments * len(alarms))
    if as_json:
        told = {"shuffles": len(alarms), "alarms": alarms, "false_alarms_per_10000": round(rate, 3)}
        click.echo(json.dumps(told, indent=2))
    else:
        stdout.print(f"{sum(alarms)} alarms in {len(alarms)} shuffles: {rate:.2f} in 10,000 comments")
