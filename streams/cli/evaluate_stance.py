"""``groundswell evaluate-stance``: how good a stance model is on debates with two poles."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
from rich.progress import track
from rich.table import Table

from agents.stance.evaluate import Debate, Measured, Report, blind_leans, measure, read_debates
from agents.stance.loading import load_model
from agents.stance.model import StatementModel, Verdict
from streams.cli.common import in_words, settings_from, stderr, stdout

__all__ = ["evaluate_stance"]

TOGETHER = 16
"""Comments judged between two moves of the progress bar."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", metavar="NAME", help="groundswell, or the name or folder of a CrossEncoder.")
@click.option(
    "--template", metavar="TEXT", help="How a statement is put to a CrossEncoder, e.g. 'I think {}'."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@in_words
def evaluate_stance(*, file: Path, model: str | None, template: str | None, seed: int, as_json: bool) -> None:
    """Judge comments whose side is known: JSON Lines of text, discussion, pole_a, pole_b and stance.

    Example: groundswell evaluate-stance debates.jsonl --json
    """
    given = {"model": model, "hypothesis_template": template}
    settings = settings_from(stance={key: value for key, value in given.items() if value is not None}).stance
    debates = read_debates(file)
    judge = load_model(settings)
    leans = np.array([verdict.lean for verdict in _judge(judge, debates)])
    blind = blind_leans(debates, judge.reader.read)
    report = measure(debates, leans, blind, seed)
    if as_json:
        click.echo(json.dumps({"model": judge.name, **report.as_dict()}, indent=2))
    else:
        _show(judge.name, report)


def _judge(judge: StatementModel, debates: list[Debate]) -> list[Verdict]:
    starts = range(0, len(debates), TOGETHER)
    bar = track(starts, "Judging", console=stderr, transient=True, disable=not stderr.is_terminal)
    return [v for start in bar for v in judge.judge([d.question for d in debates[start : start + TOGETHER]])]


def _show(name: str, report: Report) -> None:
    stdout.print(
        f"{name}: {report.n_comments:,} comments in {report.n_discussions:,} discussions; "
        "95 % intervals over discussions"
    )
    table = Table("measure", "value", "95 %", box=None, pad_edge=False)
    table.add_row("accuracy, a side forced", *_percent(report.accuracy), style="bold")
    for coverage, measured in report.by_coverage.items():
        if coverage < 100:
            table.add_row(f"  of the surest {coverage} %", *_percent(measured))
    table.add_row("area under the curve", *_plain(report.auc))
    table.add_row("calibration error", *_plain(report.calibration_error))
    table.add_row("control: statements hidden", *_percent(report.blind))
    table.add_row("control: always the more frequent pole", *_percent(report.position))
    table.add_row("oracle, no control: each debate's majority", f"{report.oracle:.1%}", "")
    stdout.print(table)


def _percent(measured: Measured) -> tuple[str, str]:
    return _told(measured, ".1%")


def _plain(measured: Measured) -> tuple[str, str]:
    return _told(measured, ".3f")


def _told(measured: Measured, how: str) -> tuple[str, str]:
    value, low, high = (
        "unknown" if np.isnan(each) else format(each, how)
        for each in (measured.value, measured.low, measured.high)
    )
    return value, "unknown" if "unknown" in (low, high) else f"{low} to {high}"
