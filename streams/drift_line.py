"""The drift line of the summary: how each measure went, and what was alarming, with what moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.drift.measures import MEASURES, split_key
from agents.records import Drift, Pulse
from streams.summary import sparkline

__all__ = ["drift_line"]

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

MOST_ALARMS: Final = 8


def drift_line(
    pulses: Sequence[Pulse], records: Iterable[Drift], targets: Mapping[str, str] | None = None
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
    """
    titles = targets or {}
    names = [name for name in _names(pulses) if split_key(name)[0] in SHOWN]
    if not names:
        return Text("Drift: too few comments yet to compare one time with another.\n", style="dim")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("drift", "now", "over time", ""):
        table.add_column(heading, justify="right" if heading == "now" else "left", no_wrap=heading != "drift")
    for name in names:
        table.add_row(*_row(name, pulses, titles))
    return Group(table, _alarms(records, titles))


def _names(pulses: Sequence[Pulse]) -> list[str]:
    """Return the measures that have a value, in the order in which they are shown."""
    found = {name for pulse in pulses for name in pulse.measures}
    order = list(MEASURES)
    return sorted(found, key=lambda name: (order.index(split_key(name)[0]), name))


def _row(name: str, pulses: Sequence[Pulse], titles: Mapping[str, str]) -> tuple[Text, Text, Text, Text]:
    measure, subject = split_key(name)
    values = [pulse.measures[name] for pulse in pulses if name in pulse.measures]
    base = min(values) if measure in SIGNED else 0.0
    words = SHOWN[measure] + (f": {titles.get(subject, subject)}" if subject else "")
    standing = name in pulses[-1].alarms
    return (
        Text(words),
        Text(f"{values[-1]:.2f}"),
        Text(sparkline([value - base for value in values]), style="magenta"),
        Text("alarm stands" if standing else "", style="bold red"),
    )


def _alarms(records: Iterable[Drift], titles: Mapping[str, str]) -> Text:
    alarms = sorted((each for each in records if each.state == "alarm"), key=lambda each: each.at)
    if not alarms:
        return Text("No alarm: nothing changed beyond what chance gives.\n", style="dim")
    text = Text()
    for alarm in alarms[-MOST_ALARMS:]:
        where = f" {titles.get(alarm.subject, alarm.subject)}" if alarm.subject else ""
        text.append("▲ ", style="bold red")
        text.append(
            f"{alarm.since or alarm.at:%a %H:%M}  {alarm.measure.replace('_', ' ')}{where}", style="bold"
        )
        text.append(f"  {_moved(alarm)}\n")
    if len(alarms) > MOST_ALARMS:
        text.append(f"and {len(alarms) - MOST_ALARMS} earlier alarms\n", style="dim")
    return text


def _moved(alarm: Drift) -> str:
    parts = []
    for each in alarm.moved[:3]:
        change = "" if each.before is None or each.after is None else f" {each.before:.0%} → {each.after:.0%}"
        parts.append(f"{each.label}{change}")
    return "; ".join(parts)
