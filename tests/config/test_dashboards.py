"""The dashboards: generated, complete, and only of metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.dashboards import generated, metrics_table

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted((ROOT / "config/grafana/dashboards").glob("*.json"))
NAMES = [path.stem for path in BOARDS]
FOREIGN = {"up", "process_resident_memory_bytes"}
"""Metrics that Prometheus and its client bring."""


def load(path: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return board


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: dict[str, Any]) -> Iterator[str]:
    for panel in panels(board):
        yield from (target["expr"] for target in panel["targets"])
    yield from (note["expr"] for note in board["annotations"].get("list", []))
    for variable in board["templating"].get("list", []):
        if variable["type"] == "query":
            yield re.sub(r"label_values\((\w+), \w+\)", r"\1", variable["query"])


def substituted(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m").replace("$cluster", ".*").replace("$target", ".*")


def known() -> dict[str, set[str]]:
    """Return the labels of every metric of the generated table, histograms with all their suffixes."""
    found: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `(\w+)` \| (\w+)[^|]*\| ([^|]*) \|", metrics_table(), re.MULTILINE):
        name, kind, labels = row
        words = set(re.findall(r"`(\w+)`", labels))
        found[name] = words
        if kind == "histogram":
            base = name.removesuffix("_bucket")
            found |= {name: words | {"le"}, f"{base}_sum": words, f"{base}_count": words}
    return found


def metrics_of(expression: str) -> set[str]:
    return set(re.findall(r"\b(groundswell_\w+|up|process_\w+)\b", expression))


def rules() -> Iterator[dict[str, Any]]:
    for path in sorted((ROOT / "config/prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


@pytest.mark.parametrize("path", sorted(generated()), ids=str)
def test_a_generated_file_is_what_its_generator_gives(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path], "run `groundswell dashboards`"


@pytest.mark.parametrize("path", BOARDS, ids=NAMES)
def test_every_panel_says_what_it_shows_in_which_unit_from_where(path: Path) -> None:
    for panel in panels(load(path)):
        assert panel["title"]
        assert panel["description"].rstrip().endswith((".", "?")), panel["title"]
        assert "?" in panel["description"], f"{panel['title']}: say which question it answers"
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


@pytest.mark.parametrize("path", BOARDS, ids=NAMES)
def test_identifiers_are_stable_and_unique(path: Path) -> None:
    board = load(path)

    assert board["uid"] == f"groundswell-{path.stem}"
    ids = [panel["id"] for panel in board["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    assert {variable["name"] for variable in board["templating"]["list"]} >= {"datasource"}


@pytest.mark.parametrize("path", BOARDS, ids=NAMES)
def test_rates_use_the_interval_of_the_scrapes(path: Path) -> None:
    for expression in expressions(load(path)):
        assert set(re.findall(r"\[([^\]]+)\]", expression)) <= {"$__rate_interval"}, expression


def test_the_discussion_is_never_a_rate() -> None:
    """It is measured in event time: a rate per second of clock time would say nothing."""
    chart = {
        name
        for name, kind in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", metrics_table(), re.M)
        if "chart" in kind
    }
    assert chart

    for path in BOARDS:
        for expression in expressions(load(path)):
            rated = re.findall(r"(?:rate|increase|delta)\((\w+)", expression)
            assert not chart & set(rated), expression


def test_every_metric_and_label_that_is_shown_exists() -> None:
    labels = known()
    shown = [expression for path in BOARDS for expression in expressions(load(path))]
    shown += [rule["expr"] for rule in rules()]

    for expression in shown:
        used = metrics_of(expression)
        recorded = {rule["record"] for rule in rules() if "record" in rule}
        plain = re.sub("|".join(map(re.escape, recorded)), "", expression)
        for name in metrics_of(plain) - FOREIGN:
            assert name in labels, f"{name} in {expression}"
        exposed = set().union(*(labels.get(name, set()) for name in used)) | {"instance", "job"}
        for by in re.findall(r"\bby \(([^)]*)\)", plain):
            assert {word.strip() for word in by.split(",")} <= exposed | {"le"}, expression


def test_every_metric_of_ours_is_shown_somewhere() -> None:
    shown = set().union(
        *(metrics_of(expression) for path in BOARDS for expression in expressions(load(path)))
    )
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}

    for name in known():
        assert re.sub(r"_(bucket|sum|count)$", "", name) in bases, f"{name} is on no dashboard"


@pytest.mark.prometheus
@pytest.mark.parametrize("path", BOARDS, ids=NAMES)
def test_every_expression_is_valid(path: Path, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "install Debian's package `prometheus`"
    records = [
        {"record": f"panel_{number}", "expr": substituted(expression)}
        for number, expression in enumerate(expressions(load(path)))
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": records}]}), encoding="utf-8")

    checked = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
