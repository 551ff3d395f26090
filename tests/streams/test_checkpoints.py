"""What a checkpoint's record takes: the limit counts compressed bytes."""

from __future__ import annotations

import random

import pytest

from agents.errors import StateError
from streams.checkpoints import MAX_BYTES, Checkpoint, checkpoint_emission, decode_checkpoint


def test_a_state_larger_than_a_record_fits_when_it_compresses() -> None:
    checkpoint = Checkpoint(7, b"words and counts " * (MAX_BYTES // 8))

    emission = checkpoint_emission("assign", 3, checkpoint)

    assert emission.key == "assign:3"
    assert isinstance(emission.record, bytes)
    assert len(emission.record) < MAX_BYTES < len(checkpoint.state)
    assert decode_checkpoint(emission.record) == checkpoint


def test_a_state_that_does_not_fit_is_refused_with_the_settings_to_lower() -> None:
    noise = random.Random(1).randbytes(MAX_BYTES + 1)

    with pytest.raises(StateError, match=rf"at most {MAX_BYTES} fit.*clustering\.micro_clusters"):
        checkpoint_emission("assign", 3, Checkpoint(0, noise))
