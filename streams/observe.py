"""From what passes on the road to metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from agents.agent import Emission
from agents.embedding.encoder import Encoder, Matrix
from agents.records import Assignment, Drift, Embedded, Judgement, Lineage, Pulse
from streams.metrics import Metrics
from streams.offsets import Standing
from streams.publish import Connection

__all__ = ["MeteredEncoder", "MetricsObserver"]

ORIGIN_TIME: Final = "origin_time_ms"
"""Header of ``embedded``: the timestamp of the comment's own record, for the latency end to end."""


class MeteredEncoder:
    """An encoder whose batches are timed."""

    def __init__(self, encoder: Encoder, metrics: Metrics) -> None:
        self._encoder = encoder
        self._metrics = metrics
        self.name = encoder.name
        self.dimensions = encoder.dimensions

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return what the encoder gives."""
        started = time.perf_counter()
        rows = self._encoder.encode(texts)
        self._metrics.encoded(len(texts), time.perf_counter() - started)
        return rows


class MetricsObserver:
    """Tells the metrics what the runners tell it.

    Parameters
    ----------
    metrics
        Where it goes.
    connection
        Knows the prefix of the topics.
    owned
        Gives the topics and partitions that this worker owns now.
    """

    def __init__(
        self, metrics: Metrics, connection: Connection, owned: Callable[[], Iterable[tuple[str, int]]]
    ) -> None:
        self._metrics = metrics
        self._prefix = connection.prefix
        self._owned = owned
        self._seen: set[tuple[str, int]] = set()
        self._newest: dict[tuple[str, int], float] = {}
        self.owns_chart = False
        """Whether this worker owns the chart."""
        self.n_placed = 0
        """Comments that ASSIGN has worked through."""
        self.n_rejected: Counter[str] = Counter()
        """Records sent to the dead letters, by reason."""

    def sent(self, stage: str, emissions: Sequence[Emission]) -> None:
        """Count what became of the comments and show what the chart found."""
        for emission in emissions:
            if emission.topic == "comments.rejected":
                reason = dict(emission.headers)["reason"].decode()
                self.n_rejected[reason] += 1
                self._metrics.rejected(reason, stage)
            else:
                self._tell(stage, emission)

    def processed(self, stage: str, events: Sequence[Any], seconds: float) -> None:
        """Time a stage and remember how far each partition is."""
        self._metrics.stage_latency(stage, seconds)
        now = time.time()
        for event in events:
            message = event.message
            self._newest[message.topic, message.partition] = message.timestamp
            if stage == "assign":
                self._count_placed(message, now)

    def checkpointed(self, stage: str, partition: int, n_bytes: int) -> None:
        """Note size and time of a checkpoint."""
        self._metrics.checkpoint(stage, partition, n_bytes, time.time())

    def revoked(self, stage: str) -> None:
        """Take away the series of partitions that moved to another worker."""
        owned = set(self._owned())
        for topic, partition in self._seen - owned:
            self._metrics.partition_revoked(topic.removeprefix(self._prefix), partition)
            self._newest.pop((topic, partition), None)
        self._seen = owned
        self.owns_chart = (f"{self._prefix}sketches", 0) in owned
        self._metrics.chart_owned(self.owns_chart)
        if stage == "embed":
            self._metrics.rebalanced()

    def behind_seconds(self, standings: Mapping[tuple[str, int], Standing]) -> float:
        """Return the age of the oldest message that waits, and show the lag of every partition."""
        now, worst = time.time(), 0.0
        owned = set(self._owned())
        for (topic, partition), standing in standings.items():
            if (topic, partition) not in owned:  # moved to another worker since they were asked for
                continue
            newest = self._newest.get((topic, partition))
            seconds = max(0.0, now - newest) if standing.lag and newest is not None else 0.0
            self._metrics.lag(topic.removeprefix(self._prefix), partition, standing.lag, seconds)
            worst = max(worst, seconds)
        return worst

    def _tell(self, stage: str, emission: Emission) -> None:
        match emission.record:
            case Embedded() as record:
                self._metrics.accepted(stage, "retracted" if record.deleted else "new")
            case Assignment() as record:
                self._metrics.accepted(stage, "new" if record.cluster else "unassigned")
            case Judgement() as record:
                self._metrics.accepted(stage, "abstained" if record.side == "none" else "new")
            case Pulse() as record:
                self._metrics.pulse(record)
            case Lineage() as record:
                self._metrics.lineage(record.event)
            case Drift(state="alarm") as record:
                self._metrics.alarm(record.measure)
            case None if emission.topic in {"assignments", "judgements"}:
                self._metrics.accepted(stage, "retracted")
            case _:
                pass

    def _count_placed(self, message: Any, now: float) -> None:
        headers = message.headers
        pairs = dict(headers.items() if hasattr(headers, "items") else headers or ())
        origin = pairs.get(ORIGIN_TIME)
        if origin is not None:
            self.n_placed += 1
            self._metrics.end_to_end(now - int(origin) / 1000)
