"""What the chart tells the watch of one tick, and what the watch says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.drift.measures import split_key
from agents.records import Drift

__all__ = ["NO_SAMPLE", "Drifted", "Observed"]

Array = NDArray[Any]

NO_SAMPLE: Final[Array] = np.zeros((0, 0))
"""A tick without embeddings."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What one closed tick brought, as the chart has added it up.

    Parameters
    ----------
    at
        End of the tick.
    counts
        Signed comments of the tick by micro-cluster.
    places
        Cluster of every placed micro-cluster, as it is now.
    labels
        Label of every cluster.
    sums
        (d,) sums of embeddings of the tick by micro-cluster.
    sample
        (n, d) embeddings of the tick.
    sides
        Signed judgements of the same tick by target and side, for those who judge in step; else
        `DriftWatch.judged` takes them.
    events
        Lineage events of the tick by name.
    merged
        Clusters that ended by merging, with the one that they merged into.
    """

    at: datetime
    counts: Mapping[str, int]
    places: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, Array] = field(default_factory=dict)
    sample: Array = field(default_factory=lambda: NO_SAMPLE)
    sides: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drifted:
    """What the watch says of one tick; the fields are those of `agents.records.Pulse`."""

    records: tuple[Drift, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
    strengths: dict[str, float] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    window_start: datetime | None = None
    reference_start: datetime | None = None

    def by_target(self, measure: str) -> dict[str, float]:
        """Values of a measure of targets by target: ``balance``, ``polarisation``."""
        named = ((split_key(name), value) for name, value in self.measures.items())
        return {subject: value for (name, subject), value in named if name == measure and subject}
