"""States of agents as bytes.

They are compressed, since they travel and are kept, and each says its version, so that what other code
wrote is refused in words.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

import msgspec
import zstandard

from agents.errors import StateError

__all__ = ["decode_state", "read_state", "write_state"]

LEVEL: Final = 1
"""Of zstandard: the usual 3 takes twice the time to save a twenty-fifth."""


class Versioned(Protocol):
    """A struct that says by which version of the code it was written."""

    @property
    def version(self) -> int:
        """The version."""
        ...


State = TypeVar("State", bound=Versioned)


def write_state(state: Versioned) -> bytes:
    """Return the state of an agent, a struct, as compressed MessagePack."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(msgspec.msgpack.encode(state))


def read_state(stage: str, written: bytes, kind: type[State], version: int) -> State:
    """Return the state that `write_state` wrote.

    Raises
    ------
    StateError
        If it can't be read, or is of another version.
    """
    try:
        state = zstandard.ZstdDecompressor().decompress(written)
    except zstandard.ZstdError as cause:
        raise _unreadable(stage, cause, version) from cause
    return decode_state(stage, state, kind, version)


def decode_state(stage: str, state: bytes, kind: type[State], version: int) -> State:
    """Return a state that is plain MessagePack, as one that is part of another's.

    Raises
    ------
    StateError
        If it can't be read, or is of another version.
    """
    try:
        read = msgspec.msgpack.decode(state, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise _unreadable(stage, cause, version) from cause
    if read.version != version:
        raise StateError(
            f"the state of {stage} is of version {read.version}, this program reads {version}. "
            "Restore the version that wrote it, or choose a new topics.prefix and replay."
        )
    return read


def _unreadable(stage: str, cause: Exception, version: int) -> StateError:
    return StateError(
        f"the state of {stage} can't be read ({cause}); it must be one of version {version}. "
        "Restore the version that wrote it, or choose a new topics.prefix and replay."
    )
