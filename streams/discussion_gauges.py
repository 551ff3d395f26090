"""The global gauges: what the newest pulse says of the discussion, for the worker that owns the chart.

A scrape reads one pulse as a whole, so a cluster that has faded is gone with the pulse that no longer
has it. Labels stay bounded: the heaviest clusters and targets have a name, the rest adds up as ``other``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.drift.measures import MEASURES, split_key
from agents.records import Pulse, Slice

__all__ = ["MAX_CLUSTERS", "MAX_TARGETS", "OTHER", "DiscussionGauges", "Slots", "measure_metric"]

MAX_CLUSTERS: Final = 50
"""Clusters with a label of their own: a screen holds no more, and each costs seven series."""

MAX_TARGETS: Final = 20
"""Targets with a label of their own."""

OTHER: Final = "other"
"""Label of all that has no slot."""

SIDES: Final = ("favor", "against", "none")
TENTHS: Final = tuple(f"{low / 10:.1f}" for low in range(10))

_PLAIN: Final = {
    "groundswell_event_time_seconds": "Event time that the chart has reached, in seconds since 1970 UTC.",
    "groundswell_clusters_live": "Live clusters, the topics of the discussion at the newest tick.",
    "groundswell_micro_clusters_live": "Live micro-clusters of all partitions, the size of the state.",
    "groundswell_discussion_comments": "Comments in the chart, edits and retractions corrected.",
    "groundswell_tick_comments": "Comments that the newest tick of event time brought.",
    "groundswell_unassigned_ratio": "Part of the newest tick's comments far from every topic, 0 to 1.",
    "groundswell_idle": "Whether every partition is silent, so that event time stands still: 1 yes, 0 no.",
}
_OF_CLUSTER: Final = {
    "groundswell_cluster_share_ratio": "Part of all faded weight that the cluster holds, 0 to 1.",
    "groundswell_cluster_weight_comments": "Faded weight of the cluster, in comments.",
    "groundswell_cluster_comments": "Comments of the cluster so far, edits and retractions corrected.",
    "groundswell_cluster_tick_comments": "Comments that the newest tick brought to the cluster.",
}


class Slots:
    """Who has a label of its own: the heaviest; a holder yields only to what weighs twice as much.

    Parameters
    ----------
    size
        How many, > 0.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._holders: set[str] = set()

    def choose(self, weights: Mapping[str, float]) -> frozenset[str]:
        """Give the slots to some of those in ``weights``; who isn't there loses its slot."""
        self._holders &= weights.keys()
        waiting = sorted(weights.keys() - self._holders, key=lambda name: (-weights[name], name))
        for name in waiting:
            if len(self._holders) >= self._size:
                weakest = min(self._holders, key=lambda holder: (weights[holder], holder))
                if weights[name] <= 2 * weights[weakest]:
                    break
                self._holders.remove(weakest)
            self._holders.add(name)
        return frozenset(self._holders)


def measure_metric(measure: str) -> str:
    """Name of the metric that shows a drift measure.

    Examples
    --------
    >>> measure_metric("share_shift"), measure_metric("cluster_displacement")
    ('groundswell_drift_share_shift', 'groundswell_cluster_displacement_ratio')
    """
    of = MEASURES[measure]
    family = {None: "drift", "cluster": "cluster", "target": "stance"}[of.subject]
    unit = "" if of.unit == "bits" else of.unit  # Prometheus takes bits for a size and asks for bytes
    words = [measure.removeprefix(f"{family}_"), unit]
    return "_".join(["groundswell", family, *filter(None, words)])


class DiscussionGauges(Collector):
    """All gauges of one pulse, set at once; nothing but their names while there is no pulse."""

    def __init__(self) -> None:
        self._pulse: Pulse | None = None
        self._cluster_slots = Slots(MAX_CLUSTERS)
        self._target_slots = Slots(MAX_TARGETS)
        self._clusters: frozenset[str] = frozenset()
        self._targets: frozenset[str] = frozenset()

    def show(self, pulse: Pulse | None) -> None:
        """Let the next scrape see this pulse; None takes every series away."""
        self._pulse = pulse
        if pulse is not None:
            self._clusters = self._cluster_slots.choose({part.id: part.share for part in pulse.clusters})
            self._targets = self._target_slots.choose(_target_weights(pulse))

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Yield the families without samples, so that the registry knows their names."""
        yield from self.families().values()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the families of the newest pulse."""
        families = self.families()
        if self._pulse is not None:
            self._fill(families, self._pulse)
        yield from families.values()

    def families(self) -> dict[str, GaugeMetricFamily]:
        """Return every family by its name, without samples."""
        made = [GaugeMetricFamily(name, text) for name, text in _PLAIN.items()]
        made += [GaugeMetricFamily(name, text, labels=["cluster"]) for name, text in _OF_CLUSTER.items()]
        for name, measure in MEASURES.items():
            labels = [measure.subject] if measure.subject else []
            made.append(GaugeMetricFamily(measure_metric(name), measure.sentence, labels=labels))
        made += [
            GaugeMetricFamily(name, text, labels=labels)
            for name, text, labels in (
                ("groundswell_cluster_info", "Label of each live cluster, always 1.", ["cluster", "label"]),
                (
                    "groundswell_novelty_comments",
                    "Comments of the newest tick by novelty, the distance to all that was known, in tenths "
                    "from the bound that the label gives.",
                    ["tenth"],
                ),
                (
                    "groundswell_drift_strength_ratio",
                    "How near the measure is to its alarm: 1 or above raises it.",
                    ["measure", "target"],
                ),
                (
                    "groundswell_drift_alarm_standing",
                    "Whether an alarm on the measure stands: 1 from the alarm to its all-clear, else 0.",
                    ["measure", "target"],
                ),
                (
                    "groundswell_stance_comments",
                    "Comments judged toward the target so far by side, edits and retractions corrected.",
                    ["target", "side"],
                ),
            )
        ]
        return {family.name: family for family in made}

    def _fill(self, families: dict[str, GaugeMetricFamily], pulse: Pulse) -> None:
        for name, value in _plain(pulse).items():
            families[name].add_metric([], value)
        self._fill_clusters(families, pulse.clusters)
        self._fill_measures(families, pulse.measures)
        for tenth, count in zip(TENTHS, (*pulse.novelty, *([0] * 10)), strict=False):
            families["groundswell_novelty_comments"].add_metric([tenth], count)
        standing = families["groundswell_drift_alarm_standing"]
        alarms = dict.fromkeys((*pulse.strengths, *_watched_wholes()), 0.0) | dict.fromkeys(pulse.alarms, 1.0)
        for labels, value in self._by_alarm(alarms).items():
            standing.add_metric(list(labels), value)
        for labels, value in self._by_alarm(
            {**dict.fromkeys(_watched_wholes(), 0.0), **pulse.strengths}
        ).items():
            families["groundswell_drift_strength_ratio"].add_metric(list(labels), value)
        sides: dict[tuple[str, str], int] = defaultdict(int)
        for target, counts in pulse.sides_total.items():
            for side in SIDES:
                sides[self._target(target), side] += counts.get(side, 0)
        for labels, count in sides.items():
            families["groundswell_stance_comments"].add_metric(list(labels), count)

    def _fill_clusters(self, families: dict[str, GaugeMetricFamily], clusters: tuple[Slice, ...]) -> None:
        values: tuple[tuple[str, Callable[[Slice], float]], ...] = (
            ("groundswell_cluster_share_ratio", lambda part: part.share),
            ("groundswell_cluster_weight_comments", lambda part: part.weight),
            ("groundswell_cluster_comments", lambda part: part.count),
            ("groundswell_cluster_tick_comments", lambda part: part.in_tick),
        )
        for name, value in values:
            sums: dict[str, float] = defaultdict(float)
            for part in clusters:
                sums[self._cluster(part.id)] += value(part)
            for cluster, total in sums.items():
                families[name].add_metric([cluster], total)
        labels = {self._cluster(part.id): part.label for part in clusters}
        for cluster, label in labels.items():
            families["groundswell_cluster_info"].add_metric(
                [cluster, OTHER if cluster == OTHER else label], 1
            )

    def _fill_measures(self, families: dict[str, GaugeMetricFamily], measures: Mapping[str, float]) -> None:
        for name, value in measures.items():
            measure, subject = split_key(name)
            family = families[measure_metric(measure)]
            if subject is None:
                family.add_metric([], value)
            elif subject in (self._clusters if MEASURES[measure].subject == "cluster" else self._targets):
                family.add_metric([subject], value)

    def _by_alarm(self, values: Mapping[str, float]) -> dict[tuple[str, str], float]:
        by_labels: dict[tuple[str, str], float] = {}
        for name, value in values.items():
            measure, target = split_key(name)
            labels = (measure, "" if target is None else self._target(target))
            by_labels[labels] = max(value, by_labels.get(labels, 0.0))
        return by_labels

    def _cluster(self, name: str) -> str:
        return name if name in self._clusters else OTHER

    def _target(self, name: str) -> str:
        return name if name in self._targets else OTHER


def _watched_wholes() -> tuple[str, ...]:
    """Names of the watched measures that have no subject: their series stand from the first pulse."""
    return tuple(name for name, of in MEASURES.items() if of.watched and of.subject is None)


def _target_weights(pulse: Pulse) -> dict[str, float]:
    named = (split_key(name) for name in (*pulse.measures, *pulse.strengths, *pulse.alarms))
    targets = {subject for measure, subject in named if subject and MEASURES[measure].subject == "target"}
    return dict.fromkeys(targets, 0.0) | {
        name: float(sum(counts.values())) for name, counts in pulse.sides_total.items()
    }


def _plain(pulse: Pulse) -> dict[str, float]:
    return {
        "groundswell_event_time_seconds": pulse.tick.timestamp(),
        "groundswell_clusters_live": pulse.n_clusters,
        "groundswell_micro_clusters_live": pulse.n_micros,
        "groundswell_discussion_comments": pulse.total,
        "groundswell_tick_comments": pulse.comments,
        "groundswell_unassigned_ratio": pulse.unassigned / pulse.comments if pulse.comments > 0 else 0.0,
        "groundswell_idle": float(pulse.idle),
    }
