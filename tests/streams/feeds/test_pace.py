"""Pacing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds import FeedError
from streams.feeds.pace import AsIs, Rate, Speed, parse_rate, parse_speed

DAY = 86_400


def test_as_is_everything_is_due_at_once():
    assert [parse_speed("as-is").due(t) for t in (0.0, 1e9, None)] == [0, 0, 0]


def test_a_rate_spreads_comments_evenly():
    rate = parse_rate("300/min")

    assert [rate.due(None) for _ in range(3)] == [0, 0.2, 0.4]


def test_a_speed_divides_the_time_between_comments():
    speed = parse_speed("60x")

    assert [speed.due(t) for t in (1000.0, 1060.0, 1600.0)] == [0, 1, 10]


def test_comments_without_a_time_or_out_of_order_go_with_the_one_before():
    speed = Speed(10)

    assert [speed.due(t) for t in (None, 100.0, 200.0, 150.0, None)] == [0, 0, 10, 10, 10]


def test_one_time_from_the_far_future_does_not_stop_the_replay():
    speed = Speed(1)

    assert [speed.due(t) for t in (0.0, 1e10, 10.0)] == [0, 0, 10]


def test_a_jump_that_three_comments_confirm_is_one():
    speed = Speed(1)

    dues = [speed.due(t) for t in (0.0, 2.0 * DAY + 5, 2.0 * DAY, 2.0 * DAY + 9)]

    assert dues == [0, 0, 0, 2 * DAY]


@given(
    st.lists(st.none() | st.floats(-1e10, 1e10), max_size=30), st.sampled_from([AsIs(), Rate(3), Speed(60)])
)
def test_nothing_is_due_before_the_one_before_it(times, pace):
    pace = type(pace)() if isinstance(pace, AsIs) else type(pace)(3)

    dues = [pace.due(time) for time in times]

    assert dues == sorted(dues)


@pytest.mark.parametrize("text", ["fast", "0x", "-1x", "x", "1e3x", ""])
def test_a_speed_that_is_none_is_refused(text):
    with pytest.raises(FeedError, match="--speed"):
        parse_speed(text)


@pytest.mark.parametrize("text", ["50", "0/s", "50/day", "/s"])
def test_a_rate_that_is_none_is_refused(text):
    with pytest.raises(FeedError, match="--rate"):
        parse_rate(text)
