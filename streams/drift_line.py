"""The drift line of the summary: how each measure went, and what was alarming, with what moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.drift.measures import MEASURES, split_key
from agents.records import Drift, Pulse
from streams.summary import along, sparkline, weekday

__all__ = ["drift_line", "plain_name"]

SHOWN: Final = {
    "share_shift": "topics shift",
    "mmd": "what is said",
    "displacement": "within topics",
    "novelty": "novelty",
    "effective_clusters": "topics in use",
    "balance": "balance",
    "polarisation": "polarisation",
}
"""Measures that a person reads first, by what they are called here."""

SIGNED: Final = frozenset({"balance"})
"""Measures below 0 half of the time: their line is raised to stand on its least value."""

ALARMED: Final = SHOWN | {"stance_shift": "sides shift"}
"""What an alarm is called; a name of a measure means nothing to a reader of the summary."""

MOST_ALARMS: Final = 8

MOST_MOVED: Final = 3

LEAST_MOVE: Final = 0.015
"""Change of a share below which its two percentages would read alike."""

SMALL: Final = 0.1
"""Values below it get a third decimal: most of what `mmd` takes."""


def drift_line(
    pulses: Sequence[Pulse],
    records: Iterable[Drift],
    targets: Mapping[str, str] | None = None,
    of_targets: Mapping[str, Mapping[datetime, float]] | None = None,
) -> RenderableType:
    """Return a sparkline per measure and the alarms, for a terminal of 80 columns or more.

    Parameters
    ----------
    pulses
        In the order of their ticks.
    records
        Alarms and all-clears of `drift`; values are passed over.
    targets
        Title of every target by its id.
    of_targets
        Measures of targets over time, as `View.of_targets`.
    """
    titles = targets or {}
    values = _values(pulses, of_targets or {})
    if not values:
        return Text("Drift: too few comments yet to compare one time with another.\n", style="dim")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("drift", "now", "over time", ""):
        table.add_column(heading, justify="right" if heading == "now" else "left", no_wrap=heading != "drift")
    standing, ticks = pulses[-1].alarms, [pulse.tick for pulse in pulses]
    for name, told in values.items():
        stands = "alarm stands" if name in standing else ""
        table.add_row(*_row(name, told, ticks, titles), Text(stands, "bold red"))
    return Group(table, _alarms(records, titles))


def plain_name(measure: str) -> str:
    """Return what a measure is called where a person reads it.

    Examples
    --------
    >>> plain_name("mmd"), plain_name("births")
    ('what is said', 'births')
    """
    return ALARMED.get(measure, measure.replace("_", " "))


def _values(
    pulses: Sequence[Pulse], of_targets: Mapping[str, Mapping[datetime, float]]
) -> dict[str, Mapping[datetime, float]]:
    """Return the measures that are shown and have values, in their order."""
    found: dict[str, dict[datetime, float]] = {}
    for pulse in pulses:
        for name, value in pulse.measures.items():
            found.setdefault(name, {})[pulse.tick] = value
    told: dict[str, Mapping[datetime, float]] = {**found, **of_targets}
    order = list(MEASURES)
    shown = [name for name in told if split_key(name)[0] in SHOWN]
    return {name: told[name] for name in sorted(shown, key=lambda n: (order.index(split_key(n)[0]), n))}


def _row(
    name: str, told: Mapping[datetime, float], ticks: Sequence[datetime], titles: Mapping[str, str]
) -> tuple[Text, Text, Text]:
    measure, subject = split_key(name)
    now = told[max(told)]
    base = min(told.values()) if measure in SIGNED else 0.0
    words = SHOWN[measure] + (f": {titles.get(subject, subject)}" if subject else "")
    line = sparkline(along(ticks, {at: value - base for at, value in told.items()}))
    return Text(words), Text(f"{now:.{3 if 0 < abs(now) < SMALL else 2}f}"), Text(line, style="magenta")


def _alarms(records: Iterable[Drift], titles: Mapping[str, str]) -> Text:
    in_order = sorted((each for each in records if each.state != "value"), key=lambda each: each.at)
    alarms = [each for each in in_order if each.state == "alarm"]
    if not alarms:
        return Text("No alarm: nothing changed beyond what chance gives.\n", style="dim")
    text = Text()
    for alarm in alarms[-MOST_ALARMS:]:
        subject = f": {titles.get(alarm.subject, alarm.subject)}" if alarm.subject else ""
        text.append("▲ ", style="bold red")
        text.append(plain_name(alarm.measure) + subject, style="bold")
        text.append(
            f"  since {weekday(alarm.since or alarm.at)}, told {weekday(alarm.at)}{_end(alarm, in_order)}\n"
        )
        for line in _moved(alarm):
            text.append(f"  {line}\n")
    if len(alarms) > MOST_ALARMS:
        text.append(f"and {len(alarms) - MOST_ALARMS} earlier alarms\n", style="dim")
    return text


def _end(alarm: Drift, in_order: Sequence[Drift]) -> str:
    """Return when the all-clear came, nothing while the alarm stands."""
    own = (each for each in in_order if (each.measure, each.subject) == (alarm.measure, alarm.subject))
    clear = next((each for each in own if each.state == "clear" and each.at > alarm.at), None)
    return f", over {weekday(clear.at)}" if clear else ""


def _moved(alarm: Drift) -> list[str]:
    """Return a line for each that moved most, as a share of the comments before and then."""
    lines = []
    for each in alarm.moved[:MOST_MOVED]:
        if each.before is None or each.after is None:
            lines.append(each.label)
        elif abs(each.after - each.before) < LEAST_MOVE:
            lines.append(f"{each.after:>4.0%} as before, but says other things: {each.label}")
        else:
            lines.append(f"{each.before:>4.0%} → {each.after:>4.0%} of comments: {each.label}")
    return lines or ["No topic stands out in it."]
