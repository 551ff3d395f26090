"""Every measure against a value derived by hand, and by what must hold of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agents.drift import distances

Array = NDArray[Any]


@st.composite
def two_windows(draw: st.DrawFn) -> tuple[Array, Array]:
    k = draw(st.integers(1, 8))
    counts = st.lists(st.integers(0, 50), min_size=k, max_size=k)
    first, second = np.array(draw(counts)), np.array(draw(counts))
    assume(first.sum() > 0 and second.sum() > 0)
    return first, second


def test_share_shift_of_two_halves_against_three_quarters() -> None:
    p, q = (0.5, 0.5), (0.75, 0.25)
    m = (0.625, 0.375)
    kl_p = 0.5 * math.log2(0.5 / 0.625) + 0.5 * math.log2(0.5 / 0.375)
    kl_q = 0.75 * math.log2(0.75 / 0.625) + 0.25 * math.log2(0.25 / 0.375)
    assert m == tuple((a + b) / 2 for a, b in zip(p, q, strict=True))

    shift = distances.jensen_shannon(np.array([2, 2]), np.array([6, 2]))

    assert shift == pytest.approx((kl_p + kl_q) / 2)


@given(two_windows())
def test_share_shift_is_symmetric_bounded_and_the_sum_of_its_parts(windows: tuple[Array, Array]) -> None:
    p, q = windows
    shift = distances.jensen_shannon(p, q)

    assert 0 <= shift <= 1
    assert shift == pytest.approx(distances.jensen_shannon(q, p))
    assert shift == pytest.approx(distances.shift_parts(p, q).sum())
    assert distances.growth_parts(p, q).sum() + distances.growth_parts(q, p).sum() == pytest.approx(
        shift, abs=1e-12
    )


@given(two_windows(), st.integers(2, 5))
def test_a_window_has_no_shift_from_itself_nor_from_its_multiple(
    windows: tuple[Array, Array], times: int
) -> None:
    window, _ = windows

    assert distances.jensen_shannon(window, times * window) == pytest.approx(0, abs=1e-12)
    assert distances.growth_parts(window, window).sum() == 0


@given(two_windows(), st.randoms(use_true_random=False))
def test_the_order_of_the_clusters_does_not_matter(windows: tuple[Array, Array], random: Any) -> None:
    p, q = windows
    order = list(range(len(p)))
    random.shuffle(order)

    for measure in (distances.jensen_shannon, distances.surprise):
        assert measure(p[order], q[order]) == pytest.approx(measure(p, q))
    assert distances.entropy(p[order]) == pytest.approx(distances.entropy(p))


def test_an_empty_window_leaves_measures_undefined() -> None:
    nothing, something = np.array([0, 0]), np.array([1, 2])

    assert math.isnan(distances.jensen_shannon(nothing, something))
    assert math.isnan(distances.entropy(nothing))
    assert math.isnan(distances.novelty(something, []))
    assert math.isnan(distances.balance(np.zeros(3)))
    assert math.isnan(distances.esteban_ray(np.zeros(3)))
    assert math.isnan(distances.mmd_squared(np.zeros((0, 2)), np.ones((1, 2))))
    assert math.isnan(distances.centroid_displacement(np.zeros(2), np.ones(2)))


def test_surprise_adds_half_a_comment_to_every_topic() -> None:
    p, q = (3.5 / 4, 0.5 / 4), (1.5 / 4, 2.5 / 4)

    seen = distances.surprise(np.array([3, 0]), np.array([1, 2]))

    assert seen == pytest.approx(p[0] * math.log2(p[0] / q[0]) + p[1] * math.log2(p[1] / q[1]))


def test_what_is_new_and_stays_resonates_and_what_goes_again_does_not() -> None:
    old, new = np.array([20, 0]), np.array([0, 20])

    stayed = distances.resonance(new, before=[old, old], after=[new, new])
    gone = distances.resonance(new, before=[old, old], after=[old, old])

    assert distances.novelty(new, [old, old]) == distances.surprise(new, old)
    assert distances.transience(new, [new, new]) == 0
    assert stayed == distances.surprise(new, old)
    assert gone == 0


def test_entropy_and_effective_number_of_a_half_and_two_quarters() -> None:
    counts = np.array([4, 2, 2])

    assert distances.entropy(counts) == pytest.approx(0.5 * 1 + 2 * 0.25 * 2)
    assert distances.effective_number(counts) == pytest.approx(2**1.5)


@given(two_windows())
def test_the_effective_number_lies_between_one_and_all(windows: tuple[Array, Array]) -> None:
    counts, _ = windows

    assert 1 - 1e-9 <= distances.effective_number(counts) <= np.count_nonzero(counts) + 1e-9


def test_a_right_angle_is_a_displacement_of_one_whatever_the_lengths() -> None:
    assert distances.centroid_displacement(np.array([3.0, 0]), np.array([0, 0.5])) == 1.0
    assert distances.centroid_displacement(np.array([3.0, 0]), np.array([-1.0, 0])) == 2.0
    assert distances.centroid_displacement(np.array([3.0, 1]), np.array([6.0, 2])) == pytest.approx(0)


def test_the_discrepancy_of_two_single_points() -> None:
    """With one point each: k(x, x) + k(y, y) - 2 k(x, y); the median distance is theirs, so k = e^-1/2."""
    x, y = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])

    assert distances.kernel_width(np.concatenate([x, y])) == pytest.approx(math.sqrt(2))
    assert distances.mmd_squared(x, y) == pytest.approx(2 - 2 * math.exp(-0.5))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_the_discrepancy_is_symmetric_and_bounded(n: int, m: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(n, 3)), generator.normal(size=(m, 3))

    there, back = distances.mmd_squared(x, y), distances.mmd_squared(y, x)

    assert 0 <= there <= 2
    assert there == pytest.approx(back)
    assert distances.mmd_squared(x, x) == pytest.approx(0, abs=1e-12)
    assert distances.mmd_squared(x[::-1], y) == pytest.approx(there)


def test_balance_ignores_those_who_take_neither_side() -> None:
    assert distances.balance(np.array([15, 1000, 85])) == pytest.approx(0.7)


def test_polarisation_of_a_quarter_against_three_quarters() -> None:
    """2^a (p^(1+a) q + q^(1+a) p) |y - y'| with |y - y'| = 2, a = 1.3."""
    p, q, a = 0.25, 0.75, 1.3
    expected = 2**a * 2 * (p ** (1 + a) * q + q ** (1 + a) * p)

    assert distances.esteban_ray(np.array([10, 0, 30])) == pytest.approx(expected)


@given(st.tuples(*[st.integers(0, 100)] * 3))
def test_polarisation_lies_between_agreement_and_two_equal_camps(sides: tuple[int, int, int]) -> None:
    assume(sum(sides) > 0)
    counts = np.array(sides)

    polarisation = distances.esteban_ray(counts)

    assert -1e-12 <= polarisation <= 1 + 1e-9
    assert polarisation == pytest.approx(distances.esteban_ray(counts[::-1]))
    if np.count_nonzero(counts) == 1:
        assert polarisation == pytest.approx(0)
