"""Sequential detectors: they read one score after another and say when enough is enough.

A score is a normal one (`agents.drift.significance`): 0 is what chance gives. `PageHinkley` is our own,
since river's hides its statistic and its state (a test holds the two equal); `Adwin` is river's, behind
the same protocol, its state kept as the inputs that it has read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

from agents.drift.settings import DetectorName

__all__ = ["STRIDES", "Adwin", "Detector", "PageHinkley", "make_detector", "threshold"]

STRIDES: Final = 8
"""Scores a detector reads while a window's worth of comments passes; the false-alarm rate is for these."""

SLACK: Final = 2.0
"""Excess of a score that is let pass, in deviations: chance goes beyond it at one look in forty. The
windows sum up slow changes already, so the detector may wait for what stands out."""

PRIOR: Final = 20
"""A new detector starts as if it had read as many scores of 0, which is what they are without a change;
so it needs no warm-up of its own, and takes a steady unrest for ordinary only after as many again."""

RATE_AT_ZERO: Final = 1.5
SCALE: Final = 1.9
"""False alarms in 10,000 comments are RATE_AT_ZERO exp(-threshold / SCALE) at 400 scores: not less
than was counted of 20,000,000 independent numbers at thresholds of 2 to 7, and of the shares of 600,000
simulated comments without a change (4, 30 and 60 topics) at 2 to 5."""

SCORES_SIMULATED: Final = 400.0

DELTA_PER_RATE: Final = 0.2
"""ADWIN's delta for one false alarm in 10,000 comments: its bound is cautious, so at 0.05
there was one alarm in 100,000 simulated comments, less than half of what this states."""

SHORTEST: Final = 2.0
"""Least threshold: below it the fit doesn't hold."""


class Detector(Protocol):
    """Reads scores and raises its hand when they have risen."""

    def update(self, score: float) -> bool:
        """Read one score and return whether the scores have risen."""
        ...

    @property
    def strength(self) -> float:
        """How near to an alarm it is, >= 0; above 1 it raises it."""
        ...

    @property
    def age(self) -> int:
        """How many scores ago the rise began."""
        ...

    def expect(self, level: float) -> None:
        """Take this score for the ordinary one, as if it had been read a while; called on a fresh one."""
        ...

    def state(self) -> list[float]:
        """Return all that it knows, as numbers."""
        ...

    def restore(self, state: list[float]) -> None:
        """Take over what `state` returned."""
        ...


class PageHinkley:
    """The Page-Hinkley test for a rise of the mean: quick, one pass, five numbers of state.

    Parameters
    ----------
    threshold
        Sum of excess at which it alarms, in deviations, > 0.
    slack
        Excess over the running mean that is let pass, in deviations.
    prior
        Scores of 0 that it starts as having read.

    References
    ----------
    Page (1954), Continuous inspection schemes; Hinkley (1971), Inference about the change-point from
    cumulative sum tests.

    Examples
    --------
    >>> detector = PageHinkley(threshold=5.0)
    >>> [detector.update(score) for score in (0.0, 0.0, 5.0, 5.0, 5.0)]
    [False, False, False, True, True]
    """

    def __init__(self, threshold: float, slack: float = SLACK, prior: int = PRIOR) -> None:
        self._threshold = threshold
        self._slack = slack
        self._n = float(prior)
        self._mean = self._sum = self._least = self._age = 0.0

    def update(self, score: float) -> bool:
        """Read one score and return whether the excess has passed the threshold."""
        self._n += 1
        self._mean += (score - self._mean) / self._n
        self._sum += score - self._mean - self._slack
        self._age += 1
        if self._sum < self._least:
            self._least, self._age = self._sum, 0.0
        return self.strength > 1

    @property
    def strength(self) -> float:
        """Excess since the rise began, in thresholds."""
        return (self._sum - self._least) / self._threshold

    @property
    def age(self) -> int:
        """Scores since the sum was at its least."""
        return int(self._age)

    def expect(self, level: float) -> None:
        """Start from this mean."""
        self._mean = level

    def state(self) -> list[float]:
        """Return number, mean, sum, least sum and age."""
        return [self._n, self._mean, self._sum, self._least, self._age]

    def restore(self, state: list[float]) -> None:
        """Take over five numbers."""
        self._n, self._mean, self._sum, self._least, self._age = state


class Adwin:
    """River's ADWIN on the probability of each score: compares all cuts of an adaptive memory.

    It wants inputs between 0 and 1; a score's place under the normal curve is that, and even over it
    without a change. Its state is what it has read, at most `memory` scores, the older half dropped when
    they are too many.

    Parameters
    ----------
    delta
        Probability of a false cut, 0 to 1.

    References
    ----------
    Bifet and Gavaldà (2007), Learning from time-changing data with adaptive windowing.
    """

    memory: Final = 512

    def __init__(self, delta: float) -> None:
        self._delta = delta
        self._read: list[float] = []
        self._rising = False
        self._start()

    def update(self, score: float) -> bool:
        """Read one score and return whether a cut was made at which the mean rose."""
        if len(self._read) >= self.memory:
            self.restore(self._read[self.memory // 2 :])
        self._read.append(score)
        before = float(self._inner.estimation)
        self._inner.update(_probability(score))
        self._rising = bool(self._inner.drift_detected) and float(self._inner.estimation) > before
        return self._rising

    @property
    def strength(self) -> float:
        """1 (and a hair) when it has just cut, else 0: ADWIN has no grades."""
        return math.nextafter(1.0, 2.0) if self._rising else 0.0

    @property
    def age(self) -> int:
        """Scores that it still remembers: what lies before the cut is gone."""
        return int(self._inner.width)

    def expect(self, level: float) -> None:
        """Read this score a while."""
        self.restore([level] * PRIOR)

    def state(self) -> list[float]:
        """Return the scores that it has read."""
        return list(self._read)

    def restore(self, state: list[float]) -> None:
        """Read scores again."""
        self._start()
        self._read = list(state)
        for score in state:
            self._inner.update(_probability(score))
        self._rising = False

    def _start(self) -> None:
        from river.drift import ADWIN

        self._inner = ADWIN(delta=self._delta, clock=1, min_window_length=STRIDES, grace_period=2 * STRIDES)


def _probability(score: float) -> float:
    return 0.5 * math.erfc(-score / math.sqrt(2))


def threshold(false_alarms: float, n_series: int, window: int) -> float:
    """Page-Hinkley threshold at which all series together raise as many false alarms.

    Parameters
    ----------
    false_alarms
        In 10,000 comments, > 0.
    n_series
        Series that are watched, >= 1: each gets an equal part.
    window
        Comments of the current window of this series, > 0: a smaller one is read more often.

    Examples
    --------
    >>> round(threshold(0.5, n_series=2, window=200), 1)
    3.4
    """
    scores = STRIDES * 10_000 / window
    rate = RATE_AT_ZERO * scores / SCORES_SIMULATED
    return max(SHORTEST, SCALE * math.log(rate * n_series / false_alarms))


def make_detector(name: DetectorName, false_alarms: float, n_series: int, window: int) -> Detector:
    """Return a fresh detector of that name with its part of the false-alarm rate."""
    makers: dict[DetectorName, Callable[[], Detector]] = {
        "page_hinkley": lambda: PageHinkley(threshold(false_alarms, n_series, window)),
        "adwin": lambda: Adwin(min(0.3, DELTA_PER_RATE * false_alarms * window / (200 * n_series))),
    }
    return makers[name]()
