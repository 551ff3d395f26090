"""The agents of one worker, made from settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.agent import Agent
from agents.charting.agent import Chart
from agents.clustering.agent import Assign
from agents.drift.agent import DriftWatch
from agents.embedding.agent import Embed
from agents.embedding.encoder import Encoder
from agents.records import Placement
from agents.stance.agent import Judge
from agents.stance.gate import Gatekeeper
from agents.stance.loading import load_panel
from streams.route import Agents
from streams.settings import Settings

__all__ = ["make_agents"]


def make_agents(
    settings: Settings,
    encoder: Encoder,
    placements: Mapping[str, Placement],
    n_partitions: int,
    version: str,
) -> Agents:
    """Return the thinking of a worker; loads the model of stance where targets are configured.

    Parameters
    ----------
    placements
        The latest placement of every micro-cluster, kept up to date by the caller.
    n_partitions
        Partitions of ``embedded``.

    Raises
    ------
    EncoderError
        If the model of stance can't be loaded.
    """
    targets = settings.stance.judged
    gate = Gatekeeper(targets, encoder.encode, settings.stance.gate) if targets else None

    def assign(partition: int) -> Agent[Any]:
        return Assign(
            partition,
            settings.clustering,
            settings.time,
            placements,
            gate,
            version=version,
            n_partitions=n_partitions,
        )

    def chart(_partition: int) -> Agent[Any]:
        titles = {target.id: target.title for target in targets}
        watch = DriftWatch(settings.drift, settings.time.tick_seconds, titles)
        return Chart(
            n_partitions,
            settings.charting,
            settings.time,
            half_life_seconds=settings.clustering.half_life_seconds,
            drift=watch,
        )

    embed = Embed(encoder, settings.embedding)
    if not targets:
        return Agents(embed, assign, chart)
    panel = load_panel(settings.stance, encoder.encode, encoder.name)

    def judge(partition: int) -> Agent[Any]:
        return Judge(panel, settings.stance, settings.time, partition, version)

    return Agents(embed, assign, chart, judge)
