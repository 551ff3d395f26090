from __future__ import annotations

import msgspec
import numpy as np
import pytest

from agents.charting.settings import ChartingSettings
from agents.clustering.block import Kinship
from agents.clustering.newcomers import MOST, Newcomers, cluster_id
from agents.clustering.ticks import as_datetime
from agents.records import Assignment, Placement

SINCE = as_datetime(60.0)


def assignment(comment: str, micro: str = "0-0", cluster: str | None = None) -> Assignment:
    return Assignment(
        id=comment,
        event_time=as_datetime(0.0),
        micro=micro,
        cluster=cluster,
        similarity=1.0,
        novelty=0.0,
        partition=0,
        offset=0,
        encoder="seeded",
        version="0",
    )


class World:
    """Newcomers with the placements that they read."""

    def __init__(self, **settings: float) -> None:
        self.placements: dict[str, Placement] = {}
        self.newcomers = Newcomers(ChartingSettings(**settings), self.placements, "0-{}".format)

    def place(self, *micros: str, cluster: str = "c0-9") -> list[Assignment]:
        for micro in micros:
            self.placements[micro] = Placement(micro=micro, cluster=cluster, since=SINCE)
        return list(self.newcomers.placed())

    def found(self, micro: str, others: dict[str, float], *, counts: int = 50, silence: float = 0.0) -> None:
        """Found a micro-cluster that is as similar to others as they say."""
        n = len(others)
        kinship = Kinship(
            numbers=np.array([int(other.removeprefix("0-")) for other in others], np.int64),
            similarities=np.array(list(others.values())),
            counts=np.full(n, counts),
            weights=np.full(n, 1.0),
            silences=np.full(n, silence),
            concentration=0.0,
        )
        self.newcomers.look()
        self.newcomers.relate(int(micro.removeprefix("0-")), kinship)

    def hear(self, *micros: str) -> list[str | None]:
        return [self.newcomers.add(micro) for micro in micros]

    def keep(self, *kept: Assignment) -> None:
        for each in kept:
            self.newcomers.add(each.micro)
            self.newcomers.keep(each)


def test_what_is_like_a_topic_is_given_to_it_before_the_chart_has_said_so() -> None:
    world = World()
    world.place("0-0", cluster="c0-0")
    world.place("0-1", cluster="c0-1")

    world.found("0-2", {"0-0": 0.25, "0-1": 0.4})

    assert world.hear("0-2") == ["c0-1"]


def test_all_comments_of_a_topic_count_not_its_nearest() -> None:
    world = World()
    world.place("0-0", "0-1", cluster="c0-0")
    world.place("0-2", cluster="c0-2")

    world.found("0-3", {"0-0": 0.5, "0-1": 0.0, "0-2": 0.35})

    assert world.hear("0-3") == ["c0-2"]


def test_what_is_like_none_names_a_new_topic_once_it_weighs_enough() -> None:
    world = World(minimum_weight=3.0)
    world.place("0-0", cluster="c0-0")

    world.found("0-7", {"0-0": 0.1})

    assert world.hear("0-7", "0-7", "0-7") == [None, None, cluster_id("0-7")]


def test_newcomers_that_are_alike_share_a_name_and_weigh_together() -> None:
    world = World(minimum_weight=3.0)
    world.found("0-0", {})
    world.found("0-1", {"0-0": 0.6}, counts=1)
    world.found("0-2", {"0-0": 0.6, "0-1": 0.6}, counts=1)

    assert world.hear("0-0", "0-1", "0-2", "0-0") == [None, None, "c0-0", "c0-0"]


def test_a_topic_of_one_comment_has_to_be_nearer_than_a_large_one() -> None:
    world = World()
    world.place("0-0", cluster="c0-0")

    world.found("0-1", {"0-0": 0.13}, counts=1)
    world.found("0-2", {"0-0": 0.13}, counts=1_000)

    assert world.hear("0-1", "0-2") == [None, "c0-0"]


def test_a_topic_that_has_long_been_silent_is_not_taken_up_again() -> None:
    world = World(gap_seconds=3_600.0)
    world.place("0-0", cluster="c0-0")

    world.found("0-1", {"0-0": 0.4}, silence=60.0)
    world.found("0-2", {"0-0": 0.4}, silence=7_200.0)

    assert world.hear("0-1", "0-2") == ["c0-0", None]


def test_a_second_comment_may_change_where_a_newcomer_belongs() -> None:
    world = World()
    world.place("0-0", cluster="c0-0")
    world.found("0-1", {"0-0": 0.4})
    (first,) = world.hear("0-1")

    world.found("0-1", {"0-0": 0.1})

    assert (first, *world.hear("0-1", "0-1")) == ("c0-0", None, "c0-1")


def test_newcomers_follow_the_one_that_they_are_like_wherever_the_chart_puts_it() -> None:
    world = World(minimum_weight=1.0)
    world.found("0-0", {})
    world.found("0-1", {"0-0": 0.6})
    before = world.hear("0-1")
    world.place("0-0", cluster="c3-3")

    assert before + world.hear("0-1") == ["c0-0", "c3-3"]


def test_what_the_chart_says_holds() -> None:
    world = World(minimum_weight=1.0)
    world.found("0-0", {})
    guessed = world.hear("0-0")
    world.place("0-0", cluster="c0-5")

    world.found("0-0", {"0-1": 0.9})

    assert guessed + world.hear("0-0") == ["c0-0", "c0-5"]


def test_only_what_is_placed_comes_out_with_its_cluster_and_only_once() -> None:
    world = World()
    world.keep(assignment("a"), assignment("b", "0-1"))

    (told,) = world.place("0-0", "0-7")

    assert told == msgspec.structs.replace(assignment("a"), cluster="c0-9", chart_tick=SINCE)
    assert list(world.newcomers.placed()) == []
    assert [each.id for each in world.place("0-1")] == ["b"]


def test_the_first_comments_are_told_again_and_the_later_are_not() -> None:
    world = World()
    world.keep(*(assignment(f"m{number}") for number in range(MOST + 5)))

    assert [each.id for each in world.place("0-0")] == [f"m{number}" for number in range(MOST)]


def test_a_comment_that_was_taken_back_is_not_told_again_and_weighs_no_more() -> None:
    world = World(minimum_weight=3.0)
    world.keep(assignment("a"), assignment("b"))

    world.newcomers.drop("0-0", "a")
    world.newcomers.drop("0-9", "b")

    assert world.hear("0-0", "0-0") == [None, "c0-0"]
    assert [each.id for each in world.place("0-0")] == ["b"]


def test_what_is_live_no_more_takes_no_memory() -> None:
    world = World()
    empty = world.newcomers.snapshot()

    for number in range(100):
        world.keep(assignment("a", f"0-{number}"))
        world.newcomers.give_up([f"0-{number}"])
    world.newcomers.end_tick()

    assert world.newcomers.snapshot() == empty


@pytest.mark.parametrize("n_before", [1, 2])
def test_a_restart_keeps_who_is_told_again_and_what_weighs_together(n_before: int) -> None:
    world, again = World(minimum_weight=3.0), World(minimum_weight=3.0)
    world.found("0-0", {})
    world.found("0-1", {"0-0": 0.6})
    world.keep(assignment("b", "0-1"), *(assignment(f"m{number}") for number in range(n_before)))

    again.newcomers.restore(world.newcomers.snapshot())

    assert again.hear("0-1", "0-0") == world.hear("0-1", "0-0")
    assert again.place("0-0", "0-1") == world.place("0-0", "0-1")
