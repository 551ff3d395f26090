"""The public topics as they stand now, in bounded memory: what the page, ``watch`` and ASSIGN look up.

A `View` is fed record by record and asked at any time. It opens no connection and has no clock.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeVar

from agents.drift.measures import MEASURES
from agents.drift.measures import key as measure_key
from agents.records import Assignment, Cluster, Drift, Exemplar, Judgement, Lineage, Placement, Pulse, Record
from streams.web.settings import WebSettings

__all__ = ["TOPICS", "View"]

TOPICS: Final = ("placements", "clusters", "lineage", "drift", "pulse", "assignments", "judgements")
"""Logical names of the topics that a view is made from."""

MAX_HOPS: Final = 64
"""Merges that are followed from a cluster to the one that lives on; a chain is as long as its history."""

K = TypeVar("K")
V = TypeVar("V")


class View:
    """The present from clusters, placements and assignments; the past from pulse and lineage.

    Parameters
    ----------
    settings
        How much is kept.

    Attributes
    ----------
    broker
        Address of the broker that it is read from; None where it is fed by hand.
    of_targets
        Measures of targets (`balance/pact`) to their values by time, oldest first: the judge is behind
        the chart, so a pulse holds what was known of them, not how they went.
    placements
        Micro-cluster id to its placement, always the latest; a live mapping that may be handed on.
    versions
        Topic to the number of records applied to it: what changed since one looked last.
    """

    def __init__(self, settings: WebSettings | None = None) -> None:
        self.settings = settings or WebSettings()
        self.broker: str | None = None
        self.placements: dict[str, Placement] = {}
        self.clusters: dict[str, Cluster] = {}
        self.comments: OrderedDict[str, Assignment] = OrderedDict()
        self.judgements: OrderedDict[str, Judgement] = OrderedDict()
        self.lineage: OrderedDict[str, Lineage] = OrderedDict()
        self.alarms: OrderedDict[tuple[str, str | None, datetime, str], Drift] = OrderedDict()
        self.drift: dict[tuple[str, str | None], Drift] = {}
        self.of_targets: dict[str, OrderedDict[datetime, float]] = {}
        self.discussions: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.versions: dict[str, int] = dict.fromkeys(TOPICS, 0)
        self.heard_at: float | None = None
        self.listeners: list[Callable[[], None]] = []
        self._ticks: dict[datetime, Pulse] = {}
        self._sorted: list[Pulse] | None = []
        self._retracted: OrderedDict[str, None] = OrderedDict()

    @property
    def version(self) -> int:
        """Number of records applied."""
        return sum(self.versions.values())

    @property
    def pulses(self) -> list[Pulse]:
        """The ticks, oldest first; older ones thinned once there are more than ``web.ticks``."""
        if self._sorted is None:
            self._sorted = [self._ticks[tick] for tick in sorted(self._ticks)]
        return self._sorted

    def apply(self, topic: str, key: str, record: Record | None, timestamp: float | None = None) -> None:
        """Take over one record of a public topic.

        Parameters
        ----------
        topic
            Logical name; other topics than `TOPICS` are ignored.
        key
            Key of the Kafka record.
        record
            The record, or None for a tombstone: what it said is forgotten, its text first of all.
        timestamp
            Time of the Kafka record in seconds since 1970 UTC: when it was published.
        """
        if topic not in self.versions:
            return
        if record is None:
            self._forget(topic, key)
        else:
            self._learn(topic, key, record)
        if topic == "pulse" and timestamp is not None:
            self.heard_at = timestamp
        self.versions[topic] += 1
        for listener in self.listeners:
            listener()

    def settled(self, comment: Assignment | Judgement) -> str | None:
        """Cluster that a comment belongs to now, after all merges and splits; None while it has none.

        A cluster that the chart hasn't confirmed counts from when its record is there.
        """
        placement = self.placements.get(comment.micro)
        cluster: str | None = None
        if placement is not None:
            cluster = placement.cluster
        elif isinstance(comment, Assignment) and (comment.chart_tick or comment.cluster in self.clusters):
            cluster = comment.cluster
        for _ in range(MAX_HOPS):
            known = self.clusters.get(cluster) if cluster is not None else None
            if known is None or known.into is None:
                break
            cluster = known.into
        return cluster

    def live(self) -> list[Cluster]:
        """Return the live clusters, the largest share first."""
        alive = (cluster for cluster in self.clusters.values() if cluster.state == "live")
        return sorted(alive, key=lambda cluster: (-cluster.share, cluster.id))

    def shown(self, exemplars: tuple[Exemplar, ...]) -> list[Exemplar]:
        """Exemplars less those retracted since the chart chose them."""
        return [exemplar for exemplar in exemplars if exemplar.id not in self._retracted]

    def is_retracted(self, comment_id: str) -> bool:
        """Whether a comment was erased and has not come back."""
        return comment_id in self._retracted

    def open_alarms(self) -> list[Drift]:
        """Alarms without an all-clear yet, the newest first."""
        last: dict[tuple[str, str | None], Drift] = {}
        for alarm in self.alarms.values():
            known = last.get((alarm.measure, alarm.subject))
            if known is None or (alarm.at, alarm.state == "clear") >= (known.at, known.state == "clear"):
                last[alarm.measure, alarm.subject] = alarm
        still = [alarm for alarm in last.values() if alarm.state == "alarm"]
        return sorted(still, key=lambda alarm: alarm.at, reverse=True)

    def titles(self) -> dict[str, str]:
        """Title of every discussion that a cluster names."""
        return {
            discussed.discussion: discussed.title
            for cluster in self.clusters.values()
            for discussed in cluster.discussions
            if discussed.title
        }

    def newest(self) -> Pulse | None:
        """Return the latest tick, None before the first."""
        return self.pulses[-1] if self.pulses else None

    def _learn(self, topic: str, key: str, record: Record) -> None:
        match record:
            case Placement():
                self.placements[record.micro] = record
            case Cluster():
                self._learn_cluster(record)
            case Assignment():
                self._count(self.comments.get(key), -1)
                self._count(record, +1)
                self.comments[key] = record
                self._retracted.pop(record.id, None)
                for _, old in _overflow(self.comments, self.settings.comments):
                    self._count(old, -1)
            case Judgement():
                self.judgements[key] = record
                _trim(self.judgements, self.settings.judgements)
            case Lineage():
                self.lineage[record.id] = record
                _trim(self.lineage, self.settings.events)
            case Drift():
                self._learn_drift(record)
            case Pulse():
                self._learn_pulse(record)
            case _:
                return

    def _learn_cluster(self, record: Cluster) -> None:
        self.clusters[record.id] = record
        if record.state == "live":
            return
        ended = [cluster for cluster in self.clusters.values() if cluster.state != "live"]
        surplus = len(ended) - self.settings.ended
        for old in sorted(ended, key=lambda cluster: cluster.tick)[: max(0, surplus)]:
            del self.clusters[old.id]

    def _learn_drift(self, record: Drift) -> None:
        known = self.drift.get((record.measure, record.subject))
        if known is None or record.at >= known.at:
            self.drift[record.measure, record.subject] = record
        if record.state == "value" and record.value is not None and record.subject is not None:
            self._learn_measure_of_target(record.measure, record.subject, record.at, record.value)
        if record.state != "value":
            self.alarms[record.measure, record.subject, record.at, record.state] = record
            _trim(self.alarms, self.settings.events)
        if len(self.drift) > 2 * self.settings.events:
            oldest = min(self.drift, key=lambda name: self.drift[name].at)
            del self.drift[oldest]

    def _learn_measure_of_target(self, measure: str, subject: str, at: datetime, value: float) -> None:
        known = MEASURES.get(measure)
        if known is not None and known.subject == "target":
            values = self.of_targets.setdefault(measure_key(measure, subject), OrderedDict())
            values[at] = value
            _trim(values, self.settings.ticks)

    def _learn_pulse(self, record: Pulse) -> None:
        is_newest = not self._ticks or record.tick > self.pulses[-1].tick
        self._ticks[record.tick] = record
        if is_newest and self._sorted is not None:
            self._sorted.append(record)
        else:
            self._sorted = None
        if len(self._ticks) > self.settings.ticks:
            older = self.pulses[: self.settings.ticks // 2]
            for thinned in older[1::2]:
                del self._ticks[thinned.tick]
            self._sorted = None

    def _forget(self, topic: str, key: str) -> None:
        if topic == "placements":
            self.placements.pop(key, None)
        elif topic == "clusters":
            self.clusters.pop(key, None)
        elif topic == "assignments":
            self._count(self.comments.pop(key, None), -1)
            self._retracted[key] = None
            _trim(self._retracted, self.settings.comments)
            for name in [name for name, judged in self.judgements.items() if judged.id == key]:
                del self.judgements[name]
        elif topic == "judgements":
            self.judgements.pop(key, None)

    def _count(self, comment: Assignment | None, sign: int) -> None:
        """Keep the number of known comments by discussion and source, without scanning them."""
        if comment is None:
            return
        for counts, name in ((self.discussions, comment.discussion), (self.sources, comment.source)):
            if name is None:
                continue
            counts[name] += sign
            if counts[name] <= 0:
                del counts[name]


def _overflow(kept: OrderedDict[K, V], most: int) -> Iterator[tuple[K, V]]:
    """Take the oldest entries out until ``most`` are left, and hand them over."""
    while len(kept) > most:
        yield kept.popitem(last=False)


def _trim(kept: OrderedDict[K, V], most: int) -> None:
    """Drop the oldest entries until ``most`` are left."""
    while len(kept) > most:
        kept.popitem(last=False)
