"""What a person can set about micro-clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.bounds import check_bounds

__all__ = ["ClusteringSettings"]


@dataclass(frozen=True, slots=True)
class ClusteringSettings:
    """How comments are given to micro-clusters.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    half_life_seconds: float = 172_800.0
    """Silence that halves a weight: two days, so that a topic of yesterday is still known as it was."""

    silence_seconds: float = 259_200.0
    """Silence after which a micro-cluster counts as 1/e as similar as it is: three days."""

    new_below: float = 0.2
    """A comment founds a micro-cluster where similarity plus prior stays below it."""

    share_weight: float = 0.02
    """Weight of the logarithm of a micro-cluster's share of the traffic, the prior of the assignment."""

    lexical_weight: float = 0.35
    """Part of the words in the similarity; the rest is the embedding's."""

    spread: float = 2.5
    """Standard deviations below the mean similarity of a micro-cluster's comments from which on another is
    an outsider."""

    granularity: float = 0.0
    """How fine topics are: above 0 finer, below 0 coarser, in units of similarity."""

    micro_clusters: int = 2_000
    """Live micro-clusters of the deployment, split over the partitions; what has had the least traffic for
    its age is evicted."""

    recent_comments: int = 100_000
    """Comments per partition whose edit or retraction is known; about 140 bytes each."""

    recent_texts: int = 2_000
    """Comments per partition kept as a possible parent for the judge; at most 500 characters each."""

    excerpt_characters: int = 280
    """Characters of the text in an assignment; 0 for none, -1 for all of it."""

    runners_up: int = 3
    """Other micro-clusters named in an assignment."""

    exemplars: int = 3
    """Comments kept per micro-cluster to show what it is about."""

    sample_size: int = 64
    """Vectors per tick and partition that drift compares."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "clustering",
            self,
            half_life_seconds=(1, math.inf),
            silence_seconds=(1, math.inf),
            new_below=(-1, 1),
            share_weight=(0, 1),
            lexical_weight=(0, 1),
            spread=(0.5, 100),
            granularity=(-0.5, 0.5),
            micro_clusters=(8, 8_000),
            recent_comments=(0, 1_000_000),
            recent_texts=(0, 100_000),
            excerpt_characters=(-1, 100_000),
            runners_up=(0, 7),
            exemplars=(0, 20),
            sample_size=(0, 1_000),
        )
