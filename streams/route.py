"""The map: topic → agent → way out. Read this file first.

::

    comments ──▶ EMBED ──▶ embedded ──▶ ASSIGN ──▶ assignments
                   │                      ├──────▶ sketches ──▶ CHART ──▶ clusters, placements,
                   └──▶ comments.rejected └─▶ debated ─▶ JUDGE   ▲        lineage, drift, pulse
                                                          │  └───┘
                                                          └──▶ judgements

What an agent emits names the topic and the key where it goes (`agents.agent.Emission`); how it
gets there, and when its input is acknowledged, is `streams.delivery`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.agent import Agent
from agents.embedding.agent import Embed
from agents.records import Debated, Embedded, Pause, Sketch
from streams.delivery import Delivery
from streams.publish import Publisher
from streams.road import Road
from streams.stateful import StatefulDelivery
from streams.stateless import StatelessDelivery

__all__ = ["Agents", "lay"]


@dataclass(frozen=True, slots=True)
class Agents:
    """The thinking of one worker: one EMBED, and how the others are made for a partition."""

    embed: Embed
    assign: Callable[[int], Agent[Any]]
    chart: Callable[[int], Agent[Any]]
    judge: Callable[[int], Agent[Any]] | None = None
    """None where no target of stance is configured."""


def lay(road: Road, agents: Agents, chart_publisher: Publisher | None) -> None:
    """Register every agent with Faust on the topic that it reads.

    ``chart_publisher`` writes each step of CHART in one transaction; None on the embedded broker,
    which has a single worker and garbles transactions.
    """
    _register(road, StatelessDelivery("embed", "comments", agents.embed, road, agents.embed.batch_size))
    _register(road, StatefulDelivery("assign", "embedded", agents.assign, Embedded | Pause, road))
    if agents.judge is not None:
        _register(road, StatefulDelivery("judge", "debated", agents.judge, Debated | Pause, road))
    _register(road, StatefulDelivery("chart", "sketches", agents.chart, Sketch, road, chart_publisher))


def _register(road: Road, delivery: Delivery) -> None:
    topic = road.app.topic(
        road.connection.topic(delivery.topic), key_serializer="raw", value_serializer="raw", allow_empty=True
    )
    road.app.agent(topic, name=delivery.stage)(delivery.__call__)
