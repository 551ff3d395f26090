"""Live micro-clusters: the state that one comment is compared with, and how it learns.

Everything is learned in *blocks*: the comments of a block are compared with the centroids as
they were when it began, and with those that were founded in it. A block's length is a function
of the number of comments so far and the ends of ticks alone, so a batch gives what one by one
gives. Centroids and vectors are float16 numbers, whose products add up in float64 without
rounding (22 bits a product, 2**-48 the smallest step, sums of unit vectors at most 1); so the
fast float32 matrix product only shortlists, and the exact product decides.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from agents.clustering.block import Decisions, Learned, Part, Pending, block_length
from agents.clustering.fading import STEADY_AGE, Landmark
from agents.clustering.kinship import kinships
from agents.clustering.matching import Match
from agents.clustering.settings import ClusteringSettings
from agents.clustering.slots import Slots
from agents.clustering.terms import DIMENSIONS, Frequencies

__all__ = ["MicroClusters"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORGOTTEN_BELOW = 1e-3
"""A micro-cluster is given up once its faded weight is below this many comments."""

SINGLE = 0.15
"""Comments that a micro-cluster of one is worth at the ceiling: most never hear a second."""

REFRESHED_AT = 1 / 16
"""Part of a micro-cluster's weight that has to be new before its centroid is computed again."""


class _State(msgspec.Struct, frozen=True):
    slots: bytes
    buckets: bytes
    frequencies: bytes
    n_counted: int
    landmark: float | None
    now: float
    total: float
    origin: float
    tick: int
    n_comments: int
    pending: tuple[bytes, ...] | None


class MicroClusters(Slots):
    """The live micro-clusters of one partition.

    Parameters
    ----------
    dimensions
        Length of an embedding.
    ceiling
        Most micro-clusters that stay live after a block; the least talked about for their age go.
    together
        Mean similarity of the comments of one topic: what has less in common with those of a micro-cluster
        is none of them. The chart asks less of two that it joins, as it can part those again.
    n_partitions
        Into how many parts the stream is cut, of which it hears one.
    """

    def __init__(
        self,
        settings: ClusteringSettings,
        dimensions: int,
        ceiling: int,
        together: float,
        n_partitions: int = 1,
    ) -> None:
        super().__init__(settings, dimensions)
        self.ceiling = ceiling
        self._together = together
        self._n_partitions = n_partitions
        self.frequencies = Frequencies()
        self.landmark: Landmark | None = None
        self.now = -np.inf
        """Latest event time at the beginning of the open block."""
        self.n_comments = 0
        """Comments learned so far."""
        self._origin = 0.0
        self._pending = Pending([], [], [])
        self._learned: list[Learned] = []
        self._gone: list[tuple[int, int]] = []
        self._tick = 0

    def assign(self, part: Part) -> Decisions:
        """Decide where comments belong, in their order, and learn the blocks that they fill."""
        decided: list[Decisions] = []
        at = 0
        while at < len(part):
            if not self._pending.n:
                self._begin(float(part.times[at]), int(part.ticks[at]))
            length = block_length(self.n_comments)
            upto = min(len(part), at + length - self._pending.n)
            piece = part.cut(at, upto)
            decisions = self._decide(piece)
            decided.append(decisions)
            own = np.where(decisions.is_founder, np.nan, decisions.similarities[:, 0])
            self._pending.add(piece, decisions.slots[:, 0], own)
            if self._pending.n >= length:
                self.learn()
            at = upto
        return Decisions.joined(decided)

    def drain(self) -> tuple[list[Learned], list[tuple[int, int]]]:
        """Return what was learned, and tick and number of what was given up, since the last call."""
        drained = self._learned, self._gone
        self._learned, self._gone = [], []
        return drained

    def _begin(self, time: float, tick: int) -> None:
        """Freeze what the comments of the next block are compared with."""
        self.now, self._tick = max(self.now, time), max(self._tick, tick)
        if self.landmark is None:
            self.landmark = Landmark(self.settings.half_life_seconds, self.now)
            self._origin = self.now
        factor = self.landmark.move_to(self.now)
        if factor is not None:
            self.scale(factor)
        self._give_up()
        if self.common.refresh(self.landmark.growth(self.now)):
            self.matcher.share(self.common.shared, self.common.concentration)
            live = self.live
            self.matcher.centre(live, self.weights[live], self.sums[live])
        self._freeze(None)

    def _freeze(self, total: float | None) -> None:
        """Freeze priors and discounts; ``total`` is known where an open block is restored."""
        assert self.landmark is not None
        present = self.weights / self.landmark.growth(self.now)
        ages = np.divide(self.ages, self.weights, out=np.zeros_like(self.ages), where=self.weights > 0)
        lag = self.now - self._origin - ages - STEADY_AGE * self.settings.half_life_seconds
        unheard = (self.now - self.last) / self._n_partitions  # by others it was heard of meanwhile
        self.matcher.freeze(
            present,
            np.maximum(unheard, lag),
            self.numbers >= 0,
            float(present.sum()) + 1.0 if total is None else total,
        )

    def _decide(self, piece: Part) -> Decisions:
        columns, values = self.frequencies.vectors(piece.words, piece.starts)
        match = self.matcher.match(piece.vectors, columns, values, piece.starts)
        slots, scores, similarities = match.slots, match.scores, match.similarities
        novelties = np.empty(len(piece))
        threshold = self.matcher.threshold
        candidates = np.flatnonzero(scores[:, 0] < threshold)
        if len(candidates):
            among = self.matcher.among(match, candidates)
            for column, i in enumerate(candidates):
                if scores[i, 0] >= threshold:
                    continue
                slot = self._found(match, int(i), float(piece.times[i]))
                self.matcher.offer(match, slot, int(i) + 1, among[:, column])
                novelties[i] = _novelty(similarities[i])
                _push_front(slots[i], similarities[i], slot)
        founded = np.zeros(len(piece), bool)
        founded[candidates] = scores[candidates, 0] < threshold
        novelties = np.where(founded, novelties, _novelty(similarities))
        numbers = np.where(slots >= 0, self.numbers[slots], -1)
        n_known = self.next_number - np.cumsum(founded[::-1])[::-1]
        assert self.landmark is not None
        growth = self.landmark.growth(self.now)
        related = kinships(self, self._pending, self.frequencies, piece, match, n_known, growth)
        return Decisions(slots, numbers, similarities, novelties, np.abs(values), founded, related)

    def _found(self, match: Match, row: int, time: float) -> int:
        """Give an empty slot to a comment; it has no weight before its block is learned."""
        slot = self.take_slot(time, self.n_comments)
        own = slice(match.words.indptr[row], match.words.indptr[row + 1])
        self.matcher.place(
            slot,
            match.vectors[row],
            match.words.indices[own],
            match.words.data[own],
            self.spread.newcomer_floor,
        )
        return slot

    def learn(self) -> None:
        """End the open block: learn what is pending, and give up what is too weak."""
        if not self._pending.n:
            return
        assert self.landmark is not None
        part, slots, similarities = self._pending.joined()
        self._pending = Pending([], [], [])
        columns, values = self.frequencies.vectors(part.words, part.starts)
        words = sparse.csr_matrix(
            (values.astype(np.float64), columns, part.starts), shape=(len(part), DIMENSIONS)
        )
        order = np.lexsort((slots, part.ticks))
        ticks, targets = part.ticks[order], slots[order]
        is_first = np.r_[True, (ticks[1:] != ticks[:-1]) | (targets[1:] != targets[:-1])]
        bounds = np.r_[np.flatnonzero(is_first), len(order)]
        growths = self.landmark.growths(part.times)
        adder = sparse.csr_matrix((growths[order], order, bounds), shape=(len(bounds) - 1, len(part)))
        times = part.times[order]
        learned = Learned(
            ticks=ticks[is_first],
            numbers=self.numbers[targets[is_first]],
            counts=np.diff(bounds),
            weights=np.add.reduceat(growths[order], bounds[:-1]),
            sums=adder @ part.vectors.astype(np.float64),
            lexical=adder @ words,
            first=np.minimum.reduceat(times, bounds[:-1]),
            last=np.maximum.reduceat(times, bounds[:-1]),
            landmark=self.landmark.at,
        )
        np.add.at(self.ages, slots, growths * (part.times - self._origin))
        self.common.add(growths, part.discussions, learned.sums.sum(axis=0))
        self.spread.add(slots, similarities)
        self._take(learned, targets[is_first])
        self.frequencies.add(part.words, len(part))
        self.n_comments += len(part)
        self._tick = max(self._tick, int(part.ticks.max()))
        self._learned.append(learned)
        self._give_up()

    def _take(self, learned: Learned, slots: Ints) -> None:
        """Add what a block brought, tick by tick: within one tick every slot occurs once."""
        bounds = np.r_[0, np.flatnonzero(np.diff(learned.ticks)) + 1, len(slots)]
        for low, high in pairwise(bounds.tolist()):
            mine = slots[low:high]
            self.counts[mine] += learned.counts[low:high]
            self.weights[mine] += learned.weights[low:high]
            self.unseen[mine] += learned.weights[low:high]
            self.sums[mine] += learned.sums[low:high].astype(np.float32)
            self.first[mine] = np.minimum(self.first[mine], learned.first[low:high])
            self.last[mine] = np.maximum(self.last[mine], learned.last[low:high])
            added = learned.lexical[low:high]
            rows = np.repeat(mine, np.diff(added.indptr))
            self.lexical[rows, added.indices] += added.data.astype(np.float32)
        changed = np.unique(slots)
        self.refresh(changed[self.unseen[changed] >= REFRESHED_AT * self.weights[changed]])
        together = self._together * (1.0 - self.common.concentration)
        self.matcher.floors[changed] = np.maximum(
            self.spread.floors(changed), self.matcher.least(changed, together)
        )

    def _give_up(self) -> None:
        """Give up what has faded away, and above the ceiling what had the least traffic for its age.

        Weight alone would give up what is new before it can grow, wherever the ceiling is full of topics
        of this morning (hyperbolic caching, Blankstein et al. 2017); and as a comment says little of a
        second, a flood of single ones gives up no topic.
        """
        assert self.landmark is not None
        live = self.live
        weights = self.weights[live]
        has_faded = weights < FORGOTTEN_BELOW * self.landmark.growth(self.now)
        surplus = max(len(live) - self.ceiling, int(np.count_nonzero(has_faded)))
        if surplus > 0:
            worth = weights * (1.0 - (1.0 - SINGLE) / np.maximum(self.counts[live], 1))
            rates = worth / np.maximum(self.n_comments - self.founded[live], 1)
            rates[has_faded] = 0.0
            self._remove(live[np.lexsort((self.numbers[live], rates))[:surplus]])

    def correct(self, number: int, time: float, tick: int) -> None:
        """Take one comment out of a live micro-cluster; the open block must have been learned.

        Its vector isn't remembered (it would take 768 bytes a comment), so the sums give up their
        mean: weight and count become exact, the direction stays.
        """
        assert self.landmark is not None
        slot = self.slot_of[number]
        weight = min(self.landmark.growth(time), self.weights[slot])
        part = weight / self.weights[slot] if self.weights[slot] > 0 else 0.0
        if self.counts[slot] <= 1:
            weight, part = self.weights[slot], 1.0
        sums = self.sums[slot] * np.float32(-part)
        lexical = self.lexical[slot] * np.float32(-part)
        one = np.array([slot])
        self._learned.append(
            Learned(
                ticks=np.array([tick]),
                numbers=np.array([number]),
                counts=np.array([-1]),
                weights=np.array([-weight]),
                sums=sums[None, :].astype(np.float64),
                lexical=sparse.csr_matrix(lexical[None, :].astype(np.float64)),
                first=np.array([time]),
                last=np.array([time]),
                landmark=self.landmark.at,
            )
        )
        self.counts[slot] -= 1
        self.weights[slot] -= weight
        self.ages[slot] *= 1.0 - part
        self.sums[slot] += sums
        self.lexical[slot] += lexical
        if self.counts[slot] <= 0:
            self._remove(one)
        else:
            self.refresh(one)

    def move_back(self, seconds: float) -> None:
        """Let all that was learned so far count as that much earlier."""
        self.learn()
        self.now -= seconds
        self._origin -= seconds
        self._tick = 0
        self.first -= seconds
        self.last -= seconds
        if self.landmark is not None:
            self.landmark.at -= seconds

    def _remove(self, slots: Ints) -> None:
        self._gone.extend((self._tick, number) for number in self.give_back(slots))

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        buckets = np.flatnonzero(self.frequencies.counts)
        pending = None
        if self._pending.n:
            part, slots, similarities = self._pending.joined()
            arrays = (
                part.vectors,
                part.words,
                part.starts,
                part.times,
                part.ticks,
                part.discussions,
                slots,
                similarities,
            )
            pending = tuple(array.tobytes() for array in arrays)
        return msgspec.msgpack.encode(
            _State(
                slots=self.pack(),
                buckets=buckets.astype("<u2").tobytes(),
                frequencies=self.frequencies.counts[buckets].tobytes(),
                n_counted=self.frequencies.n_comments,
                landmark=None if self.landmark is None else self.landmark.at,
                now=self.now,
                total=self.matcher.total,
                origin=self._origin,
                tick=self._tick,
                n_comments=self.n_comments,
                pending=pending,
            )
        )

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        read = msgspec.msgpack.decode(state, type=_State)
        self.unpack(read.slots)
        self.frequencies = Frequencies()
        self.frequencies.counts[np.frombuffer(read.buckets, "<u2")] = np.frombuffer(
            read.frequencies, np.int32
        )
        self.frequencies.n_comments = read.n_counted
        self._origin, self._tick = read.origin, read.tick
        self.now, self.n_comments = read.now, read.n_comments
        self.landmark = None
        self._learned, self._gone, self._pending = [], [], Pending([], [], [])
        if read.landmark is not None:
            self.landmark = Landmark(self.settings.half_life_seconds, read.landmark)
            self._freeze(read.total)
        if read.pending is not None:
            self._reopen(read.pending)

    def _reopen(self, pending: tuple[bytes, ...]) -> None:
        """Take over the open block, with what was founded in it."""
        part = Part(
            np.frombuffer(pending[0], np.float16).reshape(-1, self.dimensions),
            np.frombuffer(pending[1], np.uint32),
            np.frombuffer(pending[2], np.int64),
            np.frombuffer(pending[3]),
            np.frombuffer(pending[4], np.int64),
            np.frombuffer(pending[5], np.int64),
        )
        slots = np.frombuffer(pending[6], np.int64)
        self._pending.add(part, slots, np.frombuffer(pending[7]))
        columns, values = self.frequencies.vectors(part.words, part.starts)
        for row in np.unique(slots, return_index=True)[1].tolist():
            slot, own = int(slots[row]), slice(part.starts[row], part.starts[row + 1])
            if self.counts[slot] == 0:
                self.matcher.place(
                    slot, part.vectors[row], columns[own], values[own], self.spread.newcomer_floor
                )


def _novelty(similarities: Floats) -> Floats:
    """Return 1 - the largest similarity of each row, in 0..1."""
    nearest = similarities.max(axis=-1)
    novelty: Floats = 1.0 - np.clip(nearest, 0.0, 1.0)
    return novelty


def _push_front(slots: Ints, similarities: Floats, slot: int) -> None:
    """Put the founded slot before the others of a row, in place."""
    slots[1:], similarities[1:] = slots[:-1].copy(), similarities[:-1].copy()
    slots[0], similarities[0] = slot, 1.0
