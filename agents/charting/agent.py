"""CHART: add up the sketches of all partitions, and say what is talked about, tick by tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from agents.agent import Emission
from agents.charting import state as states
from agents.charting.discussion import Brought, Changes, Discussion
from agents.charting.inbox import Closed, Inbox
from agents.charting.ledger import Sides
from agents.charting.lineage import NONE, Event
from agents.charting.macro import similarity
from agents.charting.publishing import View
from agents.charting.settings import ChartingSettings
from agents.clustering.ticks import TimeSettings, as_datetime
from agents.drift.agent import Drifted, DriftWatch, Observed
from agents.errors import StateError
from agents.records import Lineage, LineageEvent, Placement, Pulse, Sketch
from agents.states import read_state, write_state

__all__ = ["Chart"]

STAGES = ("assign", "judge")


class Chart:
    """The live topics of the whole discussion.

    It works on a tick when every partition has passed it or is idle. What it emits is a function of
    its state and the sketches in their order: sketches that it has are ignored, a gap is an error.
    Sides are added as the judge closes its own ticks, and told with the next tick of the comments, or
    at once while those stand still.

    Parameters
    ----------
    n_partitions
        Partitions of ASSIGN, and of JUDGE.
    drift
        Watches the discussion; None measures nothing.
    half_life_seconds
        That of ``clustering``: silence that halves a weight.
    """

    def __init__(
        self,
        n_partitions: int,
        settings: ChartingSettings,
        time_settings: TimeSettings,
        drift: DriftWatch | None = None,
        *,
        half_life_seconds: float,
    ) -> None:
        self._settings = settings
        self._half_life_seconds = half_life_seconds
        self._tick_seconds = time_settings.tick_seconds
        self._drift = drift
        self._inboxes = {stage: Inbox(stage, n_partitions) for stage in STAGES}
        self._discussion = Discussion(settings, half_life_seconds)
        self._sides: Sides = {}
        """Judged since the last tick of the comments, signed."""
        self._judged: set[int] = set()
        """Clusters whose sides changed since then."""
        self._pulse: Pulse | None = None
        """The latest, which is told again where everything falls silent."""

    def step(self, batch: Sequence[Sketch]) -> list[Emission]:
        """Take the sketches in, in their order, and work on every tick that they complete.

        Raises
        ------
        GapError
            If sketches are missing.
        StateError
            If a sketch doesn't fit the state: another encoder or another number of partitions.
        """
        emissions: list[Emission] = []
        for sketch in batch:
            for closed in self._inboxes[sketch.stage].take(sketch):
                work = self._chart if sketch.stage == "assign" else self._judge
                emissions.extend(work(closed))
        return emissions

    def snapshot(self) -> bytes:
        """Return the state as bytes; asking changes nothing."""
        world = self._discussion
        return write_state(
            states.State(
                version=states.VERSION,
                inboxes=[self._inboxes[stage].state() for stage in STAGES],
                ledger=states.pack_ledger(world.ledger, world.places, world.moves),
                live=list(world.live.values()),
                dead=world.dead,
                tally=world.tally,
                sides=self._sides,
                judged=sorted(self._judged),
                pulse=self._pulse,
                drift=None if self._drift is None else self._drift.snapshot(),
            )
        )

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave.

        Raises
        ------
        StateError
            If it can't be read, or is of another number of partitions.
        """
        read = read_state("chart", state, states.State, states.VERSION)
        for stage, inbox in zip(STAGES, read.inboxes, strict=True):
            self._inboxes[stage].restore(inbox)
        world = self._discussion = Discussion(self._settings, self._half_life_seconds)
        world.places, world.moves = states.fill_ledger(world.ledger, read.ledger)
        world.live = {live.number: live for live in read.live}
        world.dead, world.tally = read.dead, read.tally
        self._sides, self._judged, self._pulse = read.sides, set(read.judged), read.pulse
        if self._drift is not None and read.drift is not None:
            self._drift.restore(read.drift)

    def _chart(self, closed: Closed) -> Iterator[Emission]:
        """Bring the clusters up to date with one tick of the comments."""
        world = self._discussion
        world.tally.begin(closed.tick)
        end = float(closed.tick + self._tick_seconds)
        world.ledger.move(end)
        brought = world.add(closed.sketches, end, self._tick_seconds)
        world.bury(closed.sketches, end, brought)
        changes = world.regroup(end, brought) if closed.sketches else Changes()
        yield from self._publish(closed, brought, changes)

    def _judge(self, closed: Closed) -> Iterator[Emission]:
        """Take over the sides of one tick of the judge."""
        brought = Brought()
        sides = self._discussion.judge(closed.sketches, brought)
        for target, counts in sides.items():
            ours = self._sides.setdefault(target, {})
            for side, count in counts.items():
                ours[side] = ours.get(side, 0) + count
        self._judged |= self._changed(brought, Changes())
        if self._drift is not None and sides:
            for record in self._drift.judged(as_datetime(closed.tick + self._tick_seconds), sides):
                yield Emission("drift", record.measure, record)
        inbox = self._inboxes["assign"]
        if inbox.is_idle and inbox.worked is not None and (self._judged or self._sides):
            yield from self._publish(Closed(inbox.worked, (), idle=True), Brought(), Changes())

    def _publish(self, closed: Closed, brought: Brought, changes: Changes) -> Iterator[Emission]:
        """Tell all that changed: lineage, places, clusters, drift and the pulse."""
        world = self._discussion
        end = float(closed.tick + self._tick_seconds)
        view = View(world, end, closed.tick)
        changed = (self._changed(brought, changes) | self._judged) & world.live.keys()
        self._judged = set()
        for ended in changes.ended:
            if ended.live.number in brought.must_rename:
                ended.live.label, ended.live.keywords = "", ()
        view.rename(changed, brought.must_rename | {event.cluster for event in changes.events})
        lineage = self._lineage(changes, view)
        for each in lineage:
            world.tally.events[each.event] = world.tally.events.get(each.event, 0) + 1
            yield Emission("lineage", each.cluster, each)
        since = as_datetime(closed.tick)
        for micro, number in changes.placed:
            yield Emission(
                "placements", micro, Placement(micro=micro, cluster=changes.ids[number], since=since)
            )
        for ended in changes.ended:
            yield Emission("clusters", ended.live.id, view.ended(ended))
        for cluster in view.clusters(changed):
            yield Emission("clusters", cluster.id, cluster)
        yield from self._tombstones(end)
        yield from self._measure(closed, view, brought, changes, lineage)

    def _changed(self, brought: Brought, changes: Changes) -> set[int]:
        """Return the live clusters of which there is something new to say."""
        world = self._discussion
        changed = set(brought.clusters)
        rows = [world.ledger.row_of[micro] for micro in brought.micros if micro in world.ledger.row_of]
        changed.update(world.places[rows].tolist())
        changed.update(number for _, number in changes.placed)
        for event in changes.events:
            changed.update({event.cluster} if event.other is None else {event.cluster, event.other})
        return changed & world.live.keys()

    def _lineage(self, changes: Changes, view: View) -> list[Lineage]:
        """Return what happened to clusters, with its evidence."""
        labels = {ended.live.number: ended.live.label for ended in changes.ended}
        labels |= {number: live.label for number, live in self._discussion.live.items()}
        records = [
            self._event(
                event.event,
                changes.ids[event.cluster],
                view.at,
                label=labels.get(event.cluster, ""),
                weight=event.weight,
                other=None if event.other is None else changes.ids[event.other],
                other_weight=event.other_weight,
                similarity=self._similarity(event, view.at),
                micros=tuple(self._discussion.ledger.ids[row] for row in event.rows),
            )
            for event in changes.events
        ]
        records.extend(
            self._event("faded", ended.live.id, view.at, label=ended.live.label, weight=ended.weight)
            for ended in changes.ended
            if ended.into is None
        )
        return records

    def _event(
        self,
        event: LineageEvent,
        cluster: str,
        at: float,
        *,
        label: str,
        weight: float,
        other: str | None = None,
        other_weight: float | None = None,
        similarity: float | None = None,
        micros: tuple[str, ...] = (),
    ) -> Lineage:
        tally = self._discussion.tally
        tally.next_event += 1
        return Lineage(
            id=f"l{tally.next_event - 1}",
            event=event,
            cluster=cluster,
            at=as_datetime(at),
            other=other,
            label=label,
            weight=round(weight, 6),
            other_weight=None if other_weight is None else round(other_weight, 6),
            similarity=similarity,
            micros=micros,
        )

    def _similarity(self, event: Event, at: float) -> float | None:
        """Return how alike the two sides of a merge or a split are."""
        if not event.rows or not event.other_rows:
            return None
        rows = np.array([*event.rows, *event.other_rows], np.int64)
        micros = self._discussion.ledger.micros(at, rows)
        ours = np.arange(len(event.rows))
        return round(similarity(micros, ours, np.arange(len(ours), len(rows)), self._settings), 6)

    def _tombstones(self, at: float) -> Iterator[Emission]:
        dead = self._discussion.dead
        for cluster in dead.due(at):
            yield Emission("clusters", cluster, None)
        for micro in dead.forget(at):
            yield Emission("placements", micro, None)

    def _measure(
        self, closed: Closed, view: View, brought: Brought, changes: Changes, lineage: Sequence[Lineage]
    ) -> Iterator[Emission]:
        """Watch the drift and give the pulse."""
        sides, self._sides = self._sides, {}
        tally = self._discussion.tally
        for target, counts in sides.items():
            ours = tally.sides.setdefault(target, {})
            for side, count in counts.items():
                ours[side] = ours.get(side, 0) + count
        if self._pulse is not None and not closed.sketches and not sides:
            self._pulse = msgspec.structs.replace(self._pulse, idle=closed.idle)
        else:
            drifted = Drifted()
            if self._drift is not None:
                drifted = self._drift.tick(self._observed(view, brought, changes, lineage))
                for record in drifted.records:
                    yield Emission("drift", record.measure, record)
            self._pulse = self._take_pulse(closed, view, drifted)
        yield Emission("pulse", self._pulse.tick.isoformat(), self._pulse)

    def _observed(
        self, view: View, brought: Brought, changes: Changes, lineage: Sequence[Lineage]
    ) -> Observed:
        world = self._discussion
        places = {
            micro: world.live[number].id
            for micro, number in zip(world.ledger.ids, world.numbers().tolist(), strict=True)
            if number != NONE
        }
        events: dict[str, int] = {}
        for each in lineage:
            events[each.event] = events.get(each.event, 0) + 1
        vectors = [np.frombuffer(vector, "<f2") for vector in brought.sample]
        return Observed(
            at=as_datetime(view.at),
            counts=brought.counts,
            places=places,
            labels={live.id: live.label for live in world.live.values()},
            sums=brought.sums,
            sample=np.stack(vectors) if vectors else np.zeros((0, 0)),
            events=events,
            merged={changes.ids[a]: changes.ids[b] for a, b in changes.merged.items()},
        )

    def _take_pulse(self, closed: Closed, view: View, drifted: Drifted) -> Pulse:
        world, tally = self._discussion, self._discussion.tally
        world.forget_titles()
        return Pulse(
            tick=as_datetime(closed.tick),
            comments=tally.comments,
            unassigned=view.unassigned(),
            total=tally.total,
            n_micros=len(world.ledger),
            n_clusters=len(world.live),
            late=tally.late,
            idle=closed.idle,
            clusters=view.slices(),
            measures=drifted.measures,
            strengths=drifted.strengths,
            alarms=drifted.alarms,
            window_start=drifted.window_start,
            reference_start=drifted.reference_start,
            events=dict(tally.events),
            novelty=tuple(tally.novelty),
            sides={target: dict(counts) for target, counts in tally.sides.items()},
            sides_total={target: dict(counts) for target, counts in tally.sides_total.items()},
            balance=drifted.by_target("balance"),
            polarisation=drifted.by_target("polarisation"),
            encoder=self._encoder_of(closed),
        )

    def _encoder_of(self, closed: Closed) -> str:
        """Return the model of the vectors, empty while there was none; two of them can't be compared."""
        known = "" if self._pulse is None else self._pulse.encoder
        names = {known, *(sketch.encoder for sketch in closed.sketches)} - {""}
        if len(names) > 1:
            raise StateError(
                f"the vectors of the live clusters were made by {' and '.join(sorted(names))}; only one can "
                "be. Give all workers the same embedding.encoder, choose a new topics.prefix and replay."
            )
        return names.pop() if names else ""
