"""What drift remembers: the ticks that a window can still reach, and their sums over windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.drift.windows import keep_from

__all__ = [
    "SideTick",
    "Tick",
    "TickT",
    "centroid_sums",
    "cluster_counts",
    "make_tick",
    "sample",
    "sides",
    "trimmed",
    "with_sides",
]

Array = NDArray[Any]


class Tick(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One tick of the discussion.

    ``at`` is its end in seconds since 1970 UTC. ``counts`` are signed, by micro-cluster; ``sums`` are
    float16 sums of embeddings of its heaviest ones, ``sample`` float16 embeddings one after the other.
    """

    at: float
    counts: dict[str, int]
    sums: dict[str, bytes]
    sample: bytes
    dimensions: int
    events: dict[str, int]

    @cached_property
    def size(self) -> int:
        """Comments that it brought, none where corrections took more away."""
        return max(0, sum(self.counts.values()))


class SideTick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The sides of one tick toward one target, signed counts."""

    at: float
    favor: int
    against: int
    none: int

    @property
    def size(self) -> int:
        """Comments that took a side."""
        return max(0, self.favor + self.against)


TickT = TypeVar("TickT", Tick, SideTick)


def make_tick(
    at: float,
    counts: Mapping[str, int],
    sums: Mapping[str, Array],
    sampled: Array,
    events: Mapping[str, int],
    n_sums: int,
    n_sampled: int,
) -> Tick:
    """Return a tick that keeps the sums of the ``n_sums`` heaviest and at most ``n_sampled`` embeddings."""
    heaviest = sorted(sums, key=lambda micro: (-counts.get(micro, 0), micro))[:n_sums]
    rows = _evenly(np.asarray(sampled), n_sampled)
    return Tick(
        at=at,
        counts={micro: int(count) for micro, count in counts.items() if count},
        sums={micro: np.asarray(sums[micro]).astype("<f2").tobytes() for micro in heaviest},
        sample=rows.astype("<f2").tobytes(),
        dimensions=rows.shape[1] if rows.ndim > 1 else 0,
        events=dict(events),
    )


def cluster_counts(ticks: Iterable[Tick], places: Mapping[str, str]) -> dict[str, int]:
    """Comments by cluster as the placements are now; those without a place are left out."""
    counts: dict[str, int] = defaultdict(int)
    for tick in ticks:
        for micro, count in tick.counts.items():
            if micro in places:
                counts[places[micro]] += count
    return {cluster: count for cluster, count in counts.items() if count > 0}


def centroid_sums(ticks: Iterable[Tick], places: Mapping[str, str]) -> dict[str, Array]:
    """Return the sums of embeddings by cluster, (d,) float64 each."""
    sums: dict[str, Array] = {}
    for tick in ticks:
        for micro, stored in tick.sums.items():
            cluster = places.get(micro)
            if cluster is not None:
                row = np.frombuffer(stored, "<f2").astype(float)
                sums[cluster] = sums[cluster] + row if cluster in sums else row
    return sums


def sample(ticks: Sequence[Tick], size: int) -> Array:
    """At most ``size`` embeddings of these ticks, (n, d) float64, evenly over them."""
    rows = [
        np.frombuffer(tick.sample, "<f2").reshape(-1, tick.dimensions) for tick in ticks if tick.dimensions
    ]
    return _evenly(np.concatenate(rows).astype(float), size) if rows else np.zeros((0, 0))


def sides(ticks: Iterable[SideTick]) -> Array:
    """Against, none and favor over these ticks, (3,) counts >= 0."""
    total = np.zeros(3, dtype=np.int64)
    for tick in ticks:
        total += (tick.against, tick.none, tick.favor)
    return np.maximum(total, 0)


def with_sides(ticks: Sequence[SideTick], tick: SideTick) -> list[SideTick]:
    """Return the ticks with one more; what takes no side is added to the last if that takes none either.

    Windows begin at ticks that take a side, so they stay what they were, and a target about which
    nobody takes one is remembered in two ticks instead of ever more.
    """
    if not ticks or ticks[-1].size or tick.size:
        return [*ticks, tick]
    last = ticks[-1]
    both = SideTick(
        at=tick.at,
        favor=last.favor + tick.favor,
        against=last.against + tick.against,
        none=last.none + tick.none,
    )
    return [*ticks[:-1], both]


def trimmed(ticks: list[TickT], window: int, ratio: int) -> list[TickT]:
    """Ticks that any window can still reach."""
    return ticks[keep_from([tick.size for tick in ticks], window, ratio) :]


def _evenly(rows: Array, size: int) -> Array:
    if len(rows) <= size:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, size).round().astype(int)])
