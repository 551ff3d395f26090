"""Alarms against what is known to have happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.drift.evaluation import Shift, meet, onsets, watch_sides
from agents.drift.settings import DriftSettings
from agents.records import Drift

START = datetime(2026, 3, 2, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def alarm(minute: int) -> Drift:
    return Drift(measure="share_shift", at=at(minute), state="alarm", value=0.5)


def test_an_onset_is_the_tenth_comment_and_its_sign_the_first() -> None:
    labels = ["a"] * 5 + ["b"] * 12 + ["a"] * 5 + ["c"] * 9
    times = [at(minute) for minute in range(len(labels))]

    found = onsets(labels, times)

    assert found == [Shift("b", at(14), at(5)), Shift("a", at(21), at(0))]


def test_an_alarm_meets_a_shift_from_its_sign_until_a_window_after_it() -> None:
    times = [at(minute) for minute in range(300)]
    shift = Shift("b", at(100), at(90))
    late, early, in_time, before_its_time = alarm(180), alarm(80), alarm(121), alarm(95)

    report = meet([shift], [early, before_its_time, in_time, late], times, window=50)

    assert report.findings[0].alarm == before_its_time
    assert report.findings[0].delay_comments == 0
    assert report.false_alarms == (early, late)
    assert report.false_per_10_000 == 2 * 10_000 / 300

    report = meet([shift], [in_time], times, window=50)

    assert report.findings[0].delay_comments == 20, "101 to 120 came after the onset and before the alarm"
    assert report.median_delay_hours == 21 / 60


def test_a_shift_without_an_alarm_is_not_found() -> None:
    report = meet([Shift("b", at(10), at(5))], [], [at(minute) for minute in range(20)], window=5)

    assert report.n_found == 0
    assert report.median_delay_comments is None


def test_a_turn_of_the_true_sides_is_found() -> None:
    sides = ["favor"] * 170 + ["against"] * 30 + ["favor", "against", "against"] * 30
    times = [at(number) for number in range(len(sides))]
    turn = Shift("pact", at(170), at(170))

    report = meet([turn], watch_sides("pact", sides, times, DriftSettings(), 60), times, window=200)

    assert report.n_found == 1
    assert report.findings[0].delay_comments is not None
    assert report.findings[0].delay_comments <= 25
    assert report.false_alarms == ()
