"""The plain values that a record becomes in a JSON view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.drift.measures import MEASURES, split_key
from agents.records import Assignment, Cluster, Drift, Exemplar, Judgement, Lineage
from streams.drift_line import plain_name
from streams.web.flow import Flow
from streams.web.view import View

__all__ = [
    "Answer",
    "alarm_row",
    "cluster_row",
    "comment_row",
    "event_row",
    "exemplar_row",
    "flow_row",
    "judged_row",
    "page",
]

Answer = dict[str, Any]


def cluster_row(view: View, known: Cluster) -> Answer:
    """Return a cluster without its centroid, and without the texts retracted since."""
    return {
        "id": known.id,
        "state": known.state,
        "label": known.label,
        "keywords": known.keywords,
        "share": known.share,
        "trend": known.trend,
        "count": known.count,
        "weight": known.weight,
        "born": known.born,
        "last_heard": known.last_heard,
        "tick": known.tick,
        "parent": known.parent,
        "into": known.into,
        "sides": known.sides,
        "discussions": known.discussions,
        "sources": known.sources,
        "exemplars": [exemplar_row(view, shown) for shown in view.shown(known.exemplars)],
        "side_exemplars": {
            target: {
                side: [exemplar_row(view, shown) for shown in view.shown(chosen)]
                for side, chosen in sides.items()
            }
            for target, sides in known.side_exemplars.items()
        },
    }


def exemplar_row(view: View, shown: Exemplar) -> Answer:
    """Return an exemplar, with the time and address of its comment where that is still kept."""
    comment = view.comments.get(shown.id)
    return {
        "id": shown.id,
        "text": shown.text,
        "event_time": comment.event_time if comment else None,
        "url": comment.url if comment else None,
    }


def comment_row(view: View, comment: Assignment, settled: str | None) -> Answer:
    """Return a comment with the cluster that it belongs to now."""
    known = view.clusters.get(settled) if settled is not None else None
    return {
        "id": comment.id,
        "text": comment.excerpt,
        "event_time": comment.event_time,
        "discussion": comment.discussion,
        "source": comment.source,
        "url": comment.url,
        "micro": comment.micro,
        "cluster": settled,
        "label": known.label if known else None,
        "similarity": comment.similarity,
        "novelty": comment.novelty,
    }


def event_row(view: View, event: Lineage) -> Answer:
    """Return an event in the life of a cluster, with the names of those it happened to."""
    other = view.clusters.get(event.other) if event.other is not None else None
    known = view.clusters.get(event.cluster)
    return {
        "id": event.id,
        "event": event.event,
        "at": event.at,
        "cluster": event.cluster,
        "label": event.label or (known.label if known else event.cluster),
        "other": event.other,
        "other_label": other.label if other else event.other,
        "weight": event.weight,
        "similarity": event.similarity,
        "n_micros": len(event.micros),
        "is_known": known is not None,
    }


def alarm_row(view: View, alarm: Drift) -> Answer:
    """Return an alarm or all-clear, with the meaning of its measure."""
    known = view.clusters.get(alarm.subject) if alarm.subject is not None else None
    name, _ = split_key(alarm.measure)
    return {
        "measure": name,
        "title": plain_name(name),
        "sentence": MEASURES[name].sentence if name in MEASURES else None,
        "subject": alarm.subject,
        "subject_label": known.label if known else alarm.subject,
        "state": alarm.state,
        "at": alarm.at,
        "since": alarm.since,
        "value": alarm.value,
        "baseline": alarm.baseline,
        "strength": alarm.strength,
        "n_comments": alarm.n_comments,
        "moved": alarm.moved,
    }


def flow_row(found: Flow) -> Answer:
    """Shares over time, rounded to what a screen can show."""
    return {
        "times": found.grid.times(),
        "step_seconds": found.grid.step_seconds,
        "comments": found.comments,
        "rest": [round(share, 4) for share in found.rest],
        "series": [
            {
                "id": series.id,
                "label": series.label,
                "state": series.state,
                "shares": [round(share, 4) for share in series.shares],
            }
            for series in found.series
        ],
    }


def judged_row(view: View, judged: Judgement) -> Answer:
    """Return a judgement in the form of an exemplar."""
    settled = view.settled(judged)
    known = view.clusters.get(settled) if settled is not None else None
    return {
        "id": judged.id,
        "text": judged.excerpt,
        "event_time": judged.event_time,
        "url": None,
        "confidence": judged.confidence,
        "cluster": settled,
        "label": known.label if known else None,
    }


def page(rows: Sequence[Any], offset: int, limit: int) -> Answer:
    """Cut one page out; ``next`` is the offset of the following one."""
    following = offset + limit
    return {
        "items": list(rows[offset:following]),
        "total": len(rows),
        "next": following if following < len(rows) else None,
    }
