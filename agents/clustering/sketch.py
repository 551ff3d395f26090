"""The additive summary of one tick of one partition, and how it is packed into records.

Counts are exact and signed; weights and sums are faded to the end of the tick, so whoever adds
them up fades what was there before and adds. What doesn't add (a sample of vectors) is chosen
by a hash of the id, so the same comments are chosen however they arrive.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.clustering.block import Learned
from agents.clustering.terms import DIMENSIONS, filled
from agents.clustering.ticks import as_datetime
from agents.records import Exemplar, MicroDelta, Sketch

__all__ = ["Summary", "in_parts", "pack_lexical", "unpack_lexical"]

PART_BYTES = 700_000
"""A part is closed before it takes more JSON than this, well under a message of 1 MB."""

MOST_NAMES = 200
"""Words, discussions and sources in one record of a micro-cluster; corrections beyond go into another."""

MOST_PLACES = 20
"""Discussions and sources named per micro-cluster and tick: its busiest."""

MOST_TERMS = 60
"""Words sent per micro-cluster and tick: its most frequent; corrections always go."""

MOST_TITLES = 500
"""Titles of discussions sent per tick; whoever is left out is named by a later tick."""

TENTHS = 10


def pack_lexical(columns: NDArray[np.integer], values: NDArray[np.floating]) -> bytes:
    """Return hashed words as bytes: the columns as little-endian uint16, then the values as float32."""
    return columns.astype("<u2").tobytes() + values.astype("<f4").tobytes()


def unpack_lexical(packed: bytes) -> NDArray[np.float32]:
    """Return the (`DIMENSIONS`,) float32 row that `pack_lexical` packed.

    Examples
    --------
    >>> row = unpack_lexical(pack_lexical(np.array([2, 5]), np.array([1.5, -1.0])))
    >>> row.shape, float(row[2]), float(row.sum())
    ((2048,), 1.5, 0.5)
    """
    n = len(packed) // 6
    row = np.zeros(DIMENSIONS, np.float32)
    row[np.frombuffer(packed, "<u2", n)] = np.frombuffer(packed, "<f4", n, offset=2 * n)
    return row


class _Row(msgspec.Struct):
    """What one tick brought to one micro-cluster."""

    first: float
    last: float
    count: int = 0
    weight: float = 0.0
    terms: dict[str, int] = {}
    discussions: dict[str, int] = {}
    sources: dict[str, int] = {}


class Summary:
    """What one open tick has brought since its last part was published.

    Parameters
    ----------
    tick, end
        Start and end of the tick, in seconds since 1970.
    half_life_seconds
        Silence that halves a weight.
    """

    def __init__(self, tick: int, end: float, dimensions: int, half_life_seconds: float) -> None:
        self.tick = tick
        self._end = end
        self._dimensions = dimensions
        self._half_life = half_life_seconds
        self.clear()

    def clear(self) -> None:
        """Forget what was published."""
        self.late = 0
        self.retracted: list[str] = []
        self.gone: list[int] = []
        self.novelty = [0] * TENTHS
        self.titles: dict[str, str] = {}
        self.sample: dict[int, bytes] = {}
        self._rows: dict[int, _Row] = {}
        self._place: dict[int, int] = {}
        self._sums = np.zeros((0, self._dimensions))
        self._lexical = np.zeros((0, DIMENSIONS), np.float32)

    @property
    def numbers(self) -> frozenset[int]:
        """The micro-clusters of which it tells something."""
        return frozenset(self._rows)

    def learn(self, learned: Learned, low: int, high: int) -> None:
        """Add the pairs of this tick, from ``low`` to before ``high``, of a block."""
        factor = 2.0 ** ((learned.landmark - self._end) / self._half_life)
        numbers = learned.numbers[low:high].tolist()
        for i, number in enumerate(numbers, low):
            row = self._row(number, float(learned.first[i]))
            row.count += int(learned.counts[i])
            row.weight += float(learned.weights[i]) * factor
            if learned.counts[i] > 0:  # a correction is no talk
                row.first = min(row.first, float(learned.first[i]))
                row.last = max(row.last, float(learned.last[i]))
        places = np.array([self._place[number] for number in numbers])
        self._sums[places] += learned.sums[low:high] * factor
        added = learned.lexical[low:high]
        self._lexical[np.repeat(places, np.diff(added.indptr)), added.indices] += (
            added.data * factor
        ).astype(np.float32)

    def note(
        self,
        number: int,
        at: float,
        terms: Sequence[str],
        discussion: str | None,
        source: str | None,
        step: int = 1,
    ) -> None:
        """Count the words and places of one comment; ``step`` is -1 where it is taken back."""
        row = self._row(number, at)
        for term in terms:
            row.terms[term] = row.terms.get(term, 0) + step
        if discussion:
            row.discussions[discussion] = row.discussions.get(discussion, 0) + step
        if source:
            row.sources[source] = row.sources.get(source, 0) + step

    def count_gone(self, number: int, at: float) -> None:
        """Take one comment back from a micro-cluster that is live no more."""
        self._row(number, at).count -= 1

    def add_to_sample(self, comment: str, vector: bytes, size: int) -> None:
        """Let a comment stand in the sample, if the hash of its id is among the smallest."""
        key = zlib.crc32(comment.encode())
        if len(self.sample) < size or (self.sample and key < max(self.sample)):
            self.sample[key] = vector
            if len(self.sample) > size:
                del self.sample[max(self.sample)]

    def add_title(self, discussion: str | None, title: str | None) -> None:
        """Keep the title of a discussion."""
        if discussion and title and len(self.titles) < MOST_TITLES:
            self.titles.setdefault(discussion, title)

    def drop_from_sample(self, comment: str) -> None:
        """Take a retracted comment out of the sample."""
        self.sample.pop(zlib.crc32(comment.encode()), None)

    def parts(
        self,
        partition: int,
        seq: int,
        name: Callable[[int], str],
        exemplars: Mapping[int, tuple[Exemplar, ...]],
        *,
        is_idle: bool,
    ) -> Iterator[Sketch]:
        """Yield the parts to publish, numbered from ``seq``; at least one.

        Parameters
        ----------
        name
            The id of a micro-cluster by its number.
        exemplars
            Those of the micro-clusters whose exemplars changed.
        """
        parts = list(in_parts(self._pieces(name, exemplars)))
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            yield Sketch(
                stage="assign",
                partition=partition,
                seq=seq + number,
                tick=as_datetime(self.tick),
                last=is_last,
                idle=is_idle and is_last,
                late=self.late if is_last else 0,
                micros=tuple(part.get("micros", ())),
                gone=tuple(part.get("gone", ())),
                retracted=tuple(part.get("retracted", ())),
                sample=tuple(part.get("sample", ())),
                novelty=tuple(self.novelty) if is_last and any(self.novelty) else (),
                titles=dict(part.get("titles", ())),
            )

    def move_to(self, tick: int, end: float, seconds: float) -> None:
        """Count for an earlier tick: the clock gave up the first time that it was shown."""
        self.tick, self._end = tick, end
        for row in self._rows.values():
            row.first -= seconds
            row.last -= seconds

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        used = len(self._rows)
        rows, columns = filled(self._lexical[:used])
        return msgspec.msgpack.encode(
            (
                (self.tick, self._end, self.late, self.retracted, self.gone, self.novelty),
                (self.titles, self.sample),
                self._rows,
                self._sums[:used].tobytes(),
                rows.astype("<u4").tobytes(),
                pack_lexical(columns, self._lexical[rows, columns]),
            )
        )

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        self.clear()
        counts, kept, rows, sums, owners, lexical = msgspec.msgpack.decode(state, strict=False)
        self.tick, self._end, self.late, self.retracted, self.gone, self.novelty = counts
        self.titles, self.sample = kept
        self._rows = {int(number): msgspec.convert(row, _Row) for number, row in rows.items()}
        self._place = {number: place for place, number in enumerate(self._rows)}
        self._sums = np.frombuffer(sums).reshape(len(self._rows), self._dimensions).copy()
        self._lexical = np.zeros((len(self._rows), DIMENSIONS), np.float32)
        n = len(lexical) // 6
        columns = np.frombuffer(lexical, "<u2", n)
        self._lexical[np.frombuffer(owners, "<u4"), columns] = np.frombuffer(lexical, "<f4", n, offset=2 * n)

    def _row(self, number: int, at: float) -> _Row:
        row = self._rows.get(number)
        if row is None:
            row = self._rows[number] = _Row(at, at)
            place = self._place[number] = len(self._place)
            if place >= len(self._sums):
                more = max(64, len(self._sums))
                self._sums = np.concatenate([self._sums, np.zeros((more, self._dimensions))])
                self._lexical = np.concatenate([self._lexical, np.zeros((more, DIMENSIONS), np.float32)])
        return row

    def _pieces(
        self, name: Callable[[int], str], exemplars: Mapping[int, tuple[Exemplar, ...]]
    ) -> Iterator[tuple[str, Any]]:
        """Yield what a sketch lists, each with its field."""
        yield from (("retracted", comment) for comment in self.retracted)
        for number in sorted(self._rows.keys() | exemplars.keys()):
            for delta in self._deltas(number, name(number), exemplars.get(number, ())):
                yield "micros", delta
        yield from (("gone", name(number)) for number in self.gone)
        yield from (("sample", self.sample[key]) for key in sorted(self.sample))
        yield from (("titles", titled) for titled in self.titles.items())

    def _deltas(self, number: int, micro: str, exemplars: tuple[Exemplar, ...]) -> Iterator[MicroDelta]:
        """Yield what changed in a micro-cluster: in one record, or more where hundreds of words went."""
        row = self._rows.get(number)
        nothing = np.zeros(self._dimensions, "<f4").tobytes()
        if row is None:
            at = as_datetime(self.tick)
            yield MicroDelta(
                micro=micro, count=0, weight=0.0, sums=nothing, first=at, last=at, exemplars=exemplars
            )
            return
        place = self._place[number]
        columns = np.flatnonzero(self._lexical[place])
        first, last = as_datetime(row.first), as_datetime(row.last)
        names: Iterator[tuple[dict[str, int], ...]] = zip_longest(
            _cut(_busiest(row.terms, MOST_TERMS)),
            _cut(_busiest(row.discussions, MOST_PLACES)),
            _cut(_busiest(row.sources, MOST_PLACES)),
            fillvalue={},
        )
        terms, discussions, sources = next(names, ({}, {}, {}))
        yield MicroDelta(
            micro=micro,
            count=row.count,
            weight=row.weight,
            sums=self._sums[place].astype("<f4").tobytes(),
            first=first,
            last=last,
            lexical=pack_lexical(columns, self._lexical[place, columns]),
            terms=terms,
            exemplars=exemplars,
            discussions=discussions,
            sources=sources,
        )
        for terms, discussions, sources in names:
            yield MicroDelta(
                micro=micro,
                count=0,
                weight=0.0,
                sums=nothing,
                first=first,
                last=last,
                terms=terms,
                discussions=discussions,
                sources=sources,
            )


def in_parts(pieces: Iterable[tuple[str, Any]]) -> Iterator[dict[str, list[Any]]]:
    """Yield pieces, each with its field, in parts that fit into a record; one empty part without any.

    Examples
    --------
    >>> list(in_parts([("gone", "0-1"), ("gone", "0-2"), ("retracted", "a")]))
    [{'gone': ['0-1', '0-2'], 'retracted': ['a']}]
    """
    part: dict[str, list[Any]] = {}
    size = 0
    for field, piece in pieces:
        grows = len(msgspec.json.encode(piece))
        if part and size + grows > PART_BYTES:
            yield part
            part, size = {}, 0
        part.setdefault(field, []).append(piece)
        size += grows
    yield part


def _cut(counts: dict[str, int]) -> Iterator[dict[str, int]]:
    """Yield counts in dictionaries of at most `MOST_NAMES`."""
    items = iter(counts.items())
    while some := dict(islice(items, MOST_NAMES)):
        yield some


def _busiest(counts: dict[str, int], most: int) -> dict[str, int]:
    """Return the largest counts, all negative ones, and no zeros; ties go by name."""
    if len(counts) <= most:
        return {name: count for name, count in counts.items() if count}
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    kept = [name for i, name in enumerate(ranked) if i < most or counts[name] < 0]
    return {name: counts[name] for name in kept if counts[name]}
