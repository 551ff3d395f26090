from __future__ import annotations

import msgspec
import pytest

from agents.charting import inbox as module
from agents.charting.inbox import Inbox, InboxState
from agents.errors import GapError, StateError
from tests.support.sketching import delta, sketch


def closed_ticks(inbox: Inbox, *sketches) -> list[tuple[int, list[tuple[int, int]], bool]]:
    return [
        (closed.tick, [(each.partition, each.seq) for each in closed.sketches], closed.idle)
        for each in sketches
        for closed in inbox.take(each)
    ]


def test_a_tick_waits_until_every_partition_has_passed_it():
    inbox = Inbox("assign", 2)

    first = closed_ticks(inbox, sketch(1, 0, 0, delta("1-0", 0)))
    both = closed_ticks(inbox, sketch(0, 0, 0, delta("0-0", 0)))

    assert first == []
    assert both == [(0, [(0, 0), (1, 0)], False)]


def test_parts_are_added_in_the_order_of_partitions_and_of_their_sequence():
    inbox = Inbox("assign", 2)

    closed = closed_ticks(
        inbox,
        sketch(1, 0, 0, delta("1-0", 0), last=False),
        sketch(1, 1, 0, delta("1-1", 0)),
        sketch(0, 0, 0, delta("0-0", 0), last=False),
        sketch(0, 1, 0, delta("0-1", 0)),
    )

    assert closed == [(0, [(0, 0), (0, 1), (1, 0), (1, 1)], False)]


def test_an_idle_partition_is_not_waited_for():
    inbox = Inbox("assign", 2)

    closed = closed_ticks(
        inbox,
        sketch(1, 0, 0, idle=True),
        sketch(0, 0, 60, delta("0-0", 60)),
        sketch(0, 1, 120, delta("0-0", 120)),
    )

    assert [tick for tick, _, _ in closed] == [60, 120]


def test_what_an_idle_partition_brings_later_joins_the_open_tick():
    inbox = Inbox("assign", 2)
    closed_ticks(inbox, sketch(1, 0, 0, idle=True), sketch(0, 0, 600, delta("0-0", 600)))

    late = closed_ticks(inbox, sketch(1, 1, 60, delta("1-0", 60)))
    then = closed_ticks(inbox, sketch(0, 1, 660, delta("0-0", 660)), sketch(1, 2, 660, delta("1-0", 660)))

    assert late == []
    assert then == [(660, [(0, 1), (1, 1), (1, 2)], False)]


def test_when_all_are_idle_what_waits_is_worked_and_time_stands_still():
    inbox = Inbox("assign", 2)

    closed = closed_ticks(
        inbox,
        sketch(0, 0, 60, delta("0-0", 60), idle=True),
        sketch(1, 0, 0, idle=True),
        sketch(0, 1, 60, delta("0-1", 60), idle=True),
    )

    assert closed == [(60, [(0, 0)], True), (60, [(0, 1)], True)]


def test_sketches_that_are_known_are_ignored():
    inbox = Inbox("assign", 1)
    closed_ticks(inbox, sketch(0, 0, 0, delta("0-0", 0)))

    assert closed_ticks(inbox, sketch(0, 0, 0, delta("0-0", 0))) == []


@pytest.mark.parametrize(("first", "second"), [(0, 2), (5, None)])
def test_a_gap_is_an_error_that_names_partition_numbers_and_remedy(first, second):
    inbox = Inbox("assign", 1)

    with pytest.raises(
        GapError, match=r"partition 0 is number \d, the chart has those before \d.*topics.prefix"
    ):
        closed_ticks(
            inbox, *(sketch(0, seq, 0, delta("0-0", 0)) for seq in (first, second) if seq is not None)
        )


def test_a_partition_beyond_those_that_are_set_is_refused():
    with pytest.raises(StateError, match="partition 3, there are 2"):
        Inbox("assign", 2).take(sketch(3, 0, 0))


def test_nothing_comes_out_before_every_partition_was_heard_of():
    inbox = Inbox("assign", 2)

    assert closed_ticks(inbox, sketch(0, 0, 0, delta("0-0", 0), idle=True)) == []


def test_a_partition_far_behind_is_waited_for_only_while_what_waits_fits(monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 1_200)
    inbox = Inbox("assign", 2)
    closed_ticks(inbox, sketch(1, 0, 0, delta("1-0", 0)), sketch(0, 0, 0, delta("0-0", 0)))

    ticks = [
        tick
        for seq in range(1, 5)
        for tick, _, _ in closed_ticks(inbox, sketch(0, seq, 60 * seq, delta("0-0", 60 * seq)))
    ]

    assert ticks == [60, 120]


def test_a_restored_inbox_goes_on_where_the_other_stood():
    sketches = [
        sketch(0, 0, 0, delta("0-0", 0)),
        sketch(0, 1, 60, delta("0-0", 60)),
        sketch(1, 0, 0, delta("1-0", 0), last=False),
        sketch(1, 1, 0, delta("1-1", 0)),
        sketch(1, 2, 60, delta("1-1", 60)),
    ]
    whole = closed_ticks(Inbox("assign", 2), *sketches)

    for middle in range(len(sketches)):
        before, after = Inbox("assign", 2), Inbox("assign", 2)
        head = closed_ticks(before, *sketches[:middle])
        packed = msgspec.msgpack.encode(before.state())
        after.restore(msgspec.msgpack.decode(packed, type=InboxState))

        assert head + closed_ticks(after, *sketches[middle:]) == whole


def test_a_state_of_another_number_of_partitions_is_refused():
    with pytest.raises(StateError, match=r"2 partitions, topics\.partitions is 3"):
        Inbox("assign", 3).restore(Inbox("assign", 2).state())
