"""What moved, as an alarm tells it: clusters or sides with their parts, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.drift.measured import Windows
from agents.records import Moved

__all__ = ["clusters_moved", "sides_moved"]

Array = NDArray[Any]


def clusters_moved(
    windows: Windows, parts: Mapping[str, float], labels: Mapping[str, str]
) -> tuple[Moved, ...]:
    """Return the clusters of ``parts`` with their labels and their shares in both windows."""
    now = dict(zip(windows.clusters, windows.current / max(1, windows.current.sum()), strict=True))
    before = dict(zip(windows.clusters, windows.reference / max(1, windows.reference.sum()), strict=True))
    return tuple(
        Moved(
            kind="cluster",
            id=cluster,
            label=labels.get(cluster, cluster),
            part=part,
            before=float(before[cluster]),
            after=float(now[cluster]),
        )
        for cluster, part in parts.items()
    )


def sides_moved(target: str, title: str, now: Array, before: Array) -> tuple[Moved, ...]:
    """Return favor and against with their shares among those who take a side, what rose first.

    Parameters
    ----------
    now, before
        (3,) counts of against, none and favor.
    """
    after, earlier = (counts[[0, 2]] / max(1, counts[[0, 2]].sum()) for counts in (now, before))
    change = np.abs(after - earlier)
    sides = sorted(enumerate(("against", "favor")), key=lambda pair: after[pair[0]] < earlier[pair[0]])
    return tuple(
        Moved(
            kind="side",
            id=f"{target}/{side}",
            label=f"{side}: {title}",
            part=float(change[at] / max(float(change.sum()), 1e-12)),
            before=float(earlier[at]),
            after=float(after[at]),
        )
        for at, side in sides
    )
