"""How long the oldest record waits, from what the worker knows without reading ahead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from streams.metrics import Metrics
from streams.observe import MetricsObserver
from streams.offsets import Standing
from streams.publish import Connection

TOPIC = "groundswell.embedded"
NOON = 1_772_452_800.0
"""Seconds since 1970 UTC."""

HOUR = 3600.0


def message(offset: int, at: float, partition: int = 0) -> Any:
    return SimpleNamespace(topic=TOPIC, partition=partition, offset=offset, timestamp=at, headers=())


class Deployment:
    """One stage that owns two partitions of ``embedded``, and what it has been given."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.metrics = Metrics(CollectorRegistry())
        self.observer = MetricsObserver(
            self.metrics,
            Connection("localhost:9092", "groundswell."),
            lambda: [(TOPIC, 0), (TOPIC, 1)],
            lambda: self.taken,
        )

    def work(self, *messages: Any) -> None:
        self.observer.processed("assign", [SimpleNamespace(message=each) for each in messages], 0.1)

    def look(self, now: float, *, end: int, committed: int = 0) -> float | None:
        """Return what Prometheus then reads of the first partition."""
        self.observer.look({(TOPIC, 0): Standing(0, end, committed)}, now)
        where = {"stage": "assign", "topic": "embedded", "partition": "0"}
        return self.metrics.registry.get_sample_value("groundswell_lag_seconds", where)


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def test_nothing_waits_where_all_is_worked_through_though_a_checkpoint_is_not_written_yet(
    deployment: Deployment,
) -> None:
    deployment.work(message(0, NOON), message(1, NOON))

    assert deployment.look(NOON + HOUR, end=2, committed=0) == 0
    assert deployment.observer.behind_seconds == 0


def test_a_record_after_an_hour_of_silence_has_not_waited_for_an_hour(deployment: Deployment) -> None:
    deployment.work(message(0, NOON))
    deployment.look(NOON + HOUR, end=1, committed=1)

    assert deployment.look(NOON + HOUR + 1, end=2, committed=1) == 1


def test_a_record_that_a_stage_hangs_on_grows_older(deployment: Deployment) -> None:
    deployment.look(NOON, end=0)
    deployment.taken = [message(0, NOON + 1)]

    waits = [deployment.look(NOON + 1 + later, end=1) for later in (0, 60, HOUR)]

    assert waits == [0, 60, HOUR]
    assert deployment.observer.behind_seconds == HOUR


def test_a_backlog_is_as_old_as_its_first_record_says(deployment: Deployment) -> None:
    deployment.taken = [message(8, NOON - 10), message(7, NOON - HOUR), message(0, 0.0, partition=1)]

    assert deployment.look(NOON, end=500, committed=7) == HOUR


def test_what_waits_untaken_is_younger_than_what_was_worked_through_last(deployment: Deployment) -> None:
    deployment.work(message(0, NOON - 30))
    deployment.taken = [message(0, NOON - 30)]

    assert deployment.look(NOON, end=9) == 30


def test_a_backlog_that_nobody_has_seen_is_as_old_as_its_sight(deployment: Deployment) -> None:
    assert [deployment.look(NOON + later, end=9) for later in (0, 90)] == [0, 90]


def test_what_another_worker_has_confirmed_meanwhile_does_not_wait(deployment: Deployment) -> None:
    deployment.work(message(0, NOON))
    deployment.taken = [message(1, NOON + 1)]

    assert deployment.look(NOON + HOUR, end=5, committed=5) == 0


def test_a_partition_that_is_not_ours_any_more_is_not_shown(deployment: Deployment) -> None:
    deployment.observer.look({(TOPIC, 9): Standing(0, 5, 0)}, NOON)

    assert deployment.observer.behind_seconds == 0
    assert b'partition="9"' not in deployment.metrics.exposition()
