"""The watch over a discussion: called once a tick by the chart, it measures, alarms and clears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.drift import measured
from agents.drift.alarms import Watch
from agents.drift.dependence import effect_of_sides, effect_of_topics
from agents.drift.detectors import make_detector
from agents.drift.distances import discrepancy, kernel
from agents.drift.measures import MEASURES, cluster_of, key, split_key, target_of
from agents.drift.moved import clusters_moved, sides_moved
from agents.drift.observed import NO_SAMPLE, Drifted, Observed
from agents.drift.rhythm import Usual, usual_at
from agents.drift.scores import sample_scores, sides_scores, topics_score
from agents.drift.settings import DriftSettings
from agents.drift.state import DISCUSSION, ORDINARY, State, restored
from agents.drift.timeline import SideTick, Tick, sample, sides
from agents.drift.windows import enough, split
from agents.records import Drift, Moved

__all__ = ["DriftWatch", "Drifted", "Observed"]

Array = NDArray[Any]

MOST_CLUSTERS: Final = 20
"""Clusters whose own measures go to the topic `drift` each tick, the largest; the pulse has them all."""

DIRECTIONS: Final = {"favor": 1.0, "against": -1.0}


@dataclass(frozen=True, slots=True)
class _Span:
    """The windows that a record speaks of."""

    at: datetime
    window_start: datetime
    window_end: datetime
    reference_start: datetime
    n_comments: int


class DriftWatch:
    """Measure how a discussion drifts, and say when it matters.

    Parameters
    ----------
    settings
        How windows are cut and how readily an alarm is raised.
    tick_seconds
        Length of a tick, > 0.
    targets
        Title by id of every target of stance.

    Notes
    -----
    Without a change all measures together raise at most `DriftSettings.false_alarms` alarms in 10,000
    independent comments; each watched series has an equal part of them. Where comments come as
    conversations of two to eight alike, up to twice as many were counted. What former days had at the same
    times is no news (`agents.drift.rhythm`) once two of them are known; until then a rhythm of the day is
    told as the change that it is. What clustering gathers otherwise than before passes for growth, though
    nothing changed in what is said: three shuffles of one discussion of a thousand comments raised six
    such alarms, none with the true topics for clusters.
    """

    def __init__(
        self,
        settings: DriftSettings,
        tick_seconds: float = 60.0,
        targets: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._tick_seconds = tick_seconds
        self._titles = dict(targets or {})
        wholes = [name for name, of in MEASURES.items() if of.watched and of.subject is None]
        self._n_series = len(wholes) + len(DIRECTIONS) * len(self._titles)
        self._watches = {name: self._watch(settings.window_comments) for name in wholes}
        for target in self._titles:
            for direction in DIRECTIONS:
                self._watches[_series(target, direction)] = self._watch(settings.stance_window_comments)
        self._state = State()

    def tick(self, seen: Observed) -> Drifted:
        """Take in one closed tick and return what there is to say."""
        records: list[Drift] = []
        if self._state.remember(seen, self._settings):
            self._discussion(seen, records)
        records.extend(self.judged(seen.at, seen.sides))
        standing = {
            _public(name) for name, watch in self._watches.items() if watch.standing_since is not None
        }
        return Drifted(
            records=tuple(records),
            measures=dict(self._state.measures),
            strengths=self._strengths(),
            alarms=tuple(sorted(standing)),
            window_start=self._state.window_start,
            reference_start=self._state.reference_start,
        )

    def judged(self, at: datetime, sides: Mapping[str, Mapping[str, int]]) -> tuple[Drift, ...]:
        """Take in the sides of one tick of the judge, whose time is its own, and return what there is to say.

        Parameters
        ----------
        at
            End of the tick.
        sides
            Signed judgements by target and side.
        """
        records: list[Drift] = []
        for target, counts in sides.items():
            if target in self._titles:
                self._state.remember_sides(target, at.timestamp(), counts, self._settings)
                self._target(target, at, records)
        return tuple(records)

    def snapshot(self) -> bytes:
        """Return the state as MessagePack; embeddings lie in it as they are."""
        self._state.watches = {name: watch.state() for name, watch in self._watches.items()}
        return msgspec.msgpack.encode(self._state)

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave: new targets begin afresh, others are forgotten.

        Raises
        ------
        StateError
            If the state can't be read by this version.
        """
        self._state = restored(state, self._titles)
        for name, watch in self._watches.items():
            if name in self._state.watches:
                watch.restore(self._state.watches[name])

    def _watch(self, window: int) -> Watch:
        settings = self._settings
        return Watch(lambda: make_detector(settings.detector, settings.false_alarms, self._n_series, window))

    def _discussion(self, seen: Observed, records: list[Drift]) -> None:
        state, settings = self._state, self._settings
        sizes = [tick.size for tick in state.ticks]
        size = enough(sum(sizes), settings.window_comments, settings.reference_ratio)
        found = split(sizes, settings.window_comments, settings.reference_ratio, settings.least_comments)
        if found is None:
            return
        due = self._state.due(DISCUSSION, size)
        windows = measured.cut(state.ticks, found, state.places)
        samples = (
            sample(windows.current_ticks, settings.sample_vectors),
            sample(windows.reference_ticks, 2 * settings.sample_vectors),
        )
        similar = kernel(np.concatenate(samples)) if len(samples[0]) and len(samples[1]) else NO_SAMPLE
        values = measured.discussion_measures(
            windows,
            state.ticks,
            state.places,
            discrepancy(similar, len(samples[0])),
            size,
            self._tick_seconds,
        )
        span = self._span(windows.current_ticks, windows.reference_ticks, seen.at)
        state.window_start, state.reference_start = span.window_start, span.reference_start
        self._set_measures(values, None, span, records, due=due)
        if due:
            effect = self._state.effect(DISCUSSION, effect_of_topics(windows.reference_ticks, state.places))
            wont = usual_at(state.rhythms.get(DISCUSSION, {}), windows.current_ticks)
            self._read_shares(windows, wont, effect, span, seen.labels, records)
            self._read_kernel(windows, samples, similar, wont, effect, span, seen.labels, records)

    def _read_shares(
        self,
        windows: measured.Windows,
        usual: Usual | None,
        effect: float,
        span: _Span,
        labels: Mapping[str, str],
        records: list[Drift],
    ) -> None:
        """Read the growth of clusters.

        An alarm that ends because its growth has become usual leaves it told as long as it shows beside the
        reference: there may be hours of which former days have too little to say.
        """
        told = self._state.explained
        level = topics_score(windows, usual, (), effect, self._settings)
        score = topics_score(windows, usual, told, effect, self._settings) if told else level
        watch = self._watches["share_shift"]
        change, since, strength = watch.read(score, level, span.at.timestamp())
        parts = measured.grown(windows, frozenset(told), usual)
        if watch.standing_since is None:
            plain = change == "clear" and usual is None
            kept = frozenset() if plain else measured.growing(windows)
            self._state.explained = [cluster for cluster in told if cluster in kept]
        elif change == "alarm" or watch.resting:
            self._state.explained = sorted({*told, *parts})
        if change:
            moved = clusters_moved(windows, parts, labels) if change == "alarm" else ()
            records.append(self._record("share_shift", change, span, since, strength, moved))

    def _read_kernel(
        self,
        windows: measured.Windows,
        samples: tuple[Array, Array],
        similar: Array,
        usual: Usual | None,
        effect: float,
        span: _Span,
        labels: Mapping[str, str],
        records: list[Drift],
    ) -> None:
        watch = self._watches["mmd"]
        part = min(1.0, len(samples[1]) / max(1, int(windows.reference.sum())))
        score, level = sample_scores(samples, similar, usual, 1 + part * (effect - 1))
        heard = 0.0 if watch.standing_since is not None else score
        change, since, strength = watch.read(heard, level, span.at.timestamp())
        if change:
            parts = measured.witnesses(windows, self._state.places, samples) if change == "alarm" else {}
            moved = clusters_moved(windows, parts, labels)
            records.append(self._record("mmd", change, span, since, strength, moved))

    def _target(self, target: str, at: datetime, records: list[Drift]) -> None:
        ticks = self._state.sides.get(target, [])
        window, ratio = self._settings.stance_window_comments, self._settings.reference_ratio
        sizes = [tick.size for tick in ticks]
        found = split(sizes, window, ratio, self._settings.stance_least)
        if found is None:
            return
        due = self._state.due(target, enough(sum(sizes), window, ratio))
        current, reference = ticks[found.middle : found.end], ticks[found.start : found.middle]
        span = self._span(current, reference, at)
        self._set_measures(measured.side_measures(target, current, reference), target, span, records, due=due)
        if due:
            effect = self._state.effect(target, effect_of_sides(reference))
            wont = usual_at(self._state.rhythms.get(target, {}), current)
            now, before = sides(current), sides(reference)
            scores = sides_scores(now, before, wont, effect, self._settings)
            self._read_sides(target, now, before, scores, span, records)

    def _read_sides(
        self,
        target: str,
        now: Array,
        before: Array,
        scores: tuple[float, float],
        span: _Span,
        records: list[Drift],
    ) -> None:
        for direction, sign in DIRECTIONS.items():
            watch = self._watches[_series(target, direction)]
            score, level = sign * scores[0], sign * scores[1]
            heard = 0.0 if watch.standing_since is not None else score
            change, since, strength = watch.read(heard, level, span.at.timestamp())
            if change:
                moved = sides_moved(target, self._titles[target], now, before) if change == "alarm" else ()
                name = key("stance_shift", target)
                records.append(self._record(name, change, span, since, strength, moved))

    def _set_measures(
        self,
        values: Mapping[str, float],
        target: str | None,
        span: _Span,
        records: list[Drift],
        *,
        due: bool,
    ) -> None:
        """Replace the measures of the discussion, or of one target, and tell them; move baselines if due."""
        state = self._state
        kept = {name: value for name, value in state.measures.items() if target_of(name) != target}
        state.measures = kept | dict(values)
        for name, value in values.items():
            if not cluster_of(name) and (due or name not in state.baselines):
                known = state.baselines.get(name, value)
                state.baselines[name] = known + ORDINARY * (value - known)
        changes = sorted(filter(cluster_of, values), key=lambda name: (-abs(values[name]), name))
        quiet = frozenset(changes[MOST_CLUSTERS:])
        records.extend(self._record(name, "value", span) for name in values if name not in quiet)

    def _span(
        self,
        current: tuple[Tick, ...] | list[SideTick],
        reference: tuple[Tick, ...] | list[SideTick],
        at: datetime,
    ) -> _Span:
        return _Span(
            at=at,
            window_start=_when(current[0].at - self._tick_seconds),
            window_end=_when(current[-1].at),
            reference_start=_when(reference[0].at - self._tick_seconds),
            n_comments=sum(tick.size for tick in current),
        )

    def _record(
        self,
        name: str,
        state: Literal["value", "alarm", "clear"],
        span: _Span,
        since: float | None = None,
        strength: float | None = None,
        moved: tuple[Moved, ...] = (),
    ) -> Drift:
        measure, subject = split_key(name)
        return Drift(
            measure=measure,
            subject=subject,
            at=span.at,
            state=state,
            value=self._state.measures.get(name),
            baseline=self._state.baselines.get(name),
            window_start=span.window_start,
            window_end=span.window_end,
            reference_start=span.reference_start,
            n_comments=span.n_comments,
            since=None if since is None else _when(since),
            strength=strength,
            moved=moved,
        )

    def _strengths(self) -> dict[str, float]:
        strengths: dict[str, float] = {}
        for name, watch in self._watches.items():
            public = _public(name)
            strengths[public] = max(watch.strength, strengths.get(public, 0.0))
        return strengths


def _series(target: str, direction: str) -> str:
    """Name of the series that watches one direction of one target."""
    return f"{direction}|{target}"


def _public(series: str) -> str:
    """Name under which a series' alarm is known: both directions of a target are one."""
    _, bar, target = series.partition("|")
    return key("stance_shift", target) if bar else series


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC)
