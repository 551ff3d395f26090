"""A mind: a process of its own that one stage thinks in.

Python runs one thread at a time. Where ASSIGN and CHART think beside the event loop and the
encoder, each waits for the others: two fifths of ASSIGN's time went into waiting for its turn. So
they think in processes of their own. Nothing else changes: the runner reads, sends, checkpoints and
acknowledges as before, and gives an agent that lives elsewhere its batches through a pipe::

    runner ── step, snapshot, restore ──▶ mind
           ◀── emissions, state, or the error ──
           ◀── texts to encode (a discussion's title) ── vectors ──▶

A mind has no state that matters: what its agents know is in the checkpoints. It ends when the
pipe does, so it never outlives its worker; a worker whose mind ends can't go on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import numpy as np

from agents.agent import Agent, Emission
from agents.embedding.encoder import Encoder, Matrix
from agents.errors import RoadError
from agents.records import Embedded, Pause, Placement, Sketch
from streams.frames import Done, Failed, Line, Request, Rows, Setup, Texts, pack, unpack
from streams.process import settle
from streams.settings import Settings
from streams.thinking import assigning, charting, gatekeeper

__all__ = ["STAGES", "Mind"]

STAGES: Final[dict[str, Any]] = {"assign": Embedded | Pause, "chart": Sketch}
"""Stages that may think elsewhere, and what they read. JUDGE's network leaves Python to others as it is."""

END_SECONDS: Final = 5.0

Encode = Callable[[Sequence[str]], Matrix]


class Mind:
    """The runner's end: starts the process and makes agents that live in it.

    Parameters
    ----------
    stage
        One of `STAGES`.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._lock = threading.Lock()
        self._dropped: deque[int] = deque()
        self._n_agents = 0
        self._encode: Encode | None = None
        self._placements: Mapping[str, Placement] = {}
        self.version_of_placements: Callable[[], int] = lambda: 0
        self._told: dict[str, Placement] = {}
        self._told_version = -1
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from streams.mind import main; main()", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._line = Line(ours.detach())

    def begin(
        self,
        settings: Settings,
        encoder: Encoder,
        placements: Mapping[str, Placement],
        version_of_placements: Callable[[], int],
        n_partitions: int,
        version: str,
    ) -> None:
        """Tell the mind what its agents need, and wait until it can make them.

        Parameters
        ----------
        placements
            The latest placement of every micro-cluster, kept up to date by the caller.
        version_of_placements
            Gives another number after each change of them.

        Raises
        ------
        RoadError
            If the process has ended.
        """
        self._encode = encoder.encode
        self._placements, self.version_of_placements = placements, version_of_placements
        with self._lock:
            self._converse(Setup(self._stage, settings, n_partitions, version))

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self._process.pid

    def agent(self, partition: int) -> Agent[Any]:
        """Return an agent for a partition; it is made in the mind when it is first asked anything."""
        self._n_agents += 1
        agent = _Elsewhere(self, self._n_agents, partition)
        weakref.finalize(agent, self._dropped.append, self._n_agents)
        return agent

    def ask(
        self, agent: int, partition: int, what: Literal["step", "snapshot", "restore"], argument: bytes
    ) -> bytes:
        """Let an agent do something and return what it gives.

        Raises
        ------
        RoadError
            If the process has ended.
        Exception
            What the agent raised.
        """
        with self._lock:
            dropped = tuple(self._dropped.popleft() for _ in range(len(self._dropped)))
            placed = self._new_placements() if what == "step" else {}
            return self._converse(Request(agent, partition, what, argument, placed, dropped))

    def must_live(self) -> None:
        """Raise `RoadError` if the process has ended."""
        if self._process.poll() is not None:
            raise self._ended()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait(END_SECONDS)
        with self._lock:
            self._line.close()

    def _converse(self, said: Setup | Request) -> bytes:
        try:
            self._line.say(said)
            while isinstance(heard := self._line.hear(), Texts):
                self._line.say(self._encoded(heard.texts))
        except (EOFError, OSError) as cause:
            raise self._ended() from cause
        if isinstance(heard, Failed):
            raise heard.error()
        assert isinstance(heard, Done)
        return heard.answer

    def _ended(self) -> RoadError:
        return RoadError(
            f"the process that {self._stage} thinks in has ended (exit code {self._process.poll()}). "
            "Start the worker again; nothing unconfirmed was acknowledged."
        )

    def _encoded(self, texts: Sequence[str]) -> Rows | Failed:
        assert self._encode is not None
        try:
            return Rows(self._encode(texts).astype("<f4").tobytes())
        except Exception as error:
            return Failed.of(error)

    def _new_placements(self) -> dict[str, Placement | None]:
        version = self.version_of_placements()
        if version == self._told_version:
            return {}
        self._told_version = version
        now = dict(self._placements)
        news: dict[str, Placement | None] = {
            micro: placement for micro, placement in now.items() if self._told.get(micro) is not placement
        }
        news.update(dict.fromkeys(self._told.keys() - now.keys()))
        self._told = now
        return news


class _Elsewhere:
    """An agent that lives in a mind."""

    def __init__(self, mind: Mind, number: int, partition: int) -> None:
        self._mind = mind
        self._number = number
        self._partition = partition
        self._knew: int | None = None

    def step(self, batch: Sequence[Any]) -> list[Emission]:
        """Let it step, and return what leaves; without input nothing can, unless placements are new."""
        knows = self._mind.version_of_placements()
        if not batch and knows == self._knew:
            self._mind.must_live()
            return []
        self._knew = knows
        return unpack(self._ask("step", msgspec.msgpack.encode(batch)))

    def snapshot(self) -> bytes:
        """Return its state."""
        return self._ask("snapshot", b"")

    def restore(self, state: bytes) -> None:
        """Let it take over a state."""
        self._knew = None
        self._ask("restore", state)

    def _ask(self, what: Literal["step", "snapshot", "restore"], argument: bytes) -> bytes:
        return self._mind.ask(self._number, self._partition, what, argument)


class _Thinker:
    """The other end: holds the agents and does what it is asked."""

    def __init__(self, setup: Setup, line: Line) -> None:
        self._line = line
        self._placements: dict[str, Placement] = {}
        self._agents: dict[int, Agent[Any]] = {}
        self._batch = msgspec.msgpack.Decoder(list[STAGES[setup.stage]])  # type: ignore[valid-type, name-defined]
        if setup.stage == "assign":
            gate = gatekeeper(setup.settings, self._encode)
            self._make = assigning(setup.settings, gate, self._placements, setup.n_partitions, setup.version)
        else:
            self._make = charting(setup.settings, setup.n_partitions)

    def answer(self, asked: Request) -> bytes:
        """Do what is asked and return it as bytes."""
        for micro, placement in asked.placed.items():
            if placement is None:
                self._placements.pop(micro, None)
            else:
                self._placements[micro] = placement
        for number in asked.dropped:
            self._agents.pop(number, None)
        if asked.agent not in self._agents:
            self._agents[asked.agent] = self._make(asked.partition)
        agent = self._agents[asked.agent]
        if asked.what == "snapshot":
            return agent.snapshot()
        if asked.what == "restore":
            agent.restore(asked.argument)
            return b""
        batch = self._batch.decode(asked.argument)
        return pack(agent.step(batch))

    def _encode(self, texts: Sequence[str]) -> Matrix:
        self._line.say(Texts(list(texts)))
        heard = self._line.hear()
        if isinstance(heard, Failed):
            raise heard.error()
        assert isinstance(heard, Rows)
        return np.frombuffer(heard.rows, np.dtype("<f4")).reshape(len(texts), -1)


def _think(line: Line) -> None:
    """Answer until the pipe ends."""
    thinker: _Thinker | None = None
    while True:
        said, answer = line.hear(), b""
        try:
            if isinstance(said, Setup):
                thinker = _Thinker(said, line)
            else:
                assert thinker is not None
                assert isinstance(said, Request)
                answer = thinker.answer(said)
        except Exception as error:
            line.say(Failed.of(error))
        else:
            line.say(Done(answer))


def main() -> None:
    """Be a mind, at the pipe whose number is the only argument."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # the worker decides when it ends
    settle()
    with contextlib.suppress(EOFError, OSError):
        _think(Line(int(sys.argv[1])))
