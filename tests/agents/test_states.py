"""States of other code are refused in words."""

from __future__ import annotations

import msgspec
import pytest

from agents.errors import StateError
from agents.states import decode_state, read_state, write_state


class Told(msgspec.Struct, frozen=True):
    version: int
    word: str


def test_a_state_of_this_version_is_read() -> None:
    assert read_state("chart", write_state(Told(3, "pact")), Told, 3) == Told(3, "pact")


def test_a_state_that_repeats_itself_is_written_shorter() -> None:
    assert len(write_state(Told(3, "pact" * 1_000))) < 100


def test_a_state_of_another_version_is_refused_in_words() -> None:
    with pytest.raises(StateError, match="state of chart is of version 2, this program reads 3"):
        read_state("chart", write_state(Told(2, "pact")), Told, 3)


@pytest.mark.parametrize("state", [b"", b"nonsense", b"\xc1", b"\x82\xa7version\x03\xa4word\xa1\xff"])
def test_a_state_that_cannot_be_read_is_refused_in_words(state: bytes) -> None:
    with pytest.raises(StateError, match=r"state of chart can't be read .*replay"):
        decode_state("chart", state, Told, 3)


def test_a_state_that_was_never_written_is_refused_in_words() -> None:
    with pytest.raises(StateError, match=r"state of chart can't be read .*replay"):
        read_state("chart", msgspec.msgpack.encode(Told(3, "pact")), Told, 3)
