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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.road, pytest.mark.prometheus]

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config/prometheus/demo"
PATIENCE_SECONDS = 420
LONG = "10m"
"""Looks back over the whole demo, as a viewer does who comes afterwards."""


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


def panel_expressions() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "config/grafana/dashboards").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"].replace("$__rate_interval", LONG)
                found.append((panel["title"], expression.replace("$cluster", ".*").replace("$target", ".*")))
    return found


def test_after_the_demo_every_panel_has_data_and_the_alert_has_fired(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "demo.log"

    with prometheus(tmp_path, port) as running, demo(port, log) as process:

        def is_over() -> bool:
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-3000:]
            return b"Serving until" in log.read_bytes()

        wait_until(is_over, "the summary of the demo")
        wait_until(lambda: bool(running.query("max(groundswell_idle) == 1")), "the scrape of the end")
        empty = [title for title, expression in panel_expressions() if not running.query(expression)]
        fired = running.query(
            f'max_over_time(ALERTS{{alertname="GroundswellDriftAlarm", alertstate="firing"}}[{LONG}])'
        )
        missing = running.query(f'ALERTS{{alertname="GroundswellWorkerAbsent"}} offset {1}s')

    assert empty == []
    assert {alert["metric"]["measure"] for alert in fired} & {"share_shift", "mmd", "stance_shift"}
    assert missing == []
