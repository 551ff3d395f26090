"""The watch: from ticks to measures, alarms and all-clears."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from agents.drift import scores
from agents.drift.agent import Drifted, DriftWatch, Observed
from agents.drift.measures import MEASURES, key, split_key
from agents.drift.settings import DriftSettings
from agents.errors import SettingsError, StateError
from agents.records import Drift

START = datetime(2026, 3, 2, tzinfo=UTC)
PER_TICK = 10
LABELS = {"c0": "parking", "c1": "tram", "c2": "air", "c3": "bus strike"}


def ticks(n_before: int, n_after: int, before: list[float], after: list[float]) -> Iterator[Observed]:
    """Yield ticks of ten comments on clusters drawn by their shares; each cluster has a direction."""
    generator = np.random.default_rng(1)
    directions = np.eye(8)
    for number in range(n_before + n_after):
        shares = before if number < n_before else after
        drawn = generator.choice(len(shares), size=PER_TICK, p=shares)
        vectors = directions[drawn] + generator.normal(scale=0.05, size=(PER_TICK, 8))
        micros = [f"0-{cluster}" for cluster in drawn]
        yield Observed(
            at=START + timedelta(minutes=number + 1),
            counts={micro: micros.count(micro) for micro in micros},
            places={f"0-{at}": f"c{at}" for at in range(4)},
            labels=LABELS,
            sums={micro: vectors[[each == micro for each in micros]].sum(0) for micro in micros},
            sample=vectors,
        )


def run(watch: DriftWatch, seen: Iterator[Observed] | list[Observed]) -> list[Drifted]:
    return [watch.tick(each) for each in seen]


def events(said: list[Drifted]) -> list[Drift]:
    return [record for each in said for record in each.records if record.state != "value"]


def calm(n: int) -> list[Observed]:
    return list(ticks(n, 0, [0.5, 0.3, 0.2], []))


def test_a_discussion_that_does_not_change_raises_no_alarm_and_has_every_measure() -> None:
    said = run(DriftWatch(DriftSettings()), calm(150))

    assert events(said) == []
    assert said[-1].alarms == ()
    wholes = {name for name, of in MEASURES.items() if of.subject is None}
    assert wholes <= set(said[-1].measures)
    assert said[-1].measures["effective_clusters"] == pytest.approx(2 ** said[-1].measures["entropy"])


def test_every_tick_tells_every_measure_as_it_is_then() -> None:
    said = run(DriftWatch(DriftSettings()), calm(60))

    young = DriftSettings().least_comments // PER_TICK - 1
    assert [each.records for each in said[:young]] == [()] * young
    for number, each in enumerate(said[young:], young):
        values = {key(one.measure, one.subject): one.value for one in each.records if one.state == "value"}
        assert values == each.measures
        assert {one.at for one in each.records} == {START + timedelta(minutes=number + 1)}
    entropies = [each.measures["entropy"] for each in said[young:]]
    repeated = sum(now == then for now, then in zip(entropies[1:], entropies, strict=False))
    assert repeated < len(entropies) / 4


def test_a_tick_that_brings_nothing_of_the_discussion_tells_nothing_again() -> None:
    watch = DriftWatch(DriftSettings(), targets={"pact": "A pact"})
    before = run(watch, calm(60))[-1]
    places = calm(1)[0].places

    idle = watch.tick(Observed(at=START + timedelta(minutes=61), counts={}, places=places))
    judged = watch.tick(
        Observed(
            at=START + timedelta(minutes=62),
            counts={},
            places=places,
            sides={"pact": {"favor": 20}},
        )
    )
    moved = watch.tick(Observed(at=START + timedelta(minutes=63), counts={}, places={**places, "0-0": "c1"}))

    assert before.records
    assert idle.records == ()
    assert idle.measures == before.measures
    assert {split_key(key(one.measure, one.subject))[1] for one in judged.records} <= {"pact"}
    assert moved.measures["entropy"] != before.measures["entropy"]
    assert "entropy" in {one.measure for one in moved.records}


def test_a_judged_tick_tells_the_sides_as_they_are_then() -> None:
    watch = DriftWatch(DriftSettings(), targets={"pact": "A pact"})
    said = run(watch, [side_tick(n, 1, n % 2) for n in range(40)])

    told = [[record for record in each.records if record.measure == "balance"] for each in said]

    assert all(len(records) == 1 for records in told[20:])
    assert len({records[0].value for records in told[20:]}) > 1


def test_a_new_topic_raises_an_alarm_that_names_it_and_ends_with_an_all_clear() -> None:
    stream = ticks(120, 160, [0.5, 0.3, 0.2], [0.25, 0.15, 0.1, 0.5])

    said = run(DriftWatch(DriftSettings()), stream)

    alarms = [each for each in events(said) if each.measure == "share_shift"]
    first = alarms[0]
    change = START + timedelta(minutes=120)
    assert first.state == "alarm"
    assert change < first.at <= change + timedelta(minutes=8)
    assert first.since is not None
    assert abs(first.since - change) <= timedelta(minutes=8)
    assert first.moved[0].label == "bus strike"
    assert first.moved[0].part > 0.8
    assert first.moved[0].before == 0
    assert [each.state for each in alarms] == ["alarm", "clear"]
    assert "share_shift" in said[130].alarms
    assert said[-1].alarms == ()


def test_a_second_topic_is_told_while_the_first_alarm_stands() -> None:
    first = list(ticks(120, 20, [0.5, 0.3, 0.2], [0.3, 0.0, 0.0, 0.7]))
    second = [
        Observed(
            at=START + timedelta(minutes=141 + number),
            counts={"0-3": 4, "0-9": 6},
            places={f"0-{at}": f"c{at}" for at in range(10)},
            labels=LABELS | {"c9": "rents"},
        )
        for number in range(15)
    ]

    said = run(DriftWatch(DriftSettings()), [*first, *second])

    alarms = [each for each in events(said) if each.measure == "share_shift"]
    assert [each.state for each in alarms] == ["alarm", "alarm"]
    assert [each.moved[0].label for each in alarms] == ["bus strike", "rents"]


def test_content_that_moves_within_its_topics_is_found_by_the_embeddings() -> None:
    old, new = calm(120), calm(40)
    moved = [
        Observed(
            at=START + timedelta(minutes=121 + number),
            counts=each.counts,
            places=each.places,
            labels=LABELS,
            sums={micro: np.roll(total, 4) for micro, total in each.sums.items()},
            sample=np.roll(each.sample, 4, axis=1),
        )
        for number, each in enumerate(new)
    ]

    said = run(DriftWatch(DriftSettings()), [*old, *moved])

    assert {each.measure for each in events(said) if each.state == "alarm"} == {"mmd"}
    assert said[130].measures["displacement"] > 0.01


def test_an_only_topic_that_scatters_is_named_though_nothing_draws_nearer_to_it() -> None:
    generator = np.random.default_rng(2)
    stream = [
        Observed(
            at=START + timedelta(minutes=number + 1),
            counts={"0-0": PER_TICK},
            places={"0-0": "c0"},
            labels=LABELS,
            sums={"0-0": vectors.sum(0)},
            sample=vectors,
        )
        for number in range(160)
        for spread in [0.02 if number < 120 else 0.3]
        for vectors in [np.eye(8)[0] + generator.normal(scale=spread, size=(PER_TICK, 8))]
    ]

    said = run(DriftWatch(DriftSettings()), stream)

    first = next(each for each in events(said) if each.state == "alarm")
    assert (first.measure, [each.label for each in first.moved]) == ("mmd", ["parking"])


def side_tick(number: int, favor: int, against: int) -> Observed:
    at = START + timedelta(minutes=number + 1)
    return Observed(
        at=at, counts={}, places={}, sides={"pact": {"favor": favor, "against": against, "none": 1}}
    )


def test_a_turn_of_opinion_is_told_with_its_sides_and_its_return_too() -> None:
    watch = DriftWatch(DriftSettings(), targets={"pact": "A pact"})
    stream = [side_tick(n, 9, 1) for n in range(40)]
    stream += [side_tick(n, 2, 8) for n in range(40, 60)]
    stream += [side_tick(n, 9, 1) for n in range(60, 80)]

    said = run(watch, stream)

    alarms = [each for each in events(said) if each.state == "alarm"]
    assert [(each.measure, each.subject) for each in alarms] == [("stance_shift", "pact")] * 2
    toward, back = alarms
    assert toward.at <= START + timedelta(minutes=46)
    assert toward.moved[0].label == "against: A pact"
    assert toward.moved[0].before == pytest.approx(0.1)
    assert back.moved[0].label == "favor: A pact"
    assert said[38].measures["balance/pact"] == pytest.approx(0.8)
    assert "stance_shift/pact" in said[50].alarms
    assert said[38].by_target("balance") == {"pact": pytest.approx(0.8)}


def test_a_merge_of_clusters_is_no_drift() -> None:
    """The comments of before count under the cluster that they are in now."""
    before = list(ticks(120, 0, [0.5, 0.3, 0.2], []))
    after = list(ticks(40, 0, [0.5, 0.3, 0.2], []))
    merged = [
        Observed(
            at=START + timedelta(minutes=121 + number),
            counts=each.counts,
            places={"0-0": "c0", "0-1": "c0", "0-2": "c2"},
            sample=each.sample,
            sums=each.sums,
            merged={"c1": "c0"} if number == 0 else {},
        )
        for number, each in enumerate(after)
    ]

    said = run(DriftWatch(DriftSettings()), [*before, *merged])

    assert events(said) == []
    assert max(each.measures["share_shift"] for each in said[121:]) < 0.05


@pytest.mark.parametrize("cut", [30, 125, 140])
def test_a_restored_watch_says_what_an_undisturbed_one_says(cut: int) -> None:
    stream = list(ticks(120, 40, [0.5, 0.3, 0.2], [0.25, 0.15, 0.1, 0.5]))
    whole = run(DriftWatch(DriftSettings()), stream)

    first, second = DriftWatch(DriftSettings()), DriftWatch(DriftSettings())
    said = run(first, stream[:cut])
    second.restore(first.snapshot())
    said += run(second, stream[cut:])

    assert said == whole


def test_sides_are_compared_with_as_long_a_reference_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def score(*counts: Any) -> float:
        asked.append(counts[:4])
        return 0.0

    monkeypatch.setattr(scores, "side_score", score)
    settings = DriftSettings(reference_ratio=8)
    run(DriftWatch(settings, targets={"pact": "A pact"}), [side_tick(n, 5, 5) for n in range(60)])

    window = settings.stance_window_comments
    assert sum(asked[-1][:2]) == window
    assert sum(asked[-1][2:]) == 8 * window


def test_a_target_that_is_no_more_is_forgotten() -> None:
    old = DriftWatch(DriftSettings(), targets={"pact": "A pact", "tram": "A tram"})
    run(old, [*calm(60), *(side_tick(n, 1, n % 2) for n in range(60, 100))])
    new = DriftWatch(DriftSettings(), targets={"tram": "A tram"})

    new.restore(old.snapshot())

    said = new.tick(side_tick(100, 1, 0))
    assert "entropy" in said.measures
    assert not [name for name in said.measures if name.endswith("/pact")]
    assert b"pact" not in new.snapshot()


def test_a_target_may_be_called_discussion() -> None:
    stream = list(ticks(120, 40, [0.5, 0.3, 0.2], [0.25, 0.15, 0.1, 0.5]))

    found = []
    for target in ("discussion", "pact"):
        watch = DriftWatch(DriftSettings(), targets={target: "A pact"})
        said = []
        for each in stream:
            watch.judged(each.at, {target: {"favor": 5, "against": 5}})
            said += events([watch.tick(each)])
        found.append([(one.at, one.measure, one.state) for one in said])

    assert found[0] == found[1] != []


def test_comments_that_take_no_side_are_counted_without_a_tick_of_their_own() -> None:
    watch, apart = (DriftWatch(DriftSettings(), targets={"pact": "A pact"}) for _ in range(2))
    run(watch, [side_tick(n, 1, n % 2) for n in range(20)])
    run(apart, [side_tick(n, 1, n % 2) for n in range(20)])
    alone = len(watch.snapshot())

    for number in range(20, 520):
        watch.judged(START + timedelta(minutes=number + 1), {"pact": {"none": 1}})
    apart.judged(START + timedelta(minutes=520), {"pact": {"none": 500}})

    assert len(watch.snapshot()) < alone + 200
    assert watch.tick(side_tick(520, 1, 0)) == apart.tick(side_tick(520, 1, 0))


def test_a_state_that_is_none_is_refused_with_the_remedy() -> None:
    with pytest.raises(StateError, match="replay"):
        DriftWatch(DriftSettings()).restore(b"\x01")


def test_comments_taken_back_leave_no_count_below_zero() -> None:
    watch = DriftWatch(DriftSettings())
    run(watch, calm(60))

    said = watch.tick(Observed(at=START + timedelta(minutes=61), counts={"0-0": -30}, places={"0-0": "c0"}))

    assert all(value >= 0 for name, value in said.measures.items() if split_key(name)[0] == "entropy")


@pytest.mark.parametrize(
    ("name", "value"),
    [("window_comments", 3), ("false_alarms", 0), ("reference_ratio", 1), ("detector", "magic")],
)
def test_a_setting_out_of_its_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"drift\.{name} is"):
        DriftSettings(**{name: value})  # type: ignore[arg-type]
