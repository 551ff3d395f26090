"""The drift line of the summary."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from rich.console import Console

from agents.records import Drift, Moved, Pulse
from streams.drift_line import drift_line

pytestmark = pytest.mark.usefixtures("zone")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def pulse(at: int, **fields: Any) -> Pulse:
    defaults: dict[str, Any] = {"comments": 5, "unassigned": 0, "total": 5, "n_micros": 2, "n_clusters": 1}
    return Pulse(tick=NOON + timedelta(minutes=at), **(defaults | fields))


def shown(pulses: list[Pulse], records: list[Drift], *balances: float) -> str:
    of_targets = {"balance/pact": {NOON + timedelta(minutes=at): each for at, each in enumerate(balances)}}
    console = Console(width=100)
    with console.capture() as captured:
        console.print(drift_line(pulses, records, {"pact": "A pact"}, of_targets if balances else None))
    return captured.get()


def test_each_measure_has_a_line_over_time_and_its_newest_value() -> None:
    pulses = [pulse(at, measures={"share_shift": at / 10, "balance/pact": -0.5}) for at in range(4)]

    text = shown(pulses, [])

    assert "topics shift" in text
    assert "0.30" in text
    assert "▁▃▆█" in text
    assert "balance: A pact" in text
    assert "nothing changed" in text


def test_measures_of_targets_are_drawn_by_the_time_of_the_judge() -> None:
    pulses = [pulse(at, measures={"balance/pact": 0.3} if at == 3 else {"mmd": 0.1}) for at in range(4)]

    text = shown(pulses, [], -0.6, -0.3, 0.0, 0.3)

    assert re.search(r"balance: A pact +0.30 +▁▃▆█", text)


def test_a_line_stands_still_where_nothing_was_told_and_begins_where_something_was() -> None:
    pulses = [pulse(at, measures={"mmd": 0.1}) for at in range(8)]

    text = shown(pulses[:6], [], -1.0, 1.0)
    late = shown([pulse(at - 2) for at in range(4)], [], -1.0, 1.0)

    assert re.search(r"balance: A pact +1.00 +▁█████ *\n", text)
    assert re.search(r"balance: A pact +1.00 {5,}▁█ *\n", late)


def alarm(state: Literal["alarm", "clear"] = "alarm", at: int = 0, *moved: Moved, **fields: Any) -> Drift:
    return Drift(state=state, at=NOON + timedelta(minutes=at), value=0.3, moved=moved, **fields)


def cluster(label: str, before: float, after: float) -> Moved:
    return Moved(kind="cluster", id="c1", label=label, part=0.9, before=before, after=after)


def test_an_alarm_says_in_words_what_it_is_since_when_and_what_moved() -> None:
    since = NOON - timedelta(hours=1)
    raised = alarm("alarm", 0, cluster("bus, strike", 0.01, 0.3), measure="share_shift", since=since)
    value = Drift(measure="mmd", at=NOON, state="value", value=0.1)

    text = shown([pulse(0, measures={"share_shift": 0.3}, alarms=("share_shift",))], [raised, value])

    assert "▲ topics shift  since Mon 11:00, told Mon 12:00\n" in text
    assert "1% →  30% of comments: bus, strike\n" in text
    assert "alarm stands" in text
    assert "what is said" not in text


def test_an_alarm_is_told_by_the_readers_clock(zone: Callable[[str], None]) -> None:
    zone("Asia/Tokyo")
    raised = alarm("alarm", 0, measure="share_shift", since=NOON - timedelta(hours=1))

    text = shown(
        [pulse(0, measures={"share_shift": 0.3})], [raised, alarm("clear", 210, measure="share_shift")]
    )

    assert "since Mon 20:00, told Mon 21:00, over Tue 00:30\n" in text


def test_an_alarm_that_is_over_says_so_and_a_later_one_does_not() -> None:
    names: dict[str, Any] = {"measure": "stance_shift", "subject": "pact"}
    records = [alarm("alarm", 0, **names), alarm("clear", 30, **names), alarm("alarm", 60, **names)]

    text = shown([pulse(0, measures={"share_shift": 0.3})], records)

    assert "▲ sides shift: A pact  since Mon 12:00, told Mon 12:00, over Mon 12:30\n" in text
    assert "▲ sides shift: A pact  since Mon 13:00, told Mon 13:00\n" in text
    assert "No topic stands out" in text


def test_a_topic_that_keeps_its_share_is_said_to_say_other_things() -> None:
    raised = alarm("alarm", 0, cluster("tram, cars", 0.98, 0.99), measure="mmd")

    text = shown([pulse(0, measures={"mmd": 0.0123})], [raised])

    assert "99% as before, but says other things: tram, cars" in text
    assert "▲ what is said" in text
    assert "0.012" in text


def test_too_few_comments_are_said_to_be_too_few() -> None:
    assert "too few comments" in shown([pulse(0)], [])
