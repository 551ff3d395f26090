from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.clustering.matching import OUTSIDE, Match, Matcher
from agents.clustering.settings import ClusteringSettings
from tests.support.talking import unit

BETA = ClusteringSettings().lexical_weight

X, Y, Z = np.eye(8, dtype=np.float32)[:3]

"""Counts of micro-clusters of one comment each."""

NO_WORDS: tuple[NDArray[np.int32], NDArray[np.float16]] = (np.array([], np.int32), np.array([], np.float16))


def matcher(*vectors: NDArray[np.floating], capacity: int = 8, **settings: float) -> Matcher:
    """Return a matcher of fresh, wordless micro-clusters from slot 0 on, with no floor and no prior."""
    made = Matcher(ClusteringSettings(**settings), len(vectors[0]), capacity)  # type: ignore[arg-type]
    for slot, vector in enumerate(vectors):
        made.place(slot, vector, *NO_WORDS, -1.0)
    return made


def matched(made: Matcher, *vectors: NDArray[np.floating]) -> Match:
    """Match comments without words."""
    starts = np.zeros(len(vectors) + 1, np.int64)
    return made.match(np.stack(vectors).astype(np.float16), *NO_WORDS, starts)


def test_where_there_is_nobody_there_is_no_match() -> None:
    for capacity in (0, 8):
        made = Matcher(ClusteringSettings(), 8, capacity)

        found = matched(made, X)

        assert found.slots.tolist() == [[-1] * 4]
        assert np.isneginf(found.scores).all()
        assert np.isneginf(found.similarities).all()


def test_similarity_mixes_meaning_and_words() -> None:
    made = Matcher(ClusteringSettings(), 8, 4)
    half = np.array([0.5, 0.75], np.float16)
    made.place(2, unit(X + Y).astype(np.float16), np.array([5, 9]), half, -1.0)
    columns, values = np.array([9], np.int32), np.array([1.0], np.float16)

    found = made.match(X[None].astype(np.float16), columns, values, np.array([0, 1]))

    assert found.slots[0, 0] == 2
    expected = (1 - BETA) * float(np.float16(0.5**0.5)) + BETA * 0.75
    assert found.similarities[0, 0] == pytest.approx(expected, abs=1e-12)


def test_of_two_equal_micro_clusters_the_lower_slot_wins() -> None:
    made = matcher(Y, X, Z, X)

    found = matched(made, X)

    assert found.slots[0, :2].tolist() == [1, 3]
    assert found.scores[0, 0] == found.scores[0, 1]


def test_runners_up_come_best_first_and_end_where_there_are_no_more() -> None:
    made = matcher(X, Y, Z)
    made.clear(np.array([2]))

    found = matched(made, unit(X + 2 * Y + 3 * Z))

    assert found.slots.tolist() == [[1, 0, -1, -1]]


def test_a_founder_offered_behind_an_equal_one_takes_its_turn_by_slot() -> None:
    made = matcher(Y, Y, Y, X)
    found = matched(made, X, X)
    made.place(1, X, *NO_WORDS, -1.0)

    made.offer(found, 1, 1, made.among(found, np.array([0]))[:, 0])

    assert found.slots[0, 0] == 3
    assert found.slots[1, :2].tolist() == [1, 3]


def test_what_is_offered_is_what_a_later_match_would_find() -> None:
    drawn = np.random.default_rng(5)
    vectors = [unit(row).astype(np.float16) for row in drawn.normal(size=(12, 8))]
    made = matcher(*vectors[:6], capacity=9)
    found = matched(made, *vectors[6:])

    made.place(7, vectors[6], *NO_WORDS, -1.0)
    made.offer(found, 7, 1, made.among(found, np.array([0]))[:, 0])

    later = matched(made, *vectors[7:])
    for name in ("slots", "scores", "similarities"):
        assert getattr(found, name)[1:].tolist() == getattr(later, name).tolist()


def test_the_exact_product_decides_where_the_fast_one_can_not_tell_them_apart() -> None:
    drawn = np.random.default_rng(7)
    near = [unit(X + drawn.normal(scale=1e-6, size=8)).astype(np.float16) for _ in range(60)]
    made = matcher(*near, capacity=64)
    comments = [unit(X + 0.1 * row).astype(np.float16) for row in drawn.normal(size=(20, 8))]

    found = matched(made, *comments)

    for slots, vector in zip(found.slots, comments, strict=True):
        exact = np.stack(near).astype(np.float64) @ vector.astype(np.float64)
        assert slots.tolist() == np.lexsort((np.arange(60), -exact))[:4].tolist()


def test_a_comment_beside_others_gets_what_it_gets_alone() -> None:
    drawn = np.random.default_rng(8)
    made = matcher(*(unit(row).astype(np.float16) for row in drawn.normal(size=(30, 8))), capacity=32)
    comments = [unit(row) for row in drawn.normal(size=(9, 8))]

    together = matched(made, *comments)

    for row, vector in enumerate(comments):
        alone = matched(made, vector)
        assert alone.slots[0].tolist() == together.slots[row].tolist()
        assert alone.scores[0].tolist() == together.scores[row].tolist()


def test_of_two_equally_similar_the_larger_is_more_probable() -> None:
    made = matcher(X, X, share_weight=0.02)

    made.freeze(np.array([1.0, 50.0, *[0.0] * 6]), np.zeros(8), np.arange(8) < 2, 100.0)
    found = matched(made, X)

    assert found.slots[0].tolist() == [1, 0, -1, -1]
    assert found.scores[0, 0] - found.scores[0, 1] == pytest.approx(0.02 * np.log(50))
    assert found.similarities[0, 0] == found.similarities[0, 1]


def test_silence_discounts_similarity() -> None:
    made = matcher(X, share_weight=0.0)
    silences = np.full(8, made.settings.silence_seconds)

    made.freeze(np.ones(8), silences, np.arange(8) < 1, 2.0)

    assert matched(made, X).scores[0, 0] == pytest.approx((1 - BETA) / np.e)


def test_what_lies_outside_of_a_micro_cluster_costs_extra() -> None:
    made = matcher(X, Y, share_weight=0.0)
    similarity = (1 - BETA) * float(np.float16(0.5**0.5))

    made.floors[0] = similarity + 0.1
    found = matched(made, unit(X + Y))

    assert found.slots[0, :2].tolist() == [1, 0]
    assert found.scores[0].tolist()[:2] == pytest.approx([similarity, similarity - 0.1 * OUTSIDE])


def test_what_all_comments_share_counts_for_nobody() -> None:
    made = Matcher(ClusteringSettings(), 8, 4)
    made.share((0.5 * Z).astype(np.float32), 0.5)
    slots = np.array([0])

    made.refresh(slots, np.array([2.0]), 2 * (0.5 * X + 0.5 * Z)[None], np.zeros((1, 2048), np.float32))
    made.freeze(np.ones(4), np.zeros(4), np.arange(4) < 1, 1.0)

    found = matched(made, X, Z, unit(X + Z))
    assert made.centroids[0].tolist() == X.tolist()
    assert found.similarities[:, 0] == pytest.approx((1 - BETA) * np.array([1.0, 0.0, 0.5**0.5]), abs=1e-3)


def test_in_one_discussion_the_share_of_the_traffic_counts_less() -> None:
    made = Matcher(ClusteringSettings(share_weight=0.02), 8, 4)

    made.share(np.zeros(8, np.float32), 0.75)

    assert made.share_weight == 0.005


def test_a_sum_that_has_faded_away_has_no_direction_and_no_nan() -> None:
    made = matcher(X)

    made.refresh(
        np.array([0]), np.array([1e-40]), np.zeros((1, 8), np.float32), np.zeros((1, 2048), np.float32)
    )

    assert matched(made, X).similarities[0, 0] == 0.0


def test_growing_keeps_the_slots_and_adds_empty_ones() -> None:
    made = matcher(X, Y, capacity=2)

    made.grow(300)

    assert matched(made, Y).slots.tolist() == [[1, 0, -1, -1]]


def test_a_restart_matches_to_the_same_scores() -> None:
    drawn = np.random.default_rng(9)
    vectors = drawn.normal(size=(3, 8)).astype(np.float32)
    words = np.zeros((3, 2048), np.float32)
    words[[0, 1, 1], [4, 4, 9]] = (1.0, 2.0, 1.0)
    slots = np.array([0, 2, 3])

    def made() -> Matcher:
        fresh = Matcher(ClusteringSettings(), 8, 4)
        fresh.share((0.1 * X).astype(np.float16).astype(np.float32), 0.5)
        return fresh

    whole, again = made(), made()
    whole.refresh(slots, np.ones(3), vectors, words)
    again.restore(slots, *whole.snapshot(slots))
    for each in (whole, again):
        each.freeze(np.ones(4), np.zeros(4), np.isin(np.arange(4), slots), 5.0)
    comments = drawn.normal(size=(5, 8))

    assert matched(again, *comments).scores.tolist() == matched(whole, *comments).scores.tolist()
    assert again.words.tolist() == whole.words.tolist()
