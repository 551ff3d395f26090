"""Memory of recent comments: enough to correct what an edit or a retraction changes.

One comment takes 28 bytes packed (16 of hashes, 8 of time, 4 of bookkeeping beside its number),
the few words that it gave to labels, some 60 bytes, and where it came from, by reference; the oldest
is forgotten first.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from sys import intern

import msgspec
import numpy as np

__all__ = ["Known", "Recent"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of one comment."""

    number: int
    """Number of its micro-cluster."""
    time: float
    """Trusted event time that it counted with, in seconds since 1970."""
    text_hash: int
    terms: tuple[str, ...]
    """Words that it gave to labels."""
    discussion: str | None = None
    source: str | None = None


class _State(msgspec.Struct, frozen=True):
    ids: bytes
    texts: bytes
    numbers: bytes
    times: bytes
    terms: bytes
    discussions: list[str | None]
    sources: list[str | None]
    at: int


class Recent:
    """The last so many comments of a partition by their id.

    Examples
    --------
    >>> recent = Recent(2)
    >>> for i, name in enumerate("abc"):
    ...     recent.remember(name, "text", number=i, time=0.0, terms=("pact",))
    >>> recent.find("a") is None, recent.find("c").number
    (True, 2)
    >>> recent.forget("c"); recent.find("c") is None
    True
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._ids = np.zeros(size, np.uint64)
        self._texts = np.zeros(size, np.uint32)
        self._numbers = np.full(size, -1, np.int64)
        self._times = np.zeros(size)
        self._terms: list[bytes] = [b""] * size
        self._discussions: list[str | None] = [None] * size
        self._sources: list[str | None] = [None] * size
        self._place: dict[int, int] = {}
        self._at = 0

    def __len__(self) -> int:
        """Return the number of comments that are known."""
        return len(self._place)

    def find(self, comment: str) -> Known | None:
        """Return what is kept of a comment, or None where it isn't known (any more)."""
        place = self._place.get(_hash(comment))
        if place is None:
            return None
        terms = self._terms[place]
        return Known(
            int(self._numbers[place]),
            float(self._times[place]),
            int(self._texts[place]),
            tuple(terms.decode().split(" ")) if terms else (),
            self._discussions[place],
            self._sources[place],
        )

    def remember(
        self,
        comment: str,
        text: str,
        *,
        number: int,
        time: float,
        terms: tuple[str, ...],
        discussion: str | None = None,
        source: str | None = None,
    ) -> None:
        """Keep a comment in the place of the oldest."""
        if not self._size:
            return
        key, place = _hash(comment), self._at
        self._drop(place)
        self._drop(self._place.get(key))
        self._place[key] = place
        self._ids[place], self._texts[place] = key, text_hash(text)
        self._numbers[place], self._times[place] = number, time
        self._terms[place] = " ".join(terms).encode()
        self._discussions[place], self._sources[place] = _shared(discussion), _shared(source)
        self._at = (place + 1) % self._size

    def forget(self, comment: str) -> None:
        """Drop a comment, if it is known."""
        self._drop(self._place.get(_hash(comment)))

    def shift(self, seconds: float) -> None:
        """Move all times back."""
        self._times -= seconds

    def snapshot(self) -> bytes:
        """Return the state as bytes; only the part that was ever used takes space."""
        used = self._size if self._ids[-1:].any() else self._at
        return msgspec.msgpack.encode(
            _State(
                self._ids[:used].tobytes(),
                self._texts[:used].tobytes(),
                self._numbers[:used].astype("<i8").tobytes(),
                self._times[:used].tobytes(),
                b"\n".join(self._terms[:used]),
                self._discussions[:used],
                self._sources[:used],
                self._at,
            )
        )

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave; where the memory shrank, the oldest are forgotten."""
        read = msgspec.msgpack.decode(state, type=_State)
        ids, numbers = np.frombuffer(read.ids, np.uint64), np.frombuffer(read.numbers, np.int64)
        texts, times = np.frombuffer(read.texts, np.uint32), np.frombuffer(read.times, np.float64)
        terms = read.terms.split(b"\n") if len(ids) else []
        self.__init__(self._size)  # type: ignore[misc]
        order = range(len(ids)) if read.at >= len(ids) else [*range(read.at, len(ids)), *range(read.at)]
        for old in list(order)[-self._size :] if self._size else []:
            place, self._at = self._at, (self._at + 1) % self._size
            self._ids[place], self._texts[place] = ids[old], texts[old]
            self._numbers[place], self._times[place] = numbers[old], times[old]
            self._terms[place] = terms[old]
            self._discussions[place] = _shared(read.discussions[old])
            self._sources[place] = _shared(read.sources[old])
            if numbers[old] >= 0:
                self._place[int(ids[old])] = place

    def _drop(self, place: int | None) -> None:
        if place is None or self._numbers[place] < 0:
            return
        self._place.pop(int(self._ids[place]), None)
        self._numbers[place] = -1
        self._terms[place] = b""
        self._discussions[place] = self._sources[place] = None


def text_hash(text: str) -> int:
    """Return what tells an edit from an unchanged repeat; one edit in 2**32 is taken for a repeat."""
    return zlib.crc32(text.encode())


def _shared(name: str | None) -> str | None:
    """Return the one copy of a name that many comments have."""
    return None if name is None else intern(name)


def _hash(comment: str) -> int:
    return int.from_bytes(hashlib.blake2b(comment.encode(), digest_size=8).digest(), "little")
