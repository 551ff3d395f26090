"""What the watch over a discussion remembers, as it lies in a checkpoint."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Final

import msgspec
import numpy as np

from agents.drift.alarms import WatchState
from agents.drift.detectors import STRIDES
from agents.drift.measures import target_of
from agents.drift.observed import Observed
from agents.drift.rhythm import Rhythm, count, renamed
from agents.drift.settings import DriftSettings
from agents.drift.timeline import SideTick, Tick, cluster_counts, make_tick, trimmed, with_sides
from agents.states import decode_state

__all__ = ["DISCUSSION", "ORDINARY", "State", "restored"]

VERSION: Final = 1

ORDINARY: Final = 0.05
"""Weight of a new value in a running mean: the last twenty at which the detectors looked, so that a quiet
hour of many ticks counts no more than a busy minute."""

SAMPLED_PART: Final = 0.4
"""Part of a tick's embeddings that is remembered: more than the samples need of full windows."""

DISCUSSION: Final = ""
"""Name of the whole discussion among those of targets, which are never empty."""


class State(msgspec.Struct, kw_only=True):
    """All that `DriftWatch` knows between two ticks.

    By target and for `DISCUSSION`, ``unread`` counts the comments since its detectors last looked, and
    ``effects`` are running means of the design effect of its comments, ``rhythms`` what it has at each
    time of day; a state of before there were any begins its first day anew.
    """

    version: int = VERSION
    ticks: list[Tick] = []
    sides: dict[str, list[SideTick]] = {}
    places: dict[str, str] = {}
    explained: list[str] = []
    unread: dict[str, int] = {}
    effects: dict[str, float] = {}
    rhythms: dict[str, Rhythm] = {}
    allowed: float = 0.0
    window_start: datetime | None = None
    reference_start: datetime | None = None
    baselines: dict[str, float] = {}
    measures: dict[str, float] = {}
    watches: dict[str, WatchState] = {}

    def remember(self, seen: Observed, settings: DriftSettings) -> bool:
        """Take in a tick and return whether it tells anything new of the discussion."""
        known, merged = self.places, seen.merged
        n = max(0, sum(seen.counts.values()))
        self.allowed += n * SAMPLED_PART
        n_sampled = min(settings.sample_vectors, int(self.allowed))
        self.allowed = min(self.allowed - n_sampled, 1.0)
        tick = make_tick(
            seen.at.timestamp(),
            seen.counts,
            seen.sums,
            seen.sample,
            seen.events,
            n_sums=settings.displaced_clusters,
            n_sampled=n_sampled,
        )
        if tick.counts or tick.events:
            self.ticks = trimmed([*self.ticks, tick], settings.window_comments, settings.reference_ratio)
        self.explained = sorted({merged.get(cluster, cluster) for cluster in self.explained})
        places = {micro: merged.get(place, place) for micro, place in known.items()} | dict(seen.places)
        heard = {micro for remembered in self.ticks for micro in remembered.counts}
        self.places = {micro: place for micro, place in places.items() if micro in heard}
        self.unread[DISCUSSION] = self.unread.get(DISCUSSION, 0) + n
        rhythm = self.rhythms.setdefault(DISCUSSION, {})
        renamed(rhythm, merged)
        if n:
            total = np.sum(list(seen.sums.values()), axis=0) if seen.sums else None
            count(rhythm, tick.at, n, cluster_counts([tick], self.places), total)
        return bool(tick.counts or tick.events) or self.places != known

    def remember_sides(
        self, target: str, at: float, counts: Mapping[str, int], settings: DriftSettings
    ) -> None:
        """Take in the signed judgements of a tick that ended at ``at``, in seconds since 1970 UTC."""
        favor, against = counts.get("favor", 0), counts.get("against", 0)
        tick = SideTick(at=at, favor=favor, against=against, none=counts.get("none", 0))
        known = with_sides(self.sides.get(target, []), tick)
        self.sides[target] = trimmed(known, settings.stance_window_comments, settings.reference_ratio)
        self.unread[target] = self.unread.get(target, 0) + tick.size
        if tick.size:
            named = {"favor": max(0, favor), "against": max(0, against)}
            count(self.rhythms.setdefault(target, {}), at, tick.size, named)

    def due(self, series: str, size: int) -> bool:
        """Whether enough comments have come for the detectors to look again; counting begins anew then."""
        if self.unread.get(series, 0) * STRIDES < size:
            return False
        self.unread[series] = 0
        return True

    def effect(self, series: str, seen: float) -> float:
        """Take in the design effect of a reference, and return the one to reckon with, >= 1.

        A running mean like that of a baseline: one reference has few slices, and may hold a change.
        """
        known = self.effects.get(series, seen)
        self.effects[series] = known + ORDINARY * (seen - known)
        return max(1.0, self.effects[series])


def restored(state: bytes, targets: Container[str]) -> State:
    """Read a state, without what it knows of targets that are there no more.

    Raises
    ------
    StateError
        If the state can't be read by this version.
    """
    known = decode_state("drift", state, State, VERSION)

    def stays(name: str) -> bool:
        target = target_of(name)
        return target is None or target in targets

    known.sides = {target: ticks for target, ticks in known.sides.items() if target in targets}
    known.unread = {name: n for name, n in known.unread.items() if name == DISCUSSION or name in targets}
    known.effects = {name: of for name, of in known.effects.items() if name == DISCUSSION or name in targets}
    known.rhythms = {name: of for name, of in known.rhythms.items() if name == DISCUSSION or name in targets}
    known.baselines = {name: value for name, value in known.baselines.items() if stays(name)}
    known.measures = {name: value for name, value in known.measures.items() if stays(name)}
    return known
