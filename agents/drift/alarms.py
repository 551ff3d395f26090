"""From a detector to an alarm that a person gets once: raised, standing, cleared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from agents.drift.detectors import STRIDES, Detector

__all__ = ["Change", "Watch", "WatchState"]

CALM_BELOW: Final = 1.0
"""Score below which a standing alarm calms down in any case: what chance gives five times in six."""

CALM_PART: Final = 0.5
"""Part of its highest score below which it calms down too: a discussion that always moves a little has a
level of its own, which then counts as the ordinary one."""

CALM_SCORES: Final = 3
"""Calm scores in a row that end an alarm, against flicker."""

REST: Final = STRIDES // 4
"""Scores for which it rests after an alarm."""

Change = Literal["alarm", "clear"]


class WatchState(msgspec.Struct, kw_only=True):
    """What a watch knows, as it lies in a checkpoint."""

    detector: list[float]
    times: list[float]
    standing_since: float | None
    calm: int
    rest: int
    peak: float


class Watch:
    """One series of scores with its detector.

    After an alarm it rests for a quarter of a window, in which the same shift goes on showing;
    then it reads on, so that a second shift raises a second alarm while the first still stands.

    Parameters
    ----------
    make
        Gives a fresh detector.
    """

    def __init__(self, make: Callable[[], Detector]) -> None:
        self._make = make
        self._detector = make()
        self._times: list[float] = []
        self._rest = 0
        self._calm = 0
        self._peak = 0.0
        self.standing_since: float | None = None

    @property
    def strength(self) -> float:
        """How near to an alarm the series is; 1 and above while it stands at the moment of its alarm."""
        return self._detector.strength

    @property
    def resting(self) -> bool:
        """Whether the last alarm was just now."""
        return self._rest > 0

    def read(self, score: float, level: float, at: float) -> tuple[Change | None, float, float]:
        """Read one score.

        Parameters
        ----------
        score
            What is not told yet: it raises alarms.
        level
            All there is: it ends them.
        at
            Event time in seconds.

        Returns
        -------
        tuple
            Alarm, clear or neither; since when (event time in seconds); the strength.
        """
        if self.standing_since is not None and self._calms(level):
            since, self.standing_since = self.standing_since, None
            self._begin(max(level, 0.0))
            return "clear", since, 0.0
        if self._rest > 0:
            self._rest -= 1
            return None, at, self.strength
        self._times = [*self._times, at][-STRIDES * 8 :]
        if not self._detector.update(score):
            return None, at, self.strength
        age = min(max(self._detector.age, 1), len(self._times))
        since, strength = self._times[-age], self._detector.strength
        self._begin(0.0)
        self._rest, self._peak = REST, level
        self.standing_since = since if self.standing_since is None else self.standing_since
        return "alarm", since, strength

    def state(self) -> WatchState:
        """Return all that it knows."""
        return WatchState(
            detector=self._detector.state(),
            times=list(self._times),
            standing_since=self.standing_since,
            calm=self._calm,
            rest=self._rest,
            peak=self._peak,
        )

    def restore(self, state: WatchState) -> None:
        """Take over what `state` returned."""
        self._detector.restore(state.detector)
        self._times = list(state.times)
        self.standing_since, self._calm, self._rest = state.standing_since, state.calm, state.rest
        self._peak = state.peak

    def _calms(self, level: float) -> bool:
        self._peak = max(self._peak, level)
        self._calm = self._calm + 1 if level < max(CALM_BELOW, CALM_PART * self._peak) else 0
        return self._calm >= CALM_SCORES

    def _begin(self, ordinary: float) -> None:
        self._detector, self._times, self._calm, self._rest = self._make(), [], 0, 0
        self._detector.expect(ordinary)
