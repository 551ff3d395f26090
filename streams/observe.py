"""From what passes on the road to metrics."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Place:
    """How far one partition is worked through, and since when something waits in it."""

    next: int = 0
    """Offset of the first record that is not worked through."""
    newest: float = 0.0
    """Timestamp of the last one that is, in seconds since 1970 UTC."""
    clear_at: float = 0.0
    """When it was last seen that nothing waits."""
    seen_at: float | None = None
    """When it was first seen since then that something does."""

    def waits_since(self, is_waiting: bool, taken: Any, now: float) -> float:
        """Return since when the oldest record waits, now where none does.

        A record that is ``taken`` says itself when it came. One that its stage has not been given yet came
        after the last that was worked through; where there is none, it is as old as its sight. Both came
        after it was last seen that nothing waits.
        """
        if not is_waiting:
            self.clear_at, self.seen_at = now, None
            return now
        if self.seen_at is None:
            self.seen_at = now
        came_at = self.newest if taken is None else taken.timestamp
        return max(came_at, self.clear_at) or self.seen_at


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
    taken
        Gives the messages that stages have been given and not acknowledged yet, in any order.
    """

    def __init__(
        self,
        metrics: Metrics,
        connection: Connection,
        owned: Callable[[], Iterable[tuple[str, int]]],
        taken: Callable[[], Iterable[Any]],
    ) -> None:
        self._metrics = metrics
        self._prefix = connection.prefix
        self._owned = owned
        self._taken = taken
        self._seen: set[tuple[str, int]] = set()
        self._places: dict[tuple[str, int], _Place] = defaultdict(_Place)
        self.behind_seconds = 0.0
        """How long the oldest record waits that no stage has worked through, 0 where none waits."""
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
            place = self._places[message.topic, message.partition]
            place.next = max(place.next, message.offset + 1)
            place.newest = message.timestamp
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
            self._places.pop((topic, partition), None)
        self._seen = owned
        self.owns_chart = (f"{self._prefix}sketches", 0) in owned
        self._metrics.chart_owned(self.owns_chart)
        if stage == "embed":
            self._metrics.rebalanced()

    def look(self, standings: Mapping[tuple[str, int], Standing], now: float) -> None:
        """Show the lag of every partition; to be called often, so that it is known when one was clear.

        Parameters
        ----------
        standings
            How the group stands, by full name of the topic and partition.
        now
            Seconds since 1970 UTC.
        """
        owned = set(self._owned())  # a partition may have moved to another worker since it was asked for
        standings = {where: standing for where, standing in standings.items() if where in owned}
        position = {
            where: max(self._places[where].next, standing.read) for where, standing in standings.items()
        }
        oldest = self._oldest_taken(position)
        self.behind_seconds = 0.0
        for where, standing in standings.items():
            taken = oldest.get(where)
            is_waiting = taken is not None or standing.end > position[where]
            seconds = max(0.0, now - self._places[where].waits_since(is_waiting, taken, now))
            self._metrics.lag(where[0].removeprefix(self._prefix), where[1], standing.lag, seconds)
            self.behind_seconds = max(self.behind_seconds, seconds)

    def _oldest_taken(self, position: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], Any]:
        """Return the first message of each partition that its stage has and has not worked through."""
        oldest: dict[tuple[str, int], Any] = {}
        for message in self._taken():
            where = (message.topic, message.partition)
            if where in position and message.offset >= position[where]:
                first = oldest.setdefault(where, message)
                if message.offset < first.offset:
                    oldest[where] = message
        return oldest

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
