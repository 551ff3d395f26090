"""What a checkpoint's record takes: the limit counts compressed bytes."""

from __future__ import annotations

import random

import msgspec
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


@pytest.mark.parametrize("value", [b"", b"garbage", b"\x93\x00\xc4\x00"])
def test_a_record_that_is_no_checkpoint_is_refused_in_words(value: bytes) -> None:
    with pytest.raises(StateError, match=f"a checkpoint of {len(value)} bytes can't be read.*replay"):
        decode_checkpoint(value)


def test_a_state_that_was_not_compressed_is_refused_in_words() -> None:
    packed = msgspec.msgpack.encode(Checkpoint(7, b"plain"))

    with pytest.raises(StateError, match="can't be read"):
        decode_checkpoint(packed)
