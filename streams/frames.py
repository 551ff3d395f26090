"""What passes through the pipe between a worker and a mind.

MessagePack of known shapes: nothing that could run code where it is read.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final, Literal

import msgspec

from agents import errors
from agents.agent import Emission
from agents.errors import GroundswellError, RejectedError
from agents.records import Debated, Pause, Placement, Record
from streams.settings import Settings
from streams.topics import TOPICS

__all__ = ["Done", "Failed", "Frame", "Line", "Request", "Rows", "Setup", "Texts", "pack", "unpack"]


class Frame(msgspec.Struct, frozen=True, tag=True):
    """One message."""


class Setup(Frame, frozen=True):
    """What a mind must know before it can make agents."""

    stage: str
    settings: Settings
    n_partitions: int
    version: str


class Request(Frame, frozen=True):
    """What an agent is asked to do."""

    agent: int
    partition: int
    what: Literal["step", "snapshot", "restore"]
    argument: bytes
    placed: dict[str, Placement | None] = {}
    """Placements that are new or changed since the last request, by micro-cluster; None where one is gone."""
    dropped: tuple[int, ...] = ()
    """Agents that are not needed any more."""


class Texts(Frame, frozen=True):
    """What a mind wants encoded."""

    texts: list[str]


class Rows(Frame, frozen=True):
    """Their vectors: little-endian float32, one after the other."""

    rows: bytes


class Done(Frame, frozen=True):
    """What came of a request."""

    answer: bytes = b""


class Failed(Frame, frozen=True):
    """An error: one of ours, or a lack of memory, by its name; any other as it shows itself."""

    name: str
    message: str
    reason: str
    trace: str

    @classmethod
    def of(cls, error: Exception) -> Failed:
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


class Line:
    """One end of the pipe."""

    def __init__(self, number: int) -> None:
        self._pipe = Pipe(number)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Setup | Request | Texts | Rows | Done | Failed)

    def say(self, frame: Frame) -> None:
        """Send a frame."""
        self._pipe.send_bytes(self._encoder.encode(frame))

    def hear(self) -> Frame:
        """Wait for a frame."""
        frame: Frame = self._decoder.decode(self._pipe.recv_bytes())
        return frame

    def close(self) -> None:
        """Close this end."""
        self._pipe.close()


class _Emitted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    topic: str
    key: str | None
    record: msgspec.Raw
    is_tombstone: bool
    partition: int | None
    headers: tuple[tuple[str, bytes], ...]


_emitted: Final = msgspec.msgpack.Decoder(list[_Emitted])
_records: Final[dict[str, Any]] = {
    name: msgspec.msgpack.Decoder(topic.value) for name, topic in TOPICS.items() if topic.value
} | {"debated": msgspec.msgpack.Decoder(Debated | Pause)}


def pack(emissions: Iterable[Emission]) -> bytes:
    """Return emissions of records as bytes."""
    return msgspec.msgpack.encode([_packed(emission) for emission in emissions])


def unpack(packed: bytes) -> list[Emission]:
    """Return the emissions that `pack` packed."""
    return [
        Emission(each.topic, each.key, _record(each), each.partition, each.headers)
        for each in _emitted.decode(packed)
    ]


def _packed(emission: Emission) -> _Emitted:
    assert not isinstance(emission.key, bytes)
    record = msgspec.Raw(msgspec.msgpack.encode(emission.record))
    return _Emitted(
        emission.topic, emission.key, record, emission.record is None, emission.partition, emission.headers
    )


def _record(emitted: _Emitted) -> Record | None:
    return None if emitted.is_tombstone else _records[emitted.topic].decode(emitted.record)
