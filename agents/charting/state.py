"""What the chart keeps, as bytes: one compressed record.

At the ceiling of 2,000 micro-clusters with 384 dimensions it takes about 5 MB: the sums of the vectors
3 MB, which hardly compress, the words and examples most of the rest.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.charting.clusters import Dead, Live, Tally
from agents.charting.inbox import InboxState
from agents.charting.ledger import Ledger, Notes, Sides
from agents.charting.wording import Vocabulary
from agents.clustering.terms import DIMENSIONS
from agents.records import Pulse

__all__ = ["VERSION", "State", "fill_ledger", "pack_ledger"]

VERSION: Final = 5


class LedgerState(msgspec.Struct, frozen=True):
    """Arrays as little-endian bytes, one row a micro-cluster."""

    ids: list[str]
    notes: list[Notes]
    dimensions: int
    landmark: float | None
    counts: bytes
    weights: bytes
    sums: bytes
    lexical_at: bytes
    lexical: bytes
    first: bytes
    last: bytes
    moments: bytes
    places: bytes
    moves: bytes


class State(msgspec.Struct, frozen=True):
    """All that the chart knows."""

    version: int
    inboxes: list[InboxState]
    ledger: LedgerState
    live: list[Live]
    dead: Dead
    tally: Tally
    sides: Sides
    """Judged since the last tick of the comments."""
    judged: list[int]
    pulse: Pulse | None
    drift: bytes | None


def pack_ledger(ledger: Ledger, places: NDArray[np.int64], moves: NDArray[np.int64]) -> LedgerState:
    """Return the live micro-clusters, their places, and how often they changed those."""
    m = len(ledger)
    lexical = ledger.lexical[:m].ravel()
    at = np.flatnonzero(lexical)
    return LedgerState(
        ids=list(ledger.ids),
        notes=list(ledger.notes),
        dimensions=ledger.sums.shape[1],
        landmark=ledger.begun_at,
        counts=ledger.counts[:m].astype("<i8").tobytes(),
        weights=ledger.weights[:m].astype("<f8").tobytes(),
        sums=ledger.sums[:m].astype("<f4").tobytes(),
        lexical_at=np.diff(at, prepend=0).astype("<u4").tobytes(),
        lexical=lexical[at].astype("<f4").tobytes(),
        first=ledger.first[:m].astype("<f8").tobytes(),
        last=ledger.last[:m].astype("<f8").tobytes(),
        moments=ledger.moments[:m].astype("<f8").tobytes(),
        places=places.astype("<i8").tobytes(),
        moves=moves.astype("<i8").tobytes(),
    )


def fill_ledger(ledger: Ledger, state: LedgerState) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fill an empty ledger and return the places, and how often they changed."""
    m = len(state.ids)

    def read(packed: bytes, kind: str) -> NDArray[Any]:
        return np.frombuffer(packed, kind)

    ledger.allocate(m, state.dimensions)
    ledger.ids, ledger.notes = list(state.ids), list(state.notes)
    ledger.row_of = {micro: row for row, micro in enumerate(ledger.ids)}
    ledger.begin(state.landmark)
    ledger.counts[:] = read(state.counts, "<i8")
    ledger.weights[:] = read(state.weights, "<f8")
    ledger.sums[:] = read(state.sums, "<f4").reshape(m, state.dimensions)
    lexical = np.zeros(m * DIMENSIONS, np.float32)
    lexical[np.cumsum(read(state.lexical_at, "<u4"))] = read(state.lexical, "<f4")
    ledger.lexical[:] = lexical.reshape(m, DIMENSIONS)
    ledger.first[:] = read(state.first, "<f8")
    ledger.last[:] = read(state.last, "<f8")
    ledger.moments[:] = read(state.moments, "<f8")
    ledger.changed = set(range(m))
    ledger.vocabulary = Vocabulary()
    for notes in ledger.notes:
        for term, count in notes.wording.terms.items():
            ledger.vocabulary.change(term, count)
    return read(state.places, "<i8").astype(np.int64), read(state.moves, "<i8").astype(np.int64)
