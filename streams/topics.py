"""Every topic: key, value, purpose and how long it is kept; created by us, never by the broker's default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from agents.records import (
    Assignment,
    Cluster,
    Comment,
    Debated,
    Drift,
    Embedded,
    Judgement,
    Lineage,
    Placement,
    Pulse,
    Record,
    Sketch,
)

__all__ = ["INPUTS", "TOPICS", "Topic"]

Cleanup = Literal["delete", "compact", "compact,delete"]

DAY_SECONDS: Final = 86_400
MIB: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """What one topic carries and how the broker keeps it."""

    name: str
    """Without the deployment's prefix."""
    key: str
    value: type[Record] | None
    """None where the bytes aren't a record of ours."""
    purpose: str
    cleanup: Cleanup = "delete"
    retention_seconds: int | None = 7 * DAY_SECONDS
    """How long ``delete`` keeps records; None is for ever."""
    max_message_bytes: int = MIB
    is_single: bool = False
    """Whether it has one partition whatever ``topics.partitions`` says."""
    is_public: bool = True
    """Whether services may subscribe to it."""

    def config(self) -> dict[str, str]:
        """Return the broker's settings of the topic."""
        config = {"cleanup.policy": self.cleanup, "max.message.bytes": str(self.max_message_bytes)}
        if "delete" in self.cleanup:
            seconds = self.retention_seconds
            config["retention.ms"] = "-1" if seconds is None else str(seconds * 1000)
        if "compact" in self.cleanup:
            config |= {
                "min.cleanable.dirty.ratio": "0.1",
                "segment.ms": str(3_600_000),
                "segment.bytes": str(64 * MIB),
                "delete.retention.ms": str(DAY_SECONDS * 1000),
            }
        return config


TOPICS: Final = {
    topic.name: topic
    for topic in (
        Topic("comments", "discussion, else comment id", Comment, "Comments as they were fed."),
        Topic(
            "comments.rejected",
            "as it came",
            None,
            "Records that could not be used: their bytes untouched, the reason in headers.",
            max_message_bytes=2 * MIB,
            retention_seconds=30 * DAY_SECONDS,
        ),
        Topic(
            "embedded",
            "as in comments",
            Embedded,
            "Comments with their vectors, and pauses.",
            retention_seconds=DAY_SECONDS,
        ),
        Topic(
            "debated",
            "discussion, else comment id",
            Debated,
            "Comments about a target, on their way to the judge.",
            retention_seconds=DAY_SECONDS,
        ),
        Topic("assignments", "comment id", Assignment, "The place of every comment.", "compact,delete"),
        Topic("judgements", "comment id + target", Judgement, "The side of every comment.", "compact,delete"),
        Topic(
            "sketches",
            "stage + partition",
            Sketch,
            "Additive summaries of ticks, on their way to the chart.",
            is_single=True,
            max_message_bytes=2 * MIB,
            retention_seconds=DAY_SECONDS,
        ),
        Topic(
            "checkpoints",
            "agent + partition",
            None,
            "The state of every agent with the offset that it includes.",
            "compact",
            max_message_bytes=16 * MIB,
            is_public=False,
        ),
        Topic("clusters", "cluster id", Cluster, "The live topics.", "compact", is_single=True),
        Topic(
            "placements",
            "micro-cluster id",
            Placement,
            "The cluster of every micro-cluster.",
            "compact",
            is_single=True,
        ),
        Topic(
            "lineage",
            "cluster id",
            Lineage,
            "What happened to clusters: emerged, merged, split, faded.",
            retention_seconds=365 * DAY_SECONDS,
            is_single=True,
        ),
        Topic(
            "drift",
            "measure",
            Drift,
            "Measures of drift, alarms and all-clears.",
            retention_seconds=30 * DAY_SECONDS,
            is_single=True,
        ),
        Topic(
            "pulse",
            "tick",
            Pulse,
            "The whole discussion, tick by tick.",
            retention_seconds=365 * DAY_SECONDS,
            is_single=True,
        ),
    )
}
"""Every topic of a deployment by its name; capped extra topics (``cluster.<id>``) are made on demand."""

INPUTS: Final = ("comments", "embedded", "debated", "sketches")
"""Topics that a stage reads and commits."""
