from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.fading import FURTHEST, Landmark, fade


@given(st.floats(0, 1e6), st.floats(0, 1e9), st.floats(1, 1e7))
def test_a_fade_never_raises_weight(weight: float, silence: float, half_life: float) -> None:
    assert 0.0 <= fade(weight, silence, half_life) <= weight


def test_a_silent_cluster_halves_its_weight_after_one_half_life() -> None:
    assert fade(8.0, silence_seconds=60.0, half_life_seconds=60.0) == 4.0
    assert fade(8.0, silence_seconds=180.0, half_life_seconds=60.0) == 1.0


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_what_arrived_earlier_weighs_what_a_fade_has_left_of_it(earlier: float, later: float) -> None:
    first, last = sorted([earlier, later])
    landmark = Landmark(half_life_seconds=3600.0, at=0.0)

    present = landmark.growth(first) / landmark.growth(last)

    assert present == pytest.approx(fade(1.0, last - first, 3600.0))


def test_growths_of_many_are_those_of_each() -> None:
    landmark = Landmark(half_life_seconds=60.0, at=120.0)

    grown = landmark.growths(np.array([60.0, 120.0, 240.0]))

    assert grown.tolist() == [0.5, 1.0, 4.0] == [landmark.growth(time) for time in (60.0, 120.0, 240.0)]


def test_a_landmark_stays_until_time_has_gone_too_far() -> None:
    landmark = Landmark(half_life_seconds=10.0, at=0.0)

    assert landmark.move_to(10.0 * FURTHEST + 9.9) is None
    assert landmark.at == 0.0
    assert landmark.move_to(10.0 * FURTHEST + 10.0) == 2.0 ** -(FURTHEST + 1)
    assert landmark.at == 10.0 * (FURTHEST + 1)


@given(st.floats(0, 6000), st.integers(70, 900))
def test_moving_the_landmark_changes_no_weight(weight: float, half_lives: int) -> None:
    landmark = Landmark(half_life_seconds=8.0, at=0.0)
    now = 8.0 * half_lives + 3.0
    before = weight / landmark.growth(now)

    factor = landmark.move_to(now)

    assert factor is not None
    assert weight * factor / landmark.growth(now) == pytest.approx(before, rel=1e-12, abs=1e-300)


def test_after_ages_nothing_is_left_and_nothing_overflows() -> None:
    landmark = Landmark(half_life_seconds=1.0, at=0.0)

    assert landmark.move_to(10 * 365 * 86_400.0) == 0.0
    assert landmark.growth(10 * 365 * 86_400.0) == 1.0
