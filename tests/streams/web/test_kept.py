"""What is kept is a function of what the topics hold, not of when one began to read them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.web.kept import Recent, Ticks, stride
from tests.streams.web.conftest import Make

MOST = 8
make = Make()

partitions = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=12), max_size=3)
"""Of each partition its records: seconds since the one before, and a key."""


def records(pauses: list[list[tuple[int, int]]]) -> list[list[tuple[str, Any]]]:
    """Give every record its rank; a key lies in one partition."""
    made = []
    for number, partition in enumerate(pauses):
        at, its = 0.0, []
        for offset, (pause, key) in enumerate(partition):
            at += pause
            its.append((f"{number}-{key}", (at, number, offset)))
        made.append(its)
    return made


def newest(told: list[tuple[str, Any]]) -> set[str]:
    recent, kept = Recent[str](MOST), set()
    for key, rank in told:
        if recent.note(key, rank):
            kept.add(key)
        kept -= set(recent.surplus())
    return kept


class TestRecent:
    @given(partitions, st.randoms())
    def test_in_whatever_order_partitions_are_read_the_same_is_kept(
        self, pauses: list[list[tuple[int, int]]], random: Any
    ) -> None:
        logs = records(pauses)
        one_by_one = [record for log in logs for record in log]
        waiting = [list(log) for log in logs if log]
        mixed = []
        while waiting:
            log = random.choice(waiting)
            mixed.append(log.pop(0))
            waiting = [each for each in waiting if each]

        latest = {key: rank for log in logs for key, rank in log}
        expected = set(sorted(latest, key=lambda key: latest[key])[-MOST:])

        assert newest(mixed) == newest(one_by_one) == expected

    def test_what_is_said_again_and_again_fills_no_memory(self) -> None:
        recent = Recent[str](MOST)
        for n in range(1_000):
            recent.note("a", (float(n), 0, n))

        assert len(recent._oldest) <= 2 * MOST + 2

    def test_in_one_partition_the_later_one_counts_whatever_the_clock_said(self) -> None:
        recent = Recent[str](MOST)
        recent.note("a", (9.0, 0, 1))

        assert recent.note("a", (8.0, 0, 2))
        assert not recent.note("a", (10.0, 0, 1))
        assert not recent.note("a", (7.0, 1, 3))


class TestTicks:
    @given(st.integers(1, 300), st.sampled_from([1, 2, 3]))
    def test_who_comes_late_and_skips_what_is_not_kept_has_the_same(self, n: int, places: int) -> None:
        log = {offset: make.pulse(offset) for offset in range(0, n * places, places)}
        there_from_the_start, late = Ticks(MOST), Ticks(MOST)
        for offset, pulse in log.items():
            there_from_the_start.add(offset, pulse)
            there_from_the_start.inorder()

        end = max(log) + 1
        for offset in [each for each in log if each >= end - MOST]:
            late.add(offset, log[offset])
        part = stride(end, MOST)
        for number in range(end // part, -1, -1):
            offset = min((each for each in log if each >= number * part), default=max(log))
            late.add(offset, log[offset])

        kept = late.inorder()
        assert late.newest == kept[-1] == log[end - 1]
        assert kept == there_from_the_start.inorder()
        assert kept[0] == log[0]
        assert len(kept) <= MOST + MOST // 2

    def test_of_a_tick_that_was_said_again_the_last_counts(self) -> None:
        ticks = Ticks(MOST)
        for offset, comments in ((1, 20), (0, 10), (2, 30)):
            ticks.add(offset, make.pulse(offset // 2, comments=comments))

        assert [pulse.comments for pulse in ticks.inorder()] == [20, 30]
        assert ticks.newest == ticks.inorder()[-1]
