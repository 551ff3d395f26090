from __future__ import annotations

import msgspec

from agents.clustering.ticks import as_datetime
from agents.clustering.waiting import MOST, Waiting
from agents.records import Assignment, Placement

SINCE = as_datetime(60.0)


def assignment(comment: str, micro: str = "0-0") -> Assignment:
    return Assignment(
        id=comment,
        event_time=as_datetime(0.0),
        micro=micro,
        cluster=None,
        similarity=1.0,
        novelty=0.0,
        partition=0,
        offset=0,
        encoder="seeded",
        version="0",
    )


def waiting(*assignments: Assignment) -> Waiting:
    made = Waiting()
    for each in assignments:
        made.add(each)
    return made


def placed(made: Waiting, *micros: str) -> list[Assignment]:
    return list(made.placed({micro: Placement(micro=micro, cluster="c1", since=SINCE) for micro in micros}))


def test_only_what_is_placed_comes_out_with_its_cluster_and_only_once() -> None:
    made = waiting(assignment("a"), assignment("b", "0-1"))

    (told,) = placed(made, "0-0", "0-7")

    assert told == msgspec.structs.replace(assignment("a"), cluster="c1", chart_tick=SINCE)
    assert placed(made, "0-0") == []
    assert [each.id for each in placed(made, "0-1")] == ["b"]


def test_the_first_comments_wait_and_the_later_do_not() -> None:
    made = waiting(*(assignment(f"m{number}") for number in range(MOST + 5)))

    assert [each.id for each in placed(made, "0-0")] == [f"m{number}" for number in range(MOST)]


def test_a_comment_that_was_taken_back_waits_no_more() -> None:
    made = waiting(assignment("a"), assignment("b"))

    made.drop("0-0", "a")
    made.drop("0-9", "b")

    assert [each.id for each in placed(made, "0-0")] == ["b"]


def test_what_is_live_no_more_takes_no_memory() -> None:
    made = Waiting()
    empty = made.snapshot()

    for number in range(100):
        made.add(assignment("a", f"0-{number}"))
        made.give_up([f"0-{number}"])

    assert made.snapshot() == empty


def test_a_restart_keeps_who_waits_in_order() -> None:
    made, again = waiting(assignment("b"), assignment("a"), assignment("c", "0-1")), Waiting()

    again.restore(made.snapshot())

    assert placed(again, "0-0", "0-1") == placed(made, "0-0", "0-1")
