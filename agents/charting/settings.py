"""What a person can set about live topics."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.bounds import check_bounds

__all__ = ["ChartingSettings"]

WITHIN = 1.5
"""Mean similarity of the comments of one topic, in thresholds; from 1.3 to 1.6 nothing changes much."""


@dataclass(frozen=True, slots=True)
class ChartingSettings:
    """How micro-clusters become clusters.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    group_above: float = 0.19
    """Mean similarity of the comments of two groups from which on they are one topic."""

    share_weight: float = 0.04
    """How much less similar the parts of a large topic may be, per logarithm of its share of the traffic."""

    lexical_weight: float = 0.35
    """Part of the words in that similarity; the rest is the embedding's."""

    gap_seconds: float = 259_200.0
    """Gap between the lives of two groups that lowers their similarity to 1/e: three days."""

    granularity: float = 0.0
    """How fine topics are: above 0 finer, below 0 coarser, in units of similarity."""

    parent_above: float = 0.1
    """Where the same tree is cut for the parents of topics."""

    stickiness: float = 0.02
    """Added to the similarity of two micro-clusters that are in one cluster already, and taken from that of
    two in different ones, against flicker; more of it where one was moved before."""

    minimum_weight: float = 3.0
    """A cluster is published once its faded weight has reached this many comments, or a hair less."""

    faded_below: float = 0.5
    """A cluster is over once its faded weight is below this many comments."""

    @property
    def within(self) -> float:
        """Mean similarity that the comments of one topic have as a rule."""
        return WITHIN * self.group_above

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "charting",
            self,
            group_above=(-1, 1),
            share_weight=(0, 1),
            lexical_weight=(0, 1),
            gap_seconds=(1, math.inf),
            granularity=(-0.5, 0.5),
            parent_above=(-1, 1),
            stickiness=(0, 0.5),
            minimum_weight=(1, math.inf),
            faded_below=(0, math.inf),
        )
