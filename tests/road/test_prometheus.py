"""A real Prometheus with our configuration scrapes a real worker while the demo runs."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agents.drift.settings import DriftSettings
from streams.feeds.sample import SAMPLE

pytestmark = [pytest.mark.road, pytest.mark.prometheus]

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config/prometheus/demo"
PATIENCE_SECONDS = 420
LONG = "10m"
"""Looks back over the whole demo, as a viewer does who comes afterwards."""

LAST = datetime.max.replace(tzinfo=UTC)
"""End of an alarm that still stands."""


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_SECONDS} s"
        time.sleep(0.2)


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{asked}", timeout=10) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return result


@contextmanager
def prometheus(tmp_path: Path, worker_port: int) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    assert program is not None, "install Debian's package `prometheus`"
    for file in CONFIG.glob("*.yml"):
        text = file.read_text(encoding="utf-8").replace("localhost:6066", f"localhost:{worker_port}")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    port = free_port()
    arguments = [
        program,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(arguments) as process:
        try:
            running = Prometheus(port)
            wait_until(running.is_ready, "Prometheus being ready")
            yield running
        finally:
            process.terminate()


@contextmanager
def demo(port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the demo until its summary, and keep it serving."""
    arguments = [sys.executable, "-m", "streams", "demo", "--keep", "--port", str(port)]
    with log.open("wb") as out, subprocess.Popen(arguments, cwd=ROOT, stdout=out, stderr=out) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)


def sample(name: str) -> list[dict[str, Any]]:
    text = (SAMPLE.parent / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def has_data(running: Prometheus, expression: str) -> bool:
    return bool(running.query(expression))


def panel_expressions() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "config/grafana/dashboards").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"].replace("$__rate_interval", LONG)
                found.append((panel["title"], expression.replace("$cluster", ".*").replace("$target", ".*")))
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """An alarm as the page's answers tell it: when it was raised and when it was over, and what moved."""

    measure: str
    at: datetime
    over: datetime
    topics: frozenset[str]
    """True topics of which the clusters that moved consisted by then."""


def asked(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=10) as answer:
        return json.load(answer)


def alarms_of(port: int, topics: dict[str, str]) -> list[Told]:
    """Return every alarm with the true topic that most of the comments of each moved cluster have."""
    rows = sorted(asked(port, "drift")["alarms"], key=lambda row: row["at"])
    told = []
    for row in rows:
        if row["state"] != "alarm":
            continue
        same = [
            each for each in rows if (each["measure"], each["subject"]) == (row["measure"], row["subject"])
        ]
        over = [each["at"] for each in same if each["state"] == "clear" and each["at"] > row["at"]]
        moved = [each["id"] for each in row["moved"] if each["kind"] == "cluster"]
        heard = [
            Counter(topics[each["id"]] for each in items if each["event_time"] <= row["at"])
            for cluster in moved
            for items in [asked(port, f"comments?cluster={cluster}&limit=200")["items"]]
        ]
        told.append(
            Told(
                row["measure"],
                datetime.fromisoformat(row["at"]),
                datetime.fromisoformat(over[0]) if over else LAST,
                frozenset(counts.most_common(1)[0][0] for counts in heard if counts),
            )
        )
    return told


def scheduled() -> dict[str, datetime]:
    """Return when each topic of the schedule began."""
    begun: dict[str, datetime] = {}
    for event in json.loads((SAMPLE.parent / "events.json").read_text(encoding="utf-8"))["topics"]:
        names = {"emerged": [event.get("topic")], "split": event.get("into")}.get(
            event["event"], [event["into"]] if event["event"] == "merged" else []
        )
        begun |= {name: datetime.fromisoformat(event["at"]) for name in names}
    return begun


def belongs(alarm: Told, times: list[datetime]) -> bool:
    """Whether what moved is a topic of the schedule that began at most a window of comments before."""
    window = DriftSettings().window_comments
    return any(
        begun <= alarm.at and sum(begun <= time <= alarm.at for time in times) <= window
        for topic, begun in scheduled().items()
        if topic in alarm.topics
    )


def firing_times(running: Prometheus, measure: str) -> list[datetime]:
    """Return the event times at which Prometheus saw the alert of a measure fire."""
    fires = f'ALERTS{{alertname="GroundswellDriftAlarm", alertstate="firing", measure="{measure}"}}'
    found = running.query(f"(groundswell_event_time_seconds and on () max({fires}))[{LONG}:1s]")
    return [datetime.fromtimestamp(float(value), UTC) for each in found for _, value in each["values"]]


def test_after_the_demo_every_panel_has_data_and_the_alert_of_a_scheduled_shift_has_fired(
    tmp_path: Path,
) -> None:
    port, log = free_port(), tmp_path / "demo.log"
    times = [datetime.fromisoformat(row["created_at"]) for row in sample("discussion")]

    with prometheus(tmp_path, port) as running, demo(port, log) as process:

        def is_over() -> bool:
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-3000:]
            return b"Serving until" in log.read_bytes()

        wait_until(is_over, "the summary of the demo")
        over = time.time()
        scraped = f"timestamp(groundswell_idle == 1) > {over}"
        wait_until(lambda: bool(running.query(scraped)), "a scrape of the end")
        for title, expression in panel_expressions():
            wait_until(partial(has_data, running, expression), f"data in the panel {title!r}")
        alarms = alarms_of(port, {row["id"]: row["topic"] for row in sample("truth")})
        fired = {alarm.measure: firing_times(running, alarm.measure) for alarm in alarms}
        missing = running.query(f'ALERTS{{alertname="GroundswellWorkerAbsent"}} offset {1}s')

    of_shifts = [alarm for alarm in alarms if belongs(alarm, times)]
    assert of_shifts, alarms
    assert any(alarm.at <= at <= alarm.over for alarm in of_shifts for at in fired[alarm.measure]), (
        of_shifts,
        fired,
    )
    assert missing == []
