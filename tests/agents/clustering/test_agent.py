from __future__ import annotations

from datetime import timedelta
from functools import cache

import msgspec
import numpy as np
import pytest

from agents.agent import Emission
from agents.charting.settings import ChartingSettings
from agents.clustering.agent import Assign
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings, as_datetime
from agents.errors import EncoderError, StateError
from agents.records import Assignment, Embedded, Pause, Placement, Sketch
from tests.support.talking import START, Road, comment, talk, unit

X, Y, Z = np.eye(24)[:3]

CALM = ClusteringSettings()

NARROW = ClusteringSettings(recent_comments=40, micro_clusters=8, half_life_seconds=600.0, new_below=0.75)
"""Memory that wraps, a ceiling that is reached, weights that fade within the stream."""

STREAMS = [
    pytest.param(CALM, None, id="many discussions"),
    pytest.param(CALM, "pact", id="one discussion"),
    pytest.param(NARROW, None, id="narrow"),
    pytest.param(NARROW, "pact", id="narrow, one discussion"),
]


def stream_of(discussion: str | None) -> list[Embedded | Pause]:
    return talk(320, discussion=discussion, common=1.0 if discussion else 0.0)


@cache
def bytes_of(settings: ClusteringSettings, discussion: str | None) -> list[bytes]:
    return Road(settings).run(stream_of(discussion))


def assign(placements: dict[str, Placement] | None = None, **settings: object) -> Assign:
    made = msgspec.convert(settings, ClusteringSettings)
    return Assign(0, made, ChartingSettings(), TimeSettings(), {} if placements is None else placements)


def sketches(emissions: list[Emission]) -> list[Sketch]:
    return [each.record for each in emissions if isinstance(each.record, Sketch)]


def assignments(emissions: list[Emission]) -> list[Assignment]:
    return [each.record for each in emissions if isinstance(each.record, Assignment)]


def pause(offset: int) -> Pause:
    return Pause(partition=0, offset=offset)


def last_part(agent: Assign, offset: int) -> Sketch:
    return sketches(agent.step([pause(offset)]))[-1]


def counts(sketch: Sketch) -> dict[str, int]:
    return {delta.micro: delta.count for delta in sketch.micros if delta.count}


@pytest.mark.parametrize(("settings", "discussion"), STREAMS)
def test_a_replay_gives_the_same_bytes_at_any_batch_size(
    settings: ClusteringSettings, discussion: str | None
) -> None:
    stream = stream_of(discussion)

    for batch in (1, 7, 64, 512):
        assert Road(settings).run(stream, batch=batch) == bytes_of(settings, discussion)


@pytest.mark.parametrize(("settings", "discussion"), STREAMS)
def test_a_restart_anywhere_gives_the_same_bytes(
    settings: ClusteringSettings, discussion: str | None
) -> None:
    stream = stream_of(discussion)

    for batch, every in ((1, 7), (13, 1), (64, 1)):
        written = Road(settings).run(stream, batch=batch, restart_every=every)
        assert written == bytes_of(settings, discussion)


def test_the_streams_of_these_tests_hold_what_they_are_to_show() -> None:
    road = Road(NARROW)
    road.run(stream_of(None))

    assert sum(len(each.gone) for each in road.sketches) >= 8
    assert sum(each.late for each in road.sketches) >= 10
    assert sum(len(each.retracted) for each in road.sketches) >= 10
    assert len({each.tick for each in road.sketches}) >= 30


def test_an_edit_at_the_edge_of_memory_is_new_whatever_the_batch() -> None:
    stream = [comment(i, X, "ramp meter", name=f"m{i}") for i in range(6)]
    stream.append(comment(6, X, "ramp kerb", name="m1"))

    for batch in (1, 4):
        agent = assign(recent_comments=4)
        for low in range(0, 7, batch):
            agent.step(stream[low : low + batch])
        assert counts(last_part(agent, 6)) == {"0-0": 7}


def test_a_comment_halfway_between_two_new_stories_goes_the_same_way_whatever_the_batch() -> None:
    stream = [comment(i, X) for i in range(100)]
    stream += [comment(100, np.eye(24)[5], name="p"), comment(101, np.eye(24)[6], name="q")]
    stream += [comment(102, X, name="p", deleted=True), comment(103, X, name="q", deleted=True)]
    stream += [comment(104, Y), comment(105, Z), comment(106, unit(Y + Z), name="halfway")]

    def chosen(batch: int) -> list[str]:
        agent = assign()
        told = [agent.step(stream[low : low + batch]) for low in range(0, len(stream), batch)]
        return [each.micro for part in told for each in assignments(part) if each.id == "halfway"]

    assert chosen(1) == chosen(107)


def test_asking_for_the_state_changes_nothing() -> None:
    agent = assign()
    agent.step(talk(60))

    assert agent.snapshot() == agent.snapshot()


def test_a_partition_that_has_heard_nothing_but_a_pause_can_be_restored() -> None:
    agent, again = assign(), assign()
    (told,) = agent.step([pause(-1)])
    assert isinstance(told.record, Sketch)

    again.restore(agent.snapshot())

    assert told.record.idle
    assert [each.seq for each in sketches(again.step([pause(-1)]))] == [told.record.seq + 1]


def test_a_first_comment_of_1970_after_an_empty_beginning_is_counted() -> None:
    agent = assign()
    agent.step([pause(-1)])

    agent.step([comment(0, X, "ramp", at=0.0)])

    assert counts(last_part(agent, 0)) == {"0-0": 1}


def test_an_offset_that_was_read_is_skipped() -> None:
    agent = assign()
    first = agent.step([comment(3, X, "ramp")])

    assert len(first) == 1
    assert agent.step([comment(3, X, "ramp"), comment(2, Y, "tram")]) == []


def test_an_unchanged_repeat_does_nothing() -> None:
    agent = assign()
    agent.step([comment(0, X, "ramp", name="a")])

    assert agent.step([comment(1, X, "ramp", name="a")]) == []
    assert counts(last_part(agent, 1)) == {"0-0": 1}


def test_an_edit_moves_the_comment_and_leaves_the_sums_at_what_is_said_now() -> None:
    agent = assign()
    agent.step([comment(0, X, "ramp meter", name="a"), comment(1, X, "ramp meter", name="b")])
    agent.step([pause(1)])

    edited = agent.step([comment(2, Y, "tram rail", name="a")])
    sketch = last_part(agent, 2)

    assert [each.micro for each in assignments(edited)] == ["0-1"]
    assert counts(sketch) == {"0-0": -1, "0-1": 1}
    assert sketch.retracted == ("a",)
    taken, added = (np.frombuffer(delta.sums, "<f4") for delta in sketch.micros)
    growth = 2.0 ** (-60.0 / CALM.half_life_seconds)
    assert taken == pytest.approx(-X * growth, abs=1e-3)
    assert added == pytest.approx(Y * growth, abs=1e-3)


def test_a_comment_and_its_edit_in_one_batch_count_once() -> None:
    agent = assign()

    agent.step([comment(0, X, "ramp meter", name="a"), comment(1, Y, "tram rail", name="a")])

    sketch = last_part(agent, 1)
    assert counts(sketch) == {"0-1": 1}
    assert sketch.gone == ("0-0",)


def test_a_retraction_of_the_only_comment_gives_its_micro_cluster_up_for_good() -> None:
    agent = assign()
    agent.step([comment(0, X, "ramp", name="a")])

    erased = agent.step([comment(1, X, name="a", deleted=True)])
    sketch = last_part(agent, 1)
    (again,) = assignments(agent.step([comment(2, X, "ramp", name="a")]))

    assert [(each.topic, each.key, each.record) for each in erased] == [("assignments", "a", None)]
    assert sketch.gone == ("0-0",)
    assert sum(counts(sketch).values()) == 0
    assert again.micro == "0-1"


def test_a_retraction_of_an_unknown_comment_still_erases_its_assignment() -> None:
    agent = assign()
    agent.step([comment(0, X, "ramp")])

    erased = agent.step([comment(1, X, name="long ago", deleted=True)])

    assert [(each.key, each.record) for each in erased] == [("long ago", None)]
    assert last_part(agent, 1).retracted == ("long ago",)


def test_a_retraction_that_says_only_the_id_takes_back_where_the_comment_came_from() -> None:
    before, agent = assign(), assign()
    said = msgspec.structs.replace(comment(0, X, "ramp", name="a", discussion="d1"), source="forum")
    before.step([said, comment(1, X, "ramp", name="b"), pause(1)])
    agent.restore(before.snapshot())

    agent.step([comment(2, X, name="a", deleted=True)])

    (correction,) = last_part(agent, 2).micros
    assert (correction.discussions, correction.sources) == ({"d1": -1}, {"forum": -1})


def test_a_retraction_from_a_dead_micro_cluster_counts_one_less_and_weighs_nothing() -> None:
    agent = assign(micro_clusters=8, new_below=0.9)
    agent.step([comment(i, np.eye(24)[i], f"word{i}") for i in range(9)])
    sketch = last_part(agent, 8)
    (dead,) = sketch.gone

    agent.step([comment(9, X, name=f"m{dead.removeprefix('0-')}", deleted=True)])

    (correction,) = last_part(agent, 9).micros
    assert (correction.micro, correction.count, correction.weight) == (dead, -1, 0.0)


def test_first_comments_are_published_once_more_when_they_are_placed() -> None:
    placements: dict[str, Placement] = {}
    agent = assign(placements)
    (early,) = assignments(agent.step([comment(0, X, "ramp", name="a")]))
    since = as_datetime(START)

    placements["0-0"] = Placement(micro="0-0", cluster="c4", since=since)

    assert early.cluster is None
    assert assignments(agent.step([])) == [msgspec.structs.replace(early, cluster="c4", chart_tick=since)]
    assert agent.step([]) == []
    (later,) = assignments(agent.step([comment(1, X, "ramp", name="b")]))
    assert later.cluster == "c4"


def test_a_retracted_comment_is_not_published_once_more() -> None:
    placements: dict[str, Placement] = {}
    agent = assign(placements)
    agent.step([comment(0, X, "ramp", name="a"), comment(1, X, "ramp", name="b")])
    agent.step([comment(2, X, name="a", deleted=True)])

    placements["0-0"] = Placement(micro="0-0", cluster="c0", since=as_datetime(START))

    assert [each.id for each in assignments(agent.step([]))] == ["b"]


def test_counts_add_up_to_the_comments_that_stand() -> None:
    road = Road(NARROW)
    road.run(stream_of(None))

    told = sum(delta.count for sketch in road.sketches for delta in sketch.micros)
    standing: set[str] = set()
    remembered: list[str] = []
    total = 0
    for record in stream_of(None):
        if isinstance(record, Embedded):
            total += _signed(record, remembered, standing)
    assert told == total


def _signed(record: Embedded, remembered: list[str], standing: set[str]) -> int:
    """What one record adds to the number of comments, with a memory of forty that rings."""
    is_known = record.id in remembered[-40:] and record.id in standing
    if record.deleted:
        standing.discard(record.id)
        return -1 if is_known else 0
    if record.id in remembered:
        remembered[remembered.index(record.id)] = ""
    remembered.append(record.id)
    standing.add(record.id)
    return 0 if is_known else 1


@pytest.mark.parametrize("stray", [timedelta(days=3652), -timedelta(seconds=START)])
def test_one_comment_far_from_now_fades_nothing(stray: timedelta) -> None:
    agent = assign()
    calm = [comment(i, X, "ramp meter") for i in range(6)]
    agent.step([*calm, pause(5)])

    agent.step([comment(6, Y, "tram rail", at=START + 5 + stray.total_seconds())])
    (told,) = assignments(agent.step([comment(7, X, "ramp meter")]))
    sketch = last_part(agent, 7)

    assert (told.micro, round(told.similarity, 2)) == ("0-0", 1.0)
    weights = {delta.micro: delta.weight for delta in sketch.micros}
    assert weights["0-0"] == pytest.approx(2 ** (-53 / CALM.half_life_seconds))
    assert weights["0-1"] == pytest.approx(2 ** (-55 / CALM.half_life_seconds), rel=1e-3)
    assert sketch.gone == ()


def test_ids_of_micro_clusters_are_never_used_again() -> None:
    road = Road(NARROW)
    road.run(stream_of(None), batch=7, restart_every=3)
    gone: set[str] = set()

    for sketch in road.sketches:
        reborn = {delta.micro for delta in sketch.micros if delta.count > 0} & gone
        assert not reborn
        gone.update(sketch.gone)
    assert gone


def test_the_ceiling_of_live_micro_clusters_is_split_over_partitions_and_kept() -> None:
    settings = ClusteringSettings(micro_clusters=16, new_below=0.9)
    agent = Assign(1, settings, ChartingSettings(), TimeSettings(), {}, n_partitions=2)
    live: set[str] = set()

    for i in range(24):
        agent.step([comment(i, np.eye(24)[i], f"word{i}")])
        sketch = last_part(agent, i)
        live |= {delta.micro for delta in sketch.micros if delta.count > 0}
        live -= set(sketch.gone)

        assert len(live) == min(i + 1, 8)


def test_another_encoder_is_refused_in_words() -> None:
    agent = assign()
    agent.step([comment(0, X, "ramp")])

    with pytest.raises(EncoderError, match=r"with 2 dimensions, that of the live clusters is .* with 24"):
        agent.step([comment(1, unit(np.ones(2)), "ramp")])


def test_another_encoder_of_the_same_length_is_refused_after_a_restart_too() -> None:
    before, agent = assign(), assign()
    before.step([comment(0, X, "ramp")])
    agent.restore(before.snapshot())

    with pytest.raises(EncoderError, match=r"'other' with 24 dimensions, .* is 'seeded'"):
        agent.step([msgspec.structs.replace(comment(1, X, "ramp"), encoder="other")])


def test_sketches_name_the_encoder_once_there_is_a_vector() -> None:
    agent = assign()

    silent = sketches(agent.step([pause(-1)]))
    told = sketches(agent.step([comment(0, X, "ramp"), pause(0)]))

    assert [each.encoder for each in (*silent, *told)] == ["", "seeded"]


@pytest.mark.parametrize("state", [b"", b"nonsense"])
def test_a_state_that_cannot_be_read_is_refused_in_words(state: bytes) -> None:
    with pytest.raises(StateError, match=r"state of assign can't be read.*replay"):
        assign().restore(state)


def test_an_edit_and_its_new_text_are_told_together_over_two_open_ticks() -> None:
    agent = assign()
    agent.step([comment(n, X, f"ramp meter {n}", at=START + 50.0 * n, name=f"m{n}") for n in range(3)])
    agent.step([pause(2)])

    parts = sketches(
        agent.step(
            [
                *(comment(3 + n, X, f"kerb meter {n}", at=START + 50.0 * n, name=f"m{n}") for n in range(3)),
                pause(5),
            ]
        )
    )

    shows = [
        bool(exemplars) for part in parts for exemplars in [[e for d in part.micros for e in d.exemplars]]
    ]
    retracts = [bool(part.retracted) for part in parts]
    assert any(shows)
    assert retracts == shows


def test_a_correction_leaves_the_time_of_the_talk_alone() -> None:
    agent = assign()
    agent.step([comment(n, X, "ramp meter", at=START + 600.0 * n, name=f"m{n}") for n in range(5)])
    agent.step([pause(4)])

    agent.step(
        [comment(5, X, "ramp meter", at=START + 2430.0, name="m5"), comment(6, X, name="m0", deleted=True)]
    )

    (delta,) = last_part(agent, 6).micros
    assert (delta.first, delta.last) == (as_datetime(START + 2430.0), as_datetime(START + 2430.0))


def test_an_exemplar_is_told_once_its_micro_cluster_is_known() -> None:
    agent = assign()
    known: set[str] = set()
    shown: set[str] = set()

    stream = [
        comment(i, unit(vector), f"{name} stops early", at=START + 61.0 * i)
        for i, (vector, name) in enumerate([(X, "tram"), (Y, "school"), (Z, "ridge"), (X, "tram")])
    ]
    for sketch in sketches([e for each in stream for e in agent.step([each])] + agent.step([pause(3)])):
        for delta in sketch.micros:
            known |= {delta.micro} if delta.count else set()
            assert not delta.exemplars or delta.micro in known
            shown |= {delta.micro} if delta.exemplars else set()

    assert shown == known == {"0-0", "0-1", "0-2"}
