"""The agents of one worker, made from settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.agent import Agent
from agents.charting.agent import Chart
from agents.clustering.agent import Assign
from agents.drift.agent import DriftWatch
from agents.embedding.agent import Embed
from agents.embedding.encoder import Encoder, Matrix
from agents.records import Placement
from agents.stance.agent import Judge
from agents.stance.gate import Gatekeeper
from agents.stance.loading import load_panel
from streams.route import Agents
from streams.settings import Settings

__all__ = ["Maker", "assigning", "charting", "gatekeeper", "make_agents"]

Maker = Callable[[int], Agent[Any]]
"""Makes the agent of a partition."""


def make_agents(
    settings: Settings,
    encoder: Encoder,
    placements: Mapping[str, Placement],
    n_partitions: int,
    version: str,
    elsewhere: Mapping[str, Maker] | None = None,
) -> Agents:
    """Return the thinking of a worker; loads the model of stance where targets are configured.

    Parameters
    ----------
    placements
        The latest placement of every micro-cluster, kept up to date by the caller.
    n_partitions
        Partitions of ``embedded``.
    elsewhere
        What makes the agents of stages that think in a process of their own, by stage.

    Raises
    ------
    EncoderError
        If the model of stance can't be loaded.
    """
    makers = dict(elsewhere or {})
    if "assign" not in makers:
        gate = gatekeeper(settings, encoder.encode)
        makers["assign"] = assigning(settings, gate, placements, n_partitions, version)
    if "chart" not in makers:
        makers["chart"] = charting(settings, n_partitions)
    embed = Embed(encoder, settings.embedding)
    if not settings.stance.judged:
        return Agents(embed, makers["assign"], makers["chart"])
    panel = load_panel(settings.stance, encoder.encode, encoder.name)

    def judge(partition: int) -> Agent[Any]:
        return Judge(panel, settings.stance, settings.time, partition, version)

    return Agents(embed, makers["assign"], makers["chart"], judge)


def gatekeeper(settings: Settings, encode: Callable[[Sequence[str]], Matrix]) -> Gatekeeper | None:
    """Return what tells which comments are about a target; None where there is no target."""
    targets = settings.stance.judged
    return Gatekeeper(targets, encode, settings.stance.gate) if targets else None


def assigning(
    settings: Settings,
    gate: Gatekeeper | None,
    placements: Mapping[str, Placement],
    n_partitions: int,
    version: str,
) -> Maker:
    """Return what makes ASSIGN for a partition."""

    def assign(partition: int) -> Agent[Any]:
        return Assign(
            partition,
            settings.clustering,
            settings.charting,
            settings.time,
            placements,
            gate,
            version=version,
            n_partitions=n_partitions,
        )

    return assign


def charting(settings: Settings, n_partitions: int) -> Maker:
    """Return what makes CHART."""
    titles = {target.id: target.title for target in settings.stance.judged}

    def chart(_partition: int) -> Agent[Any]:
        return Chart(
            n_partitions,
            settings.charting,
            settings.time,
            half_life_seconds=settings.clustering.half_life_seconds,
            drift=DriftWatch(settings.drift, settings.time.tick_seconds, titles),
        )

    return chart
