from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest

from agents.charting import state as states
from agents.charting.agent import Chart
from agents.charting.settings import ChartingSettings
from agents.clustering.ticks import TimeSettings
from agents.drift.agent import DriftWatch
from agents.drift.settings import DriftSettings
from agents.errors import GapError, StateError
from agents.records import (
    Cluster,
    Exemplar,
    Lineage,
    Placement,
    Pulse,
    Record,
    Sketch,
    StanceDelta,
    decode,
    encode,
)
from agents.states import read_state, write_state
from tests.support.sketching import HALF_LIFE, delta, sketch

DAY = 86_400
PACT = {"security": 3, "pact": 3, "security\u00a0pact": 3}
FIRE = {"wildfire": 3, "canyon": 3}


def make_chart(n_partitions=1, *, watched=False, **settings):
    watch = DriftWatch(DriftSettings(), 60.0, {"pact": "A pact"}) if watched else None
    return Chart(
        n_partitions, ChartingSettings(**settings), TimeSettings(), watch, half_life_seconds=HALF_LIFE
    )


def of_kind(emissions, kind):
    return [emission.record for emission in emissions if isinstance(emission.record, kind)]


def written(emissions):
    return [
        (each.topic, each.key, None if each.record is None else encode(each.record)) for each in emissions
    ]


def a_stream():
    """Two partitions, three topics, one of them late, a micro-cluster given up, one that moves, pauses."""
    return [
        sketch(0, 0, 0, delta("0-0", 0, 4, axis=0, terms=PACT)),
        sketch(1, 0, 0, delta("1-0", 0, 5, axis=1, terms=FIRE)),
        sketch(1, 1, 60, delta("1-0", 60, 2, axis=1), delta("1-1", 60, 1, axis=2), last=False),
        sketch(1, 2, 60, delta("1-2", 60, 3, axis=0, terms=PACT), idle=True),
        sketch(0, 1, 120, delta("0-0", 120, 1, axis=0), delta("0-1", 120, 4, axis=2)),
        sketch(1, 3, 60, delta("1-1", 60, 3, axis=2), idle=True),
        sketch(0, 2, 180, delta("0-2", 180, 1, axis=3), gone=("0-0",), idle=True),
        sketch(1, 4, 180, delta("0-0", 180, -1, axis=0), idle=True),
        sketch(1, 5, 240, delta("1-0", 240, 900, axis=2), idle=True),
    ]


def test_a_topic_emerges_with_its_minimum_and_says_all_about_itself():
    chart = make_chart()
    example = Exemplar(id="m1", text="A security pact with Moscow is a bad joke.", similarity=0.9)

    early = chart.step([sketch(0, 0, 0, delta("0-0", 0, 2, terms=PACT))])
    later = chart.step([sketch(0, 1, 60, delta("0-0", 60, 2, terms=PACT, exemplars=(example,)))])

    assert of_kind(early, Cluster) == of_kind(early, Placement) == []
    (cluster,) = of_kind(later, Cluster)
    assert (cluster.id, cluster.state, cluster.count, cluster.share) == ("c0-0", "live", 4, 1.0)
    assert cluster.label == "security pact"
    assert cluster.exemplars == (example,)
    (placement,) = of_kind(later, Placement)
    assert (placement.micro, placement.cluster) == ("0-0", "c0-0")
    (event,) = of_kind(later, Lineage)
    assert (event.event, event.cluster, event.label, event.micros) == (
        "emerged",
        "c0-0",
        "security pact",
        ("0-0",),
    )
    (pulse,) = of_kind(later, Pulse)
    assert (pulse.comments, pulse.total, pulse.unassigned, pulse.n_clusters) == (2, 4, 0, 1)
    assert pulse.clusters[0].in_tick == 2


def test_comments_without_a_topic_are_counted_as_unassigned():
    (pulse,) = of_kind(make_chart().step([sketch(0, 0, 0, delta("0-0", 0, 2))]), Pulse)

    assert (pulse.comments, pulse.unassigned) == (2, 2)


def test_a_replay_gives_the_same_bytes_whatever_the_batches():
    stream = a_stream()
    whole = written(make_chart(2, watched=True).step(stream))

    for size in (1, 3):
        chart = make_chart(2, watched=True)
        parts = [chart.step(stream[at : at + size]) for at in range(0, len(stream), size)]
        assert [each for part in parts for each in written(part)] == whole


def test_a_restart_anywhere_gives_the_same_bytes():
    stream = a_stream()
    whole = written(make_chart(2, watched=True).step(stream))

    for middle in range(len(stream) + 1):
        before, after = make_chart(2, watched=True), make_chart(2, watched=True)
        head = before.step(stream[:middle])
        after.restore(before.snapshot())
        assert written(head) + written(after.step(stream[middle:])) == whole
        assert after.snapshot() == restarted(after).snapshot()


def restarted(chart):
    fresh = make_chart(2, watched=True)
    fresh.restore(chart.snapshot())
    return fresh


def test_the_order_in_which_partitions_arrive_does_not_matter():
    sketches = [sketch(p, 0, 0, delta(f"{p}-0", 0, 4, axis=p // 2)) for p in range(4)]

    forward = written(make_chart(4).step(sketches))
    backward = written(make_chart(4).step(sketches[::-1]))

    assert forward == backward


def test_sketches_that_were_added_are_ignored_and_a_gap_stops_the_chart():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4))])

    assert chart.step([sketch(0, 0, 0, delta("0-0", 0, 4))]) == []
    with pytest.raises(GapError):
        chart.step([sketch(0, 2, 60, delta("0-0", 60))])


def test_exact_counts_survive_eviction_and_late_corrections():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 6), delta("0-1", 0, 4))])

    evicted = chart.step([sketch(0, 1, 60, delta("0-1", 60, 1), gone=("0-0",))])
    corrected = chart.step([sketch(0, 2, 120, delta("0-0", 120, -1))])

    assert [cluster.count for cluster in of_kind(evicted, Cluster)] == [11]
    assert [cluster.count for cluster in of_kind(corrected, Cluster)] == [10]


def test_a_merge_moves_the_dead_too():
    chart = make_chart()
    chart.step(
        [
            sketch(0, 0, 0, delta("0-0", 0, 6, axis=0)),
            sketch(0, 1, 60, delta("0-1", 60, 4, axis=1), delta("0-2", 60, 4, axis=1)),
            sketch(0, 2, 120, delta("0-0", 120), gone=("0-1",)),
        ]
    )

    both = delta("0-2", 180, 400, axis=0)
    merged = chart.step([sketch(0, 3, 180, both)])

    events = [(event.event, event.cluster, event.other) for event in of_kind(merged, Lineage)]
    assert events == [("merged", "c0-1", "c0-0")]
    assert {p.micro: p.cluster for p in of_kind(merged, Placement)} == {"0-1": "c0-0", "0-2": "c0-0"}
    by_id = {cluster.id: cluster for cluster in of_kind(merged, Cluster)}
    assert (by_id["c0-1"].state, by_id["c0-1"].into, by_id["c0-1"].count) == ("merged", "c0-0", 0)
    assert by_id["c0-0"].count == 6 + 1 + 4 + 4 + 400


def test_a_silent_topic_fades_and_its_record_goes_a_day_later():
    chart = make_chart(faded_below=0.5)
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4, axis=0))])
    four_half_lives = 4 * int(HALF_LIFE)

    faded = chart.step([sketch(0, 1, four_half_lives, delta("0-1", four_half_lives, 4, axis=1))])
    gone = chart.step([sketch(0, 2, four_half_lives + DAY, delta("0-2", four_half_lives + DAY, axis=2))])

    states = {cluster.id: cluster.state for cluster in of_kind(faded, Cluster)}
    assert states == {"c0-0": "faded", "c0-1": "live"}
    assert [event.event for event in of_kind(faded, Lineage)] == ["emerged", "faded"]
    assert [(e.topic, e.key) for e in gone if e.record is None] == [("clusters", "c0-0")]


def test_the_dead_lose_their_placement_after_a_week():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4)), sketch(0, 1, 60, delta("0-1", 60), gone=("0-0",))])

    after = chart.step([sketch(0, 2, 8 * DAY, delta("0-1", 8 * DAY))])

    assert ("placements", "0-0") in [(each.topic, each.key) for each in after if each.record is None]


def test_an_id_is_never_used_again_even_after_a_restart():
    chart = make_chart(faded_below=0.5)
    seen: Counter[str] = Counter()
    for day in range(5):
        emissions = chart.step([sketch(0, day, day * DAY, delta(f"0-{day}", day * DAY, 4, axis=day))])
        seen.update(event.cluster for event in of_kind(emissions, Lineage) if event.event == "emerged")
        fresh = make_chart(faded_below=0.5)
        fresh.restore(chart.snapshot())
        chart = fresh

    assert seen == Counter({f"c0-{number}": 1 for number in range(5)})


def test_a_retracted_text_is_shown_nowhere_by_the_next_tick():
    chart = make_chart()
    secret = Exemplar(id="m9", text="Zebra parade at the ministry tomorrow, tell nobody.", similarity=0.99)
    plain = Exemplar(id="m1", text="A security pact with Moscow is a bad joke.", similarity=0.6)
    words = {"Zebra": 2, "parade": 2} | PACT
    first = chart.step([sketch(0, 0, 0, delta("0-0", 0, 4, terms=words, exemplars=(secret, plain)))])
    assert "Zebra" in str(of_kind(first, Cluster))

    taken_back = delta("0-0", 60, -2, terms={"Zebra": -2, "parade": -2})
    then = chart.step([sketch(0, 1, 60, taken_back, retracted=("m9",))])

    told = [encode(record).decode() for record in of_kind(then, Record)]
    assert any("security pact" in text for text in told)
    assert not any("ebra" in text for text in told)


def test_sides_follow_their_micro_cluster_and_wait_for_the_next_tick_of_comments():
    chart = make_chart(watched=True)
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4, terms=PACT))])
    side = StanceDelta(target="pact", micro="0-0", side="against", count=3)
    judged = msgspec.structs.replace(sketch(0, 0, 0, stage="judge"), stances=(side,))

    assert chart.step([judged]) == []
    told = chart.step([sketch(0, 1, 60, delta("0-0", 60))])

    (cluster,) = of_kind(told, Cluster)
    (pulse,) = of_kind(told, Pulse)
    assert cluster.sides == {"pact": {"against": 3}}
    assert pulse.sides == pulse.sides_total == {"pact": {"against": 3}}


def test_sides_are_told_at_once_while_comments_stand_still():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4), idle=True)])
    side = StanceDelta(target="pact", micro="0-0", side="favor", count=2)
    judged = msgspec.structs.replace(sketch(0, 0, 0, stage="judge"), stances=(side,))

    told = chart.step([judged])

    assert [cluster.sides for cluster in of_kind(told, Cluster)] == [{"pact": {"favor": 2}}]
    assert [pulse.idle for pulse in of_kind(told, Pulse)] == [True]


def test_sides_that_come_before_their_micro_cluster_wait_for_it_over_a_restart():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4))])
    shown = (Exemplar(id="m1", text="A bad joke."), Exemplar(id="m2", text="Taken back."))
    side = StanceDelta(target="pact", micro="0-1", side="against", count=2, exemplars=shown)
    chart.step([msgspec.structs.replace(sketch(0, 0, 60, stage="judge"), stances=(side,))])
    fresh = make_chart()
    fresh.restore(chart.snapshot())

    told = fresh.step([sketch(0, 1, 60, delta("0-1", 60, 4, axis=1), retracted=("m2",))])

    (cluster,) = [each for each in of_kind(told, Cluster) if each.id == "c0-1"]
    assert cluster.sides == {"pact": {"against": 2}}
    assert [each.id for each in cluster.side_exemplars["pact"]["against"]] == ["m1"]


def test_a_bot_that_repeats_itself_shows_a_side_once():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4), delta("0-1", 0, 4))])
    texts = [
        ("0-0", "a", "Buy this."),
        ("0-0", "b", "Buy this."),
        ("0-1", "c", "Buy this."),
        ("0-1", "d", "I am for it."),
    ]
    sides = tuple(
        StanceDelta(
            target="pact", micro=micro, side="favor", count=1, exemplars=(Exemplar(id=id, text=text),)
        )
        for micro, id, text in texts
    )
    chart.step([msgspec.structs.replace(sketch(0, 0, 0, stage="judge"), stances=sides)])

    (cluster,) = of_kind(chart.step([sketch(0, 1, 60, delta("0-0", 60))]), Cluster)

    assert sorted(each.text for each in cluster.side_exemplars["pact"]["favor"]) == [
        "Buy this.",
        "I am for it.",
    ]


def test_a_topic_that_is_taken_back_whole_ends_without_a_word_of_it():
    chart = make_chart()
    secret = Exemplar(id="m9", text="Zebra parade at the ministry.", similarity=0.99)
    words = {"Zebra": 4, "parade": 4}
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4, terms=words, exemplars=(secret,)))])

    taken_back = delta("0-0", 60, -4, terms={"Zebra": -4, "parade": -4})
    then = chart.step([sketch(0, 1, 60, taken_back, gone=("0-0",), retracted=("m9",))])

    told = [encode(record).decode() for record in of_kind(then, Record)]
    assert any("faded" in text for text in told)
    assert not any("ebra" in text for text in told)


def test_an_edited_comment_shows_its_new_text():
    chart = make_chart()
    before, after = (
        Exemplar(id="m1", text=text, similarity=0.9) for text in ("Old words here.", "New words here.")
    )
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4, exemplars=(before,)))])

    told = chart.step([sketch(0, 1, 60, delta("0-0", 60, 0, exemplars=(after,)), retracted=("m1",))])

    (cluster,) = of_kind(told, Cluster)
    assert [each.text for each in cluster.exemplars] == ["New words here."]


def test_what_comes_after_its_tick_counts_as_of_now_and_not_as_faded():
    chart = make_chart(2)
    chart.step([sketch(0, 0, 200 * DAY, delta("0-0", 200 * DAY), idle=True), sketch(1, 0, 0, idle=True)])

    told = chart.step([sketch(0, 1, 0, delta("0-1", 0, 5, axis=1), idle=True)])

    assert [each.id for each in of_kind(told, Cluster)] == ["c0-1"]


def test_silence_is_told_once_with_the_latest_pulse():
    chart = make_chart()
    (before,) = of_kind(chart.step([sketch(0, 0, 0, delta("0-0", 0, 4))]), Pulse)

    silent = chart.step([sketch(0, 1, 0, idle=True)])
    still = chart.step([sketch(0, 2, 0, idle=True)])

    assert [each.record for each in silent] == [msgspec.structs.replace(before, idle=True)]
    assert still == []


def test_topics_of_one_branch_name_the_heaviest_as_their_parent():
    chart = make_chart(group_above=0.65, parent_above=0.3, lexical_weight=0.0, share_weight=0.0)
    mixed = delta("0-1", 0, 4, axis=0)
    half = msgspec.structs.replace(mixed, sums=slanted(4))

    emissions = chart.step([sketch(0, 0, 0, delta("0-0", 0, 9, axis=0), half, delta("0-2", 0, 5, axis=2))])

    parents = {cluster.id: cluster.parent for cluster in of_kind(emissions, Cluster)}
    assert parents == {"c0-0": None, "c0-1": "c0-0", "c0-2": None}


def slanted(count):
    """Sum of as many vectors halfway between two axes: cosine 0.6 with the first."""
    import numpy as np

    vector = np.zeros(8, "<f4")
    vector[:2] = (0.6, 0.8)
    return (count * vector).tobytes()


def test_another_encoder_is_refused_in_words():
    chart = make_chart()
    chart.step([sketch(0, 0, 0, delta("0-0", 0, 4))])
    other = msgspec.structs.replace(delta("0-0", 60), sums=bytes(16))

    with pytest.raises(StateError, match="have 4 dimensions, the live clusters have 8"):
        chart.step([sketch(0, 1, 60, other)])


@pytest.mark.parametrize("state", [b"", b"nonsense"])
def test_a_state_that_cannot_be_read_is_refused_in_words(state):
    with pytest.raises(StateError, match=r"state of chart can't be read.*replay"):
        make_chart().restore(state)


def test_a_state_of_another_version_is_refused_in_words():
    state = read_state("chart", make_chart().snapshot(), states.State, states.VERSION)

    with pytest.raises(StateError, match=f"of version 99, this program reads {states.VERSION}"):
        make_chart().restore(write_state(msgspec.structs.replace(state, version=99)))


def test_asking_for_the_state_changes_nothing():
    chart = make_chart(2, watched=True)
    chart.step(a_stream())

    assert chart.snapshot() == chart.snapshot()


def test_five_thousand_topics_are_charted_and_every_record_is_valid():
    chart = make_chart(group_above=1.0, share_weight=0.0, lexical_weight=1.0, parent_above=1.0)
    count = 5_000
    deltas = [delta(f"0-{number}", 0, 3, axis=number, terms={f"topic{number}": 3}) for number in range(count)]

    emissions = chart.step([sketch(0, 0, 0, *deltas)])

    clusters = of_kind(emissions, Cluster)
    assert len(clusters) == len({cluster.label for cluster in clusters}) == count
    (pulse,) = of_kind(emissions, Pulse)
    assert pulse.n_clusters == count
    assert len(encode(pulse)) < 1_000_000
    for emission in emissions[:200]:
        assert isinstance(emission.record, Record)
        value = encode(emission.record)
        assert json.loads(value)
        assert decode(value, type(emission.record)) == emission.record


def test_a_sketch_for_a_partition_that_is_not_there_is_refused():
    lost: Sketch = sketch(7, 0, 0, delta("7-0", 0))

    with pytest.raises(StateError, match="partition 7, there are 1"):
        make_chart().step([lost])


def test_the_pulse_names_the_encoder_and_two_of_them_are_refused():
    chart = make_chart(2)
    named = [msgspec.structs.replace(each, encoder="one") for each in a_stream()[:2]]

    pulses = of_kind(chart.step(named), Pulse)
    restored = make_chart(2)
    restored.restore(chart.snapshot())

    assert pulses[-1].encoder == "one"
    with pytest.raises(StateError, match="made by one and two; only one can be"):
        restored.step(
            [
                msgspec.structs.replace(sketch(0, 1, 60, delta("0-0", 60, 1)), encoder="two"),
                sketch(1, 1, 60, delta("1-0", 60, 1, axis=1)),
            ]
        )
