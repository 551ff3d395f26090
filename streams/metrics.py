"""Every metric of Groundswell, on a registry that is given.

The road calls plain methods that say what happened; labels come from closed sets and stand at zero
from the start, a word from outside them raises at once. What concerns the whole discussion is shown by
the worker that owns the chart, and by no other (`streams.discussion_gauges`).
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from agents.drift.measures import MEASURES, split_key
from agents.errors import REASONS
from agents.records import Pulse
from streams.discussion_gauges import DiscussionGauges

__all__ = ["CHECKPOINTED", "CONTENT_TYPE", "OUTCOMES", "STAGES", "Metrics"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""What `Metrics.exposition` is, as an HTTP header says it."""

STAGES: Final = ("embed", "assign", "judge", "chart")
"""The agents in the order of the road."""

OUTCOMES: Final = ("new", "edited", "retracted", "repeated", "unassigned", "abstained", "rejected")
"""What became of a comment at a stage; ``unassigned`` and ``abstained``: new, without a place or side."""

CHECKPOINTED: Final = {"assign": "embedded", "judge": "debated", "chart": "sketches"}
"""Agents that keep a state, and the topic that each reads."""

READERS: Final = {"comments": "embed", **{topic: stage for stage, topic in CHECKPOINTED.items()}}
"""Who reads each topic that a stage reads."""

LINEAGE_EVENTS: Final = ("emerged", "merged", "split", "faded")

STEP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; a batch of 64 takes the default encoder 0.3 to 0.7 s on two cores, so the middle is fine there."""

ROAD_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds from the record's timestamp to its assignment: the pause of five seconds lies in the middle."""

BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Comments in a batch of the encoder."""


class Metrics:
    """All that a worker tells Prometheus.

    Parameters
    ----------
    registry
        A registry of its own; nothing else registers ``groundswell_`` names on it.
    targets
        Id and title of every target of stance.

    Examples
    --------
    >>> metrics = Metrics(CollectorRegistry(), targets={"pact": "A security pact"})
    >>> metrics.accepted("assign", "new", 3)
    >>> b'groundswell_comments_total{outcome="new",stage="assign"} 3.0' in metrics.exposition()
    True
    """

    def __init__(self, registry: CollectorRegistry, targets: Mapping[str, str] | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry
        self._declare_pipeline()
        self._declare_state()
        self._declare_events()
        self._gauges = DiscussionGauges()
        registry.register(self._gauges)
        ProcessCollector(registry=registry)
        self._owns_chart = False
        self._newest: Pulse | None = None
        for target, title in (targets or {}).items():
            self._target_info.labels(target, title).set(1)

    def accepted(self, stage: str, outcome: str, n: int = 1) -> None:
        """Count comments that a stage has worked through, by what became of them."""
        self._comments.labels(_one_of(outcome, OUTCOMES), _one_of(stage, STAGES)).inc(n)

    def rejected(self, reason: str, stage: str = "embed", n: int = 1) -> None:
        """Count comments that a stage sent to the dead letters."""
        self._rejected.labels(_one_of(reason, REASONS)).inc(n)
        self.accepted(stage, "rejected", n)

    def stage_latency(self, stage: str, seconds: float) -> None:
        """Observe the time that a stage took over a batch, from its arrival to its confirmed emissions."""
        self._stage.labels(_one_of(stage, STAGES)).observe(seconds)

    def end_to_end(self, seconds: float) -> None:
        """Observe the time from a comment's record to its confirmed assignment."""
        self._end_to_end.observe(max(seconds, 0.0))

    def encoded(self, batch_size: int, seconds: float) -> None:
        """Observe one call of the encoder."""
        self._batch.observe(batch_size)
        self._encode.observe(seconds)

    def lag(self, topic: str, partition: int, messages: int, seconds: float) -> None:
        """Set how many messages of a partition are not acknowledged, and how long the oldest waits."""
        labels = (READERS[_one_of(topic, tuple(READERS))], topic, str(partition))
        self._lag_messages.labels(*labels).set(messages)
        self._lag_seconds.labels(*labels).set(seconds)

    def checkpoint(self, agent: str, partition: int, n_bytes: int, at: float) -> None:
        """Set size and time (seconds since 1970 UTC) of the newest checkpoint of an agent and partition."""
        labels = (_one_of(agent, tuple(CHECKPOINTED)), str(partition))
        self._checkpoint_size.labels(*labels).set(n_bytes)
        self._checkpoint_time.labels(*labels).set(at)

    def partition_revoked(self, topic: str, partition: int) -> None:
        """Take away the series of a partition that moved to another worker; topics without their prefix."""
        for gauge in (self._lag_messages, self._lag_seconds):
            _forget(gauge, READERS[topic], topic, str(partition))
        for agent, source in CHECKPOINTED.items():
            if topic == source:
                _forget(self._checkpoint_size, agent, str(partition))
                _forget(self._checkpoint_time, agent, str(partition))

    def rebalanced(self) -> None:
        """Count one new distribution of the partitions among the workers."""
        self._rebalances.inc()

    def pulse(self, record: Pulse) -> None:
        """Show the discussion as the newest tick of our chart has it, and count the tick's late comments.

        A tick is told again where it goes on after a pause, and ticks before the newest where the chart
        works them again after a restart; those have been shown and counted.
        """
        newest = self._newest
        if newest is None or record.tick >= newest.tick:
            counted = newest.late if newest is not None and newest.tick == record.tick else 0
            self._late.inc(max(0, record.late - counted))
            self._newest = record
        self._gauges.show(self._newest if self._owns_chart else None)

    def lineage(self, event: str) -> None:
        """Count one event in the life of a cluster."""
        self._lineage.labels(_one_of(event, LINEAGE_EVENTS)).inc()

    def alarm(self, measure: str) -> None:
        """Count one drift alarm; ``measure`` may name its subject, ``stance_shift/pact``."""
        self._alarms.labels(_one_of(split_key(measure)[0], _watched())).inc()

    def chart_owned(self, owned: bool) -> None:
        """Say whether this worker owns the chart; the global series go when it doesn't."""
        self._owns_chart = owned
        self._owner.set(owned)
        if not owned:
            self._gauges.show(None)

    def ready(self, is_ready: bool) -> None:
        """Say whether the worker has its model and its partitions."""
        self._ready.set(is_ready)

    def build(self, version: str, settings: str = "") -> None:
        """Name the version that runs, and the fingerprint of the settings that all workers share."""
        self._build.labels(version, platform.python_version(), settings).set(1)

    def model(self, task: str, name: str) -> None:
        """Name the model that a task uses, ``embedding`` or ``stance``."""
        self._model.labels(_one_of(task, ("embedding", "stance")), name).set(1)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _declare_pipeline(self) -> None:
        to = self.registry
        self._comments = Counter(
            "groundswell_comments",
            "Comments that a stage has worked through, by what became of them.",
            ["outcome", "stage"],
            registry=to,
        )
        self._rejected = Counter(
            "groundswell_rejected",
            "Comments that could not be used and lie among the dead letters, by reason.",
            ["reason"],
            registry=to,
        )
        self._stage = Histogram(
            "groundswell_stage_duration_seconds",
            "Time that a stage took over one batch, from its arrival to its confirmed emissions.",
            ["stage"],
            buckets=STEP_BUCKETS,
            registry=to,
        )
        self._end_to_end = Histogram(
            "groundswell_end_to_end_seconds",
            "Time from a comment's record on Kafka to its confirmed assignment.",
            buckets=ROAD_BUCKETS,
            registry=to,
        )
        self._batch = Histogram(
            "groundswell_encoder_batch_comments",
            "Comments that one call of the encoder took.",
            buckets=BATCH_BUCKETS,
            registry=to,
        )
        self._encode = Histogram(
            "groundswell_encoder_duration_seconds",
            "Time that one call of the encoder took.",
            buckets=STEP_BUCKETS,
            registry=to,
        )
        for stage in STAGES:
            self._stage.labels(stage)
            for outcome in OUTCOMES:
                self._comments.labels(outcome, stage)
        for reason in REASONS:
            self._rejected.labels(reason)

    def _declare_state(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"groundswell_{name}", text, labels, registry=self.registry)

        where = ("stage", "topic", "partition")
        self._lag_messages = gauge(
            "lag_messages",
            "Messages of a partition that the stage reading it has not acknowledged yet.",
            *where,
        )
        self._lag_seconds = gauge(
            "lag_seconds",
            "How long the oldest message that the stage has not worked through waits, 0 where none does.",
            *where,
        )
        whose = ("agent", "partition")
        self._checkpoint_size = gauge(
            "checkpoint_size_bytes", "Size of the newest checkpoint as written.", *whose
        )
        self._checkpoint_time = gauge(
            "checkpoint_timestamp_seconds",
            "When the newest checkpoint was written, in seconds since 1970 UTC.",
            *whose,
        )
        self._ready = gauge("ready", "Whether the worker has its model and its partitions: 1 yes, 0 no.")
        self._owner = gauge("chart_owner", "Whether this worker owns the chart: 1 yes, 0 no.")
        self._build = gauge(
            "build_info",
            "Version of Groundswell and of Python that runs, and a fingerprint of the settings in which all "
            "workers must agree, always 1.",
            "version",
            "python",
            "settings",
        )
        self._model = gauge("model_info", "Model that a task uses, always 1.", "task", "model")
        self._target_info = gauge(
            "target_info", "Title of each target of stance, always 1.", "target", "title"
        )

    def _declare_events(self) -> None:
        to = self.registry
        self._rebalances = Counter(
            "groundswell_rebalances",
            "New distributions of the partitions that this worker has seen.",
            registry=to,
        )
        self._late = Counter(
            "groundswell_late_comments",
            "Comments that came after their tick had closed and were counted in a later one.",
            registry=to,
        )
        self._lineage = Counter(
            "groundswell_lineage_events",
            "Clusters that emerged, merged, split or faded.",
            ["event"],
            registry=to,
        )
        self._alarms = Counter(
            "groundswell_drift_alarms", "Drift alarms raised, by measure.", ["measure"], registry=to
        )
        for event in LINEAGE_EVENTS:
            self._lineage.labels(event)
        for measure in _watched():
            self._alarms.labels(measure)


def _watched() -> tuple[str, ...]:
    return tuple(name for name, measure in MEASURES.items() if measure.watched)


def _one_of(word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise ValueError(f"{word!r} is no label of this metric; it must be one of {', '.join(words)}.")
    return word


def _forget(gauge: Gauge, *labels: str) -> None:
    """Remove a series, if it is there."""
    try:
        gauge.remove(*labels)
    except KeyError:
        return
