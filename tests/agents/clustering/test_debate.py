from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from agents.charting.settings import ChartingSettings
from agents.clustering.agent import Assign
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings
from agents.records import Debated, Pause, Sketch
from tests.support.talking import START, comment

X, Y = np.eye(24)[:2]

CALM = ClusteringSettings()


class Listening:
    """A gate that lets everything through and notes what it is told of the comment that is answered."""

    def __init__(self) -> None:
        self.told: list[dict[str, float]] = []
        self.said: list[list[str]] = []

    def about(
        self, vector: np.ndarray, title: str | None, answered: Mapping[str, float], said: Sequence[str]
    ) -> tuple[tuple[str, ...], dict[str, float]]:
        self.told.append(dict(answered))
        self.said.append(list(said))
        return ("pact",), {"pact": len(self.told) / 10}


def test_the_gate_is_told_what_the_answered_comment_is_about_after_a_restart_too() -> None:
    gate = Listening()
    said = [
        msgspec.structs.replace(comment(n, X, f"text of {name}", name=name), parent=parent)
        for n, (name, parent) in enumerate([("a", None), ("b", "a"), ("c", "unknown"), ("d", "b")])
    ]
    before, after = (Assign(0, CALM, ChartingSettings(), TimeSettings(), {}, gate) for _ in range(2))

    emitted = before.step(said[:3])
    after.restore(before.snapshot())
    emitted += after.step(said[3:])

    debated = [each.record for each in emitted if isinstance(each.record, Debated)]
    assert gate.told == [{}, {"pact": 0.1}, {}, {"pact": 0.2}]
    assert gate.said == [["text", "of", name] for name in "abcd"]
    assert [each.parent_text for each in debated] == [None, "text of a", None, "text of b"]


def test_the_judge_is_told_when_a_tick_is_over_though_nothing_more_is_about_a_target() -> None:
    """Else what it has heard waits for the next comment about a target, or for silence."""

    class First:
        def about(
            self, vector: np.ndarray, title: str | None, answered: Mapping[str, float], said: Sequence[str]
        ) -> tuple[tuple[str, ...], dict[str, float]]:
            return (("pact",) if vector[0] > 0.5 else ()), {}

    agent = Assign(0, CALM, ChartingSettings(), TimeSettings(), {}, First())

    emitted = agent.step(
        [comment(0, X, name="a"), *(comment(n, Y, at=START + 90.0 * n) for n in range(1, 9))]
    )

    debated = [each.record for each in emitted if each.topic == "debated"]
    assert isinstance(debated[0], Debated)
    ticks = [each.record.tick for each in emitted if isinstance(each.record, Sketch)]
    closed = [each.closed for each in debated[1:] if isinstance(each, Pause)]
    assert len(closed) > 1
    assert closed[-1] == ticks[-1]
    assert closed == [tick for tick in ticks if tick in closed]
