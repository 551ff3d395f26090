"""The public topics as they stand now, in bounded memory: what the page, ``watch`` and ASSIGN look up.

A `View` is fed record by record and asked at any time. It opens no connection and has no clock. What it
keeps is a function of what the topics hold, in whatever order their partitions are read.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from agents.drift.measures import MEASURES
from agents.drift.measures import key as measure_key
from agents.records import Assignment, Cluster, Drift, Exemplar, Judgement, Lineage, Placement, Pulse, Record
from streams.web.kept import Rank, Recent, Ticks
from streams.web.settings import WebSettings

__all__ = ["TOPICS", "View"]

TOPICS: Final = ("placements", "clusters", "lineage", "drift", "pulse", "assignments", "judgements")
"""Logical names of the topics that a view is made from."""

MAX_HOPS: Final = 64
"""Merges that are followed from a cluster to the one that lives on; a chain is as long as its history."""

K = TypeVar("K")
V = TypeVar("V")
Alarm = tuple[str, str | None, datetime, str]
"""Measure, subject, time and state."""


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
        self.comments: dict[str, Assignment] = {}
        self.judgements: dict[str, Judgement] = {}
        self.lineage: dict[str, Lineage] = {}
        self.alarms: dict[Alarm, Drift] = {}
        self.of_targets: dict[str, OrderedDict[datetime, float]] = {}
        self.discussions: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.versions: dict[str, int] = dict.fromkeys(TOPICS, 0)
        self.heard_at: float | None = None
        self.listeners: list[Callable[[], None]] = []
        self._ticks = Ticks(self.settings.ticks)
        self._recent_comments = Recent[str](self.settings.comments)
        self._recent_judgements = Recent[str](self.settings.judgements)
        self._recent_lineage = Recent[str](self.settings.events)
        self._recent_alarms = Recent[Alarm](self.settings.events)
        self._retracted: dict[str, Rank] = {}
        self._judged: defaultdict[str, set[str]] = defaultdict(set)

    @property
    def version(self) -> int:
        """Number of records applied."""
        return sum(self.versions.values())

    @property
    def pulses(self) -> list[Pulse]:
        """The ticks, oldest first; those older than the newest ``web.ticks`` thinned."""
        return self._ticks.inorder()

    def apply(
        self,
        topic: str,
        key: str,
        record: Record | None,
        timestamp: float | None = None,
        place: tuple[int, int] | None = None,
    ) -> None:
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
        place
            Its partition and offset; None where records come in their order, and all from one hand.
        """
        if topic not in self.versions:
            return
        partition, offset = place or (0, self.versions[topic] if topic == "pulse" else self.version)
        rank = (timestamp or 0.0, partition, offset)
        if record is None:
            self._forget(topic, key, rank)
        else:
            self._learn(key, record, rank)
        if topic == "pulse" and timestamp is not None:
            self.heard_at = max(self.heard_at or timestamp, timestamp)
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
        return self._ticks.newest

    def _learn(self, key: str, record: Record, rank: Rank) -> None:
        match record:
            case Placement():
                self.placements[record.micro] = record
            case Cluster():
                self._learn_cluster(record)
            case Assignment():
                self._learn_comment(key, record, rank)
            case Judgement():
                self._learn_judgement(key, record, rank)
            case Lineage():
                self._recent_lineage.note(record.id, rank)
                self.lineage[record.id] = record
                for old in self._recent_lineage.surplus():
                    del self.lineage[old]
            case Drift():
                self._learn_drift(record, rank)
            case Pulse():
                self._ticks.add(rank[2], record)
            case _:
                return

    def _learn_comment(self, key: str, record: Assignment | None, rank: Rank) -> None:
        """Take over what was said last of a comment; None that it was taken back."""
        if not self._recent_comments.note(key, rank):
            return
        self._count(self.comments.pop(key, None), -1)
        self._retracted.pop(key, None)
        if record is not None:
            self.comments[key] = record
            self._count(record, +1)
        else:
            self._retracted[key] = rank
            for name in [*self._judged.get(key, ())]:
                if (self._recent_judgements.rank(name) or rank) <= rank:
                    self._drop_judgement(name)
        for old in self._recent_comments.surplus():
            self._count(self.comments.pop(old, None), -1)
            self._retracted.pop(old, None)

    def _learn_judgement(self, key: str, record: Judgement | None, rank: Rank) -> None:
        """Take over what was said last of a side; None that it was taken back."""
        if not self._recent_judgements.note(key, rank):
            return
        self._drop_judgement(key)
        if record is not None and rank > self._retracted.get(record.id, (0.0, -1, -1)):
            self.judgements[key] = record
            self._judged[record.id].add(key)
        for old in self._recent_judgements.surplus():
            self._drop_judgement(old)

    def _drop_judgement(self, key: str) -> None:
        old = self.judgements.pop(key, None)
        if old is None:
            return
        names = self._judged[old.id]
        names.discard(key)
        if not names:
            del self._judged[old.id]

    def _learn_cluster(self, record: Cluster) -> None:
        self.clusters[record.id] = record
        if record.state == "live":
            return
        ended = [cluster for cluster in self.clusters.values() if cluster.state != "live"]
        surplus = len(ended) - self.settings.ended
        for old in sorted(ended, key=lambda cluster: (cluster.tick, cluster.id))[: max(0, surplus)]:
            del self.clusters[old.id]

    def _learn_drift(self, record: Drift, rank: Rank) -> None:
        if record.state == "value":
            if record.value is not None and record.subject is not None:
                self._learn_measure_of_target(record.measure, record.subject, record.at, record.value)
            return
        name = (record.measure, record.subject, record.at, record.state)
        self._recent_alarms.note(name, rank)
        self.alarms[name] = record
        for old in self._recent_alarms.surplus():
            del self.alarms[old]

    def _learn_measure_of_target(self, measure: str, subject: str, at: datetime, value: float) -> None:
        known = MEASURES.get(measure)
        if known is not None and known.subject == "target":
            values = self.of_targets.setdefault(measure_key(measure, subject), OrderedDict())
            values[at] = value
            _trim(values, self.settings.ticks)

    def _forget(self, topic: str, key: str, rank: Rank) -> None:
        if topic == "placements":
            self.placements.pop(key, None)
        elif topic == "clusters":
            self.clusters.pop(key, None)
        elif topic == "assignments":
            self._learn_comment(key, None, rank)
        elif topic == "judgements":
            self._learn_judgement(key, None, rank)

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


def _trim(kept: OrderedDict[K, V], most: int) -> None:
    """Drop the oldest entries until ``most`` are left."""
    while len(kept) > most:
        kept.popitem(last=False)
