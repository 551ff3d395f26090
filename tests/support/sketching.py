"""Sketches as ASSIGN would make them, from a few words."""

from __future__ import annotations

import numpy as np

from agents.clustering.ticks import as_datetime
from agents.records import Exemplar, MicroDelta, Sketch

__all__ = ["HALF_LIFE", "delta", "direction", "sketch"]

HALF_LIFE = 21_600.0

DIMENSIONS = 8


def direction(axis: int) -> np.ndarray:
    """Return a unit vector along one axis; two axes have nothing in common."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[axis % DIMENSIONS] = 1.0
    return vector


def delta(
    micro: str,
    tick: int,
    count: int = 1,
    *,
    axis: int = 0,
    terms: dict[str, int] | None = None,
    exemplars: tuple[Exemplar, ...] = (),
) -> MicroDelta:
    """Return what ``count`` like comments at the end of a tick bring to one micro-cluster."""
    at = as_datetime(tick + 59)
    return MicroDelta(
        micro=micro,
        count=count,
        weight=float(count),
        sums=(count * direction(axis)).astype("<f4").tobytes(),
        first=at,
        last=at,
        terms=terms or {},
        exemplars=exemplars,
    )


def sketch(
    partition: int,
    seq: int,
    tick: int,
    *micros: MicroDelta,
    last: bool = True,
    idle: bool = False,
    stage: str = "assign",
    gone: tuple[str, ...] = (),
    retracted: tuple[str, ...] = (),
) -> Sketch:
    """Return one part of a tick."""
    return Sketch(
        stage=stage,  # type: ignore[arg-type]
        partition=partition,
        seq=seq,
        tick=as_datetime(tick),
        last=last,
        idle=idle,
        micros=micros,
        gone=gone,
        retracted=retracted,
    )
