from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.doubt import DOUBT, doubt

MANY = np.ones(100)


def test_doubt_grows_with_the_partitions_and_there_is_none_over_one() -> None:
    found = [doubt(MANY, n, 0.0) for n in (1, 2, 8)]

    assert found == pytest.approx([DOUBT * part * (1 - 2 / 100) for part in (0, 1 / 2, 7 / 8)])


def test_doubt_falls_as_one_discussion_takes_the_traffic() -> None:
    assert doubt(MANY, 8, 0.5) == pytest.approx(doubt(MANY, 8, 0.0) / 2)
    assert doubt(MANY, 8, 1.0) == 0.0


@given(st.lists(st.floats(0.0, 1e6), max_size=20), st.integers(1, 64), st.floats(0.0, 1.0))
def test_doubt_stays_within_its_bounds(weights: list[float], n_partitions: int, unity: float) -> None:
    assert 0.0 <= doubt(np.array(weights), n_partitions, unity) <= DOUBT
