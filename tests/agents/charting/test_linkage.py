from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from agents.charting.linkage import average_linkage


def cosines(m: int, seed: int) -> NDArray[np.float64]:
    vectors = np.random.default_rng(seed).normal(size=(m, 4))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    return vectors @ vectors.T


def joined_at(merges: NDArray[np.float64], m: int) -> NDArray[np.float64]:
    """Return the (m, m) similarity at which every two rows became one group."""
    found = np.full((m, m), np.inf)
    rows_of = {row: [row] for row in range(m)}
    for node, (one, other, at) in enumerate(merges, start=m):
        left, right = rows_of[int(one)], rows_of[int(other)]
        for here, there in ((left, right), (right, left)):
            found[np.ix_(here, there)] = at
        rows_of[node] = left + right
    return found


@pytest.mark.parametrize("m", [0, 1])
def test_nothing_and_one_alone_have_no_merges(m: int) -> None:
    assert average_linkage(np.ones((m, m)), np.ones(m)).shape == (0, 3)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=12), st.integers(0, 10_000))
def test_a_row_of_many_is_as_many_equal_rows(members: list[int], seed: int) -> None:
    """SciPy's average linkage of the single members, none of which is further than 0 from its equals."""
    m = len(members)
    pairs = cosines(m, seed)
    single = np.repeat(np.arange(m), members)
    apart = squareform(1 - pairs[np.ix_(single, single)], checks=False)
    expected = 1 - squareform(cophenet(linkage(np.maximum(apart, 0.0), "average")))
    first = np.searchsorted(single, np.arange(m))

    found = joined_at(average_linkage(pairs, np.array(members, float)), m)

    off = ~np.eye(m, dtype=bool)
    assert found[off] == pytest.approx(expected[np.ix_(first, first)][off], abs=1e-6)


@settings(max_examples=50)
@given(st.integers(2, 20), st.integers(0, 10_000))
def test_merges_come_most_similar_first_and_name_nodes_that_exist_once(m: int, seed: int) -> None:
    merges = average_linkage(cosines(m, seed), np.random.default_rng(seed).uniform(0.1, 9.0, m))

    assert (np.diff(merges[:, 2]) <= 0).all()
    assert sorted(merges[:, :2].ravel().astype(int)) == list(range(2 * m - 2))
    assert (merges[:, :2].max(axis=1) < m + np.arange(m - 1)).all()
    assert (merges[:, 0] < merges[:, 1]).all()
