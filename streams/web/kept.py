"""What is kept of a topic in bounded memory: a function of what the topic holds, not of when one began.

Workers read the same topics, each from another moment on and partitions in any order; what they keep here
is the same all the same, so their pages are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

from agents.records import Pulse

__all__ = ["Rank", "Recent", "Ticks", "stride"]

K = TypeVar("K")

Rank = tuple[float, int, int]
"""When a record was published in seconds since 1970 UTC, its partition and its offset."""


class Recent(Generic[K]):
    """Which keys were said last: the newest ``most``, in whatever order they are read.

    A tombstone is said too: it keeps its place, else who saw the record before it would keep less.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._ranks: dict[K, Rank] = {}
        self._oldest: list[tuple[Rank, K]] = []

    def note(self, key: K, rank: Rank) -> bool:
        """Take note of a record; return whether it is the newest of its key.

        In one partition the later one is, whatever the clocks of two writers said.
        """
        known = self._ranks.get(key)
        if known is not None and (rank[2] < known[2] if rank[1] == known[1] else rank < known):
            return False
        self._ranks[key] = rank
        heapq.heappush(self._oldest, (rank, key))
        if len(self._oldest) > 2 * self._most + 2:  # of keys said again and again
            self._oldest = [(rank, key) for key, rank in self._ranks.items()]
            heapq.heapify(self._oldest)
        return True

    def rank(self, key: K) -> Rank | None:
        """Return when a key was last said, None where that isn't known."""
        return self._ranks.get(key)

    def surplus(self) -> Iterator[K]:
        """Give up the oldest keys until as many are left as are kept, and hand them over."""
        while len(self._ranks) > self._most:
            rank, key = heapq.heappop(self._oldest)
            if self._ranks.get(key) == rank:
                del self._ranks[key]
                yield key


class Ticks:
    """Pulses by their offset: the newest whole, of older ones the first in each of equal parts of the topic.

    Parameters
    ----------
    most
        Offsets kept whole; at most half as many parts are kept of all that is older.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pulses: dict[int, Pulse] = {}
        self._inorder: list[Pulse] | None = []
        self._newest: tuple[int, Pulse] | None = None

    @property
    def newest(self) -> Pulse | None:
        """The latest tick as it was said last, None before the first; known at once."""
        return self._newest[1] if self._newest is not None else None

    def add(self, offset: int, pulse: Pulse) -> None:
        """Take over a pulse, in any order."""
        self._pulses[offset] = pulse
        self._inorder = None
        if self._newest is None or (pulse.tick, offset) >= (self._newest[1].tick, self._newest[0]):
            self._newest = (offset, pulse)
        if len(self._pulses) > 2 * self._most:
            self._thin()

    def inorder(self) -> list[Pulse]:
        """Return the pulses by their tick; of a tick that was said again the last one."""
        if self._inorder is None:
            self._thin()
            latest = {pulse.tick: pulse for _, pulse in sorted(self._pulses.items())}
            self._inorder = [latest[tick] for tick in sorted(latest)]
        return self._inorder

    def _thin(self) -> None:
        end = max(self._pulses) + 1
        part = stride(end, self._most)
        kept: dict[int, Pulse] = {}
        seen: set[int] = set()
        for offset in sorted(self._pulses):
            if offset >= end - self._most or offset // part not in seen:
                kept[offset] = self._pulses[offset]
            seen.add(offset // part)
        self._pulses = kept


def stride(end: int, most: int) -> int:
    """Length of the parts of a topic that ends at an offset: of each, the first pulse is kept.

    A power of two, so that longer parts are made of whole shorter ones and begin with one that is kept.

    Examples
    --------
    >>> stride(1_000, most=2_000), stride(1_001, most=2_000), stride(9_000, most=2_000)
    (1, 2, 16)
    """
    part = 1
    while end > part * (most // 2):
        part *= 2
    return part
