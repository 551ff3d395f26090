from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.ticks import Reading, TickClock, TimeSettings
from agents.errors import SettingsError

NOW = 1_772_409_600.0
"""The beginning of a tick and of a day in 2026."""

DECADE = 3652 * 86_400.0


def clock(*times: float, **settings: float) -> TickClock:
    """Return a clock that was shown some times."""
    shown = TickClock(TimeSettings(**settings))  # type: ignore[arg-type]
    for time in times:
        shown.advance(time)
    return shown


def test_ticks_are_aligned_to_1970_whenever_the_stream_begins() -> None:
    assert clock(NOW + 59.9).open_ticks == (NOW,)
    assert clock(-0.5).open_ticks == (-60,)


def test_a_comment_within_the_lateness_counts_in_its_own_tick() -> None:
    shown = clock(NOW + 30, NOW + 119)

    reading = shown.advance(NOW + 10)

    assert reading == Reading(at=NOW + 10, tick=int(NOW))
    assert shown.n_late == 0


def test_a_tick_closes_once_the_watermark_passes_its_end_and_only_once() -> None:
    shown = clock(NOW + 30)

    assert shown.advance(NOW + 119.9).closed == ()
    assert shown.advance(NOW + 120).closed == (NOW,)
    assert shown.advance(NOW + 121).closed == ()


def test_empty_ticks_are_skipped() -> None:
    assert clock(NOW, NOW + 61).advance(NOW + 3600).closed == (NOW, NOW + 60)


def test_a_comment_beyond_the_lateness_is_counted_late_in_the_oldest_open_tick() -> None:
    shown = clock(NOW, NOW + 61, NOW + 130)

    reading = shown.advance(NOW + 59)

    assert reading == Reading(at=NOW + 60, tick=int(NOW + 60), is_late=True)
    assert shown.n_late == 1


def test_one_comment_ten_years_ahead_moves_nothing_and_counts_now() -> None:
    shown = clock(NOW, NOW + 5)

    reading = shown.advance(NOW + DECADE)

    assert reading == Reading(at=NOW + 5, tick=int(NOW))
    assert shown.latest == NOW + 5


def test_one_comment_of_1970_is_late_and_moves_nothing() -> None:
    shown = clock(NOW, NOW + 5)

    reading = shown.advance(0.0)

    assert reading == Reading(at=NOW, tick=int(NOW), is_late=True)
    assert shown.latest == NOW + 5


def test_three_comments_that_agree_confirm_a_jump() -> None:
    shown = clock(NOW, NOW + 5)

    readings = [shown.advance(NOW + DECADE + second) for second in (2, 1, 3)]

    assert [each.closed for each in readings] == [(), (), (NOW,)]
    assert shown.latest == NOW + DECADE + 3


def test_far_times_that_disagree_confirm_nothing() -> None:
    shown = clock(NOW, NOW + 5)

    for years in range(1, 9):
        shown.advance(NOW + years * DECADE)

    assert shown.latest == NOW + 5


def test_time_goes_on_where_less_than_a_comment_a_day_comes() -> None:
    shown = clock(NOW)

    for number in range(1, 40):
        shown.advance(NOW + number * 30 * 3600)

        assert shown.latest is not None
        assert NOW + number * 30 * 3600 - shown.latest <= 60 * 3600


def test_trusted_comments_in_between_wear_a_suspicion_away() -> None:
    shown = clock(NOW, NOW + 5)

    for number in range(6):
        shown.advance(NOW + DECADE)
        shown.advance(NOW + 6 + number)

    assert shown.latest == NOW + 11


def test_a_first_time_that_the_second_comment_contradicts_is_given_up() -> None:
    shown = clock(NOW + DECADE)

    reading = shown.advance(NOW + 1)

    assert reading == Reading(at=NOW + 1, tick=int(NOW), moved_back_seconds=DECADE - 1)
    assert shown.open_ticks == (NOW,)


def test_a_first_time_that_the_second_comment_confirms_is_kept() -> None:
    shown = clock(NOW, NOW - 3600)

    assert shown.advance(0.0).moved_back_seconds == 0.0
    assert shown.latest == NOW


def test_one_comment_of_the_past_does_not_undo_a_jump_that_three_confirmed() -> None:
    shown = clock(0.0, NOW, NOW + 1, NOW + 2)

    reading = shown.advance(NOW - 2 * 86_400)

    assert reading.moved_back_seconds == 0.0
    assert reading.is_late
    assert shown.latest == NOW + 2


@pytest.mark.parametrize("name", ["tick_seconds", "lateness_seconds", "jump_confirmations"])
def test_settings_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"time.{name} is -1"):
        TimeSettings(**{name: -1})


times = st.lists(
    st.one_of(
        st.floats(NOW, NOW + 900), st.sampled_from([0.0, NOW - DECADE, NOW + DECADE, NOW + 2 * DECADE])
    ),
    max_size=40,
)


@given(times)
def test_no_comment_counts_in_a_tick_that_has_closed(shown: list[float]) -> None:
    ours = clock()
    closed: list[int] = []

    for time in shown:
        reading = ours.advance(time)
        closed.extend(reading.closed)

        assert reading.tick not in closed
        assert reading.tick <= reading.at < reading.tick + 60
        assert reading.tick in ours.open_ticks
    assert closed == sorted(set(closed))


@given(times, times)
def test_a_restart_reads_the_same_times(before: list[float], after: list[float]) -> None:
    whole, again = clock(*before), clock()

    again.restore(whole.snapshot())

    assert [again.advance(time) for time in after] == [whole.advance(time) for time in after]
    assert again == whole
