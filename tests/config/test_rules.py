"""The rules of Prometheus: valid, tested, each with a way to act on it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config/prometheus"


def load(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


ALERTS = [
    rule
    for group in load(CONFIG / "rules/alerts.yml")["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
TESTS = load(CONFIG / "tests/alerts_test.yml")["tests"]


def seconds(duration: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([sm])", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60}[unit]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_every_alert_waits_ranks_explains_and_links(alert: dict[str, Any]) -> None:
    assert seconds(alert["for"]) >= 60
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    notes = alert["annotations"]
    assert notes["summary"].endswith(".")
    assert notes["description"].endswith(".")
    anchor = notes["runbook_url"].removeprefix("config/runbook.md#")
    headings = re.findall(r"^## (\w+)$", (ROOT / "config/runbook.md").read_text(encoding="utf-8"), re.M)
    assert anchor in {heading.lower() for heading in headings}
    assert anchor == alert["alert"].lower()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_every_alert_is_tested_silent_one_minute_before_it_fires(alert: dict[str, Any]) -> None:
    cases = [
        (seconds(case["eval_time"]), bool(case["exp_alerts"]))
        for test in TESTS
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert["alert"]
    ]
    fires = min(time for time, is_firing in cases if is_firing)

    assert (fires - 60, False) in cases


def test_the_demo_has_the_same_alerts_without_waiting() -> None:
    demo = [rule for group in load(CONFIG / "demo/alerts.yml")["groups"] for rule in group["rules"]]
    demo = [rule for rule in demo if "alert" in rule]

    assert [rule["alert"] for rule in demo] == [rule["alert"] for rule in ALERTS]
    assert {rule["for"] for rule in demo} == {"0s"}


@pytest.mark.prometheus
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "config", "demo/prometheus.yml"),
        ("test", "rules", "tests/alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "install Debian's package `prometheus`"

    checked = subprocess.run(
        [promtool, *arguments[:-1], str(CONFIG / arguments[-1])], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
