"""Detectors: one contract for all, and what sets them apart."""

from __future__ import annotations

import math
import random
from typing import get_args

import numpy as np
import pytest
from river.drift import PageHinkley as RiverPageHinkley

from agents.drift.detectors import PRIOR, STRIDES, Detector, PageHinkley, make_detector, threshold
from agents.drift.settings import DetectorName

NAMES = get_args(DetectorName)


def fresh(name: DetectorName) -> Detector:
    return make_detector(name, false_alarms=0.5, n_series=2, window=200)


@pytest.mark.parametrize("name", NAMES)
def test_no_detector_alarms_while_nothing_changes(name: DetectorName) -> None:
    detector = fresh(name)

    assert not any(detector.update(0.0) for _ in range(2000))


@pytest.mark.parametrize("name", NAMES)
def test_every_detector_finds_a_rise_that_lasts(name: DetectorName) -> None:
    detector = fresh(name)
    noise = random.Random(7)
    for _ in range(100):
        detector.update(noise.gauss(0, 0.5))

    rises = [detector.update(noise.gauss(6, 0.5)) for _ in range(5 * STRIDES)]

    assert any(rises)


@pytest.mark.parametrize("name", NAMES)
def test_no_detector_alarms_on_a_fall(name: DetectorName) -> None:
    detector = fresh(name)

    assert not any(detector.update(score) for score in [0.0] * 60 + [-4.0] * 60)


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_detector_goes_on_as_if_nothing_had_happened(name: DetectorName) -> None:
    noise = random.Random(3)
    scores = [noise.gauss(0, 1) + (4 if at > 700 else 0) for at in range(800)]
    whole, first = fresh(name), fresh(name)
    expected = [whole.update(score) for score in scores]

    half = [first.update(score) for score in scores[:650]]
    second = fresh(name)
    second.restore(first.state())
    both = half + [second.update(score) for score in scores[650:]]

    assert both == expected
    assert second.strength == whole.strength
    assert second.age == whole.age


@pytest.mark.parametrize("name", NAMES)
def test_a_level_that_is_expected_raises_nothing(name: DetectorName) -> None:
    detector = fresh(name)
    detector.expect(3.0)

    assert not any(detector.update(3.0) for _ in range(200))


@pytest.mark.parametrize("seed", range(5))
def test_page_hinkley_is_rivers(seed: int) -> None:
    """River's, without forgetting, that has read our prior and whose least sum starts at 0."""
    noise = random.Random(seed)
    bound, slack = 12.0, 0.7
    ours = PageHinkley(bound, slack)
    rivers = RiverPageHinkley(min_instances=1, delta=slack, threshold=bound, alpha=1.0, mode="up")
    for _ in range(PRIOR):
        rivers.update(0.0)
    offset = PRIOR * slack  # by the prior river's sum has sunk by its slack; so has its least

    for _ in range(200):
        score = noise.gauss(0.3, 2)
        said, rivers_said = ours.update(score), rivers.update(score) or rivers.drift_detected

        assert said == rivers_said
        if said:
            return
        assert ours.state()[2] - offset == pytest.approx(rivers._sum_increase)


def test_an_excess_of_four_is_told_when_it_has_summed_up_to_the_threshold() -> None:
    """Each score of 5 adds 5 - mean - 1; with twenty zeros behind it the means are 5/21, 10/22, 15/23."""
    detector = PageHinkley(threshold=10.0, slack=1.0)
    sums = np.cumsum([5 - 5 / 21 - 1, 5 - 10 / 22 - 1, 5 - 15 / 23 - 1])

    said = [detector.update(5.0) for _ in range(3)]

    assert said == [False, False, True]
    assert detector.strength == pytest.approx(sums[-1] / 10)
    assert detector.age == 3


def test_the_threshold_rises_with_the_series_and_falls_with_the_alarms_allowed() -> None:
    one = threshold(0.5, n_series=1, window=200)

    assert threshold(0.5, n_series=10, window=200) > one
    assert threshold(5.0, n_series=1, window=200) < one
    assert threshold(0.5, n_series=1, window=50) > one


@pytest.mark.parametrize("stated", [0.25, 0.5])
def test_the_rate_of_false_alarms_is_the_one_that_is_stated(stated: float) -> None:
    """Means of sliding windows of independent comments, as the scores are."""
    window, ratio = 200, 4
    n_comments = 4_000_000
    stride = window // STRIDES
    blocks = np.random.default_rng(11).normal(size=n_comments // stride) / math.sqrt(stride)
    totals = np.concatenate([[0.0], np.cumsum(blocks)])
    now = (totals[STRIDES * (ratio + 1) :] - totals[STRIDES * ratio : -STRIDES]) / STRIDES
    before = (totals[STRIDES * ratio : -STRIDES] - totals[: -STRIDES * (ratio + 1)]) / (STRIDES * ratio)
    scores = (now - before) / math.sqrt(1 / window + 1 / (ratio * window))
    assert scores.std() == pytest.approx(1, abs=0.05)
    bound = threshold(stated, n_series=1, window=window)

    alarms, detector, rest = 0, PageHinkley(bound), 0
    for score in scores:
        if rest:
            rest -= 1
        elif detector.update(float(score)):
            alarms, detector, rest = alarms + 1, PageHinkley(bound), STRIDES

    assert stated / 2 <= alarms / (n_comments / 10_000) <= stated * 1.1
