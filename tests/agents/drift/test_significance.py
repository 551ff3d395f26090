"""Scores: normal ones without a change, large ones with, the same for the same windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drift.distances import kernel
from agents.drift.significance import MOST, growth_score, kernel_score, side_score, thinned


def none_of(k: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.zeros(k, dtype=bool)


@pytest.mark.parametrize("n_topics", [3, 50])
def test_without_a_change_scores_are_normal_ones(n_topics: int) -> None:
    generator = np.random.default_rng(n_topics)
    shares = 1 / np.arange(1, n_topics + 1)
    shares /= shares.sum()

    scores = [
        growth_score(
            generator.multinomial(200, shares), generator.multinomial(800, shares), none_of(n_topics)
        )
        for _ in range(150)
    ]

    assert abs(np.mean(scores)) < 4 / np.sqrt(150)
    assert 0.75 < np.std(scores) < 1.25


def test_ten_new_comments_in_two_hundred_stand_out() -> None:
    assert growth_score(np.array([190, 10]), np.array([800, 0]), none_of(2)) > 4


def test_what_has_been_told_no_longer_counts_but_something_else_does() -> None:
    told = np.array([False, True, False])

    only_told = growth_score(np.array([100, 100, 0]), np.array([800, 0, 0]), told)
    another = growth_score(np.array([80, 100, 20]), np.array([800, 0, 0]), told)

    assert only_told <= 0
    assert another > 4


def test_nothing_to_compare_scores_nothing() -> None:
    assert growth_score(np.array([5, 0]), np.array([9, 0]), none_of(2)) == 0
    assert growth_score(np.array([0, 0]), np.array([9, 1]), none_of(2)) == 0
    assert kernel_score(np.ones((1, 1)), 1) == 0
    assert side_score(0, 0, 3, 4) == 0


def test_a_sample_that_moved_stands_out_and_one_that_did_not_does_not() -> None:
    generator = np.random.default_rng(5)
    same = generator.normal(size=(150, 8))
    moved = same.copy()
    moved[:50] += 1.5

    assert kernel_score(kernel(same), 50) < 3
    assert kernel_score(kernel(moved), 50) > 6


def test_sides_score_alike_in_both_directions() -> None:
    toward = side_score(15, 5, 20, 60)

    assert toward > 3
    assert side_score(5, 15, 60, 20) == pytest.approx(-toward)


@given(*[st.integers(0, 40)] * 4)
def test_a_side_score_has_the_sign_of_the_move_and_is_bounded(a: int, b: int, c: int, d: int) -> None:
    score = side_score(a, b, c, d)

    assert -MOST <= score <= MOST
    if a + b and c + d and abs(score) > 1:
        assert (score > 0) == (a / (a + b) > c / (c + d))


def test_the_same_windows_give_the_same_score() -> None:
    windows = np.array([30, 5, 9]), np.array([100, 40, 20])

    assert growth_score(*windows, none_of(3)) == growth_score(*windows, none_of(3))


def test_a_busy_window_is_asked_as_if_it_were_a_usual_one() -> None:
    assert thinned(np.array([6000, 4000]), 200).tolist() == [120, 80]
    assert thinned(np.array([-3, 4]), 200).tolist() == [0, 4]
