from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.web.flow import Filter, flow, grid, tally
from streams.web.settings import WebSettings
from streams.web.view import View


@given(st.floats(0, 2e9), st.floats(0, 1e7), st.sampled_from([1.0, 60.0, 3600.0]), st.integers(2, 300))
def test_a_grid_covers_its_span_with_no_more_steps_than_asked(
    first: float, span: float, tick: float, points: int
) -> None:
    made = grid(first, first + span, tick, points)

    assert made.n <= points
    assert made.index(first) >= 0
    assert made.index(first + span) < made.n
    assert made.step_seconds % tick == 0


def test_shares_are_those_of_the_ticks(view: View, make: Any) -> None:
    view.apply("pulse", "0", make.pulse(0, {"c1": 0.5}))
    view.apply("pulse", "1", make.pulse(1, {"c1": 0.25, "c2": 0.5}, total=4))

    made = flow(view, points=10)

    assert made is not None
    assert {series.id: series.shares for series in made.series} == {"c1": [0.5, 0.25], "c2": [0.0, 0.5]}
    assert made.comments == [2, 2]


def test_a_silence_keeps_the_shares_and_counts_nothing(view: View, make: Any) -> None:
    for n, minute in enumerate((0, 1, 4), start=1):
        view.apply("pulse", str(minute), make.pulse(minute, {"c1": minute / 10}, total=2 * n))

    made = flow(view, points=10)

    assert made is not None
    assert made.series[0].shares == [0.0, 0.1, 0.1, 0.1, 0.4]
    assert made.comments == [2, 2, 0, 0, 2]


def test_the_window_ends_with_the_newest_tick(view: View, make: Any) -> None:
    for minute in range(5):
        view.apply("pulse", str(minute), make.pulse(minute, {"c1": 0.1}))

    made = flow(view, window_seconds=60, points=10)

    assert made is not None
    assert made.grid.times() == [make.minute(3).timestamp(), make.minute(4).timestamp()]


def test_a_filter_counts_only_what_passes_it(view: View, make: Any) -> None:
    view.apply("assignments", "a", make.assignment("a", cluster="c1", micro="0-1", discussion="d"))
    view.apply("assignments", "b", make.assignment("b", cluster="c2", micro="0-2", discussion="d"))
    view.apply("assignments", "x", make.assignment("x", cluster="c3", micro="0-3", discussion="e"))

    made = flow(view, points=10, where=Filter(discussion="d"))

    assert made is not None
    assert {series.id: series.shares for series in made.series} == {
        "c1": [pytest.approx(0.5)],
        "c2": [pytest.approx(0.5)],
    }
    assert tally(view, Filter(discussion="d")) == {"c1": 1, "c2": 1}


def test_the_window_of_a_filter_ends_with_the_newest_tick_too(view: View, make: Any) -> None:
    for minute in (0, 3, 4):
        of = make.assignment(f"a{minute}", minute=minute, cluster="c1", discussion="d")
        view.apply("assignments", of.id, of)
    for minute in range(6):
        view.apply("pulse", str(minute), make.pulse(minute))

    made = flow(view, window_seconds=120, points=10, where=Filter(discussion="d"))

    assert made is not None
    assert made.grid.times() == [make.minute(n).timestamp() for n in (3, 4, 5)]
    assert made.comments == [1, 1, 0]


def test_a_filter_without_a_comment_in_the_window_shows_no_topic(view: View, make: Any) -> None:
    view.apply("assignments", "a", make.assignment(cluster="c1", discussion="d"))
    view.apply("pulse", "9", make.pulse(9))

    made = flow(view, window_seconds=60, points=10, where=Filter(discussion="d"))

    assert made is not None
    assert (made.series, sum(made.comments)) == ([], 0)
    assert made.grid.times()[-1] == make.minute(9).timestamp()


def test_only_the_largest_are_given(view: View, make: Any) -> None:
    view.apply("pulse", "0", make.pulse(0, {f"c{n}": n / 10 for n in range(6)}))

    made = flow(view, points=10, top=2)

    assert made is not None
    assert [series.id for series in made.series] == ["c5", "c4"]


def test_what_is_not_among_the_largest_makes_up_the_whole(view: View, make: Any) -> None:
    view.apply("pulse", "0", make.pulse(0, {"c1": 0.5, "c2": 0.2, "c3": 0.1}))
    view.apply("pulse", "1", make.pulse(1, {"c1": 0.25}))

    made = flow(view, points=10, top=2)

    assert made is not None
    for n, rest in enumerate([0.3, 0.75]):
        assert made.rest[n] == pytest.approx(rest)
        assert sum(series.shares[n] for series in made.series) + made.rest[n] == pytest.approx(1.0)


def test_of_a_choice_too_all_shares_make_up_the_whole_once_something_was_said(view: View, make: Any) -> None:
    for minute, micro in enumerate(("0-1", "0-2", "0-3")):
        of = make.assignment(micro, minute=minute, micro=micro, discussion="d", cluster=f"c{minute}")
        view.apply("assignments", micro, of)
    view.apply("pulse", "5", make.pulse(2))

    made = flow(view, window_seconds=300, points=10, top=1, where=Filter(discussion="d"))

    assert made is not None
    assert all(
        share + rest == pytest.approx(1.0)
        for share, rest in zip(made.series[0].shares, made.rest, strict=True)
    )


def test_comments_of_thinned_ticks_are_counted(make: Any) -> None:
    view = View(WebSettings(comments=2, judgements=2, ticks=8, events=2, ended=2))
    for minute in range(100):
        view.apply("pulse", str(minute), make.pulse(minute, {"c1": 0.5}, total=2 * minute + 2))

    made = flow(view, points=10)

    assert made is not None
    assert len(view.pulses) < 20
    assert sum(made.comments) == 200


def test_there_is_no_flow_before_the_first_tick(view: View) -> None:
    assert flow(view) is None
