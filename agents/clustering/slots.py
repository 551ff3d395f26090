"""Where live micro-clusters lie: one slot each in arrays that grow, empty ones used again."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.clustering.common import Common
from agents.clustering.matching import Matcher
from agents.clustering.settings import ClusteringSettings
from agents.clustering.spread import Spread
from agents.clustering.terms import DIMENSIONS, filled

__all__ = ["Slots"]

Ints = NDArray[np.int64]

GROWTH = 256
"""Slots added at a time."""

COLUMNS = ("numbers", "counts", "weights", "sums", "lexical", "first", "last", "ages", "founded", "unseen")
"""Arrays that have a row for every slot."""


class _State(msgspec.Struct, frozen=True):
    capacity: int
    free: list[int]
    live: list[bytes]
    lexical: list[bytes]
    frozen: tuple[bytes, bytes, bytes, bytes, bytes]
    mean: tuple[float, float]
    common: bytes
    next_number: int


class Slots:
    """The numbers of every live micro-cluster by its slot, and what comments are compared with.

    Parameters
    ----------
    dimensions
        Length of an embedding.
    """

    def __init__(self, settings: ClusteringSettings, dimensions: int) -> None:
        self.settings = settings
        self.dimensions = dimensions
        self.next_number = 0
        self.slot_of: dict[int, int] = {}
        """Slot of every live micro-cluster by its number."""
        self._allocate(0)

    def __len__(self) -> int:
        """Return the number of live micro-clusters."""
        return len(self.slot_of)

    @property
    def live(self) -> Ints:
        """Slots that are in use, in their order."""
        return np.flatnonzero(self.numbers >= 0)

    def _allocate(self, capacity: int) -> None:
        """Begin with empty slots."""
        self.numbers = np.full(capacity, -1, np.int64)
        self.counts = np.zeros(capacity, np.int64)
        self.weights = np.zeros(capacity)
        self.sums = np.zeros((capacity, self.dimensions), np.float32)
        self.lexical = np.zeros((capacity, DIMENSIONS), np.float32)
        self.first = np.zeros(capacity)
        self.last = np.zeros(capacity)
        self.ages = np.zeros(capacity)
        self.founded = np.zeros(capacity, np.int64)
        """Comments learned before each was founded."""
        self.unseen = np.zeros(capacity)
        self.spread = Spread(self.settings.spread, capacity)
        self.matcher = Matcher(self.settings, self.dimensions, capacity)
        self.common = Common(self.dimensions)
        self._free = list(range(capacity - 1, -1, -1))

    def _grow(self) -> None:
        """Add `GROWTH` empty slots."""
        old, capacity = len(self.numbers), len(self.numbers) + GROWTH
        for name in COLUMNS:
            array = getattr(self, name)
            grown = np.zeros((capacity, *array.shape[1:]), array.dtype)
            grown[:old] = array
            setattr(self, name, grown)
        self.numbers[old:] = -1
        self.matcher.grow(capacity)
        self.spread.grow(capacity)
        self._free = [*range(capacity - 1, old - 1, -1), *self._free]

    def take_slot(self, time: float, n_comments: int) -> int:
        """Give a slot to a new micro-cluster, founded at a time after some comments; it has no weight yet."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self.numbers[slot] = self.next_number
        self.slot_of[self.next_number] = slot
        self.next_number += 1
        self.counts[slot], self.weights[slot], self.unseen[slot], self.ages[slot] = 0, 0.0, 0.0, 0.0
        self.sums[slot], self.lexical[slot] = 0.0, 0.0
        self.first[slot] = self.last[slot] = time
        self.founded[slot] = n_comments
        return slot

    def give_back(self, slots: Ints) -> list[int]:
        """Empty slots and return the numbers of the micro-clusters that they held."""
        numbers: list[int] = self.numbers[slots].tolist()
        for number in numbers:
            self._free.append(self.slot_of.pop(number))
        self.numbers[slots] = -1
        self.weights[slots] = 0.0
        self.matcher.clear(slots)
        return numbers

    def refresh(self, slots: Ints) -> None:
        """Bring the centroids of slots up to date with their sums."""
        self.matcher.refresh(slots, self.weights[slots], self.sums[slots], self.lexical[slots])
        self.unseen[slots] = 0.0

    def scale(self, factor: float) -> None:
        """Follow the landmark that weights and sums are relative to."""
        self.weights *= factor
        self.ages *= factor
        self.unseen *= factor
        self.sums *= np.float32(factor)
        self.lexical *= np.float32(factor)
        self.common.scale(factor)

    def pack(self) -> bytes:
        """Return all of it as bytes: 6 bytes a dimension and 10 a hashed word for each micro-cluster."""
        live = self.live
        rows, columns = filled(self.lexical[live])
        arrays = (
            live,
            self.numbers[live],
            self.counts[live],
            self.weights[live],
            self.sums[live],
            self.first[live],
            self.last[live],
            self.ages[live],
            self.spread.moments[:, live],
            self.matcher.floors[live],
            self.unseen[live],
            self.founded[live],
        )
        lengths = np.bincount(rows, minlength=len(live))
        words = (lengths.astype("<u2"), columns.astype("<u2"), self.lexical[live[rows], columns])
        return msgspec.msgpack.encode(
            _State(
                capacity=len(self.numbers),
                free=self._free,
                live=[array.tobytes() for array in arrays],
                lexical=[array.tobytes() for array in words],
                frozen=self.matcher.snapshot(live),
                mean=(self.spread.mean_sum, self.spread.mean_count),
                common=self.common.snapshot(),
                next_number=self.next_number,
            )
        )

    def unpack(self, state: bytes) -> None:
        """Take over what `pack` gave."""
        read = msgspec.msgpack.decode(state, type=_State)
        self._allocate(read.capacity)
        self._free, self.next_number = read.free, read.next_number
        live, numbers, counts = (np.frombuffer(each, np.int64) for each in read.live[:3])
        self.slot_of = dict(zip(numbers.tolist(), live.tolist(), strict=True))
        self.numbers[live], self.counts[live] = numbers, counts
        self.weights[live] = np.frombuffer(read.live[3])
        self.sums[live] = np.frombuffer(read.live[4], np.float32).reshape(-1, self.dimensions)
        self.first[live], self.last[live], self.ages[live] = (np.frombuffer(each) for each in read.live[5:8])
        self.spread.moments[:, live] = np.frombuffer(read.live[8]).reshape(3, -1)
        self.spread.mean_sum, self.spread.mean_count = read.mean
        self.matcher.floors[live] = np.frombuffer(read.live[9])
        self.unseen[live] = np.frombuffer(read.live[10])
        self.founded[live] = np.frombuffer(read.live[11], np.int64)
        rows = np.repeat(live, np.frombuffer(read.lexical[0], "<u2"))
        columns = np.frombuffer(read.lexical[1], "<u2")
        self.lexical[rows, columns] = np.frombuffer(read.lexical[2], np.float32)
        self.common.restore(read.common)
        self.matcher.share(self.common.shared, self.common.concentration)
        if len(live):
            self.matcher.restore(live, *read.frozen)
