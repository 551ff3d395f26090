"""Whether sides turned, when, and how easily by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.stance.movement import LEAST, turn


def test_a_turn_is_found_where_it_is() -> None:
    random = np.random.default_rng(4)

    found = turn(np.r_[random.random(60) < 0.1, random.random(40) < 0.9])

    assert found is not None
    assert abs(found.n_before - 60) <= 3
    assert found.before < 0.2
    assert found.since > 0.8
    assert found.chance < 0.001


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_without_a_turn_it_is_as_unlikely_as_it_says(share: float) -> None:
    random = np.random.default_rng(5)

    found = [turn(random.random(100) < share) for _ in range(1_000)]

    n_unlikely = sum(each.chance < 0.1 for each in found if each is not None)
    assert 60 < n_unlikely < 140


def test_too_few_sides_tell_nothing() -> None:
    assert turn(np.zeros(2 * LEAST - 1, bool)) is None


def test_sides_that_are_all_the_same_have_not_turned() -> None:
    found = turn(np.ones(50, bool))

    assert found is not None
    assert found.chance == 1.0


@given(st.lists(st.booleans(), min_size=2 * LEAST, max_size=60))
def test_the_parts_are_those_of_what_lies_before_and_since(sides: list[bool]) -> None:
    found = turn(np.array(sides))

    assert found is not None
    assert LEAST <= found.n_before <= len(sides) - LEAST
    assert found.before == pytest.approx(np.mean(sides[: found.n_before]))
    assert found.since == pytest.approx(np.mean(sides[found.n_before :]))
    assert 0.0 <= found.chance <= 1.0


@given(st.lists(st.booleans(), min_size=2 * LEAST, max_size=60))
def test_neither_side_is_dearer_than_the_other(sides: list[bool]) -> None:
    one, other = turn(np.array(sides)), turn(~np.array(sides))

    assert one is not None
    assert other is not None
    assert one.chance == pytest.approx(other.chance)
