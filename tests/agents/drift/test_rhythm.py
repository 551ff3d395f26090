"""What is usual at a time of day, and that its return raises no alarm while a change in it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from agents.drift.agent import DriftWatch, Observed
from agents.drift.rhythm import MOST_NAMES, OTHERS, Rhythm, count, renamed, usual_at
from agents.drift.settings import DriftSettings
from agents.drift.timeline import SideTick
from agents.records import Drift

DAY, HOUR = 86_400.0, 3_600.0

START = datetime(2026, 3, 2, 6, tzinfo=UTC)

TICK_MINUTES = 30

PER_TICK = 30

DAYS = 5


def window(at: float, n: int = 100) -> list[SideTick]:
    return [SideTick(at=at, favor=n, against=0, none=0)]


def test_a_day_counts_half_beside_the_next_and_the_current_one_not_at_all() -> None:
    rhythm: Rhythm = {}
    for day, name in enumerate(("a", "b", "c")):
        count(rhythm, day * DAY + 9 * HOUR, 100, {name: 100})

    found = usual_at(rhythm, window(2 * DAY + 9 * HOUR))

    assert found is not None
    assert set(found.names) == {"a", "b"}
    assert found.names["b"] == pytest.approx(2 * found.names["a"])
    assert found.size == pytest.approx(100 * (1 / 2 + 1 / 4) ** 2 / (1 / 4 + 1 / 16))


def test_each_hour_of_a_window_is_compared_with_its_own() -> None:
    rhythm: Rhythm = {}
    for day in range(4):
        count(rhythm, day * DAY + 9 * HOUR, 300, {"a": 300}, np.array([300.0, 0.0]))
        count(rhythm, day * DAY + 10 * HOUR, 900, {"b": 900}, np.array([0.0, 900.0]))

    found = usual_at(rhythm, [*window(3 * DAY + 9 * HOUR), *window(3 * DAY + 10 * HOUR)])

    assert found is not None
    assert found.names["a"] == pytest.approx(found.names["b"])
    assert found.mean == pytest.approx([0.5, 0.5])


def test_one_day_or_too_few_comments_or_a_window_of_a_day_say_nothing() -> None:
    rhythm: Rhythm = {}
    for day in range(2):
        count(rhythm, day * DAY + 9 * HOUR, 100, {"a": 100})
    one_day = usual_at(rhythm, window(DAY + 9 * HOUR))
    count(rhythm, 2 * DAY + 9 * HOUR, 100, {"a": 100})

    at = 2 * DAY + 9 * HOUR
    assert one_day is None
    assert usual_at(rhythm, window(at)) is not None
    assert usual_at(rhythm, window(at, 1_000)) is None
    assert usual_at(rhythm, window(at + HOUR)) is None
    assert usual_at(rhythm, [*window(at - 23.5 * HOUR), *window(at)]) is None


def test_memory_is_bounded_and_what_is_beyond_counts_with_the_others() -> None:
    rhythm: Rhythm = {}
    many = {f"c{at}": 1 for at in range(3 * MOST_NAMES)} | {"large": 500}
    total = np.ones(384)
    for hour in range(24 * 5):
        count(rhythm, hour * HOUR, sum(many.values()), many, total)

    found = usual_at(rhythm, window(4 * DAY + 23 * HOUR))

    assert found is not None
    assert len(found.names) <= MOST_NAMES + 1
    assert sum(found.names.values()) == pytest.approx(found.size)
    assert found.names[OTHERS] > found.names["large"] / 10
    assert len(msgspec.msgpack.encode(rhythm)) < 300_000


def test_after_years_of_silence_an_hour_knows_nothing() -> None:
    rhythm: Rhythm = {}
    for day in (0, 1, 2, 3_000):
        count(rhythm, day * DAY, 100, {"a": 100}, np.ones(4))

    assert usual_at(rhythm, window(3_000 * DAY)) is None


def test_what_merged_is_usual_of_what_it_merged_into() -> None:
    rhythm: Rhythm = {}
    for day in range(3):
        count(rhythm, day * DAY, 100, {"a": 60, "b": 40})

    renamed(rhythm, {"b": "a"})

    found = usual_at(rhythm, window(2 * DAY))
    assert found is not None
    assert found.names == pytest.approx({"a": found.size})


Array = NDArray[np.float64]

Shares = Callable[[float, float], Array]


def of_the_hour(hour: float) -> Array:
    """Ten topics of Zipf's law, each of which has a peak at another time of day."""
    weights = np.exp(1.2 * np.cos(2 * np.pi * (hour / 24 - np.arange(10) / 10))) / np.arange(1, 11)
    return np.asarray(weights / weights.sum())


def days(shares: Shares, seed: int = 0) -> Iterator[Observed]:
    """Yield a comment a minute for six days; ``shares`` by days since the start and hour of the day."""
    generator = np.random.default_rng(seed)
    directions = generator.normal(size=(11, 16))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for number in range(1, DAYS * 1440 // TICK_MINUTES + 1):
        at = START + timedelta(minutes=number * TICK_MINUTES)
        own = shares(number * TICK_MINUTES / 1440, at.hour + at.minute / 60)
        drawn = generator.choice(len(own), size=PER_TICK, p=own)
        vectors = directions[drawn] + generator.normal(scale=0.3, size=(PER_TICK, 16))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        micros = {f"0-{topic}": drawn == topic for topic in np.unique(drawn)}
        yield Observed(
            at=at,
            counts={micro: int(own.sum()) for micro, own in micros.items()},
            places={f"0-{topic}": f"c{topic}" for topic in range(11)},
            sums={micro: vectors[own].sum(axis=0) for micro, own in micros.items()},
            sample=vectors,
        )


def alarms(shares: Shares, since_day: float) -> list[Drift]:
    watch = DriftWatch(DriftSettings(), tick_seconds=60 * TICK_MINUTES)
    said = [record for seen in days(shares) for record in watch.tick(seen).records]
    begin = START + timedelta(days=since_day)
    return [record for record in said if record.state == "alarm" and record.at > begin]


def test_a_rhythm_of_the_day_is_no_news_from_its_third_day_on() -> None:
    """Without a look at former days this stream raises an alarm every twelve hours."""
    assert alarms(lambda _, hour: of_the_hour(hour), since_day=2.3) == []


def test_a_new_topic_in_a_rhythm_is_told_by_name_within_half_a_window() -> None:
    def shares(day: float, hour: float) -> Array:
        new = 0.15 if day >= 3.5 else 0.0
        return np.append(of_the_hour(hour) * (1 - new), new)

    told = alarms(shares, since_day=3.5)

    assert told[0].at <= START + timedelta(days=3.5, minutes=DriftSettings().window_comments / 2)
    assert told[0].moved[0].id == "c10"


def test_a_topic_that_comes_at_another_time_of_day_is_told() -> None:
    def shares(day: float, hour: float) -> Array:
        own = of_the_hour(hour)
        own[1] = of_the_hour(hour + 12)[1] if day >= 3.5 else own[1]
        return np.asarray(own / own.sum())

    told = alarms(shares, since_day=3.5)

    assert "c1" in {moved.id for record in told for moved in record.moved[:1]}


def test_sides_that_change_with_the_time_of_day_are_told_on_their_first_days_only() -> None:
    generator = np.random.default_rng(3)
    watch = DriftWatch(DriftSettings(), tick_seconds=60 * TICK_MINUTES, targets={"pact": "A pact"})
    said: list[Drift] = []
    for number in range(1, DAYS * 1440 // TICK_MINUTES + 1):
        at = START + timedelta(minutes=number * TICK_MINUTES)
        favor = int(generator.binomial(8, 0.8 if 8 <= at.hour < 16 else 0.3))
        said += watch.judged(at, {"pact": {"favor": favor, "against": 8 - favor}})

    told = [record.at for record in said if record.state == "alarm"]
    assert told
    assert max(told) < START + timedelta(days=2.3)


def test_a_state_of_before_there_were_rhythms_begins_its_first_day_anew() -> None:
    old = DriftWatch(DriftSettings(), tick_seconds=60 * TICK_MINUTES)
    stream = list(days(lambda _, hour: of_the_hour(hour)))[:80]
    for seen in stream[:-1]:
        old.tick(seen)
    state = msgspec.msgpack.decode(old.snapshot())
    del state["rhythms"]
    restored = DriftWatch(DriftSettings(), tick_seconds=60 * TICK_MINUTES)

    restored.restore(msgspec.msgpack.encode(state))

    assert restored.tick(stream[-1]).measures == old.tick(stream[-1]).measures
