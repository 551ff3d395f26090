from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.recent import Known, Recent, text_hash


def remembering(size: int, names: str) -> Recent:
    recent = Recent(size)
    for number, name in enumerate(names):
        recent.remember(name, f"text of {name}", number=number, time=float(number), terms=("pact", name))
    return recent


def known(recent: Recent, names: str = "abcdefghij") -> str:
    return "".join(name for name in names if recent.find(name) is not None)


def restored(recent: Recent, size: int) -> Recent:
    again = Recent(size)
    again.restore(recent.snapshot())
    return again


def test_all_that_a_correction_needs_is_kept() -> None:
    recent = remembering(4, "ab")

    assert recent.find("b") == Known(1, 1.0, text_hash("text of b"), ("pact", "b"))


def test_a_phrase_of_two_words_stays_one_term() -> None:
    recent = Recent(2)

    recent.remember("a", "text", number=0, time=0.0, terms=("security\u00a0pact", "border"))

    found = restored(recent, 2).find("a")
    assert found is not None
    assert found.terms == ("security\u00a0pact", "border")


def test_the_oldest_comment_is_forgotten_first() -> None:
    assert known(remembering(3, "abcde")) == "cde"


def test_a_comment_that_is_remembered_again_is_young_again() -> None:
    assert known(remembering(3, "abcad")) == "acd"
    assert len(remembering(3, "abca")) == 3


def test_memory_never_outgrows_its_size() -> None:
    recent = remembering(3, "abcdefghij")

    assert len(recent) == 3
    assert len(recent._terms) == 3


def test_a_memory_of_nothing_remembers_nothing() -> None:
    recent = restored(remembering(0, "abc"), 0)

    assert known(recent) == ""


def test_shifting_moves_every_time_back() -> None:
    recent = remembering(3, "abc")

    recent.shift(10.0)

    times = [found.time for name in "abc" if (found := recent.find(name))]
    assert times == [-10.0, -9.0, -8.0]


def test_a_restart_keeps_the_rest_where_the_last_place_of_a_full_ring_was_retracted() -> None:
    recent = remembering(4, "abcde")
    recent.forget("d")

    assert known(restored(recent, 4)) == "bce"


@pytest.mark.parametrize(("size", "left"), [(6, "cdef"), (4, "cdef"), (2, "ef"), (0, "")])
def test_a_restart_with_less_memory_forgets_the_oldest(size: int, left: str) -> None:
    assert known(restored(remembering(4, "abcdef"), size)) == left


steps = st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefgh")), max_size=30)


@given(st.integers(1, 5), steps, steps)
def test_a_restart_changes_nothing_that_comes_after(
    size: int, before: list[tuple[bool, str]], after: list[tuple[bool, str]]
) -> None:
    def live(recent: Recent, done: list[tuple[bool, str]]) -> Recent:
        for number, (is_retraction, name) in enumerate(done):
            if is_retraction:
                recent.forget(name)
            else:
                recent.remember(name, name, number=number, time=0.0, terms=())
        return recent

    whole = live(Recent(size), before)
    again = live(restored(whole, size), after)
    live(whole, after)

    assert [whole.find(name) for name in "abcdefgh"] == [again.find(name) for name in "abcdefgh"]
