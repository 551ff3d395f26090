"""A stage that thinks in a process of its own says what it would say here."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from agents.agent import Emission
from agents.embedding.encoder import Matrix
from agents.errors import EncoderError, EncodingError, RoadError
from agents.records import Assignment, Debated, Embedded, Pause, Placement, Sketch
from streams.mind import Mind
from streams.settings import Settings, load_settings
from streams.thinking import assigning, charting, gatekeeper

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
TITLE = "Should the ring be closed to cars?"
N_PARTITIONS = 2


class Letters:
    """An encoder that counts letters, and refuses one text."""

    name = "letters"
    dimensions = 26

    def encode(self, texts: Sequence[str]) -> Matrix:
        if "fill the memory" in texts:
            raise MemoryError
        if "break the encoder" in texts:
            raise EncodingError("'break the encoder' can't be encoded. Leave it out.", "unencodable")
        counts = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts])
        rows = counts + 1e-3
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


ENCODER = Letters()


def comment(n: int, text: str, title: str | None = TITLE, **fields: Any) -> Embedded:
    vector = ENCODER.encode([text])[0] if "vector" not in fields else fields.pop("vector")
    return Embedded(
        id=f"x{n}",
        text=text,
        event_time=START + timedelta(seconds=20 * n),
        vector=vector.astype("<f2").tobytes(),
        encoder="letters",
        partition=1,
        offset=n,
        discussion_title=title,
        **fields,
    )


def talk() -> list[Embedded | Pause]:
    said = ["close the ring to cars now", "the tram is late again", "my cat eats fish"]
    return [*(comment(n, f"{said[n % 3]} {n}") for n in range(60)), Pause(partition=1, offset=59)]


class World:
    """Placements that a caller keeps up to date, with the number of changes."""

    def __init__(self) -> None:
        self.placements: dict[str, Placement] = {}
        self.version = 0

    def place(self, micro: str, cluster: str | None) -> None:
        self.version += 1
        if cluster is None:
            del self.placements[micro]
        else:
            self.placements[micro] = Placement(micro=micro, cluster=cluster, since=START)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings({"stance": {"targets": ["closing the ring to cars"], "gate": 0.2}})


@pytest.fixture
def world() -> World:
    return World()


def begun(mind: Mind, settings: Settings, world: World) -> Mind:
    mind.begin(settings, ENCODER, world.placements, lambda: world.version, N_PARTITIONS, "1")
    return mind


@pytest.fixture
def mind(settings: Settings, world: World) -> Iterator[Mind]:
    running = Mind("assign")
    yield begun(running, settings, world)
    running.stop()


def here(settings: Settings, world: World) -> Any:
    gate = gatekeeper(settings, ENCODER.encode)
    return assigning(settings, gate, world.placements, N_PARTITIONS, "1")(1)


def of_kind(emissions: Sequence[Emission], kind: type) -> list[Any]:
    return [each.record for each in emissions if isinstance(each.record, kind)]


def test_it_says_the_same_and_its_state_is_the_same(mind: Mind, settings: Settings, world: World) -> None:
    there, ours = mind.agent(1), here(settings, world)

    said = list(there.step(talk()))

    assert said == ours.step(talk())
    assert of_kind(said, Assignment)
    assert of_kind(said, Sketch)
    assert of_kind(said, Debated)
    assert of_kind(said, Pause)
    assert there.snapshot() == ours.snapshot()


def test_it_goes_on_from_a_state(mind: Mind, settings: Settings, world: World) -> None:
    batch, ours, there = talk(), here(settings, world), mind.agent(1)
    ours.step(batch[:30])

    there.restore(ours.snapshot())

    assert list(there.step(batch[30:])) == ours.step(batch[30:])


def test_it_is_asked_nothing_where_nothing_can_have_changed(
    mind: Mind, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = mind.agent(1)
    (first,) = of_kind(list(there.step([comment(0, "the tram is late")])), Assignment)
    ask, asked = mind.ask, list[str]()

    def note(agent: int, partition: int, what: Any, argument: bytes) -> bytes:
        asked.append(what)
        return ask(agent, partition, what, argument)

    monkeypatch.setattr(mind, "ask", note)

    assert there.step(()) == []
    assert asked == []
    world.place(first.micro, "topic")
    assert there.step(()) != []
    assert there.step(()) == []
    assert asked == ["step"]


def test_it_hears_of_placements_that_come_change_and_go(mind: Mind, world: World) -> None:
    there = mind.agent(1)
    (first,) = of_kind(list(there.step([comment(0, "the tram is late")])), Assignment)

    def cluster_of_next(n: int) -> str | None:
        told = of_kind(list(there.step([comment(n, "the tram is late")])), Assignment)
        (found,) = [each for each in told if each.id == f"x{n}"]
        assert found.micro == first.micro
        cluster: str | None = found.cluster
        return cluster

    world.place(first.micro, "c1")
    placed = cluster_of_next(1)
    world.place(first.micro, "c2")
    moved = cluster_of_next(2)
    world.place(first.micro, None)

    assert (first.cluster, placed, moved, cluster_of_next(3)) == (None, "c1", "c2", None)


def test_a_chart_says_the_same(settings: Settings, world: World) -> None:
    sketches = [
        Sketch(stage=stage, partition=0, seq=0, tick=START, last=True, idle=True)
        for stage in ("assign", "judge")
    ]
    sketches += of_kind(here(settings, world).step(talk()), Sketch)
    mind = begun(Mind("chart"), settings, world)
    try:
        said = list(mind.agent(0).step(sketches))
    finally:
        mind.stop()

    assert said == charting(settings, N_PARTITIONS)(0).step(sketches)
    assert {"clusters", "placements", "lineage", "pulse"} <= {each.topic for each in said}


def test_what_an_agent_raises_arrives_with_where_it_was_raised(mind: Mind) -> None:
    there = mind.agent(1)
    there.step([comment(0, "the tram is late")])

    with pytest.raises(EncoderError) as caught:
        there.step([comment(1, "the tram is late", vector=np.ones(7) / np.sqrt(7))])

    assert any("agents/clustering" in note for note in caught.value.__notes__)
    assert list(there.step([comment(2, "the tram is late")]))


def test_a_title_that_breaks_the_encoder_rejects_its_comment(mind: Mind) -> None:
    with pytest.raises(EncodingError) as caught:
        mind.agent(1).step([comment(0, "the tram is late", "break the encoder")])

    assert caught.value.reason == "unencodable"
    assert "Leave it out" in str(caught.value)


def test_a_lack_of_memory_stays_one_and_rejects_nothing(mind: Mind) -> None:
    with pytest.raises(MemoryError):
        mind.agent(1).step([comment(0, "the tram is late", "fill the memory")])


def test_agents_that_nobody_holds_any_more_are_forgotten(mind: Mind) -> None:
    there = mind.agent(1)
    there.step([comment(0, "the tram is late")])
    state = there.snapshot()

    del there
    gc.collect()

    assert mind.agent(1).snapshot() != state


def test_it_does_not_outlive_a_worker_that_is_killed() -> None:
    code = "import time; from streams.mind import Mind; print(Mind('assign').pid, flush=True); time.sleep(60)"

    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        mind = int(worker.stdout.readline())
        worker.kill()
        worker.communicate(timeout=30)  # ends when the last who could write has ended

    assert mind != worker.pid


def test_a_worker_whose_mind_has_ended_is_told_so(mind: Mind) -> None:
    there = mind.agent(1)
    there.step([comment(0, "the tram is late")])

    os.kill(mind.pid, signal.SIGKILL)

    with pytest.raises(RoadError, match=r"assign thinks in has ended.*Start the worker again"):
        there.step([comment(1, "the tram is late")])
