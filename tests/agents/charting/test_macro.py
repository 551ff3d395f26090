from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agents.charting.macro import ASLEEP, Micros, _cohesion, _cut, _largest_share, group, similarity
from agents.charting.settings import ChartingSettings

PLAIN = ChartingSettings(
    group_above=0.5, parent_above=0.2, share_weight=0.0, stickiness=0.1, gap_seconds=100.0
)
"""Similarity is the cosine, thresholds are as they are written."""

X, Y, Z = np.eye(3)


def micros(
    *vectors: NDArray[np.floating], weights: list[float] | None = None, counts: list[float] | None = None
) -> Micros:
    """Return micro-clusters whose comments all have one vector, without words, heard at one time."""
    m = len(vectors)
    held, means = np.array(weights or [1.0] * m), np.reshape(vectors, (m, 3))
    return Micros(
        held,
        held if counts is None else np.array(counts),
        np.ones(m),
        (means @ means.T).astype(np.float32),
        np.zeros(m),
        np.zeros(m),
    )


def slanted(cosine: float) -> NDArray[np.float64]:
    """Return a unit vector in the plane of X and Y that meets X at a cosine."""
    return np.array([cosine, (1 - cosine**2) ** 0.5, 0.0])


def labels(of: Micros, *previous: int, **changed: float) -> list[int]:
    known = np.array(previous) if previous else None
    found: list[int] = group(of, replace(PLAIN, **changed), known).labels.tolist()
    return found


def test_nothing_and_one_alone_are_grouped_without_a_tree() -> None:
    nothing, alone = group(micros(), PLAIN), group(micros(X), PLAIN)

    assert (nothing.labels.tolist(), nothing.parents.tolist(), len(nothing.heights)) == ([], [], 0)
    assert (alone.labels.tolist(), alone.parents.tolist(), len(alone.heights)) == ([0], [0], 0)


def test_two_are_one_topic_from_the_threshold_on() -> None:
    assert labels(micros(X, slanted(0.51))) == [0, 0]
    assert labels(micros(X, slanted(0.49))) == [0, 1]


@pytest.mark.parametrize(
    ("within", "comments", "found"), [(0.9, 100, [0, 1]), (0.7, 100, [0, 0]), (0.9, 1, [0, 0])]
)
def test_what_holds_together_closely_joins_only_what_it_has_half_of_that_in_common_with(
    within: float, comments: float, found: list[int]
) -> None:
    """At 0.4, where 0.3 is asked for: enough for half of 0.7 and of the usual 0.45, not of 0.9."""
    pair = replace(micros(X, slanted(0.4), counts=[comments] * 2), within=np.full(2, within))

    assert labels(pair, group_above=0.3) == found


def test_cohesion_is_the_mean_of_all_pairs_inside_both_parts() -> None:
    """Two of four comments, at 0.6 within, meet at 0.3; ten pairs at the usual 0.5 count too."""
    three = replace(micros(X, X, X, counts=[4.0, 4.0, 1.0]), within=np.array([0.6, 0.6, 0.0]))
    tree = np.array([[0.0, 1.0, 0.3], [2.0, 3.0, 0.1]])

    alone, together = (12 * 0.6 + 5) / 22, (2 * 12 * 0.6 + 2 * 16 * 0.3 + 5) / 66
    assert _cohesion(tree, three, 0.5) == pytest.approx([alone, (together * 0.5) ** 0.5])


def test_granularity_moves_the_threshold() -> None:
    pair = micros(X, slanted(0.55))

    assert labels(pair, granularity=0.1) == [0, 1]
    assert labels(pair, granularity=-0.1) == [0, 0]


def test_a_third_joins_by_its_mean_similarity_to_both() -> None:
    """X with itself 1; the third meets it at 0.6 and Y at 0.8, X and Y at 0: the mean with (X, Y') decides.

    First the third and Y' join at 0.8, then X meets them at (0.6 + 0) / 2 = 0.3.
    """
    found = group(micros(X, slanted(0.6), Y), PLAIN)

    assert found.heights == pytest.approx([0.8, 0.3])
    assert found.labels.tolist() == [0, 1, 1]
    assert found.parents.tolist() == [0, 0]


def test_a_row_counts_as_often_as_it_has_comments() -> None:
    """X and its three-fold like first, at 0.8; the last meets them at 0.6 and 0.8 * 0.6 - 0.6 * 0.8 = 0.

    Weights say how fresh comments are, and nothing of that.
    """
    last = np.array([0.6, -0.8, 0.0])
    some = micros(X, slanted(0.8), last, weights=[9.0, 1.0, 1.0], counts=[1.0, 3.0, 1.0])

    assert group(some, PLAIN).heights == pytest.approx([0.8, 0.15])
    assert similarity(some, np.array([0, 1]), np.array([2]), PLAIN) == pytest.approx(0.15)


def test_a_topic_whose_talk_is_nearly_over_is_told_from_the_next_by_all_that_it_was() -> None:
    """Of 100 comments about X and 5 on the way to the next topic only the latter are fresh."""
    loose = slanted(0.7)
    after = slanted(-0.1)
    told = micros(X, loose, after, weights=[0.2, 3.0, 30.0], counts=[100.0, 5.0, 30.0])
    forgotten = micros(X, loose, after, weights=[0.2, 3.0, 30.0])

    assert labels(told, 4, 4, -1, stickiness=0.2) == [0, 0, 1]
    assert labels(forgotten, 4, 4, -1, stickiness=0.2) == [0, 0, 0]


def test_a_gap_between_two_lives_lowers_their_similarity() -> None:
    apart = replace(micros(X, X), first=np.array([0.0, 150.0]), last=np.array([50.0, 200.0]))

    assert similarity(apart, np.array([0]), np.array([1]), PLAIN) == pytest.approx(1 / np.e)
    assert labels(apart) == [0, 1]
    assert labels(replace(apart, last=np.array([150.0, 200.0]))) == [0, 0]


def test_similarity_of_groups_is_the_mean_of_their_pairs() -> None:
    some = micros(X, Y, slanted(0.6))

    found = similarity(some, np.array([0, 1]), np.array([2]), PLAIN)

    assert found == pytest.approx((0.6 + 0.8) / 2)


def test_what_is_loosely_like_a_large_story_is_part_of_it() -> None:
    """0.6 of the traffic lowers the threshold from 0.5 by 0.06 log(0.6 / 0.1) = 0.108, 0.1 not at all."""
    loose = slanted(0.4)

    assert labels(micros(X, loose, Z, weights=[6.0, 1.0, 3.0]), share_weight=0.06) == [0, 0, 1]
    assert labels(micros(X, loose, Z, weights=[1.0, 1.0, 8.0]), share_weight=0.06) == [0, 1, 2]


def test_a_large_story_does_not_take_in_more_and_more_by_growing() -> None:
    """The first neighbour belongs to it; each further one only if what it took in before made it larger."""
    tree = np.array([[0, 1, 0.13], [6, 2, 0.11], [7, 3, 0.095], [8, 4, 0.08], [9, 5, 0.065]])
    weights = np.array([30.0, 14.0, 14.0, 14.0, 14.0, 14.0])

    snowball = _cut(tree, weights, 0.19, share_weight=0.06, most=1.0)
    held = _cut(tree, weights, 0.19, share_weight=0.06, most=0.3)

    assert snowball.tolist() == [0, 0, 0, 0, 0, 0]
    assert held.tolist() == [0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_the_largest_share_is_read_off_before_anything_is_grouped(share: float) -> None:
    """One topic of a hundred micro-clusters among two hundred that are unrelated."""
    weights = np.concatenate([np.full(100, share), np.full(200, (1 - share) / 2)])
    pairs = np.full((300, 300), 0.05, np.float32)
    pairs[:100, :100] = 0.25

    assert _largest_share(pairs, weights, within=0.25) == pytest.approx(share, abs=0.01)


def test_the_more_talk_is_one_discussion_the_lower_the_threshold() -> None:
    pair = micros(X, slanted(0.3))

    assert labels(pair) == [0, 1]
    assert labels(replace(pair, concentration=0.5)) == [0, 0]


def test_what_was_together_is_held_together_and_what_was_apart_is_held_apart() -> None:
    loose, close = micros(X, slanted(0.45)), micros(X, slanted(0.55))

    assert labels(loose, -1, -1) == [0, 1]
    assert labels(loose, 7, 7) == [0, 0]
    assert labels(close, -1, -1) == [0, 0]
    assert labels(close, 7, 8) == [0, 1]


def test_a_few_comments_that_were_moved_once_take_more_to_move_again_and_many_do_not() -> None:
    def moved(cosine: float, n: float, *previous: int) -> list[int]:
        pair = micros(X, slanted(cosine), counts=[n, n])
        found: list[int] = group(pair, PLAIN, np.array(previous), np.array([0, 1])).labels.tolist()
        return found

    assert labels(micros(X, slanted(0.3)), 7, 7) == moved(0.3, 100.0, 7, 7) == [0, 1]
    assert moved(0.3, 1.0, 7, 7) == [0, 0]
    assert labels(micros(X, slanted(0.7)), 7, 8) == moved(0.7, 100.0, 7, 8) == [0, 0]
    assert moved(0.7, 1.0, 7, 8) == [0, 1]


def test_a_newcomer_is_neither_held_nor_kept_away() -> None:
    assert labels(micros(X, slanted(0.55)), 7, -1) == [0, 0]
    assert labels(micros(X, slanted(0.45)), 7, -1) == [0, 1]


def test_a_sleeper_stays_alone_even_beside_its_like() -> None:
    same = micros(X, X, X, X)

    assert labels(same, 3, ASLEEP, 3, ASLEEP) == [0, 1, 0, 2]
    found = group(same, PLAIN, np.array([3, ASLEEP, 3, ASLEEP]))
    assert found.parents.tolist() == [0, 1, 2]


@st.composite
def crowds(draw: st.DrawFn) -> Micros:
    m, seed = draw(st.integers(2, 12)), draw(st.integers(0, 10_000))
    drawn = np.random.default_rng(seed)
    vectors = drawn.normal(size=(m, 3)) + X
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    return replace(
        micros(*vectors, weights=drawn.uniform(0.5, 9.0, m).tolist()),
        last=drawn.uniform(0, 80.0, m),
        concentration=float(drawn.uniform(0, 0.5)),
    )


MIXED = replace(PLAIN, share_weight=0.06)


@settings(max_examples=40)
@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(crowd: Micros, chance: object) -> None:
    m = len(crowd)
    order = np.arange(m)
    chance.shuffle(order)  # type: ignore[attr-defined]
    previous = np.random.default_rng(m).integers(-2, 3, m)
    columns = {name: getattr(crowd, name)[order] for name in ("weights", "counts", "first", "last")}
    shuffled = replace(crowd, pairs=crowd.pairs[np.ix_(order, order)], **columns)

    ours, theirs = group(crowd, MIXED, previous), group(shuffled, MIXED, previous[order])

    together = ours.labels[order][:, None] == ours.labels[order]
    assert (together == (theirs.labels[:, None] == theirs.labels)).all()


@settings(max_examples=40)
@given(crowds())
def test_parents_are_unions_of_groups_and_numbers_follow_first_rows(crowd: Micros) -> None:
    found = group(crowd, MIXED)

    groups = found.labels.max() + 1
    assert list(dict.fromkeys(found.labels.tolist())) == list(range(groups))
    assert len(found.parents) == groups
    assert list(dict.fromkeys(found.parents.tolist())) == list(range(found.parents.max() + 1))
    same = found.labels[:, None] == found.labels
    of_rows = found.parents[found.labels]
    assert (of_rows[:, None] == of_rows)[same].all()


@settings(max_examples=40)
@given(crowds(), st.floats(0.01, 0.4))
def test_a_finer_cut_only_splits_groups(crowd: Micros, finer: float) -> None:
    coarse, fine = group(crowd, MIXED), group(crowd, replace(MIXED, granularity=finer))

    pairs = set(zip(fine.labels.tolist(), coarse.labels.tolist(), strict=True))
    assert len(pairs) == fine.labels.max() + 1
