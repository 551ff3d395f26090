"""When a checkpoint is due, and what of a batch is new."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from streams.checkpoints import Checkpoint
from streams.road import DeliverySettings
from streams.stateful import RENEWED_SECONDS, Part, ahead


@pytest.mark.parametrize(
    ("n_parts", "cost_seconds", "waited", "due"),
    [
        (1, 0.01, 0.9, False),
        (1, 0.01, 1.1, True),
        (4, 0.03, 3.5, False),
        (4, 0.03, 4.5, True),
        (8, 9.0, 9.5, False),
        (8, 9.0, 10.5, True),
    ],
)
def test_a_checkpoint_is_due_after_a_second_or_later_where_it_is_dear(
    n_parts: int, cost_seconds: float, waited: float, due: bool
) -> None:
    nobody: Any = None
    start = Checkpoint(-1, b"")
    part = Part(nobody, nobody, start, -1, -1, pending=["an event"], cost_seconds=cost_seconds)
    part.written_at = time.monotonic() - waited

    assert part.is_due(DeliverySettings(), n_parts) == due

    part.pending = []
    assert not part.is_due(DeliverySettings(), n_parts)


def test_a_silent_partition_writes_its_checkpoint_again_before_kafka_forgets_its_writer() -> None:
    nobody: Any = None
    part = Part(nobody, nobody, Checkpoint(-1, b""), -1, -1)
    part.written_at = time.monotonic() - RENEWED_SECONDS - 1.0

    assert part.is_due(DeliverySettings(), 1)


def test_a_dear_checkpoint_is_due_once_the_input_has_been_silent_for_a_second() -> None:
    nobody: Any = None
    part = Part(nobody, nobody, Checkpoint(-1, b""), -1, -1, pending=["an event"], cost_seconds=9.0)
    part.written_at = time.monotonic() - 1.1
    under_load = part.is_due(DeliverySettings(), 1)

    part.stepped_at = part.written_at

    assert (under_load, part.is_due(DeliverySettings(), 1)) == (False, True)


@pytest.mark.parametrize(
    ("delivered", "new"),
    [
        ([5, 6, 7], [5, 6, 7]),
        ([3, 4, 5], [5]),
        ([5, 6, 5, 6, 7], [5, 6, 7]),
        ([5, 4, 5, 6], [5, 6]),
        ([5, 8], [5, 8]),
    ],
)
def test_what_is_read_twice_after_a_seek_is_new_once(delivered: list[int], new: list[int]) -> None:
    events = [SimpleNamespace(message=SimpleNamespace(offset=offset)) for offset in delivered]

    assert [event.message.offset for event in ahead(events, included=4)] == new
