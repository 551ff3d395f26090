"""What a person can set about drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agents.bounds import check_bounds
from agents.errors import SettingsError

__all__ = ["DetectorName", "DriftSettings"]

DetectorName = Literal["page_hinkley", "adwin"]


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """How windows are cut, and how readily an alarm is raised.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    window_comments: int = 200
    """The current window is the fewest whole ticks that hold as many comments: two hundred tell a share
    of a tenth to within two points."""

    stance_window_comments: int = 50
    """The same for stance, per target, in comments that take a side: they are fewer."""

    reference_ratio: int = 4
    """The reference window holds as many times the comments of the current one, just before it."""

    least_comments: int = 100
    """Measuring starts with as many comments; until the windows are full they share what there is."""

    stance_least: int = 10
    """The same for stance, per target, in comments that take a side."""

    false_alarms: float = 0.5
    """False alarms to expect in 10,000 independent comments of a discussion that does not change, over all
    measures; up to twice as many where they come as conversations."""

    detector: DetectorName = "page_hinkley"
    """``page_hinkley`` sums what exceeds the expected and is quick; ``adwin`` compares all cuts of a
    growing memory and needs about twice the comments, but adapts to a discussion that always moves."""

    sample_vectors: int = 100
    """Embeddings of the current window that are compared, and twice as many of the reference."""

    displaced_clusters: int = 64
    """Micro-clusters of a tick whose sums are kept to follow centroids; the heaviest."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "drift",
            self,
            window_comments=(10, 100_000),
            stance_window_comments=(5, 100_000),
            reference_ratio=(2, 50),
            least_comments=(10, 1_000_000),
            stance_least=(5, 1_000_000),
            false_alarms=(0.001, 100),
            sample_vectors=(10, 2_000),
            displaced_clusters=(1, 10_000),
        )
        if self.detector not in ("page_hinkley", "adwin"):
            raise SettingsError(
                f"drift.detector is {self.detector!r}; it must be page_hinkley or adwin. "
                'Set it in groundswell.toml, e.g. detector = "page_hinkley".'
            )
