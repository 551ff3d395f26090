"""What an agent is: records in, emissions out, a state that can be kept.

An agent knows nothing of acknowledging, sending or partitions; `streams.delivery` runs it, one
instance a partition, and `agents.analysis` runs the same objects from a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec

from agents.records import Record

__all__ = ["Agent", "Emission", "Message", "Step"]

T_contra = TypeVar("T_contra", contravariant=True)


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record as it lies on a topic: untouched bytes and where they came from.

    Parameters
    ----------
    timestamp
        Time of the Kafka record, in seconds since 1970 UTC.
    """

    value: bytes | None
    key: bytes | None = None
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp: float = 0.0
    headers: tuple[tuple[str, bytes], ...] = ()


class Emission(msgspec.Struct, frozen=True, gc=False):
    """One record on its way out.

    Parameters
    ----------
    topic
        Logical name, without the deployment's prefix: ``"assignments"``.
    key
        Key of the record; None for none.
    record
        What to write: a record, bytes that are passed on untouched, or None for a tombstone.
    partition
        Partition to write to; None lets the key decide.
    headers
        Headers besides those that every record of the topic carries.
    """

    topic: str
    key: str | bytes | None
    record: Record | bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Step(Protocol[T_contra]):
    """An agent without a state."""

    def step(self, batch: Sequence[T_contra]) -> Iterable[Emission]:
        """Work through the batch in its order and return what leaves, in order.

        An empty batch is a heartbeat: emit what has become due for another reason than input.
        """
        ...


class Agent(Step[T_contra], Protocol[T_contra]):
    """An agent with a state: what it emits is a function of its state and its batch."""

    def snapshot(self) -> bytes:
        """Return the state as bytes; asking changes nothing."""
        ...

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave.

        Raises
        ------
        StateError
            If the state doesn't fit this code or these settings.
        """
        ...
