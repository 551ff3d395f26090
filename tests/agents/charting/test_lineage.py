from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agents.charting.lineage import NONE, follow


def followed(previous, groups, weights, minimum=3.0, next_number=10, counts=None):
    weights = np.array(weights, float)
    counts = weights if counts is None else np.array(counts, float)
    return follow(np.array(previous), np.array(groups), counts, weights, minimum, next_number)


def events(succession):
    return [(each.event, each.cluster, each.other) for each in succession.events]


def test_a_group_that_is_heavy_enough_emerges_and_a_lighter_one_waits():
    found = followed([NONE, NONE, NONE], [0, 0, 1], [2, 1, 2.9])

    assert found.numbers.tolist() == [10, 10, NONE]
    assert events(found) == [("emerged", 10, None)]
    assert found.next_number == 11


def test_three_comments_are_enough_though_they_have_faded_a_little():
    found = followed([NONE], [0], [2.97])

    assert events(found) == [("emerged", 10, None)]


def test_an_unchanged_grouping_changes_nothing():
    found = followed([4, 4, 7], [0, 0, 1], [1, 1, 1])

    assert found.numbers.tolist() == [4, 4, 7]
    assert found.events == ()


def test_a_merge_keeps_the_older_id_even_where_the_younger_is_heavier():
    found = followed([9, 2], [0, 0], [50, 4])

    assert found.numbers.tolist() == [2, 2]
    assert events(found) == [("merged", 9, 2)]
    assert found.merged == {9: 2}
    assert found.events[0].weight == 50
    assert found.events[0].other_weight == 4


def test_a_split_leaves_the_id_with_the_heavier_part():
    found = followed([3, 3, 3], [0, 1, 1], [6, 4, 4])

    assert found.numbers.tolist() == [10, 3, 3]
    assert events(found) == [("split", 10, 3)]
    assert found.events[0].rows == (0,)
    assert found.events[0].other_rows == (1, 2)


def test_a_fragment_below_twice_the_minimum_stays_where_it_was():
    found = followed([3, 3], [0, 1], [8, 5.9])

    assert found.numbers.tolist() == [3, 3]
    assert found.events == ()


def test_three_clusters_that_meet_leave_the_oldest():
    found = followed([8, 6, 7], [0, 0, 0], [5, 5, 5])

    assert set(found.numbers.tolist()) == {6}
    assert sorted(events(found)) == [("merged", 7, 6), ("merged", 8, 6)]


def test_a_newcomer_that_is_mostly_of_one_cluster_was_split_from_it():
    mostly = followed([3, 3, NONE], [0, 1, 1], [9, 4, 2])
    hardly = followed([3, 3, NONE], [0, 1, 1], [9, 1, 4])

    assert events(mostly) == [("split", 10, 3)]
    assert events(hardly) == [("emerged", 10, None)]


def test_nothing_in_gives_nothing():
    found = follow(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0), 3.0, 5)

    assert found.next_number == 5
    assert found.events == ()


@st.composite
def steps(draw):
    m = draw(st.integers(1, 12))
    previous = draw(st.lists(st.integers(NONE, 5), min_size=m, max_size=m))
    raw = draw(st.lists(st.integers(0, 5), min_size=m, max_size=m))
    order = {group: i for i, group in enumerate(dict.fromkeys(raw))}
    weights = draw(st.lists(st.floats(0, 10), min_size=m, max_size=m))
    return previous, [order[group] for group in raw], weights


@given(steps())
def test_no_cluster_vanishes_without_an_event_and_no_number_is_used_again(step):
    previous, groups, weights = step

    found = followed(previous, groups, weights)

    before, after = set(previous) - {NONE}, set(found.numbers.tolist()) - {NONE}
    assert before - after == set(found.merged)
    born = {each.cluster for each in found.events if each.event != "merged"}
    assert after - before == born
    assert all(number >= 10 for number in born)
    assert found.next_number == 10 + len(born)


@given(steps())
def test_merges_go_to_older_ones_so_lineage_has_no_cycle(step):
    found = followed(*step)

    assert all(into < merged for merged, into in found.merged.items())
    assert not set(found.merged) & set(found.merged.values())


@given(steps())
def test_no_micro_cluster_loses_its_place(step):
    previous, groups, weights = step

    found = followed(previous, groups, weights)

    lost = [
        row
        for row, (old, new) in enumerate(zip(previous, found.numbers, strict=True))
        if old >= 0 and new == NONE
    ]
    assert lost == []


def test_an_id_stays_with_most_of_its_comments_however_old_they_are():
    """Cluster 4 has 90 comments of last week and 5 fresh ones, which found their like in another group."""
    found = followed([4, 4, 7], [0, 1, 1], [0.2, 5, 6], counts=[90, 5, 6])

    assert found.numbers.tolist() == [4, 7, 7]
    assert found.events == ()
