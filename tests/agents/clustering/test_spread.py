from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.spread import BEGIN, DEVIATION, LEAN, RECENT, Spread

SLOT = np.array([0])

FOUNDED = np.array([np.nan])


def spread(*similarities: float, width: float = 2.5) -> Spread:
    """Return the spread of one slot that was founded and then joined."""
    made = Spread(width, 2)
    made.add(SLOT, FOUNDED)
    made.add(np.zeros(len(similarities), np.int64), np.array(similarities))
    return made


def test_a_newcomer_leans_on_what_is_assumed() -> None:
    made = spread()

    assert made.newcomer_floor == pytest.approx(0.55 - 2.5 * 0.12)
    assert made.floors(SLOT)[0] == pytest.approx(made.newcomer_floor)


def test_as_many_comments_as_it_leans_on_halve_the_assumed_variance() -> None:
    made = spread(*[BEGIN] * int(LEAN))

    variance = DEVIATION**2 / 2

    assert made.floors(SLOT)[0] == pytest.approx(BEGIN - 2.5 * variance**0.5)


def test_a_tight_micro_cluster_of_many_leaves_little_room() -> None:
    made = spread(*[0.9] * 5000)

    assert 0.9 - 0.03 < made.floors(SLOT)[0] < 0.9


def test_the_mean_of_the_stream_follows_the_recent_comments() -> None:
    made = spread(*[0.2] * 500)

    kept = (1 - 1 / RECENT) ** 500
    expected = (BEGIN * LEAN * kept + 0.2 * 500) / (LEAN * kept + 500)

    assert made.mean == pytest.approx(expected)


def test_a_founder_begins_its_slot_anew() -> None:
    made = spread(*[0.1] * 50)

    made.add(SLOT, FOUNDED)

    assert made.moments[:, 0].tolist() == [0.0, 0.0, 0.0]


def test_a_founder_and_those_who_join_it_in_one_block_count_in_that_order() -> None:
    made = Spread(2.5, 1)

    made.add(np.zeros(3, np.int64), np.array([np.nan, 0.5, 0.25]))

    assert made.moments[:, 0].tolist() == [2.0, 0.75, 0.3125]


def test_growing_keeps_what_there_was() -> None:
    made = spread(0.5, 0.7)
    before = made.floors(SLOT)

    made.grow(9)

    assert made.moments.shape == (3, 9)
    assert made.floors(SLOT).tolist() == before.tolist()


@given(st.lists(st.floats(-1, 1), max_size=40), st.floats(0.5, 10))
def test_the_floor_lies_below_the_mean_and_falls_with_the_width(
    similarities: list[float], width: float
) -> None:
    narrow, wide = spread(*similarities, width=width), spread(*similarities, width=width + 1)
    own = sum(similarities) + LEAN * narrow.mean

    assert wide.floors(SLOT)[0] < narrow.floors(SLOT)[0] < own / (len(similarities) + LEAN)
