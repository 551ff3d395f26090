"""JUDGE from records to records."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.agent import Emission
from agents.clustering.ticks import TimeSettings, as_datetime
from agents.errors import StateError
from agents.records import Debated, Judgement, Pause, Sketch
from agents.stance.agent import Judge
from agents.stance.settings import StanceSettings
from tests.agents.stance.conftest import PACT, TRAM, CountingModel, debated

TIME = TimeSettings(tick_seconds=60, lateness_seconds=60)


def judge(model: CountingModel | None = None, **changed: object) -> Judge:
    chosen = StanceSettings(targets=(PACT, TRAM), **changed)  # type: ignore[arg-type]
    return Judge(model or CountingModel(), chosen, TIME, partition=0, version="1")


def pause(offset: int) -> Pause:
    return Pause(partition=0, offset=offset)


def closed(offset: int, tick: int) -> Pause:
    return Pause(partition=0, offset=offset, closed=as_datetime(tick))


def judgements(emissions: list[Emission]) -> dict[str, Judgement | None]:
    return {str(each.key): each.record for each in emissions if each.topic == "judgements"}  # type: ignore[misc]


def sketches(emissions: list[Emission]) -> list[Sketch]:
    return [each.record for each in emissions if isinstance(each.record, Sketch)]


def totals(emissions: list[Emission]) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for sketch in sketches(emissions):
        for delta in sketch.stances:
            found[delta.target, delta.micro, delta.side] += delta.count
    return Counter({place: count for place, count in found.items() if count})


def test_a_comment_gets_one_judgement_a_target() -> None:
    out = judge().step([debated("a", "yes", offset=0, targets=("pact", "tram"))])

    found = judgements(out)
    assert set(found) == {"a+pact", "a+tram"}
    assert found["a+pact"] is not None
    assert found["a+pact"].side == "favor"
    assert found["a+pact"].statement == "The pact is good"
    assert found["a+pact"].confidence == pytest.approx(16 / 17, abs=1e-4)


def test_a_comment_that_takes_no_side_is_judged_none_without_a_statement() -> None:
    found = judgements(judge().step([debated("a", "hm", offset=0)]))["a+pact"]

    assert found is not None
    assert (found.side, found.statement) == ("none", None)
    assert found.confidence == pytest.approx(0.95)


def test_one_batch_is_read_in_one_call_over_comments_and_targets() -> None:
    model = CountingModel()

    judge(model).step([debated(f"c{n}", offset=n, targets=("pact", "tram")) for n in range(10)])

    assert model.n_calls == 1


def test_a_tick_is_published_once_the_watermark_passes_its_end() -> None:
    agent = judge()
    first = agent.step([debated("a", "yes", 10, offset=0), debated("b", "no", 70, offset=1)])

    # 130 less the lateness of 60 is beyond the end of the tick of a, 60.
    second = agent.step([debated("c", "no", 130, offset=2)])

    assert sketches(first) == []
    (sketch,) = sketches(second)
    assert sketch.stage == "judge"
    assert sketch.tick.timestamp() == 0
    assert totals(second) == {("pact", "0-1", "favor"): 1}


def test_a_pause_publishes_what_is_open_and_says_idle() -> None:
    out = judge().step([debated("a", "yes", 10, offset=0), debated("b", "no", 70, offset=1), pause(5)])

    assert [sketch.idle for sketch in sketches(out)] == [False, True]
    assert totals(out) == {("pact", "0-1", "favor"): 1, ("pact", "0-1", "against"): 1}


def test_a_pause_before_any_comment_says_idle() -> None:
    (sketch,) = sketches(judge().step([pause(-1)]))

    assert sketch.idle
    assert sketch.stances == ()


def test_what_comes_after_a_pause_counts_once() -> None:
    agent = judge()

    out = agent.step(
        [debated("a", "yes", 10, offset=0), pause(0), debated("b", "yes", 20, offset=1), pause(1)]
    )

    assert totals(out) == {("pact", "0-1", "favor"): 2}
    assert [sketch.seq for sketch in sketches(out)] == [0, 1]


def test_an_edit_moves_the_count_in_the_open_tick_and_overwrites_the_judgement() -> None:
    agent = judge()
    agent.step([debated("a", "yes", 10, offset=0), debated("x", "yes", 200, offset=1)])

    out = agent.step([debated("a", "no", 210, offset=2, micro="0-2"), pause(2)])

    # In this tick x came to the side that a left, so only the new side of a remains.
    assert totals(out) == {("pact", "0-2", "against"): 1}
    found = judgements(out)["a+pact"]
    assert found is not None
    assert found.side == "against"


def test_an_edit_that_is_about_fewer_targets_erases_the_others() -> None:
    agent = judge()
    agent.step([debated("a", "yes", offset=0, targets=("pact", "tram")), pause(0)])

    out = agent.step([debated("a", "yes", offset=1, targets=("tram",)), pause(1)])

    assert judgements(out)["a+pact"] is None
    assert totals(out) == {("pact", "0-1", "favor"): -1}


def test_a_retraction_erases_the_judgement_and_takes_the_count_back() -> None:
    agent = judge()
    agent.step([debated("a", "yes", offset=0), pause(0)])

    out = agent.step([debated("a", "", offset=1, targets=(), micro="", deleted=True), pause(1)])

    assert judgements(out) == {"a+pact": None}
    assert totals(out) == {("pact", "0-1", "favor"): -1}
    assert sketches(out)[0].retracted == ("a",)


def test_a_retraction_in_the_same_tick_leaves_no_exemplar_behind() -> None:
    out = judge().step(
        [
            debated("a", "yes", offset=0),
            debated("b", "yes", offset=1),
            debated("a", "", offset=2, targets=(), deleted=True),
            pause(2),
        ]
    )

    (delta,) = sketches(out)[0].stances
    assert delta.count == 1
    assert [shown.id for shown in delta.exemplars] == ["b"]


def test_a_retraction_of_a_forgotten_comment_erases_all_it_may_have() -> None:
    agent = judge(recent_comments=1)
    agent.step([debated("a", offset=0), debated("b", offset=1), pause(1)])

    out = agent.step([debated("a", "", offset=2, targets=(), deleted=True), pause(2)])

    assert judgements(out) == {"a+pact": None, "a+tram": None}
    assert totals(out) == {}


def test_comments_that_were_heard_are_skipped() -> None:
    agent = judge()
    batch = [debated("a", offset=3), debated("b", offset=4)]
    agent.step(batch)

    assert agent.step(batch) == []


def test_an_unknown_target_is_passed_over() -> None:
    assert judge().step([debated("a", offset=0, targets=("gone",))]) == [
        Emission("judgements", "a+pact", None),
        Emission("judgements", "a+tram", None),
    ]


def test_the_surest_comments_show_a_side() -> None:
    agent = judge(exemplars=2)

    out = agent.step([*(debated(f"c{n}", "yes", offset=n) for n in range(5)), pause(4)])

    (delta,) = sketches(out)[0].stances
    assert [shown.id for shown in delta.exemplars] == ["c0", "c1"]


def test_of_equally_sure_comments_the_one_that_reads_by_itself_shows_a_side() -> None:
    agent = judge(exemplars=1)
    said = "yes the pact would at last bring some peace to Europe"

    out = agent.step([debated("a", "yes", offset=0), debated("b", said, offset=1), pause(1)])

    (delta,) = sketches(out)[0].stances
    assert [shown.id for shown in delta.exemplars] == ["b"]


def test_the_parts_of_a_large_tick_stay_below_a_message_and_add_up() -> None:
    agent = judge(exemplars=3)
    batch = [debated(f"c{n}", "yes " * 100, offset=n, micro=f"0-{n}") for n in range(2000)]

    out = agent.step([*batch, pause(2000)])

    parts = sketches(out)
    assert len(parts) > 1
    assert max(len(msgspec.json.encode(part)) for part in parts) < 1_000_000
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [part.idle for part in parts] == [False] * (len(parts) - 1) + [True]
    assert sum(totals(out).values()) == 2000


def test_a_tick_that_assign_has_closed_is_told_though_nothing_more_is_about_a_target() -> None:
    agent = judge()
    agent.step([debated("a", "yes", 30, offset=0)])

    out = agent.step([closed(1, 0), closed(2, 120)])
    late = agent.step([debated("b", "yes", 190, offset=5), pause(5)])

    assert [(each.tick.timestamp(), each.idle, len(each.stances)) for each in sketches(out)] == [
        (0, False, 1),
        (120, False, 0),
    ]
    assert [(each.tick.timestamp(), each.late) for each in sketches(late)] == [(180, 0)]


def test_a_first_time_that_no_second_confirms_takes_its_counts_along() -> None:
    out = judge().step([debated("a", "yes", 1e9, offset=0), debated("b", "yes", 30, offset=1), pause(1)])

    (sketch,) = sketches(out)
    assert sketch.tick.timestamp() == 0
    assert totals(out) == {("pact", "0-1", "favor"): 2}


@pytest.mark.parametrize("state", [b"\x00", msgspec.msgpack.encode({"version": 0, "seq": 1})])
def test_a_state_of_other_code_is_refused_in_words(state: bytes) -> None:
    with pytest.raises(StateError, match=r"state of judge can't be read.*replay"):
        judge().restore(state)


comments = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from(["yes", "no", "hm"]),
        st.integers(0, 400),
        st.sampled_from([("pact",), ("pact", "tram"), ()]),
        st.sampled_from(["0-1", "0-2"]),
        st.booleans(),
    ),
    max_size=25,
)


def records(drawn: list[tuple[str, str, int, tuple[str, ...], str, bool]]) -> list[Debated | Pause]:
    batch: list[Debated | Pause] = []
    for offset, (id, text, second, targets, micro, is_pause) in enumerate(drawn):
        batch.append(
            debated(id, text, second, offset=offset, targets=targets, micro=micro, deleted=not targets)
        )
        if is_pause:
            batch.append(pause(offset))
    return [*batch, pause(len(drawn))]


@given(comments, st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_batches_do_not_change_what_is_emitted(drawn: list, size: int) -> None:  # type: ignore[type-arg]
    batch = records(drawn)
    whole = judge().step(batch)

    agent = judge()
    parts = [each for start in range(0, len(batch), size) for each in agent.step(batch[start : start + size])]

    assert parts == whole


@given(comments, st.integers(0, 25))
@settings(max_examples=60, deadline=None)
def test_a_restored_judge_goes_on_as_if_nothing_had_happened(drawn: list, cut: int) -> None:  # type: ignore[type-arg]
    batch = records(drawn)
    agent = judge()
    before = agent.step(batch[:cut])
    restored = judge()
    restored.restore(agent.snapshot())

    assert before + restored.step(batch[cut:]) == judge().step(batch)
    assert agent.snapshot() == agent.snapshot()


@given(comments)
@settings(max_examples=60, deadline=None)
def test_counts_add_up_to_the_judgements_that_stand(drawn: list) -> None:  # type: ignore[type-arg]
    out = judge().step(records(drawn))

    standing = Counter(
        (found.target, found.micro, found.side) for found in judgements(out).values() if found is not None
    )
    assert totals(out) == standing
