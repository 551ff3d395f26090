"""What consumers rely on: the headers that make every record a CloudEvent.

The documents about topics and records are made by `streams.asyncapi`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Final

from agents.records import (
    Assignment,
    Cluster,
    Debated,
    Drift,
    Embedded,
    Judgement,
    Lineage,
    Placement,
    Pulse,
    Record,
    Sketch,
    encode,
)

__all__ = ["EVENT_TYPES", "headers"]

SPEC_VERSION: Final = b"1.0"
"""Version of CloudEvents; 1.0.2 is written 1.0."""

EVENT_TYPES: Final = {
    "comments": "groundswell.comment.v1",
    "comments.rejected": "groundswell.comment.rejected.v1",
    "embedded": "groundswell.embedded.v1",
    "debated": "groundswell.debated.v1",
    "assignments": "groundswell.assignment.v1",
    "judgements": "groundswell.judgement.v1",
    "sketches": "groundswell.sketch.v1",
    "clusters": "groundswell.cluster.v1",
    "placements": "groundswell.placement.v1",
    "lineage": "groundswell.lineage.v1",
    "drift": "groundswell.drift.v1",
    "pulse": "groundswell.pulse.v1",
}
"""Type of the event that each public topic carries; ``cluster.<id>`` and ``stance.<target>.<side>`` carry
the types of ``assignments`` and ``judgements``."""

_EVENT_TIME: Final[dict[type[Record], Callable[..., datetime]]] = {
    Embedded: lambda record: record.event_time,
    Debated: lambda record: record.event_time,
    Assignment: lambda record: record.event_time,
    Judgement: lambda record: record.event_time,
    Sketch: lambda record: record.tick,
    Cluster: lambda record: record.tick,
    Placement: lambda record: record.since,
    Lineage: lambda record: record.at,
    Drift: lambda record: record.at,
    Pulse: lambda record: record.tick,
}

_JSON: Final = ("content-type", b"application/json")
_BYTES: Final = ("content-type", b"application/octet-stream")
_SPEC: Final = ("ce_specversion", SPEC_VERSION)


def event_type(topic: str) -> str:
    """Return the type of the event that a topic carries, extra topics included."""
    if topic.startswith("cluster."):
        topic = "assignments"
    elif topic.startswith("stance."):
        topic = "judgements"
    return EVENT_TYPES.get(topic, f"groundswell.{topic}.v1")


def headers(
    topic: str,
    key: str | bytes | None,
    record: Record | bytes | None,
    value: bytes | None = None,
    *,
    deployment: str = "groundswell",
) -> list[tuple[str, bytes]]:
    """Headers that make a Kafka record a CloudEvent in binary mode.

    Parameters
    ----------
    topic
        Logical name of the topic, without the deployment's prefix.
    key
        Key of the Kafka record; part of the event's id.
    record
        What is written: a record, bytes that are passed on untouched, or None for a tombstone.
    value
        The record as it was encoded, where the caller has it already; saves encoding it again.
    deployment
        Name of the deployment: the prefix of its topics, without the trailing point.

    Returns
    -------
    list of (name, value)
        ``ce_id``, ``ce_source``, ``ce_type``, ``ce_specversion``, ``ce_time`` where event time is known,
        and ``content-type``. The id is a hash of topic, key and value, so what is published twice by
        at-least-once delivery carries one id. A tombstone's type ends in ``.deleted`` and its id is random:
        it has no content to tell one deletion from the next.

    References
    ----------
    CloudEvents 1.0.2, Kafka protocol binding, section 3.2 (binary content mode).

    Examples
    --------
    >>> dict(headers("comments.rejected", b"k", b"not json"))["ce_type"]
    b'groundswell.comment.rejected.v1'
    """
    kind = event_type(topic)
    if record is None:
        if topic != "comments.rejected":  # dead letters may be empty; they are never deletions
            kind = f"{kind}.deleted"
        event_id = os.urandom(12).hex()
    else:
        if value is None:
            value = record if isinstance(record, bytes) else encode(record)
        event_id = _content_id(topic, key, value)
    made = [
        ("ce_id", event_id.encode()),
        ("ce_source", f"/{deployment}/{topic}".encode()),
        ("ce_type", kind.encode()),
        _SPEC,
        _BYTES if topic == "comments.rejected" else _JSON,
    ]
    when = _EVENT_TIME.get(type(record))  # type: ignore[arg-type]
    if when is not None:
        made.append(("ce_time", when(record).isoformat().encode()))
    return made


def _content_id(topic: str, key: str | bytes | None, value: bytes) -> str:
    """Hash what makes a record itself: where it goes, under which key, and what it says."""
    digest = blake2b(value, digest_size=12, person=topic.encode()[:16])
    if key is not None:
        digest.update(key.encode() if isinstance(key, str) else key)
    return digest.hexdigest()
