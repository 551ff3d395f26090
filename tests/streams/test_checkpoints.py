"""What a checkpoint's record takes."""

from __future__ import annotations

import pytest

from agents.errors import StateError
from streams.checkpoints import MAX_BYTES, Checkpoint, checkpoint_emission, decode_checkpoint


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    checkpoint = Checkpoint(7, b"what an agent knows")

    emission = checkpoint_emission("assign", 3, checkpoint)

    assert emission.key == "assign:3"
    assert isinstance(emission.record, bytes)
    assert decode_checkpoint(emission.record) == checkpoint


def test_a_state_that_does_not_fit_is_refused_with_the_settings_to_lower() -> None:
    with pytest.raises(StateError, match=rf"at most {MAX_BYTES} fit.*clustering\.micro_clusters"):
        checkpoint_emission("assign", 3, Checkpoint(0, bytes(MAX_BYTES)))


@pytest.mark.parametrize("value", [b"", b"garbage", b"\x93\x00\xc4\x00"])
def test_a_record_that_is_no_checkpoint_is_refused_in_words(value: bytes) -> None:
    with pytest.raises(StateError, match=f"a checkpoint of {len(value)} bytes can't be read.*replay"):
        decode_checkpoint(value)
