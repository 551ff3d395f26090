from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.charting.settings import ChartingSettings
from agents.clustering.common import LEAN, MOST, MOST_DISCUSSIONS, REFRESHED_AT, Common, concentration
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings
from agents.evaluation import Evaluation, Trial, evaluate
from agents.records import Embedded
from tests.support.talking import START, comment, unit

MEAN = np.array([0.6, 0.8])


def heard(common: Common, n: int, *discussions: int) -> None:
    """Let as many comments come in each discussion, all with one vector."""
    for discussion in discussions:
        common.add(np.ones(n), np.full(n, discussion), n * MEAN)


def test_all_talk_in_one_discussion_is_trusted_as_comments_come() -> None:
    assert concentration([LEAN], LEAN) == MOST / 2
    assert concentration([45.0], 45.0) == pytest.approx(0.7 * 45 / 50)
    assert concentration([1e9], 1e9) == pytest.approx(MOST)


def test_shares_count_by_their_squares_and_comments_without_a_discussion_dilute_them() -> None:
    assert concentration([15.0, 30.0], 45.0) == pytest.approx((1 / 9 + 4 / 9) * 0.63)
    assert concentration([22.5], 45.0) == pytest.approx(1 / 4 * 0.63)


def test_without_discussions_or_comments_nothing_is_shared() -> None:
    assert concentration([], 500.0) == 0.0
    assert concentration([0.0], 0.0) == 0.0


weights = st.lists(st.floats(0, 1e6), max_size=20)


@given(weights, st.floats(0, 1e6))
def test_concentration_lies_between_0_and_its_bound(within: list[float], without: float) -> None:
    assert 0.0 <= concentration(within, sum(within) + without) <= MOST


@given(st.floats(1, 1e6), st.integers(1, 50))
def test_it_falls_as_the_same_traffic_spreads_over_more_discussions(total: float, n: int) -> None:
    fewer = concentration([total / n] * n, total)
    more = concentration([total / (n + 1)] * (n + 1), total)

    assert more < fewer == pytest.approx(MOST * total / (total + LEAN) / n)


def test_what_is_common_is_the_mean_as_far_as_talk_is_one_discussion() -> None:
    common = Common(2)
    heard(common, 45, 7)

    assert common.refresh(growth=1.0)

    assert common.concentration == pytest.approx(0.63)
    assert common.shared == pytest.approx(0.63 * MEAN, abs=1e-3)


def test_comments_without_a_discussion_share_nothing() -> None:
    common = Common(2)
    heard(common, 300, 0)

    assert not common.refresh(growth=1.0)
    assert common.shared.tolist() == [0.0, 0.0]


def test_it_is_computed_again_only_once_enough_is_new() -> None:
    common = Common(2)
    heard(common, 300, 7)
    common.refresh(growth=1.0)

    heard(common, int(300 * REFRESHED_AT), 7)
    assert not common.refresh(growth=1.0)
    heard(common, 2, 7)
    assert common.refresh(growth=1.0)


def test_that_nothing_is_shared_any_more_is_told_once() -> None:
    common = Common(2)
    heard(common, 10, 7)
    assert common.refresh(growth=1.0)
    common.discussions.clear()

    heard(common, 10, 0)
    assert common.refresh(growth=1.0)
    heard(common, 10, 0)
    assert not common.refresh(growth=1.0)
    assert common.shared.tolist() == [0.0, 0.0]


def test_a_new_landmark_changes_nothing() -> None:
    still, moved = Common(2), Common(2)
    for each in (still, moved):
        heard(each, 200, 7, 8)

    moved.scale(2.0**-65)
    still.refresh(growth=1.0)
    moved.refresh(growth=2.0**-65)

    assert moved.concentration == still.concentration
    assert moved.shared.tolist() == still.shared.tolist()


def test_only_the_heaviest_discussions_are_remembered() -> None:
    common = Common(2)
    heard(common, 3, 1_000)

    for discussion in range(1, 3 * MOST_DISCUSSIONS):
        heard(common, 1, discussion)

    assert len(common.discussions) == MOST_DISCUSSIONS
    assert common.discussions[1_000] == 3.0


def test_a_restart_changes_nothing_that_comes_after() -> None:
    whole, again = Common(2), Common(2)
    heard(whole, 90, 7, 8, 0)
    whole.refresh(growth=1.0)
    heard(whole, 5, 9)

    again.restore(whole.snapshot())
    assert again.shared.tolist() == whole.shared.tolist()
    for each in (whole, again):
        heard(each, 30, 7)
        each.refresh(growth=1.0)

    assert again.snapshot() == whole.snapshot()


def two_sides(
    n: int, *, n_sides: int = 2, discussion: str | None = "pact"
) -> tuple[list[Embedded], list[str]]:
    """Return comments that all share one direction, as long as the side that each takes."""
    drawn = np.random.default_rng(2)
    question, *sides = np.linalg.qr(drawn.normal(size=(24, 1 + n_sides)))[0].T
    comments, labels = [], []
    for offset in range(n):
        side = int(drawn.integers(n_sides))
        vector = unit(question + sides[side] + drawn.normal(scale=0.08, size=24))
        comments.append(comment(offset, vector, at=START + 3.0 * offset, discussion=discussion))
        labels.append(str(side))
    return comments, labels


def tried(comments: list[Embedded], labels: list[str]) -> tuple[Trial, Evaluation]:
    trial = Trial(ClusteringSettings(), ChartingSettings(), TimeSettings())
    return trial, evaluate(comments, labels, trial)


def test_two_sides_of_one_question_come_apart_once_the_question_is_known() -> None:
    comments, labels = two_sides(400)

    trial, found = tried(comments, labels)

    assert found.n_clusters == 2
    latest = {(trial.settled(each.id), side) for each, side in zip(comments[300:], labels[300:], strict=True)}
    assert len(latest) == len({cluster for cluster, _ in latest}) == len({side for _, side in latest}) == 2


def test_the_same_vectors_without_a_discussion_are_one_topic() -> None:
    _, found = tried(*two_sides(400, discussion=None))

    assert found.n_clusters == 1


@pytest.mark.parametrize("n_sides", [1, 2])
def test_a_dozen_comments_of_half_the_same_words_are_not_torn_into_crumbs(n_sides: int) -> None:
    _, found = tried(*two_sides(12, n_sides=n_sides))

    assert (found.n_clusters, found.n_micros, found.unassigned) == (n_sides, n_sides, 0.0)


def test_many_comments_that_all_say_one_thing_stay_one_topic() -> None:
    _, found = tried(*two_sides(400, n_sides=1))

    assert (found.n_clusters, found.unassigned) == (1, 0.0)
