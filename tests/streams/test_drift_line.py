"""The drift line of the summary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from agents.records import Drift, Moved, Pulse
from streams.drift_line import drift_line

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def pulse(at: int, **fields: Any) -> Pulse:
    defaults: dict[str, Any] = {"comments": 5, "unassigned": 0, "total": 5, "n_micros": 2, "n_clusters": 1}
    return Pulse(tick=NOON + timedelta(minutes=at), **(defaults | fields))


def shown(pulses: list[Pulse], records: list[Drift]) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(drift_line(pulses, records, {"pact": "A pact"}))
    return captured.get()


def test_each_measure_has_a_line_over_time_and_its_newest_value() -> None:
    pulses = [pulse(at, measures={"share_shift": at / 10, "balance/pact": -0.5}) for at in range(4)]

    text = shown(pulses, [])

    assert "topics shift" in text
    assert "0.30" in text
    assert "▁▃▆█" in text
    assert "balance: A pact" in text
    assert "nothing changed" in text


def test_an_alarm_says_since_when_and_what_moved() -> None:
    alarm = Drift(
        measure="share_shift",
        at=NOON,
        state="alarm",
        value=0.3,
        since=NOON - timedelta(hours=1),
        moved=(Moved(kind="cluster", id="c1", label="bus strike", part=0.9, before=0.01, after=0.3),),
    )
    value = Drift(measure="mmd", at=NOON, state="value", value=0.1)

    text = shown([pulse(0, measures={"share_shift": 0.3}, alarms=("share_shift",))], [alarm, value])

    assert "Mon 11:00" in text
    assert "bus strike 1% → 30%" in text
    assert "alarm stands" in text
    assert "mmd" not in text


def test_too_few_comments_are_said_to_be_too_few() -> None:
    assert "too few comments" in shown([pulse(0)], [])
