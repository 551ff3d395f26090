"""Which ticks are complete: sketches wait here until every partition has passed their tick or is idle.

One inbox serves one stage; ASSIGN and JUDGE have one each, since judging is slower. What comes out
is a function of the log alone, sketch by sketch, so batches don't matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import msgspec

from agents.errors import GapError, StateError
from agents.records import Sketch

__all__ = ["Closed", "Inbox", "InboxState"]

MOST_WAITING_BYTES: Final = 6 * 1_048_576
"""Sketches that wait for the slowest partition at most; above it the oldest tick goes on without it, and
what that partition brings later joins the open tick. A checkpoint holds what waits, and has a limit."""


@dataclass(frozen=True, slots=True)
class Closed:
    """One tick, ready to be added up.

    Parameters
    ----------
    tick
        Start of the tick, in seconds since 1970; that of the one before where time stands still.
    sketches
        In the order of partitions, and of each partition in its sequence.
    idle
        Whether every partition is silent now.
    """

    tick: int
    sketches: tuple[Sketch, ...]
    idle: bool = False


class _Partition(msgspec.Struct):
    """What is known of one partition."""

    next_seq: int = 0
    passed: int | None = None
    """Start of the latest tick that it has passed; None while nothing was heard of it."""
    idle: bool = False
    is_midway: bool = False
    """Whether parts of its current tick are still to come."""

    @property
    def reach(self) -> int:
        """Start of the latest tick that does not wait for it."""
        assert self.passed is not None
        return self.passed - self.is_midway


class InboxState(msgspec.Struct, frozen=True):
    """All that an inbox knows."""

    partitions: list[_Partition]
    worked: int | None
    waiting: list[Sketch]
    late: list[Sketch]


class Inbox:
    """The sketches of one stage, until their tick is complete.

    Parameters
    ----------
    stage
        ``assign`` or ``judge``, for errors.
    n_partitions
        Partitions that must be heard of before anything comes out.
    """

    def __init__(self, stage: str, n_partitions: int) -> None:
        self._stage = stage
        self._partitions = [_Partition() for _ in range(n_partitions)]
        self._waiting: dict[int, list[Sketch]] = {}
        self._late: list[Sketch] = []
        self._bytes = 0
        self.worked: int | None = None
        """Start of the latest tick that came out."""

    @property
    def is_idle(self) -> bool:
        """Whether every partition is silent."""
        return all(each.idle for each in self._partitions)

    def take(self, sketch: Sketch) -> list[Closed]:
        """Take in one sketch and return the ticks that it completes, oldest first.

        Raises
        ------
        GapError
            If sketches before it are missing.
        StateError
            If its partition is beyond the number of partitions.
        """
        partition = self._partition(sketch)
        if sketch.seq < partition.next_seq:
            return []
        self._check_sequence(sketch, partition)
        was_idle = self.is_idle
        partition.next_seq += 1
        tick = int(sketch.tick.timestamp())
        if _has_content(sketch):
            self._keep(tick, sketch)
        partition.is_midway = not sketch.last
        partition.idle = sketch.idle and sketch.last
        if sketch.last:
            partition.passed = tick if partition.passed is None else max(partition.passed, tick)
        return list(self._complete(was_idle))

    def state(self) -> InboxState:
        """Return all that it knows."""
        waiting = [sketch for tick in sorted(self._waiting) for sketch in self._waiting[tick]]
        partitions = [msgspec.structs.replace(each) for each in self._partitions]
        return InboxState(partitions, self.worked, waiting, list(self._late))

    def restore(self, state: InboxState) -> None:
        """Take over what `state` returned.

        Raises
        ------
        StateError
            If it is of another number of partitions.
        """
        if len(state.partitions) != len(self._partitions):
            raise StateError(
                f"the chart's state is of {len(state.partitions)} partitions, topics.partitions is "
                f"{len(self._partitions)}. Set it back, or choose a new topics.prefix and replay."
            )
        self._partitions = [msgspec.structs.replace(each) for each in state.partitions]
        self.worked = state.worked
        self._waiting, self._late, self._bytes = {}, list(state.late), 0
        for sketch in state.waiting:
            self._waiting.setdefault(int(sketch.tick.timestamp()), []).append(sketch)
            self._bytes += _size(sketch)

    def _partition(self, sketch: Sketch) -> _Partition:
        if not 0 <= sketch.partition < len(self._partitions):
            raise StateError(
                f"a sketch of {self._stage} is of partition {sketch.partition}, there are "
                f"{len(self._partitions)}. Set topics.partitions to what the topics have, or choose a new "
                "topics.prefix and replay."
            )
        return self._partitions[sketch.partition]

    def _check_sequence(self, sketch: Sketch, partition: _Partition) -> None:
        if sketch.seq == partition.next_seq:
            return
        raise GapError(
            f"the next sketch of {self._stage} on partition {sketch.partition} is number {sketch.seq}, "
            f"the chart has those before {partition.next_seq}: what lies between is lost or past the "
            "retention of the topic sketches. Choose a new topics.prefix and replay the comments."
        )

    def _keep(self, tick: int, sketch: Sketch) -> None:
        if self.worked is not None and tick <= self.worked:
            self._late.append(sketch)
        else:
            self._waiting.setdefault(tick, []).append(sketch)
            self._bytes += _size(sketch)

    def _complete(self, was_idle: bool) -> Iterator[Closed]:
        if any(each.passed is None for each in self._partitions):
            return
        if self.is_idle:
            yield from self._all(was_idle)
            return
        reach = min(each.reach for each in self._partitions if not each.idle)
        for tick in sorted(self._waiting):
            if tick > reach and self._bytes <= MOST_WAITING_BYTES:
                break
            yield self._close(tick)

    def _all(self, was_idle: bool) -> Iterator[Closed]:
        """Yield all that waits: no partition has more to bring."""
        ticks = sorted(self._waiting)
        for tick in ticks:
            yield self._close(tick, idle=tick == ticks[-1])
        if not ticks and self.worked is not None and (self._late or not was_idle):
            yield self._close(self.worked, idle=True)

    def _close(self, tick: int, *, idle: bool = False) -> Closed:
        sketches = [*self._late, *self._waiting.pop(tick, ())]
        self._bytes -= sum(_size(sketch) for sketch in sketches[len(self._late) :])
        self._late = []
        self.worked = tick
        return Closed(tick, _in_order(sketches), idle)


def _in_order(sketches: Sequence[Sketch]) -> tuple[Sketch, ...]:
    return tuple(sorted(sketches, key=lambda sketch: (sketch.partition, sketch.seq)))


def _has_content(sketch: Sketch) -> bool:
    return bool(
        sketch.micros
        or sketch.gone
        or sketch.retracted
        or sketch.stances
        or sketch.sample
        or sketch.titles
        or sketch.late
        or any(sketch.novelty)
    )


def _size(sketch: Sketch) -> int:
    """Return about how many bytes a sketch takes in a checkpoint."""
    micros = sum(len(delta.sums) + len(delta.lexical) + 500 for delta in sketch.micros)
    counts = 200 * len(sketch.stances)
    texts = chain(sketch.sample, sketch.retracted, *sketch.titles.items())
    return micros + counts + sum(map(len, texts))
