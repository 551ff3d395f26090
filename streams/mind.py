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
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final, Literal

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from agents import errors
from agents.agent import Agent, Emission
from agents.embedding.encoder import Encoder, Matrix
from agents.errors import GroundswellError, RejectedError, RoadError
from agents.records import Debated, Embedded, Pause, Placement, Record, Sketch
from streams.settings import Settings
from streams.thinking import assigning, charting, gatekeeper
from streams.topics import TOPICS

__all__ = ["STAGES", "Mind"]

STAGES: Final[dict[str, Any]] = {"assign": Embedded | Pause, "chart": Sketch}
"""Stages that may think elsewhere, and what they read. JUDGE's network leaves Python to others as it is."""

END_SECONDS: Final = 5.0

Encode = Callable[[Sequence[str]], Matrix]


class _Emitted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An emission on its way through the pipe."""

    topic: str
    key: str | None
    record: msgspec.Raw
    is_tombstone: bool
    partition: int | None
    headers: tuple[tuple[str, bytes], ...]


class _Frame(msgspec.Struct, frozen=True, tag=True):
    """What passes through the pipe; nothing that could run code where it is read."""


class _Setup(_Frame, frozen=True):
    """What a mind must know before it can make agents."""

    stage: str
    settings: Settings
    n_partitions: int
    version: str


class _Request(_Frame, frozen=True):
    """What an agent is asked to do."""

    agent: int
    partition: int
    what: Literal["step", "snapshot", "restore"]
    argument: bytes
    placed: dict[str, Placement | None] = {}
    """Placements that are new or changed since the last request, by micro-cluster; None where one is gone."""
    dropped: tuple[int, ...] = ()
    """Agents that are not needed any more."""


class _Texts(_Frame, frozen=True):
    """What a mind wants encoded."""

    texts: list[str]


class _Rows(_Frame, frozen=True):
    """Their vectors: little-endian float32, one after the other."""

    rows: bytes


class _Done(_Frame, frozen=True):
    """What came of a request."""

    answer: bytes = b""


class _Failed(_Frame, frozen=True):
    """An error: one of ours, or a lack of memory, by its name; any other as it shows itself."""

    name: str
    message: str
    reason: str
    trace: str

    @classmethod
    def of(cls, error: Exception) -> _Failed:
        """Write an error that is being handled."""
        is_ours = isinstance(error, GroundswellError | MemoryError)
        return cls(
            type(error).__name__ if is_ours else "",
            str(error) if is_ours else repr(error),
            error.reason if isinstance(error, RejectedError) else "",
            traceback.format_exc(),
        )

    def error(self) -> Exception:
        """Return the error, with the place where it was raised."""
        kind: Any = getattr(errors, self.name, MemoryError) if self.name else RuntimeError
        is_rejection = issubclass(kind, RejectedError)
        error: Exception = kind(self.message, self.reason) if is_rejection else kind(self.message)
        error.add_note(self.trace)
        return error


class _Line:
    """One end of the pipe."""

    def __init__(self, number: int) -> None:
        self._pipe = Pipe(number)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Setup | _Request | _Texts | _Rows | _Done | _Failed)

    def say(self, frame: _Frame) -> None:
        """Send a frame."""
        self._pipe.send_bytes(self._encoder.encode(frame))

    def hear(self) -> _Frame:
        """Wait for a frame."""
        frame: _Frame = self._decoder.decode(self._pipe.recv_bytes())
        return frame

    def close(self) -> None:
        """Close this end."""
        self._pipe.close()


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
        self._version: Callable[[], int] = lambda: 0
        self._told: dict[str, Placement] = {}
        self._told_version = -1
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from streams.mind import main; main()", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._line = _Line(ours.detach())

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
        self._placements, self._version = placements, version_of_placements
        with self._lock:
            self._converse(_Setup(self._stage, settings, n_partitions, version))

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
            return self._converse(_Request(agent, partition, what, argument, placed, dropped))

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait(END_SECONDS)
        with self._lock:
            self._line.close()

    def _converse(self, said: _Setup | _Request) -> bytes:
        try:
            self._line.say(said)
            while isinstance(heard := self._line.hear(), _Texts):
                self._line.say(self._encoded(heard.texts))
        except (EOFError, OSError) as cause:
            raise RoadError(
                f"the process that {self._stage} thinks in has ended (exit code {self._process.poll()}). "
                "Start the worker again; nothing unconfirmed was acknowledged."
            ) from cause
        if isinstance(heard, _Failed):
            raise heard.error()
        assert isinstance(heard, _Done)
        return heard.answer

    def _encoded(self, texts: Sequence[str]) -> _Rows | _Failed:
        assert self._encode is not None
        try:
            return _Rows(self._encode(texts).astype("<f4").tobytes())
        except Exception as error:
            return _Failed.of(error)

    def _new_placements(self) -> dict[str, Placement | None]:
        version = self._version()
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

    def step(self, batch: Sequence[Any]) -> list[Emission]:
        """Let it step, and return what leaves."""
        emitted = self._ask("step", msgspec.msgpack.encode(batch))
        return [
            Emission(each.topic, each.key, _record(each), each.partition, each.headers)
            for each in _emitted.decode(emitted)
        ]

    def snapshot(self) -> bytes:
        """Return its state."""
        return self._ask("snapshot", b"")

    def restore(self, state: bytes) -> None:
        """Let it take over a state."""
        self._ask("restore", state)

    def _ask(self, what: Literal["step", "snapshot", "restore"], argument: bytes) -> bytes:
        return self._mind.ask(self._number, self._partition, what, argument)


_emitted = msgspec.msgpack.Decoder(list[_Emitted])
_records: dict[str, Any] = {
    name: msgspec.msgpack.Decoder(topic.value) for name, topic in TOPICS.items() if topic.value
} | {"debated": msgspec.msgpack.Decoder(Debated | Pause)}


def _packed(emission: Emission) -> _Emitted:
    assert not isinstance(emission.key, bytes)
    record = msgspec.Raw(msgspec.msgpack.encode(emission.record))
    return _Emitted(
        emission.topic, emission.key, record, emission.record is None, emission.partition, emission.headers
    )


def _record(emitted: _Emitted) -> Record | None:
    return None if emitted.is_tombstone else _records[emitted.topic].decode(emitted.record)


class _Thinker:
    """The other end: holds the agents and does what it is asked."""

    def __init__(self, setup: _Setup, line: _Line) -> None:
        self._line = line
        self._placements: dict[str, Placement] = {}
        self._agents: dict[int, Agent[Any]] = {}
        self._batch = msgspec.msgpack.Decoder(list[STAGES[setup.stage]])  # type: ignore[valid-type, name-defined]
        if setup.stage == "assign":
            gate = gatekeeper(setup.settings, self._encode)
            self._make = assigning(setup.settings, gate, self._placements, setup.n_partitions, setup.version)
        else:
            self._make = charting(setup.settings, setup.n_partitions)

    def answer(self, asked: _Request) -> bytes:
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
        return msgspec.msgpack.encode([_packed(emission) for emission in agent.step(batch)])

    def _encode(self, texts: Sequence[str]) -> Matrix:
        self._line.say(_Texts(list(texts)))
        heard = self._line.hear()
        if isinstance(heard, _Failed):
            raise heard.error()
        assert isinstance(heard, _Rows)
        return np.frombuffer(heard.rows, np.dtype("<f4")).reshape(len(texts), -1)


def _think(line: _Line) -> None:
    """Answer until the pipe ends."""
    thinker: _Thinker | None = None
    while True:
        said, answer = line.hear(), b""
        try:
            if isinstance(said, _Setup):
                thinker = _Thinker(said, line)
            else:
                assert thinker is not None
                assert isinstance(said, _Request)
                answer = thinker.answer(said)
        except Exception as error:
            line.say(_Failed.of(error))
        else:
            line.say(_Done(answer))


def main() -> None:
    """Be a mind, at the pipe whose number is the only argument."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # the worker decides when it ends
    threadpool_limits(1, user_api="blas")
    with contextlib.suppress(EOFError, OSError):
        _think(_Line(int(sys.argv[1])))
