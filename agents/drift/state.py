"""What the watch over a discussion remembers, as it lies in a checkpoint."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Final

import msgspec

from agents.drift.alarms import WatchState
from agents.drift.measures import target_of
from agents.drift.timeline import SideTick, Tick
from agents.states import read_state

__all__ = ["DISCUSSION", "State", "restored"]

VERSION: Final = 1

DISCUSSION: Final = ""
"""Name of the whole discussion among those of targets, which are never empty."""


class State(msgspec.Struct, kw_only=True):
    """All that `DriftWatch` knows between two ticks.

    By target and for `DISCUSSION`, ``unread`` counts the comments since its detectors last looked, and
    ``effects`` are running means of the design effect of its comments.
    """

    version: int = VERSION
    ticks: list[Tick] = []
    sides: dict[str, list[SideTick]] = {}
    places: dict[str, str] = {}
    explained: list[str] = []
    unread: dict[str, int] = {}
    effects: dict[str, float] = {}
    allowed: float = 0.0
    window_start: datetime | None = None
    reference_start: datetime | None = None
    baselines: dict[str, float] = {}
    measures: dict[str, float] = {}
    watches: dict[str, WatchState] = {}


def restored(state: bytes, targets: Container[str]) -> State:
    """Read a state, without what it knows of targets that are there no more.

    Raises
    ------
    StateError
        If the state can't be read by this version.
    """
    known = read_state("drift", state, State, VERSION)

    def stays(name: str) -> bool:
        target = target_of(name)
        return target is None or target in targets

    known.sides = {target: ticks for target, ticks in known.sides.items() if target in targets}
    known.unread = {name: n for name, n in known.unread.items() if name == DISCUSSION or name in targets}
    known.effects = {name: of for name, of in known.effects.items() if name == DISCUSSION or name in targets}
    known.baselines = {name: value for name, value in known.baselines.items() if stays(name)}
    known.measures = {name: value for name, value in known.measures.items() if stays(name)}
    return known
