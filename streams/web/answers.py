"""What each JSON view answers, as plain values made from a `View`."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import numpy as np

from agents.drift.measures import MEASURES, key
from agents.records import Assignment, Cluster, Judgement, Lineage
from agents.stance.movement import turned
from agents.stance.tally import aptness
from streams.drift_line import plain_name
from streams.web.flow import Filter, flow, moment, recent, tally
from streams.web.readiness import Readiness
from streams.web.shapes import (
    Answer,
    alarm_row,
    cluster_row,
    comment_row,
    event_row,
    exemplar_row,
    flow_row,
    judged_row,
    page,
)
from streams.web.view import View

__all__ = [
    "TargetWords",
    "cluster",
    "clusters",
    "comments",
    "drift",
    "events",
    "flowing",
    "overview",
    "stances",
    "state",
]

N_NEIGHBOURS: Final = 6
N_EXEMPLARS: Final = 4
N_FILTERS: Final = 100
MIN_CONFIDENCE: Final = 0.5
"""Least confidence of a recent judgement that stands in for an exemplar of its side."""


class TargetWords(Protocol):
    """What the page needs to know of a stance target; the target of the settings fits."""

    @property
    def id(self) -> str:
        """Name in the records."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def favor(self) -> Sequence[str]:
        """Statements of those in favor."""

    @property
    def against(self) -> Sequence[str]:
        """Statements of those against."""


def overview(view: View, readiness: Readiness, behind_seconds: float) -> Answer:
    """How things stand: the state of the stream, totals, and what can be filtered by."""
    newest = view.newest()
    titles = view.titles()
    return {
        "state": state(view, readiness, behind_seconds),
        "reasons": readiness.reasons,
        "lag": readiness.lag,
        "behind_seconds": readiness.behind_seconds,
        "heard_at": moment(view.heard_at) if view.heard_at is not None else None,
        "tick": newest.tick if newest else None,
        "total": newest.total if newest else len(view.comments),
        "in_tick": newest.comments if newest else 0,
        "unassigned": newest.unassigned if newest else 0,
        "late": newest.late if newest else 0,
        "n_clusters": newest.n_clusters if newest else 0,
        "n_micros": newest.n_micros if newest else 0,
        "n_kept": len(view.comments),
        "broker": view.broker,
        "discussions": [
            {"id": name, "title": titles.get(name), "count": count}
            for name, count in view.discussions.most_common(N_FILTERS)
        ],
        "sources": [{"id": name, "count": count} for name, count in view.sources.most_common(N_FILTERS)],
        "version": view.version,
    }


def clusters(view: View, where: Filter, *, state: str, offset: int, limit: int) -> Answer:
    """List the clusters of a state, the largest share first; filtered ones by recent comments."""
    if state == "live":
        found = view.live()
    else:
        ended = (known for known in view.clusters.values() if known.state == state)
        found = sorted(ended, key=lambda known: known.tick, reverse=True)
    rows = [cluster_row(view, known) for known in found]
    if where:
        counted = tally(view, where)
        total = max(1, counted.total())
        rows = [row | {"share": counted[row["id"]] / total, "count": counted[row["id"]]} for row in rows]
        rows = sorted((row for row in rows if row["count"]), key=lambda row: -row["share"])
    return page(rows, offset, limit)


def cluster(view: View, cluster_id: str, *, window_seconds: float | None, points: int) -> Answer | None:
    """Everything about one cluster but its comments; None where there is none of that id."""
    known = view.clusters.get(cluster_id)
    if known is None:
        return None
    history = flow(view, window_seconds=window_seconds, points=points, only=(cluster_id,))
    life = [event for event in view.lineage.values() if cluster_id in (event.cluster, event.other)]
    return cluster_row(view, known) | {
        "history": flow_row(history) if history else None,
        "life": [event_row(view, event) for event in sorted(life, key=lambda event: event.at, reverse=True)],
        "neighbours": _neighbours(view, known),
    }


def comments(
    view: View, where: Filter, *, cluster_id: str | None, before: tuple[float, str] | None, limit: int
) -> Answer:
    """List recent comments, the newest first; ``next`` is the ``before`` of the following page."""

    def matches() -> Iterable[tuple[float, str, Assignment, str | None]]:
        for comment in view.comments.values():
            if not where.takes(comment):
                continue
            settled = view.settled(comment)
            if cluster_id is not None and settled != cluster_id:
                continue
            at = comment.event_time.timestamp()
            if before is None or (at, comment.id) < before:
                yield at, comment.id, comment, settled

    found = heapq.nlargest(limit + 1, matches(), key=lambda row: row[:2])
    more = found[limit - 1] if len(found) > limit else None
    return {
        "items": [comment_row(view, row[2], row[3]) for row in found[:limit]],
        "next": f"{more[0]!r},{more[1]}" if more else None,
    }


def events(view: View, where: Filter, *, offset: int, limit: int) -> Answer:
    """List what happened to clusters, the newest first; with a filter only to those that it leaves."""
    found: Iterable[Lineage] = view.lineage.values()
    if where:
        left = tally(view, where).keys() - {None}
        found = [event for event in found if left & {event.cluster, event.other}]
    newest = sorted(found, key=lambda event: (event.at, event.id), reverse=True)
    return page([event_row(view, event) for event in newest], offset, limit)


def flowing(view: View, where: Filter, *, window_seconds: float | None, points: int, top: int) -> Answer:
    """Shares over time; empty lists before the first tick."""
    found = flow(view, window_seconds=window_seconds, points=points, top=top, where=where)
    answer: Answer = (
        flow_row(found)
        if found
        else {"times": [], "step_seconds": None, "comments": [], "rest": [], "series": []}
    )
    names = {series["id"] for series in answer["series"]}
    begin = answer["times"][0] if answer["times"] else 0.0
    life = [
        event
        for event in view.lineage.values()
        if (event.cluster in names or event.other in names) and event.at.timestamp() >= begin
    ]
    answer["events"] = [event_row(view, event) for event in sorted(life, key=lambda event: event.at)]
    return answer


def drift(view: View, *, window_seconds: float | None, points: int) -> Answer:
    """Measures over time with their meaning, alarms that stand, and those that were."""
    pulses = recent(view.pulses, window_seconds)
    every = max(1, -(-len(pulses) // points))
    sampled = pulses[len(pulses) % every and (len(pulses) - 1) % every :: every] if pulses else []
    names = [name for name in MEASURES if any(name in pulse.measures for pulse in sampled)]
    return {
        "times": [pulse.tick.timestamp() for pulse in sampled],
        "measures": [
            {
                "name": name,
                "title": plain_name(name),
                "unit": MEASURES[name].unit,
                "sentence": MEASURES[name].sentence,
                "is_watched": MEASURES[name].watched,
                "values": [pulse.measures.get(name) for pulse in sampled],
            }
            for name in names
        ],
        "open": [alarm_row(view, alarm) for alarm in view.open_alarms()],
        "alarms": [
            alarm_row(view, alarm)
            for alarm in sorted(view.alarms.values(), key=lambda alarm: alarm.at, reverse=True)[:50]
        ],
    }


def stances(
    view: View, targets: Sequence[TargetWords], *, window_seconds: float | None, points: int
) -> Answer:
    """Sides per target with exemplars of each; targets without words are shown by their id."""
    newest = view.newest()
    words = {target.id: target for target in targets}
    names = list(words)
    if newest is not None:
        names += [name for name in newest.sides_total if name not in words]
    balances = {name: _balances(view, name, window_seconds, points) for name in names}
    return {
        "targets": [
            {
                "id": name,
                "title": words[name].title if name in words else name,
                "favor": list(words[name].favor)[:1] if name in words else [],
                "against": list(words[name].against)[:1] if name in words else [],
                "total": newest.sides_total.get(name, {}) if newest else {},
                "balance": newest.balance.get(name) if newest else None,
                "polarisation": newest.polarisation.get(name) if newest else None,
                "times": [at.timestamp() for at, _ in balances[name]],
                "balances": [balance for _, balance in balances[name]],
                "turn": _turn(view, name),
                "sides": {side: _side(view, name, side) for side in ("favor", "against")},
                "clusters": _divided(view, name),
            }
            for name in names
        ],
    }


def _turn(view: View, target: str) -> Answer | None:
    """Where the sides turned most, among the judgements that are kept; None where they are too few."""
    found = turned(view.judgements.values(), target)
    if found is None:
        return None
    turn, at = found
    parts = {"before": turn.before, "since": turn.since, "chance": turn.chance}
    return {"at": at.timestamp(), "is_one": turn.is_one, **parts}


def _balances(
    view: View, target: str, window_seconds: float | None, points: int
) -> list[tuple[datetime, float]]:
    """Balance of a target over the window that ends with its newest, by the judge's own time."""
    told = list(view.of_targets.get(key("balance", target), {}).items())
    if window_seconds is not None and told:
        begin = told[-1][0] - timedelta(seconds=window_seconds)
        told = [each for each in told if each[0] >= begin]
    every = max(1, -(-len(told) // points))
    return told[(len(told) - 1) % every :: every] if told else []


def state(view: View, readiness: Readiness, behind_seconds: float) -> str:
    """One word for the whole: starting, empty, forming, behind, paused, stopped or live."""
    newest = view.newest()
    if (readiness.behind_seconds or 0.0) > behind_seconds:
        return "behind"
    if not readiness.is_ready and newest is None:
        return "starting"
    if newest is None:
        return "forming" if view.comments else "empty"
    if not readiness.is_ready:
        return "stopped"
    return "paused" if newest.idle else "live"


def _neighbours(view: View, known: Cluster) -> list[Answer]:
    """Live clusters whose centroids are nearest, by cosine."""
    others = [
        other
        for other in view.live()
        if other.id != known.id and other.centroid and len(other.centroid) == len(known.centroid)
    ]
    if not others or not known.centroid:
        return []
    rows = np.stack([_vector(other.centroid) for other in others])
    similarities = rows @ _vector(known.centroid)
    order = np.argsort(-similarities, kind="stable")[:N_NEIGHBOURS]
    return [
        {
            "id": others[i].id,
            "label": others[i].label,
            "share": others[i].share,
            "similarity": float(similarities[i]),
        }
        for i in order
    ]


def _vector(centroid: bytes) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a centroid as float64 of unit length; zeros stay zeros."""
    vector = np.frombuffer(centroid, dtype="<f2").astype(np.float64)
    return vector / (float(np.linalg.norm(vector)) or 1.0)


def _side(view: View, target: str, side: str) -> list[Answer]:
    """Exemplars of one side: the best one of each cluster, else the surest recent judgements."""
    surest = [
        (max(shown, key=aptness), known)
        for known in view.live()
        if (shown := view.shown(known.side_exemplars.get(target, {}).get(side, ())))
    ]
    chosen = {
        exemplar.id: exemplar_row(view, exemplar) | {"cluster": known.id, "label": known.label}
        for exemplar, known in sorted(surest, key=lambda each: -aptness(each[0]))
    }
    if len(chosen) < N_EXEMPLARS:
        for judged in _surest(view, target, side):
            chosen.setdefault(judged.id, judged_row(view, judged))
    return list(chosen.values())[:N_EXEMPLARS]


def _surest(view: View, target: str, side: str) -> list[Judgement]:
    found = (
        judged
        for judged in view.judgements.values()
        if judged.target == target
        and judged.side == side
        and judged.excerpt
        and judged.confidence >= MIN_CONFIDENCE
        and not view.is_retracted(judged.id)
    )
    return heapq.nlargest(N_EXEMPLARS, found, key=lambda judged: (judged.confidence, judged.id))


def _divided(view: View, target: str) -> list[Answer]:
    """Live clusters with the counts of their sides, those that say most about the target first."""
    rows = [
        {"id": known.id, "label": known.label, "sides": known.sides[target]}
        for known in view.live()
        if sum(known.sides.get(target, {}).get(side, 0) for side in ("favor", "against")) > 0
    ]
    return sorted(rows, key=lambda row: -sum(row["sides"].values()))[:8]  # type: ignore[attr-defined]
