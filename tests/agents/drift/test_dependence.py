"""How many independent comments a window is worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drift.dependence import (
    CONVERSATION_SECONDS,
    LEAST_SLICES,
    design_effect,
    effect_of_sides,
    effect_of_topics,
    slices,
)
from agents.drift.timeline import SideTick, Tick

HOUR = CONVERSATION_SECONDS


def side_tick(at: float, favor: int = 1, against: int = 0) -> SideTick:
    return SideTick(at=at, favor=favor, against=against, none=0)


def test_comments_in_any_order_have_an_effect_of_one() -> None:
    """Slices of unequal size, topics of which most are rare: what a chi-squared table fears."""
    generator = np.random.default_rng(3)
    topics = np.repeat(np.arange(63), [300, 150, 50, *[5] * 60])
    bounds = np.cumsum([10, 15, 60, 100, 5, 200, 30, 80])

    tables = [
        np.array(
            [np.bincount(part, minlength=63) for part in np.split(generator.permutation(topics), bounds)]
        )
        for _ in range(200)
    ]

    assert np.mean([design_effect(table) for table in tables]) == pytest.approx(1, abs=0.05)


@given(st.integers(2, 9), st.integers(0, 1000))
def test_conversations_of_so_many_alike_have_as_large_an_effect(size: int, seed: int) -> None:
    single = np.random.default_rng(seed).multinomial(50, [0.1, 0.2, 0.7], size=12)
    n = single.sum()
    larger = design_effect(size * single) / design_effect(single)

    assert larger == pytest.approx((size * n - 1) / (n - 1))


def test_a_change_within_the_reference_is_no_dependence() -> None:
    generator = np.random.default_rng(5)
    before, after = generator.multinomial(100, [0.9, 0.1, 0], 4), generator.multinomial(100, [0.1, 0, 0.9], 4)

    assert design_effect(np.concatenate([before, after])) < 2


@pytest.mark.parametrize("table", [[[5, 3]], [[4], [9]], [[0, 0], [0, 0]], [[0, 3], [0, 9]]])
def test_where_there_is_nothing_to_compare_comments_count_as_independent(table: list[list[int]]) -> None:
    assert design_effect(np.array(table)) == 1


def test_a_slow_reference_is_cut_by_the_hour_and_a_fast_one_into_quarters() -> None:
    slow = [side_tick(number * HOUR / 2) for number in range(21)]
    fast = [side_tick(number * 60.0) for number in range(41)]

    by_hour, quarters = slices(slow), slices(fast)

    assert [len(part) for part in by_hour] == [2] * 10 + [1]
    assert [len(part) for part in quarters] == [10] * LEAST_SLICES + [1]
    assert slices(fast[:1]) == [fast[:1]]


def test_stretches_of_one_side_count_less_than_as_many_in_turn() -> None:
    stretches = [side_tick(number * HOUR, 8 * (number % 2), 8 * (1 - number % 2)) for number in range(24)]
    in_turn = [side_tick(number * HOUR, 4, 4) for number in range(24)]

    assert effect_of_sides(stretches) > 8
    assert effect_of_sides(in_turn) == 0


def test_topics_are_counted_as_they_are_placed_now() -> None:
    ticks = [
        Tick(at=number * HOUR, counts={f"0-{number % 2}": 8}, sums={}, sample=b"", dimensions=0, events={})
        for number in range(8)
    ]

    assert effect_of_topics(ticks, {"0-0": "c0", "0-1": "c1"}) > 8
    assert effect_of_topics(ticks, {"0-0": "c0", "0-1": "c0"}) == 1
