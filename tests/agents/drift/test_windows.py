"""Windows: whole ticks, fewest that hold enough, young discussions shared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.drift.windows import Split, blocks, enough, keep_from, split

sizes_of_ticks = st.lists(st.integers(0, 60), max_size=40)


def test_the_current_window_is_the_fewest_newest_ticks_that_hold_enough() -> None:
    sizes = [40, 40, 40, 3, 4, 6]

    found = split(sizes, window=10, ratio=4, least=10)

    assert found == Split(start=2, middle=4, end=6), "4 + 6 hold ten; 3 + 40 hold forty"


def test_a_young_discussion_shares_what_there_is_one_to_four() -> None:
    assert enough(100, window=200, ratio=4) == 20
    assert split([1] * 100, window=200, ratio=4, least=100) == Split(start=0, middle=80, end=100)
    assert split([1] * 99, window=200, ratio=4, least=100) is None


def test_one_tick_that_holds_all_has_nothing_to_compare_with() -> None:
    assert split([5000], window=200, ratio=4, least=100) is None


@given(sizes_of_ticks, st.integers(1, 30), st.integers(2, 5))
def test_windows_follow_on_one_another_and_hold_enough(sizes: list[int], window: int, ratio: int) -> None:
    found = split(sizes, window, ratio, least=10)

    if found is not None:
        size = enough(sum(sizes), window, ratio)
        assert found.start < found.middle < found.end == len(sizes)
        assert sum(sizes[found.middle :]) >= size > sum(sizes[found.middle + 1 :])
        assert sum(sizes[found.start : found.middle]) >= size


@given(sizes_of_ticks, st.integers(1, 30), st.integers(2, 5))
def test_forgetting_the_oldest_ticks_changes_no_window(sizes: list[int], window: int, ratio: int) -> None:
    kept_from = keep_from(sizes, window, ratio)
    kept = sizes[kept_from:]

    if sum(kept) >= (1 + ratio) * window:
        whole, part = (split(ticks, window, ratio, least=10) for ticks in (sizes, kept))
        assert (whole is None) == (part is None)
        if whole and part:
            assert (whole.start, whole.middle) == (part.start + kept_from, part.middle + kept_from)


def test_blocks_go_back_from_the_newest_and_leave_out_what_is_not_full() -> None:
    found = blocks([1, 3, 3, 2, 1], size=3, n_blocks=5)

    assert [(block.start, block.end) for block in found] == [(3, 5), (2, 3), (1, 2)]
