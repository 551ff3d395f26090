"""Scores: normal ones without a change, large ones with, the same for the same windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drift.distances import kernel
from agents.drift.significance import (
    MOST,
    growth_beyond,
    growth_score,
    kernel_score,
    mean_beyond,
    side_score,
    thinned,
)


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


def test_beyond_the_usual_chance_scores_as_little_and_a_new_topic_as_much() -> None:
    generator = np.random.default_rng(5)
    shares = np.append(1 / np.arange(1, 20), 0.0)
    shares /= shares.sum()

    def drawn(size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.asarray(generator.multinomial(size, shares))

    chance = [growth_beyond(drawn(200), drawn(800), drawn(350), none_of(20)) for _ in range(150)]
    now, before, usual = drawn(185), drawn(800), drawn(350)
    now[-1] = 15

    assert abs(np.mean(chance)) < 4 / np.sqrt(150)
    assert 0.75 < np.std(chance) < 1.25
    assert growth_beyond(now, before, usual, none_of(20)) > 4
    assert growth_beyond(now, before, usual, np.arange(20) == 19) < 2


def test_what_the_reference_lacks_beside_what_is_not_usual_makes_no_growth_beyond_both() -> None:
    now, before, usual = np.array([120, 40, 40]), np.array([640, 0, 160]), np.array([320, 80, 0])

    assert growth_score(now, before, none_of(3)) > 4
    assert growth_score(now, usual, none_of(3)) > 4
    assert growth_beyond(now, before, usual, none_of(3)) <= 0


def test_the_mean_moves_beyond_both_only_where_both_moves_point_the_same_way() -> None:
    generator = np.random.default_rng(6)

    def about(shares: list[float], n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        drawn = generator.choice(4, size=n, p=shares)
        return np.asarray(np.eye(8)[drawn] + generator.normal(scale=0.1, size=(n, 8)))

    now, before = about([0.25, 0.25, 0.25, 0.25], 100), about([0.5, 0.0, 0.25, 0.25], 200)
    like_before = about([0.5, 0.0, 0.25, 0.25], 400).mean(axis=0)
    elsewhere = about([0.25, 0.25, 0.5, 0.0], 400).mean(axis=0)

    same = mean_beyond(now, before, like_before, 400)
    assert same > 4
    assert mean_beyond(now, before, elsewhere, 400) < same / 2
    assert mean_beyond(now, before, now.mean(axis=0), 400) < 0
    assert mean_beyond(now[:1], before, elsewhere, 400) == 0
