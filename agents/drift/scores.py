"""From windows to the scores that detectors read, less what is usual at their time of day.

Where former days have enough to say what is usual (`agents.drift.rhythm`), a score is at most that of the
change beyond it, though never less than 0 for that: what is usual is ordinary, not less than ordinary.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.drift.measured import Windows
from agents.drift.rhythm import Usual
from agents.drift.settings import DriftSettings
from agents.drift.significance import (
    growth_beyond,
    growth_score,
    kernel_score,
    mean_beyond,
    side_score,
    thinned,
)

__all__ = ["sample_scores", "sides_scores", "topics_score"]

Array = NDArray[Any]


def topics_score(
    windows: Windows, usual: Usual | None, told: Collection[str], effect: float, settings: DriftSettings
) -> float:
    """Score of the growth of clusters.

    Parameters
    ----------
    told
        Clusters whose growth has been told already.
    effect
        Design effect of the comments, >= 1.
    """
    size = settings.window_comments
    now = thinned(windows.current, size)
    before = thinned(windows.reference, size * settings.reference_ratio)
    explained = np.isin(np.array(windows.clusters, dtype=object), list(told))
    score = growth_score(now, before, explained, effect)
    wont = np.zeros(1) if usual is None else usual.counts(windows.clusters)
    if wont.sum() < 1 or score <= 0:
        return score
    wont = wont * min(1.0, size * settings.reference_ratio / wont.sum())
    others = (np.append(now, 0), np.append(before, 0), wont, np.append(explained, False))
    return _beyond(score, growth_beyond(*others, effect))


def sample_scores(
    samples: tuple[Array, Array], similar: Array, usual: Usual | None, effect: float
) -> tuple[float, float]:
    """Scores of the discrepancy of two samples of embeddings, beyond the usual one and as it is.

    Parameters
    ----------
    samples
        (n, d) and (m, d) embeddings in order of time, the current ones first.
    similar
        Kernel of both samples.
    """
    level = kernel_score(similar, len(samples[0]), effect)
    if usual is None or usual.mean is None or level <= 0:
        return level, level
    return _beyond(level, mean_beyond(*samples, usual.mean, usual.size, effect)), level


def sides_scores(
    now: Array, before: Array, usual: Usual | None, effect: float, settings: DriftSettings
) -> tuple[float, float]:
    """Scores of a move in favor, below 0 toward against, beyond the usual one and as it is.

    Parameters
    ----------
    now, before
        (3,) counts of against, none and favor.
    """
    window, ratio = settings.stance_window_comments, settings.reference_ratio
    fewer, earlier = thinned(now[[0, 2]], window), thinned(before[[0, 2]], ratio * window)
    level = side_score(int(fewer[1]), int(fewer[0]), int(earlier[1]), int(earlier[0]), effect)
    if usual is None:
        return level, level
    against, favor, _ = thinned(np.rint(usual.counts(("against", "favor"))), ratio * window)
    beyond = side_score(int(fewer[1]), int(fewer[0]), int(favor), int(against), effect)
    return _beyond(level, beyond) if level > 0 else -_beyond(-level, -beyond), level


def _beyond(score: float, beyond: float) -> float:
    return min(score, max(beyond, 0.0))
