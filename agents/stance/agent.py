"""JUDGE: which side does a comment take toward each target that it is about."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from agents.agent import Emission
from agents.clustering.sketch import in_parts
from agents.clustering.ticks import Reading, TickClock, TimeSettings, as_datetime
from agents.records import Debated, Exemplar, Judgement, Pause, Side, Sketch
from agents.stance.model import Question, StanceModel, Verdict
from agents.stance.settings import StanceSettings
from agents.stance.tally import EXEMPLAR_CHARACTERS, Tally
from agents.states import read_state, write_state

__all__ = ["Judge", "judgement_key"]

STATE_VERSION = 1

Verdicts = dict[str, Verdict]


class _Heard(msgspec.Struct, frozen=True, array_like=True):
    """What a comment was counted as."""

    micro: str
    sides: dict[str, Side]


class _State(msgspec.Struct, frozen=True):
    version: int
    clock: bytes
    tallies: dict[int, Tally]
    heard: list[tuple[str, _Heard]]
    seq: int
    offset: int
    n_late: int


class Judge:
    """Say of every comment and target the side, how surely, and sum the sides up by tick.

    Parameters
    ----------
    model
        What judges.
    settings
        Targets, thresholds and bounds.
    time
        How event time is cut into ticks.
    partition
        The partition whose comments it hears.
    version
        Version of the program, for provenance.
    """

    def __init__(
        self,
        model: StanceModel,
        settings: StanceSettings,
        time: TimeSettings,
        partition: int = 0,
        version: str = "",
    ) -> None:
        self._model = model
        self._settings = settings
        self._targets = {target.id: target for target in settings.judged}
        self._partition = partition
        self._version = version
        self._clock = TickClock(time)
        self._tallies: dict[int, Tally] = {}
        self._heard: OrderedDict[str, _Heard] = OrderedDict()
        self._seq = 0
        self._offset = -1
        self._n_late = 0

    def step(self, batch: Sequence[Debated | Pause]) -> list[Emission]:
        """Judge the batch; its judgements, and a sketch for every tick that it closes.

        Comments whose offset was heard before are skipped.
        """
        fresh = self._fresh(batch)
        verdicts = iter(self._judge([each for each in fresh if isinstance(each, Debated)]))
        emissions: list[Emission] = []
        for each in fresh:
            if isinstance(each, Pause):
                emissions.extend(self._pause() if each.closed is None else self._close(each.closed))
            else:
                emissions.extend(self._hear(each, next(verdicts)))
        return emissions

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        state = _State(
            STATE_VERSION,
            self._clock.snapshot(),
            self._tallies,
            list(self._heard.items()),
            self._seq,
            self._offset,
            self._n_late,
        )
        return write_state(state)

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave.

        Raises
        ------
        StateError
            If it was written by other code.
        """
        read = read_state("judge", state, _State, STATE_VERSION)
        self._clock.restore(read.clock)
        self._tallies, self._heard = dict(read.tallies), OrderedDict(read.heard)
        self._seq, self._offset, self._n_late = read.seq, read.offset, read.n_late

    def _fresh(self, batch: Sequence[Debated | Pause]) -> list[Debated | Pause]:
        """Leave out what was heard before: a stage that restarts repeats itself, in order."""
        fresh: list[Debated | Pause] = []
        for each in batch:
            if each.offset > self._offset or (isinstance(each, Pause) and each.offset == self._offset):
                self._offset = each.offset
                fresh.append(each)
        return fresh

    def _judge(self, comments: Sequence[Debated]) -> list[Verdicts]:
        """Judge all comments toward all their targets in one go."""
        asked = [
            (place, Question(comment.text, self._targets[target], comment.parent_text))
            for place, comment in enumerate(comments)
            if not comment.deleted
            for target in dict.fromkeys(comment.targets)
            if target in self._targets
        ]
        found: list[Verdicts] = [{} for _ in comments]
        judged = self._model.judge([question for _, question in asked])
        for (place, question), verdict in zip(asked, judged, strict=True):
            found[place][question.target.id] = verdict
        return found

    def _hear(self, comment: Debated, verdicts: Verdicts) -> Iterator[Emission]:
        """Count one comment and publish what it says, and what it no longer says."""
        tick = self._clock.tick
        if not comment.deleted:
            reading = self._clock.advance(comment.event_time.timestamp())
            for closed in reading.closed:
                yield from self._publish(closed)
            tick = self._follow(reading)
        tally = self._tallies.setdefault(tick, Tally())
        before = self._heard.pop(comment.id, None)
        if before is not None:
            tally.take_back(comment.id, before.micro, before.sides)
            for other in self._tallies.values():
                other.forget(comment.id)
        judged = {target: self._judgement(comment, target, each) for target, each in verdicts.items()}
        if judged:
            self._remember(comment.id, _Heard(comment.micro, {t: each.side for t, each in judged.items()}))
        for target, each in judged.items():
            self._count(tally, comment, each)
            yield Emission("judgements", judgement_key(comment.id, target), each)
        for target in self._unsaid(comment, before, verdicts):
            yield Emission("judgements", judgement_key(comment.id, target), None)

    def _count(self, tally: Tally, comment: Debated, judged: Judgement) -> None:
        text = comment.text[:EXEMPLAR_CHARACTERS]
        shown = Exemplar(id=comment.id, text=text, similarity=judged.confidence)
        tally.count((judged.target, comment.micro, judged.side), shown, self._settings.exemplars)

    def _unsaid(self, comment: Debated, before: _Heard | None, verdicts: Verdicts) -> list[str]:
        """Return the targets whose judgement of this comment no longer stands.

        Of a comment that is no longer remembered it may be any.
        """
        if before is None and not comment.deleted and verdicts:
            return []
        said = self._targets if before is None else before.sides
        return [target for target in said if target not in verdicts]

    def _judgement(self, comment: Debated, target: str, verdict: Verdict) -> Judgement:
        side = verdict.side(self._settings.confidence)
        return Judgement(
            id=comment.id,
            target=target,
            side=side,
            confidence=round(verdict.confidence(side), 4),
            model=verdict.model or self._model.name,
            event_time=comment.event_time,
            micro=comment.micro,
            partition=comment.partition,
            offset=comment.offset,
            version=self._version,
            statement=verdict.statement if side != "none" else None,
            discussion=comment.discussion,
            source=comment.source,
            excerpt=_excerpt(comment.text, self._settings.excerpt_characters),
        )

    def _follow(self, reading: Reading) -> int:
        """Return the tick that a comment counts in; where the clock moved back, take all counts there."""
        self._n_late += reading.is_late
        if reading.moved_back_seconds:
            moved = Tally()
            for tally in self._tallies.values():
                moved.add(tally, self._settings.exemplars)
            self._tallies = {reading.tick: moved}
        return reading.tick

    def _remember(self, id: str, heard: _Heard) -> None:
        self._heard[id] = heard
        while len(self._heard) > self._settings.recent_comments:
            self._heard.popitem(last=False)

    def _pause(self) -> Iterator[Emission]:
        """Publish what the open ticks hold and say that the partition is idle."""
        ticks = sorted(self._clock.open_ticks) or [self._clock.tick]
        for tick in ticks:
            yield from self._publish(tick, idle=tick == ticks[-1])

    def _close(self, at: datetime) -> Iterator[Emission]:
        """Publish the ticks that ASSIGN has closed, the last of them though it holds nothing."""
        tick = int(at.timestamp())
        for each in sorted({*self._clock.close(tick), tick}):
            yield from self._publish(each)

    def _publish(self, tick: int, idle: bool = False) -> Iterator[Emission]:
        """Publish one tick in parts that fit into a record."""
        tally = self._tallies.pop(tick, None) or Tally()
        pieces = [("retracted", comment) for comment in tally.retracted]
        parts = list(in_parts([*pieces, *(("stances", delta) for delta in tally.deltas())]))
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            sketch = Sketch(
                stage="judge",
                partition=self._partition,
                seq=self._seq,
                tick=as_datetime(tick),
                last=is_last,
                idle=idle and is_last,
                late=self._n_late if is_last else 0,
                retracted=tuple(part.get("retracted", ())),
                stances=tuple(part.get("stances", ())),
            )
            self._seq += 1
            self._n_late = 0 if is_last else self._n_late
            yield Emission("sketches", f"judge-{self._partition}", sketch)


def judgement_key(id: str, target: str) -> str:
    """Return the key of a judgement: comment id and target.

    Examples
    --------
    >>> judgement_key("reddit:42", "pact")
    'reddit:42+pact'
    """
    return f"{id}+{target}"


def _excerpt(text: str, characters: int) -> str | None:
    if characters == 0:
        return None
    return text if characters < 0 or len(text) <= characters else text[: characters - 1] + "\u2026"
