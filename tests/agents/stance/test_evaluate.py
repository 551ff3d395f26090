import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import SettingsError
from agents.stance.evaluate import (
    Debate,
    accuracy_at,
    area_under_curve,
    blind_leans,
    calibration_error,
    measure,
    read_debates,
)

LEANS = np.array([0.95, 0.8, 0.6, 0.45, 0.1])
TRUTH = np.array([True, False, True, True, False])


def debate(
    is_first: bool, discussion: str = "d", poles: tuple[str, str] = ("X is so", "X is not so")
) -> Debate:
    return Debate("text", discussion, poles, is_first)


def test_accuracy_counts_the_named_side() -> None:
    # Named a, a, a, b, b of which the first, third and last are right.
    assert accuracy_at(LEANS, TRUTH) == pytest.approx(3 / 5)


def test_accuracy_by_coverage_takes_the_surest_first() -> None:
    # 0.95 and 0.1 lie furthest from 0.5, then 0.8.
    assert accuracy_at(LEANS, TRUTH, 40) == 1.0
    assert accuracy_at(LEANS, TRUTH, 60) == pytest.approx(2 / 3)


def test_the_area_counts_pairs_in_the_right_order() -> None:
    # Of the 3 x 2 pairs of a true and a false row, 0.6 and 0.45 lie below 0.8: four are right.
    assert area_under_curve(LEANS, TRUTH) == pytest.approx(4 / 6)
    assert np.isnan(area_under_curve(LEANS, np.ones(5, bool)))


def test_calibration_compares_confidence_and_share_right_by_bin() -> None:
    # Bins of 0.05: 0.95 right; 0.8 wrong; 0.6 right; 0.55 wrong (0.45 names the other); 0.9 right.
    gaps = [abs(0.95 - 1), abs(0.8 - 0), abs(0.6 - 1), abs(0.55 - 0), abs(0.9 - 1)]

    assert calibration_error(LEANS, TRUTH) == pytest.approx(sum(gaps) / 5)


@given(st.integers(2, 50))
def test_half_sure_and_half_right_is_calibrated(n: int) -> None:
    leans = np.full(2 * n, 0.5)
    truth = np.arange(2 * n) % 2 == 0

    assert calibration_error(leans, truth) == pytest.approx(0)


def test_the_controls_and_the_oracle_are_what_they_say() -> None:
    # Debate p: three a, one b. Debate q: one a, three b. Debate r: two a.
    sides = {"p": [1, 1, 1, 0], "q": [1, 0, 0, 0], "r": [1, 1]}
    rows = [debate(bool(each), name) for name, its in sides.items() for each in its]
    leans = np.array([0.9 if row.is_first else 0.2 for row in rows])

    report = measure(rows, leans, blind=np.full(10, 0.9), resamples=200)

    assert report.accuracy.value == 1.0
    assert (report.accuracy.low, report.accuracy.high) == (1.0, 1.0)
    assert report.position.value == report.blind.value == pytest.approx(6 / 10)
    assert report.oracle == pytest.approx((3 + 3 + 2) / 10)
    assert (report.n_comments, report.n_discussions) == (10, 3)


def test_intervals_are_drawn_over_discussions() -> None:
    # Within a debate all is right or all is wrong, so ten comments carry no more than two debates.
    rows = [debate(True, name) for name in "pq" for _ in range(50)]
    leans = np.array([0.9] * 50 + [0.1] * 50)

    report = measure(rows, leans, blind=leans, resamples=500)

    assert (report.accuracy.low, report.accuracy.value, report.accuracy.high) == (0.0, 0.5, 1.0)


def test_the_same_seed_gives_the_same_intervals() -> None:
    rows = [debate(bool(n % 2), str(n % 7)) for n in range(40)]
    leans = np.linspace(0, 1, 40)

    assert measure(rows, leans, leans, seed=3, resamples=50) == measure(
        rows, leans, leans, seed=3, resamples=50
    )


def test_the_blind_reader_sees_no_statement_and_gets_its_best_chance() -> None:
    asked: list[tuple[str, str]] = []

    def approve(pairs: list[tuple[str, str]]) -> np.ndarray:
        asked.extend(pairs)
        return np.array([[0.9, 0.1, 0.0]] * len(pairs))

    # Approval means the pole without a negation, the second here, which only one of four takes.
    rows = [debate(each, poles=("X is not so", "X is so")) for each in (True, True, True, False)]
    leans = blind_leans(rows, approve)

    assert {statement for _, statement in asked} == {""}
    assert accuracy_at(leans, np.array([True, True, True, False])) == pytest.approx(3 / 4)


def test_a_file_is_read_and_a_bad_line_named(tmp_path: Path) -> None:
    row = {"text": "t", "discussion": "d", "pole_a": "p", "pole_b": "q", "stance": "b"}
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(row) + "\n\n")
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps(row) + "\n" + json.dumps(row | {"stance": "c"}))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")

    assert read_debates(good) == [Debate("t", "d", ("p", "q"), False)]
    with pytest.raises(SettingsError, match="line 2"):
        read_debates(bad)
    with pytest.raises(SettingsError, match="0 comments"):
        read_debates(empty)
