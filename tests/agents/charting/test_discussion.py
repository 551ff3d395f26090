from __future__ import annotations

import pytest

from agents.charting.discussion import Brought, Changes, Discussion
from agents.charting.lineage import NONE
from agents.charting.settings import ChartingSettings
from agents.records import MicroDelta, Sketch, StanceDelta
from tests.support.sketching import HALF_LIFE, delta, sketch

DAY = 86_400


class World:
    """A discussion that is brought up to date tick by tick, as the chart does it."""

    def __init__(self, **changed: float) -> None:
        self.discussion = Discussion(ChartingSettings(lexical_weight=0.0, **changed), HALF_LIFE)
        self.brought = Brought()
        self.at = 0.0

    def tick(self, tick: int, *deltas: MicroDelta, gone: tuple[str, ...] = ()) -> Changes:
        """Add one tick and regroup."""
        told: list[Sketch] = [sketch(0, 0, tick, *deltas, gone=gone)]
        self.at = tick + 60.0
        self.discussion.tally.begin(tick)
        self.discussion.ledger.move(self.at)
        self.brought = self.discussion.add(told, self.at, 60)
        self.discussion.bury(told, self.at, self.brought)
        return self.discussion.regroup(self.at, self.brought)

    def ids(self) -> dict[int, str]:
        """Return the public id of each live cluster."""
        return {number: live.id for number, live in self.discussion.live.items()}

    def places(self) -> dict[str, int]:
        """Return the live cluster of each micro-cluster that has one."""
        world = self.discussion
        numbers = world.numbers().tolist()
        return {micro: n for micro, n in zip(world.ledger.ids, numbers, strict=True) if n != NONE}


def events(changes: Changes) -> list[tuple[str, int, int | None]]:
    return [(each.event, each.cluster, each.other) for each in changes.events]


def test_a_merge_leaves_the_older_id_though_the_younger_is_heavier() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4, axis=0))
    world.tick(60, delta("0-1", 60, 9, axis=1))
    assert world.places() == {"0-0": 0, "0-1": 1}

    changes = world.tick(120, delta("0-1", 120, 900, axis=0))

    assert events(changes) == [("merged", 1, 0)]
    assert world.places() == {"0-0": 0, "0-1": 0}
    assert changes.placed == [("0-1", 0)]
    assert [(ended.live.number, ended.into) for ended in changes.ended] == [(1, "c0-0")]


def test_moves_are_counted_by_micro_cluster_but_for_the_first_place() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4, axis=0))
    world.tick(60, delta("0-1", 60, 9, axis=1))
    world.tick(120, delta("0-1", 120, 900, axis=0))
    assert world.discussion.moves.tolist() == [0, 1]

    world.tick(180, delta("0-2", 180, 1, axis=0), gone=("0-0",))

    assert world.discussion.moves.tolist() == [1, 0]


@pytest.mark.parametrize(("moves", "ends_in"), [(1, 1), (0, 0)])
def test_what_was_moved_on_little_evidence_is_not_moved_back_on_as_little(moves: int, ends_in: int) -> None:
    world = World(stickiness=0.05)
    world.tick(0, delta("0-0", 0, 20, axis=0), delta("0-1", 0, 20, axis=1), delta("0-2", 0, 2, axis=0))
    world.tick(60, delta("0-2", 60, 3, axis=1))
    assert world.places() == {"0-0": 0, "0-1": 1, "0-2": 1}
    assert world.discussion.moves.tolist() == [0, 0, 1]
    world.discussion.moves[2] = moves

    world.tick(120, delta("0-2", 120, 2, axis=0))

    assert world.places()["0-2"] == ends_in


def test_a_split_leaves_the_id_with_the_heavier_part() -> None:
    world = World(share_weight=0.0)
    world.tick(0, delta("0-0", 0, 10, axis=0), delta("0-1", 0, 10, axis=0))
    assert world.places() == {"0-0": 0, "0-1": 0}

    changes = world.tick(60, delta("0-1", 60, 400, axis=1))

    assert events(changes) == [("split", 1, 0)]
    assert world.places() == {"0-0": 1, "0-1": 0}


def test_an_id_is_not_given_again_after_its_cluster_has_merged_and_faded() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4, axis=0), delta("0-1", 0, 4, axis=1))
    world.tick(60, delta("0-1", 60, 900, axis=0))

    changes = world.tick(30 * DAY, delta("0-2", 30 * DAY, 4, axis=2))

    assert events(changes) == [("emerged", 2, None)]
    assert [(ended.live.number, ended.into) for ended in changes.ended] == [(0, None)]
    assert sorted(world.discussion.live) == [2]


def test_a_cluster_is_named_after_the_oldest_of_its_micro_clusters() -> None:
    world = World()
    world.tick(0, delta("0-3", 0, 1, axis=0), delta("1-0", 0, 1, axis=0))
    world.tick(60, delta("0-4", 60, 900, axis=0))

    assert world.ids() == {0: "c0-3"}


def test_what_splits_off_bears_a_name_that_was_never_used() -> None:
    """Each of two gives its name to a cluster, they merge, and the younger parts again."""
    world = World(share_weight=0.0)
    world.tick(0, delta("0-0", 0, 10, axis=0), delta("0-1", 0, 10, axis=1))
    assert world.ids() == {0: "c0-0", 1: "c0-1"}
    world.tick(60, delta("0-1", 60, 400, axis=0))
    assert world.ids() == {0: "c0-0"}

    world.tick(120, delta("0-1", 120, 90_000, axis=1))

    assert world.ids() == {0: "c0-0", 2: "c0-0.2"}


def test_a_sleeper_keeps_its_last_place_and_does_not_revive_its_cluster() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4, axis=0))
    later = 5 * DAY
    world.tick(later, delta("0-1", later, 4, axis=1))

    changes = world.tick(later + 60, delta("0-2", later + 60, 4, axis=0))

    assert events(changes) == [("emerged", 2, None)]
    assert world.places() == {"0-1": 1, "0-2": 2}
    assert world.discussion.places.tolist() == [0, 1, 2]


def test_a_sleeper_that_is_heard_again_is_placed_anew() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4, axis=0))
    later = 5 * DAY
    world.tick(later, delta("0-1", later, 4, axis=1))

    changes = world.tick(later + 60, delta("0-0", later + 60, 4, axis=0))

    assert events(changes) == [("emerged", 2, None)]
    assert changes.placed == [("0-0", 2)]


def test_the_dead_leave_their_counts_to_their_cluster_and_sums_to_nobody() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4), delta("0-1", 0, 5))

    world.tick(60, delta("0-0", 60, 1), gone=("0-1",))

    live = world.discussion.live[0]
    assert (live.gone_count, len(world.discussion.ledger)) == (5, 1)
    assert world.discussion.dead.places == {"0-1": (0, 120.0)}


def test_a_correction_of_the_dead_is_counted_and_revives_nobody() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4), delta("0-1", 0, 5), delta("0-2", 0, 1, axis=3))
    world.tick(60, delta("0-0", 60, 1), gone=("0-1", "0-2"))

    world.tick(120, delta("0-1", 120, -2), delta("0-2", 120, -1, axis=3))

    assert world.discussion.live[0].gone_count == 3
    assert world.discussion.ledger.ids == ["0-0"]
    assert world.discussion.tally.total == 4 + 5 + 1 + 1 - 3


def test_sides_of_the_dead_go_to_the_cluster_that_they_were_in() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4), delta("0-1", 0, 5))
    world.tick(60, delta("0-0", 60, 1), gone=("0-1",))
    side = StanceDelta(target="pact", micro="0-1", side="favor", count=2)
    judged = Sketch(stage="judge", partition=0, seq=0, tick=sketch(0, 0, 0).tick, stances=(side,))

    sides = world.discussion.judge([judged], Brought())

    assert sides == {"pact": {"favor": 2}}
    assert world.discussion.live[0].gone.sides == {"pact": {"favor": 2}}


def test_weights_of_clusters_are_those_of_their_members() -> None:
    world = World()
    world.tick(0, delta("0-0", 0, 4), delta("0-1", 0, 5), delta("0-2", 0, 7, axis=1))

    assert world.discussion.weights(60.0) == {0: 9.0, 1: 7.0}
    assert world.discussion.weights(60.0 + HALF_LIFE) == {0: 4.5, 1: 3.5}


def test_a_leading_topic_leads_until_another_is_twice_as_heavy() -> None:
    """Apart at 0.9, in one branch at -1: the heavier leads at first, then as long as it is half as heavy."""
    world = World(group_above=0.9, share_weight=0.0, parent_above=-1.0)
    world.tick(0, delta("0-0", 0, 10, axis=0), delta("0-1", 0, 8, axis=1))
    live = world.discussion.live
    assert (live[0].parent, live[1].parent) == (None, "c0-0")

    world.tick(60, delta("0-1", 60, 11, axis=1))
    assert (live[0].parent, live[1].parent) == (None, "c0-0")

    world.tick(120, delta("0-1", 120, 2, axis=1))
    assert (live[0].parent, live[1].parent) == ("c0-1", None)
