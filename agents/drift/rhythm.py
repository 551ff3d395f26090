"""What a discussion has at each time of day: a profile of former days, for changes that come daily.

Comments are counted by the hour of the day in which they came, former days by half with every day. What
the same hours of former days had in common with the current window is no news, however much it differs
from the hours just before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.drift.timeline import SideTick, Tick

__all__ = ["Counted", "Rhythm", "Slot", "Usual", "count", "renamed", "usual_at"]

Array = NDArray[Any]

DAY_SECONDS: Final = 86_400.0

SLOT_SECONDS: Final = 3_600.0
"""Twenty-four slots a day, by UTC: finer ones would hold too little to compare with."""

HALVED_BY_DAY: Final = 0.5
"""What a day counts beside the day after it: the last three make up seven eighths, so a rhythm that has
changed is the new one after two or three days."""

MOST_NAMES: Final = 128
"""Names that a slot knows, the most frequent; the others count together. A window of two hundred comments
hardly has as many, and all slots stay below 0.3 MB, embeddings of 384 dimensions among them."""

LEAST_COUNT: Final = 0.25
"""What has faded below it counts with the others; a slot of which no more is left knows nothing."""

OTHERS: Final = ""
"""Name under which they count; no cluster and no side is called so."""

LEAST_DAYS: Final = 2
"""Former days on which an hour must have been heard: one can't tell a rhythm from what happened once."""

LEAST_PART: Final = 1.0
"""Former days must be worth as many current windows of comments: with less, chance in them could excuse a
change. Two days of like traffic are worth 1.8, many are worth three."""


class Counted(msgspec.Struct, kw_only=True):
    """Comments of one slot, those of former days by weight.

    ``n`` is the sum of the weights of all comments and ``squares`` that of their squares, from which
    follows how many comments they are worth. ``names`` has the named ones among them, ``total`` is the
    float32 sum of their embeddings, empty where there are none.
    """

    n: float = 0.0
    squares: float = 0.0
    names: dict[str, float] = {}
    total: bytes = b""


class Slot(msgspec.Struct, kw_only=True):
    """One hour of the day: its last day, as days since 1970 UTC, and the ``days`` before it that it knows."""

    day: int
    days: int
    today: Counted
    former: Counted


Rhythm = dict[int, Slot]
"""Slots by their number, 0 to 23; those that have heard nothing are absent."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What former days had at the times of a window, hour by hour in its proportions.

    Parameters
    ----------
    size
        Comments that it is worth, > 0: what says how far chance may be off.
    names
        Expected comments by name among as many; all others under the empty one.
    mean
        (d,) mean of the embeddings, None where an hour has none.
    """

    size: float
    names: Mapping[str, float]
    mean: Array | None

    def counts(self, names: Sequence[str]) -> Array:
        """Return (k + 1,) the comments of each of these names, and last of all others."""
        known = np.array([self.names.get(name, 0.0) for name in names])
        return np.append(known, sum(n for name, n in self.names.items() if name not in names))


def count(rhythm: Rhythm, at: float, n: int, names: Mapping[str, int], total: Array | None = None) -> None:
    """Count the comments of a tick in the slot of its time.

    Parameters
    ----------
    at
        Event time in seconds since 1970 UTC.
    n
        All comments, > 0.
    names
        Those of clusters or sides.
    total
        (d,) sum of their embeddings.
    """
    day, slot = _place(at)
    known = rhythm.get(slot)
    if known is None:
        rhythm[slot] = known = Slot(day=day, days=0, today=Counted(), former=Counted())
    elif day > known.day:
        former = _faded(_sum(known.former, known.today), HALVED_BY_DAY ** (day - known.day))
        days = known.days + 1
        if former.n < LEAST_COUNT:
            days, former = 0, Counted()
        rhythm[slot] = known = Slot(day=day, days=days, today=Counted(), former=former)
    new = Counted(
        n=float(n),
        squares=float(n),
        names={name: float(count) for name, count in names.items()},
        total=b"" if total is None else np.asarray(total, "<f4").tobytes(),
    )
    known.today = _sum(known.today, new)


def renamed(rhythm: Rhythm, merged: Mapping[str, str]) -> None:
    """Count names that have ended with those that they merged into."""
    for slot in rhythm.values():
        for part in (slot.today, slot.former):
            for name in merged.keys() & part.names.keys():
                into = merged[name]
                part.names[into] = part.names.get(into, 0.0) + part.names.pop(name)


def usual_at(rhythm: Rhythm, window: Sequence[Tick] | Sequence[SideTick]) -> Usual | None:
    """Return what former days had at the times of a window.

    None where they have too little to say of any of its hours, or where it is as long as a day, so that
    it has no time of day.

    Parameters
    ----------
    window
        Ticks that have been counted, in their order, at least one.
    """
    if window[-1].at - window[0].at > DAY_SECONDS - SLOT_SECONDS:
        return None
    sizes: dict[int, int] = {}
    for tick in window:
        if tick.size:
            slot = _place(tick.at)[1]
            sizes[slot] = sizes.get(slot, 0) + tick.size
    n = sum(sizes.values())
    if not n or any(slot not in rhythm or rhythm[slot].days < LEAST_DAYS for slot in sizes):
        return None
    parts = {slot: size / n for slot, size in sizes.items()}
    former = {slot: rhythm[slot].former for slot in sizes}
    size = 1 / sum(part**2 * former[slot].squares / former[slot].n ** 2 for slot, part in parts.items())
    if size < LEAST_PART * n:
        return None
    names: dict[str, float] = {}
    for slot, part in parts.items():
        for name, weight in former[slot].names.items():
            names[name] = names.get(name, 0.0) + size * part * weight / former[slot].n
    means = [
        part * np.frombuffer(former[slot].total, "<f4").astype(float) / former[slot].n
        for slot, part in parts.items()
    ]
    return Usual(size, names, np.sum(means, axis=0) if all(map(len, means)) else None)


def _place(at: float) -> tuple[int, int]:
    """Return the day and the slot of a time."""
    day, second = divmod(at, DAY_SECONDS)
    return int(day), int(second // SLOT_SECONDS)


def _sum(a: Counted, b: Counted) -> Counted:
    names = dict(a.names)
    for name, weight in b.names.items():
        names[name] = names.get(name, 0.0) + weight
    both = [np.frombuffer(part.total, "<f4") for part in (a, b) if part.total]
    total = np.sum(both, axis=0).astype("<f4").tobytes() if both else b""
    return _bounded(Counted(n=a.n + b.n, squares=a.squares + b.squares, names=names, total=total))


def _faded(counted: Counted, factor: float) -> Counted:
    return _bounded(
        Counted(
            n=counted.n * factor,
            squares=counted.squares * factor**2,
            names={name: weight * factor for name, weight in counted.names.items()},
            total=(np.frombuffer(counted.total, "<f4") * np.float32(factor)).tobytes(),
        )
    )


def _bounded(counted: Counted) -> Counted:
    """Count what is beyond the bound, or hardly there, with the others."""
    others = counted.names.pop(OTHERS, 0.0)
    order = sorted(counted.names, key=lambda name: (-counted.names[name], name))
    kept = {name: counted.names[name] for name in order[:MOST_NAMES] if counted.names[name] >= LEAST_COUNT}
    others += sum(counted.names.values()) - sum(kept.values())
    counted.names = kept | ({OTHERS: others} if others > 0 else {})
    return counted
