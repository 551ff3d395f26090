"""A deployment as a person runs it: workers as processes of their own, killed and started at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support.kafka import free_port

__all__ = ["Deployment", "WorkerProcess", "wait_until"]

ROOT: Final = Path(__file__).parents[2]

LOOK_SECONDS: Final = 0.2


class WorkerProcess:
    """One ``groundswell worker``.

    Parameters
    ----------
    name
        For its log.
    command
        What starts it.
    environment
        Its settings.
    log
        Where its output goes.
    """

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], port: int, log: Path
    ) -> None:
        self.name = name
        self.port = port
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a power failure would."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Ask it to end and return its exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def pause(self) -> None:
        """Take its processor time away."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Give it back."""
        self._process.send_signal(signal.SIGCONT)

    def exit_code(self, seconds: float) -> int:
        """Wait for it to end by itself and return its exit code."""
        return self._process.wait(seconds)

    def memory_bytes(self) -> int:
        """Return how much memory it holds now, the processes that it thinks in included."""
        return sum(int(each.memory_info().rss) for each in self._processes())

    def own_memory_bytes(self) -> int:
        """Return how much memory the process that talks to Kafka holds now."""
        return int(self._processes()[0].memory_info().rss)

    def cpu_seconds(self) -> float:
        """Return how much processor time it has used, the processes that it thinks in included."""
        times = [each.cpu_times() for each in self._processes()]
        return float(sum(each.user + each.system for each in times))

    def _processes(self) -> list[psutil.Process]:
        ours = psutil.Process(self._process.pid)
        return [ours, *ours.children(recursive=True)]

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of one of its pages; status 0 where it doesn't answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()
        except (OSError, TimeoutError):
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels; 0 where there is none."""
        _, body = self.get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(body)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def n_assigned(self) -> float:
        """Return how many assignments this process has published and had confirmed."""
        return self.metric("groundswell_comments_total", stage="assign")


class Deployment:
    """Workers of one prefix.

    Parameters
    ----------
    bootstrap, prefix
        The broker and the deployment's topics.
    folder
        Where logs go.
    settings
        Settings by their name in the environment, e.g. ``DELIVERY__SESSION_SECONDS``.
    """

    def __init__(self, bootstrap: str, prefix: str, folder: Path, settings: Mapping[str, str]) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.folder = folder
        self.workers: list[WorkerProcess] = []
        self._n_started = 0
        self._environment = {f"GROUNDSWELL_{name}": value for name, value in settings.items()} | {
            "GROUNDSWELL_BROKER__URL": bootstrap,
            "GROUNDSWELL_TOPICS__PREFIX": prefix,
            "HF_HUB_OFFLINE": "1",
        }

    def start(
        self,
        module: str = "streams",
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> WorkerProcess:
        """Start one more worker and return it without waiting for it."""
        self._n_started += 1
        name, port = f"worker-{self._n_started}", free_port()
        command = [sys.executable, "-m", module, "worker", "--port", str(port), *arguments]
        worker = WorkerProcess(
            name, command, {**self._environment, **(environment or {})}, port, self.folder / f"{name}.log"
        )
        self.workers.append(worker)
        return worker

    def kill(self, worker: WorkerProcess) -> None:
        """Kill a worker; it counts no longer."""
        worker.kill()
        self.workers.remove(worker)

    def terminate(self, worker: WorkerProcess) -> int:
        """End a worker cleanly; it counts no longer."""
        self.workers.remove(worker)
        return worker.terminate()

    def stop(self) -> None:
        """Kill whatever still runs."""
        for worker in list(self.workers):
            worker.resume()
            self.kill(worker)

    def check(self) -> None:
        """Fail where a worker has ended by itself."""
        for worker in self.workers:
            if not worker.is_running:
                raise AssertionError(f"{worker.name} ended by itself:\n{worker.log.read_text()[-6000:]}")


def wait_until(
    what: Callable[[], bool], seconds: float, said: str, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Return once ``what`` holds; look a few times a second, ``meanwhile`` each time."""
    deadline = time.monotonic() + seconds
    while not what():
        meanwhile()
        if time.monotonic() > deadline:
            raise AssertionError(f"{said}: not within {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)
