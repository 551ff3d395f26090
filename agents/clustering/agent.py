"""ASSIGN: give every embedded comment the live micro-cluster that it most probably belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import msgspec
import numpy as np

from agents.agent import Emission
from agents.charting.settings import ChartingSettings
from agents.clustering.block import Part
from agents.clustering.debate import Debate, Gate
from agents.clustering.exemplars import Exemplars
from agents.clustering.micro import MicroClusters
from agents.clustering.newcomers import Newcomers
from agents.clustering.phrases import phrases
from agents.clustering.recent import Known, Recent, text_hash
from agents.clustering.settings import ClusteringSettings
from agents.clustering.sketch import Summary
from agents.clustering.terms import hashes, words
from agents.clustering.ticks import TickClock, TimeSettings
from agents.clustering.writing import Writer
from agents.errors import EncoderError
from agents.records import Embedded, Pause, Placement
from agents.states import read_state, write_state

__all__ = ["Assign"]

STATE_VERSION = 5


@dataclass(slots=True)
class _Entry:
    """A comment that was read and waits for its decision."""

    record: Embedded
    at: float
    tick: int
    is_late: bool
    is_edit: bool
    words: list[str]


class _State(msgspec.Struct, frozen=True):
    version: int
    offset: int
    seq: int
    encoder: str
    dimensions: int
    clock: bytes
    core: bytes
    recent: bytes
    exemplars: bytes
    newcomers: bytes
    texts: bytes
    summaries: list[bytes]


class Assign:
    """The live micro-clusters of one partition.

    An empty batch publishes the first comments of micro-clusters that were placed meanwhile.

    Parameters
    ----------
    partition
        The partition of ``embedded`` that it reads.
    charting
        How the chart groups, which tells where what it hasn't placed yet most probably belongs.
    placements
        The latest placement of every micro-cluster, by its id; only read, and kept up to date by
        the caller.
    gate
        Tells which comments go on to the judge; None sends nothing there.
    version
        What assignments say made them.
    n_partitions
        Partitions that share the ceiling of live micro-clusters.
    """

    def __init__(
        self,
        partition: int,
        settings: ClusteringSettings,
        charting: ChartingSettings,
        time_settings: TimeSettings,
        placements: Mapping[str, Placement],
        gate: Gate | None = None,
        *,
        version: str = "0",
        n_partitions: int = 1,
    ) -> None:
        self._partition = partition
        self._settings = settings
        self._charting = charting
        self._writer = Writer(partition, settings, placements, version)
        self._n_partitions = n_partitions
        self._ceiling = max(1, settings.micro_clusters // n_partitions)
        self._clock = TickClock(time_settings)
        self._recent = Recent(settings.recent_comments)
        self._exemplars = Exemplars(settings.half_life_seconds, settings.exemplars)
        self._newcomers = Newcomers(charting, placements, self._writer.name)
        self._debate = Debate(partition, self._writer, gate, settings.recent_texts)
        self._summaries: dict[int, Summary] = {}
        self._core: MicroClusters | None = None
        self._encoder = ""
        self._offset = -1
        self._seq = 0

    def step(self, batch: Sequence[Embedded | Pause]) -> list[Emission]:
        """Learn the batch in its order; one assignment a comment, and a sketch for every tick that closes."""
        return list(self.emit(batch))

    def emit(self, batch: Sequence[Embedded | Pause]) -> Iterator[Emission]:
        """Yield what `step` returns, as it becomes known.

        A caller that brings the placements up to date between two emissions gets the same emissions
        whatever the length of its batches: nothing is decided ahead of a tick that closes.
        """
        out: list[Emission] = self._place_waiting()
        run: list[_Entry] = []
        in_run: set[str] = set()
        for record in batch:
            if isinstance(record, Pause):
                self._flush(run, out)
                self._pause(record, out)
            elif record.offset > self._offset:
                self._offset = record.offset
                if record.id in in_run or record.deleted:
                    self._flush(run, out)
                    in_run.clear()
                known = self._recent.find(record.id)
                if known is not None and run:
                    self._flush(run, out)
                    in_run.clear()
                    known = self._recent.find(record.id)
                if record.deleted:
                    self._retract(record, known, out)
                elif known is None or known.text_hash != text_hash(record.text):
                    if known is not None:
                        self._correct(record, known)
                    self._take(record, run, out, is_edit=known is not None)
                    in_run.add(record.id)
            if out:
                yield from out
                out = self._place_waiting()
        self._flush(run, out)
        yield from out

    def _take(self, record: Embedded, run: list[_Entry], out: list[Emission], *, is_edit: bool) -> None:
        """Read the comment's time, publish the ticks that it closes, and let it wait."""
        self._must_fit(record)
        reading = self._clock.advance(record.event_time.timestamp())
        if reading.closed or reading.moved_back_seconds:
            self._flush(run, out)
            for tick in reading.closed:
                self._publish(tick, out)
            if reading.closed:
                out += self._debate.close(reading.closed[-1], record.offset - 1)
            if reading.moved_back_seconds:
                self._move_back(reading.tick, reading.moved_back_seconds)
        run.append(_Entry(record, reading.at, reading.tick, reading.is_late, is_edit, words(record.text)))

    def _flush(self, run: list[_Entry], out: list[Emission]) -> None:
        """Decide about the comments that wait, in one go."""
        if not run:
            return
        core = self._core_for(run[0].record)
        part = _part(run, core.dimensions)
        decisions = core.assign(part)
        rows = zip(
            run,
            decisions.numbers.tolist(),
            decisions.similarities.tolist(),
            decisions.novelties.tolist(),
            decisions.is_founder.tolist(),
            strict=True,
        )
        self._newcomers.look()
        for i, (entry, numbers, similarities, novelty, is_founder) in enumerate(rows):
            micro = self._writer.name(numbers[0])
            kinship = decisions.kinships.get(i)
            if kinship is not None:
                self._newcomers.relate(numbers[0], kinship)
            self._note(entry, numbers[0], similarities[0], novelty, is_founder=is_founder)
            cluster = self._newcomers.add(micro)
            assignment = self._writer.assignment(entry.record, numbers, similarities, novelty, cluster)
            self._newcomers.keep(assignment)
            out.append(Emission("assignments", entry.record.id, assignment))
            out += self._debate.offer(
                entry.record, entry.words, part.vectors[i], numbers[0], is_edit=entry.is_edit
            )
        self._absorb()
        run.clear()

    def _core_for(self, record: Embedded) -> MicroClusters:
        """Return the micro-clusters, made for the first vector."""
        if self._core is None:
            dimensions = len(record.vector) // 2
            self._core = self._new_core(dimensions)
            self._summaries.clear()
        return self._core

    def _new_core(self, dimensions: int) -> MicroClusters:
        return MicroClusters(
            self._settings, dimensions, self._ceiling, self._charting.within, self._n_partitions
        )

    def _must_fit(self, record: Embedded) -> None:
        """Take the first vector's encoder for that of all, and refuse a vector of another."""
        dimensions = len(record.vector) // 2
        self._encoder = self._encoder or record.encoder
        known = dimensions if self._core is None else self._core.dimensions
        if record.encoder != self._encoder or dimensions != known:
            raise EncoderError(
                f"the encoder of {record.id!r} is {record.encoder!r} with {dimensions} dimensions, that of "
                f"the live clusters is {self._encoder!r} with {known}. Restore embedding.encoder, or choose "
                "a new topics.prefix and replay."
            )

    def _note(
        self, entry: _Entry, number: int, similarity: float, novelty: float, *, is_founder: bool
    ) -> None:
        """Remember one comment, and count what doesn't enter its micro-cluster's sums."""
        record = entry.record
        terms = tuple(phrases(record.text))
        summary = self._summary(entry.tick)
        summary.note(number, entry.at, terms, record.discussion, record.source)
        summary.late += entry.is_late
        summary.novelty[min(9, int(novelty * 10))] += 1
        summary.add_title(record.discussion, record.discussion_title)
        summary.add_to_sample(record.id, record.vector, self._settings.sample_size)
        self._recent.remember(
            record.id,
            record.text,
            number=number,
            time=entry.at,
            terms=terms,
            discussion=record.discussion,
            source=record.source,
        )
        self._exemplars.offer(
            number,
            record.id,
            record.text,
            terms,
            len(entry.words),
            similarity,
            entry.at,
            is_founder=is_founder,
        )

    def _retract(self, record: Embedded, known: Known | None, out: list[Emission]) -> None:
        """Take a comment back; one that isn't known (any more) still loses its assignment."""
        if known is not None:
            self._correct(record, known)
            self._recent.forget(record.id)
        else:
            self._summary(self._clock.tick).retracted.append(record.id)
        out.append(Emission("assignments", record.id, None))
        out += self._debate.retract(record, None if known is None else known.number)

    def _correct(self, record: Embedded, known: Known) -> None:
        """Take back what the former text of a comment added, in the current tick."""
        assert self._core is not None
        self._learn()
        summary = self._summary(self._clock.tick)
        summary.retracted.append(record.id)
        summary.drop_from_sample(record.id)
        if known.number in self._core.slot_of:
            self._core.correct(known.number, known.time, summary.tick)
            summary.note(known.number, known.time, known.terms, known.discussion, known.source, -1)
        else:
            summary.count_gone(known.number, known.time)
        self._exemplars.drop(known.number, record.id)
        self._newcomers.drop(self._writer.name(known.number), record.id)
        self._absorb()

    def _pause(self, pause: Pause, out: list[Emission]) -> None:
        """Publish the parts of the open ticks, and say that the partition is idle."""
        if pause.offset < self._offset:
            return
        open_ticks = self._clock.open_ticks or (self._clock.tick,)
        for tick in open_ticks:
            self._summary(tick)
            self._publish(tick, out, is_idle=tick == open_ticks[-1], is_open=True)
        out += self._debate.pause(pause)

    def _publish(
        self, tick: int, out: list[Emission], *, is_idle: bool = False, is_open: bool = False
    ) -> None:
        """Publish what a tick has brought since its last part."""
        self._learn()
        summary = self._summary(tick)
        later = {n for other in self._summaries.values() if other is not summary for n in other.numbers}
        exemplars = self._exemplars.drain(later - summary.numbers)
        for other in self._summaries.values():
            if other is not summary:  # what is shown now replaces what must not be: both go at once
                summary.retracted += other.retracted
                other.retracted = []
        for part in summary.parts(self._partition, self._seq, self._writer.name, exemplars, is_idle=is_idle):
            self._seq = part.seq + 1
            sketch = msgspec.structs.replace(part, encoder=self._encoder)
            out.append(Emission("sketches", f"assign-{self._partition}", sketch))
        summary.clear()
        if not is_open:
            del self._summaries[tick]
            self._newcomers.end_tick()

    def _learn(self) -> None:
        if self._core is not None:
            self._core.learn()
            self._absorb()

    def _absorb(self) -> None:
        """Take what the micro-clusters learned and gave up into the open summaries."""
        if self._core is None:
            return
        learned, gone = self._core.drain()
        for block in learned:
            bounds = [0, *(np.flatnonzero(np.diff(block.ticks)) + 1).tolist(), len(block.ticks)]
            for low, high in pairwise(bounds):
                self._summary(int(block.ticks[low])).learn(block, low, high)
        for tick, number in gone:
            self._summary(tick).gone.append(number)
        self._exemplars.give_up([number for _, number in gone])
        self._newcomers.give_up([self._writer.name(number) for _, number in gone])

    def _move_back(self, tick: int, seconds: float) -> None:
        """Follow the clock, which gave up the first time that it was shown."""
        assert self._core is not None
        self._core.move_back(seconds)
        self._absorb()
        self._recent.shift(seconds)
        for summary in list(self._summaries.values()):
            summary.move_to(tick, self._clock.end(tick), seconds)
            self._summaries = {tick: summary}

    def _place_waiting(self) -> list[Emission]:
        return [Emission("assignments", each.id, each) for each in self._newcomers.placed()]

    def _summary(self, tick: int) -> Summary:
        if tick not in self._summaries:
            dimensions = 0 if self._core is None else self._core.dimensions
            half_life = self._settings.half_life_seconds
            self._summaries[tick] = Summary(tick, self._clock.end(tick), dimensions, half_life)
        return self._summaries[tick]

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        core = self._core
        return write_state(
            _State(
                version=STATE_VERSION,
                offset=self._offset,
                seq=self._seq,
                encoder=self._encoder,
                dimensions=0 if core is None else core.dimensions,
                clock=self._clock.snapshot(),
                core=b"" if core is None else core.snapshot(),
                recent=self._recent.snapshot(),
                exemplars=self._exemplars.snapshot(),
                newcomers=self._newcomers.snapshot(),
                texts=self._debate.snapshot(),
                summaries=[summary.snapshot() for summary in self._summaries.values()],
            )
        )

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave.

        Raises
        ------
        StateError
            If it was written by other code.
        """
        read = read_state("assign", state, _State, STATE_VERSION)
        self._offset, self._seq, self._encoder = read.offset, read.seq, read.encoder
        self._clock.restore(read.clock)
        self._core = None
        if read.dimensions:
            self._core = self._new_core(read.dimensions)
            self._core.restore(read.core)
        self._recent.restore(read.recent)
        self._exemplars.restore(read.exemplars)
        self._newcomers.restore(read.newcomers)
        self._debate.restore(read.texts)
        self._summaries = {}
        for each in read.summaries:
            summary = Summary(0, 0.0, read.dimensions, self._settings.half_life_seconds)
            summary.restore(each)
            self._summaries[summary.tick] = summary


def _part(run: Sequence[_Entry], dimensions: int) -> Part:
    """Lay the comments that wait end to end, as arrays."""
    found = [hashes(entry.words) for entry in run]
    return Part(
        np.frombuffer(b"".join(entry.record.vector for entry in run), "<f2").reshape(-1, dimensions),
        np.concatenate(found),
        np.cumsum([0, *map(len, found)]),
        np.array([entry.at for entry in run]),
        np.array([entry.tick for entry in run]),
        np.array([crc32((entry.record.discussion or "").encode()) for entry in run]),
    )
