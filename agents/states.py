"""States of agents as bytes: each says its version, so that what other code wrote is refused in words."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from agents.errors import StateError

__all__ = ["read_state"]


class Versioned(Protocol):
    """A struct that says by which version of the code it was written."""

    @property
    def version(self) -> int:
        """The version."""
        ...


State = TypeVar("State", bound=Versioned)


def read_state(stage: str, state: bytes, kind: type[State], version: int) -> State:
    """Return the state that an agent wrote as MessagePack.

    Raises
    ------
    StateError
        If it can't be read, or is of another version.
    """
    try:
        read = msgspec.msgpack.decode(state, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise StateError(
            f"the state of {stage} can't be read ({cause}); it must be one of version {version}. "
            "Restore the version that wrote it, or choose a new topics.prefix and replay."
        ) from cause
    if read.version != version:
        raise StateError(
            f"the state of {stage} is of version {read.version}, this program reads {version}. "
            "Restore the version that wrote it, or choose a new topics.prefix and replay."
        )
    return read
