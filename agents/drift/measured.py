"""From two windows to all measures of one tick, and to what moved between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.drift import distances
from agents.drift.measures import key
from agents.drift.rhythm import Usual
from agents.drift.timeline import SideTick, Tick, centroid_sums, cluster_counts, sides
from agents.drift.windows import Split, blocks

__all__ = ["ABOUT", "Windows", "cut", "discussion_measures", "growing", "grown", "side_measures", "witnesses"]

Array = NDArray[Any]

ABOUT: Final = 2
"""Windows before and after that novelty, transience and resonance look at: five are kept."""

LEAST_FOR_CENTROID: Final = 5
"""Comments in each window from which on a cluster's centroid is more than its noise."""

SECONDS_PER_HOUR: Final = 3600.0

EVENTS: Final = {"births": "emerged", "fades": "faded", "merges": "merged", "splits": "split"}

TOLD_PART: Final = 0.8
"""What moved is told until as much of the change is named."""

MOST_TOLD: Final = 5
"""Names in an alarm: a person reads no more."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The two windows of a tick, with the clusters that occur in them.

    Parameters
    ----------
    clusters
        Ids in order.
    current, reference
        (k,) comments by cluster.
    """

    clusters: tuple[str, ...]
    current: Array
    reference: Array
    current_ticks: tuple[Tick, ...]
    reference_ticks: tuple[Tick, ...]


def cut(ticks: Sequence[Tick], split: Split, places: Mapping[str, str]) -> Windows:
    """Count the clusters of both windows."""
    reference_ticks, current_ticks = ticks[split.start : split.middle], ticks[split.middle : split.end]
    now, before = cluster_counts(current_ticks, places), cluster_counts(reference_ticks, places)
    clusters = tuple(sorted(now.keys() | before.keys()))
    return Windows(
        clusters,
        np.array([now.get(cluster, 0) for cluster in clusters], dtype=np.int64),
        np.array([before.get(cluster, 0) for cluster in clusters], dtype=np.int64),
        tuple(current_ticks),
        tuple(reference_ticks),
    )


def discussion_measures(
    windows: Windows,
    ticks: Sequence[Tick],
    places: Mapping[str, str],
    discrepancy: float,
    block: int,
    tick_seconds: float,
) -> dict[str, float]:
    """Measure the whole discussion and each of its clusters, undefined measures left out.

    Parameters
    ----------
    ticks
        All that is remembered, for novelty, transience and resonance.
    discrepancy
        Squared maximum mean discrepancy of the two windows' embeddings.
    block
        Comments of one window of novelty, > 0.
    tick_seconds
        Length of a tick.
    """
    current, reference = windows.current, windows.reference
    values = {
        "share_shift": distances.jensen_shannon(current, reference),
        "mmd": discrepancy,
        "entropy": distances.entropy(current),
        "effective_clusters": distances.effective_number(current),
    }
    values |= _novelties(ticks, places, block)
    values |= _rates(windows, tick_seconds)
    values |= _share_changes(windows)
    values |= _displacements(windows, places)
    return {name: value for name, value in values.items() if not math.isnan(value)}


def side_measures(
    target: str, current: Sequence[SideTick], reference: Sequence[SideTick]
) -> dict[str, float]:
    """Measure the sides toward one target, undefined measures left out."""
    now, before = sides(current), sides(reference)
    values = {
        "balance": distances.balance(now),
        "stance_shift": distances.balance(now) - distances.balance(before),
        "polarisation": distances.esteban_ray(now),
        "polarisation_change": distances.esteban_ray(now) - distances.esteban_ray(before),
    }
    return {key(name, target): value for name, value in values.items() if not math.isnan(value)}


def grown(
    windows: Windows, told: frozenset[str] = frozenset(), usual: Usual | None = None
) -> dict[str, float]:
    """Return the clusters that make up most of the growth, with their parts of it, largest first.

    Parameters
    ----------
    told
        Clusters whose growth has been told already; they and their parts are left out.
    usual
        What this time of day has where it is known: only growth beyond it counts.
    """
    parts = distances.growth_parts(windows.current, windows.reference)
    if usual is not None:
        wont = usual.counts(windows.clusters)
        parts = np.minimum(parts, distances.growth_parts(np.append(windows.current, 0), wont)[:-1])
    by_cluster = {
        cluster: float(part)
        for cluster, part in zip(windows.clusters, parts, strict=True)
        if part > 0 and cluster not in told
    }
    return _leading(by_cluster)


def growing(windows: Windows) -> frozenset[str]:
    """Return the clusters whose share is above that of the reference."""
    rise = _shares(windows.current) - _shares(windows.reference)
    return frozenset(cluster for cluster, risen in zip(windows.clusters, rise, strict=True) if risen > 0)


def witnesses(windows: Windows, places: Mapping[str, str], samples: tuple[Array, Array]) -> dict[str, float]:
    """Return the clusters at whose centroid the two samples differ most toward the current one.

    Where no centroid is nearer to the current sample, as when one topic scatters, those that are farther.

    The witness f(c) = mean k(c, x) - mean k(c, y) is what the maximum mean discrepancy sums up; each
    cluster weighs by its current share.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, section 2.3.
    """
    if not len(samples[0]) or not len(samples[1]):
        return {}
    width = distances.kernel_width(np.concatenate(samples))
    centroids = centroid_sums(windows.current_ticks, places)
    shares = dict(zip(windows.clusters, _shares(windows.current), strict=True))
    found = {}
    for cluster, total in centroids.items():
        norm = float(np.linalg.norm(total))
        if norm > 0 and cluster in shares:
            toward, away = (_mean_kernel(total / norm, rows, width) for rows in samples)
            found[cluster] = float(shares[cluster]) * (toward - away)
    nearer = {cluster: value for cluster, value in found.items() if value > 0}
    return _leading(nearer or {cluster: -value for cluster, value in found.items()})


def _mean_kernel(point: Array, rows: Array, width: float) -> float:
    return float(np.exp(-((rows - point) ** 2).sum(axis=1) / (2 * width * width)).mean())


def _leading(parts: Mapping[str, float]) -> dict[str, float]:
    """Return the largest parts as fractions of all, until they make up most of it."""
    total = math.fsum(parts.values())
    leading: dict[str, float] = {}
    for name in sorted(parts, key=lambda name: (-parts[name], name))[:MOST_TOLD]:
        if total <= 0 or math.fsum(leading.values()) >= TOLD_PART:
            break
        leading[name] = parts[name] / total
    return leading


def _shares(counts: Array) -> Array:
    return np.asarray(counts / max(1, int(counts.sum())))


def _novelties(ticks: Sequence[Tick], places: Mapping[str, str], block: int) -> dict[str, float]:
    found = blocks([tick.size for tick in ticks], block, 2 * ABOUT + 1)
    by_block = [cluster_counts(ticks[part.start : part.end], places) for part in found]
    clusters = sorted({cluster for counts in by_block for cluster in counts})
    rows = [np.array([counts.get(cluster, 0) for cluster in clusters]) for counts in by_block]
    values = {"novelty": distances.novelty(rows[0], rows[1 : ABOUT + 1])} if len(rows) > ABOUT else {}
    if len(rows) > 2 * ABOUT:
        focus, after, before = rows[ABOUT], rows[:ABOUT], rows[ABOUT + 1 :]
        values["transience"] = distances.transience(focus, after)
        values["resonance"] = distances.resonance(focus, before, after)
    return values


def _rates(windows: Windows, tick_seconds: float) -> dict[str, float]:
    begin, end = windows.current_ticks[0].at - tick_seconds, windows.current_ticks[-1].at
    hours = (end - begin) / SECONDS_PER_HOUR
    return {
        name: sum(tick.events.get(event, 0) for tick in windows.current_ticks) / hours
        for name, event in EVENTS.items()
    }


def _share_changes(windows: Windows) -> dict[str, float]:
    changes = _shares(windows.current) - _shares(windows.reference)
    return {
        key("share_change", cluster): float(value)
        for cluster, value in zip(windows.clusters, changes, strict=True)
    }


def _displacements(windows: Windows, places: Mapping[str, str]) -> dict[str, float]:
    now, before = (centroid_sums(ticks, places) for ticks in (windows.current_ticks, windows.reference_ticks))
    weights: dict[str, float] = {}
    values: dict[str, float] = {}
    for cluster, n_now, n_before in zip(windows.clusters, windows.current, windows.reference, strict=True):
        if min(n_now, n_before) >= LEAST_FOR_CENTROID and cluster in now and cluster in before:
            values[cluster] = distances.centroid_displacement(now[cluster], before[cluster])
            weights[cluster] = float(n_now)
    total = math.fsum(weights.values())
    mean = math.fsum(values[cluster] * weights[cluster] for cluster in values) / total if total else math.nan
    return {key("cluster_displacement", cluster): value for cluster, value in values.items()} | {
        "displacement": mean
    }
