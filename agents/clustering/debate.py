"""What ASSIGN sends on to JUDGE: the comments that are about a target, and how far it has read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.agent import Emission
from agents.clustering.texts import Texts
from agents.clustering.ticks import as_datetime
from agents.clustering.writing import Writer
from agents.records import Embedded, Pause

__all__ = ["Debate", "Gate"]


class Gate(Protocol):
    """Tells what a comment is about; `agents.stance.gate.Gatekeeper` does."""

    def about(
        self,
        vector: NDArray[np.float32],
        title: str | None,
        answered: Mapping[str, float],
        said: Sequence[str],
    ) -> tuple[tuple[str, ...], dict[str, float]]:
        """Return the ids of the targets that a comment is about, and the probability for every target."""
        ...


class Debate:
    """The comments of one partition that the judge is to read, each beside the one that it answers.

    Parameters
    ----------
    partition
        The partition, whose judge reads them.
    gate
        Tells what is sent on; None sends nothing.
    n_texts
        Comments whose text is remembered for those that answer them.
    """

    def __init__(self, partition: int, writer: Writer, gate: Gate | None, n_texts: int) -> None:
        self._partition = partition
        self._writer = writer
        self._gate = gate
        self._texts = Texts(n_texts)

    def offer(
        self,
        record: Embedded,
        said: Sequence[str],
        vector: NDArray[np.float16],
        number: int,
        *,
        is_edit: bool,
    ) -> Iterator[Emission]:
        """Send a comment of these words on if it is about a target, or was maybe until it was edited."""
        if self._gate is None:
            return
        answered = self._texts.about(record.parent)
        singles = vector.astype(np.float32)
        targets, about = self._gate.about(singles, record.discussion_title, answered, said)
        if targets or is_edit:
            yield self._sent(record, number, targets)
        self._texts.remember(record.id, record.text, about)

    def retract(self, record: Embedded, number: int | None) -> Iterator[Emission]:
        """Have the judge forget a comment; ``number`` is None where its micro-cluster isn't known."""
        self._texts.forget(record.id)
        if self._gate is not None:
            yield self._sent(record, number, ())

    def close(self, tick: int, offset: int) -> Iterator[Emission]:
        """Say which tick has closed: the judge hears only of what is about a target, long after maybe."""
        yield from self.pause(Pause(partition=self._partition, offset=offset, closed=as_datetime(tick)))

    def pause(self, pause: Pause) -> Iterator[Emission]:
        """Pass on that the partition stands still."""
        if self._gate is not None:
            yield Emission("debated", None, pause, self._partition)

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return self._texts.snapshot()

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        self._texts.restore(state)

    def _sent(self, record: Embedded, number: int | None, targets: tuple[str, ...]) -> Emission:
        debated = self._writer.debated(record, number, targets, self._texts.find(record.parent))
        return Emission("debated", record.discussion or record.id, debated, self._partition)
