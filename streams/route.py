"""The map: topic → agent → way out. Read this file first.

::

    comments ──▶ EMBED ──▶ embedded ──▶ ASSIGN ──▶ assignments
                   │                      ├──────▶ sketches ──▶ CHART ──▶ clusters, placements,
                   └──▶ comments.rejected └─▶ debated ─▶ JUDGE   ▲        lineage, drift, pulse
                                                          │  └───┘
                                                          └──▶ judgements

What an agent emits names the topic and the key where it goes (`agents.agent.Emission`); how it
gets there, and when its input is acknowledged, is `streams.delivery`. ASSIGN and CHART think in
processes of their own (`streams.mind`); everything else of a worker is one process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents.agent import Agent
from agents.embedding.agent import Embed
from agents.errors import InvalidError
from agents.records import Debated, Embedded, Pause, Sketch
from streams.delivery import Delivery
from streams.publish import Publisher
from streams.road import Road
from streams.stateful import StatefulDelivery
from streams.stateless import StatelessDelivery

__all__ = ["Agents", "Fence", "lay"]


@dataclass(frozen=True, slots=True)
class Agents:
    """The thinking of one worker: one EMBED, and how the others are made for a partition."""

    embed: Embed
    assign: Callable[[int], Agent[Any]]
    chart: Callable[[int], Agent[Any]]
    judge: Callable[[int], Agent[Any]] | None = None
    """None where no target of stance is configured."""


Fence = Callable[[str, int], Publisher]
"""Gives the transactional publisher of a stage's partition."""


def lay(road: Road, agents: Agents, fence: Fence | None) -> None:
    """Register every agent with Faust on the topic that it reads.

    ``fence`` is None on the embedded broker, which has a single worker and garbles transactions.
    """

    def stateful(topic: str, stage: str, make: Callable[[int], Agent[Any]], reads: Any) -> StatefulDelivery:
        fenced = None if fence is None else partial(fence, stage)
        return StatefulDelivery(
            stage, topic, make, reads, road, fenced, is_atomic=stage == "chart", check=check
        )

    check = partial(_must_be_of, agents.embed.encoder)
    _register(road, StatelessDelivery("embed", "comments", agents.embed, road, agents.embed.batch_size))
    _register(road, stateful("embedded", "assign", agents.assign, Embedded | Pause))
    if agents.judge is not None:
        _register(road, stateful("debated", "judge", agents.judge, Debated | Pause))
    _register(road, stateful("sketches", "chart", agents.chart, Sketch))


def _must_be_of(encoder: str, record: Any) -> None:
    """Refuse a vector that a worker with another encoder has made: it can't be compared with ours."""
    if isinstance(record, Embedded) and record.vector and record.encoder != encoder:
        raise InvalidError(
            f"{record.id!r} was embedded by {record.encoder!r} where this worker's embedding.encoder is "
            f"{encoder!r}. Give all workers the same, then `groundswell rejected replay`.",
            "wrong_encoder",
        )


def _register(road: Road, delivery: Delivery) -> None:
    topic = road.app.topic(
        road.connection.topic(delivery.topic), key_serializer="raw", value_serializer="raw", allow_empty=True
    )
    road.app.agent(topic, name=delivery.stage)(delivery.__call__)
