"""The stances in the summary: per target its sides, how they moved, and a voice of each side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from agents.drift.measures import key
from agents.records import Cluster, Exemplar, Judgement, Pulse
from agents.stance.movement import turned
from agents.stance.tally import aptness
from streams.summary import along, shorten, sparkline, weekday

__all__ = ["stance_lines"]

SIDES: Final = (("favor", "green"), ("against", "red"))
VOICES: Final = 1
"""Comments of each side that are shown, those that show it best."""

FEW: Final = 10
"""Comments on both sides below which they are counted, not shared out."""

HOW_TO_NAME: Final = (
    'No question was named on which comments take sides. Name one: --target "a ban on cars", '
    "or let `groundswell stance suggest FILE` draft some."
)


def stance_lines(
    targets: Mapping[str, str],
    pulses: Sequence[Pulse],
    clusters: Iterable[Cluster],
    judgements: Iterable[Judgement],
    of_targets: Mapping[str, Mapping[datetime, float]],
) -> RenderableType:
    """Return the part of the summary that tells where people stand.

    Parameters
    ----------
    targets
        Title of every target by its id.
    of_targets
        Measures of targets over time, as `View.of_targets`.
    """
    if not targets:
        return Padding(Text(HOW_TO_NAME, style="dim"), (1, 0, 0, 0))
    live, judged = list(clusters), list(judgements)
    balances = {name: of_targets.get(key("balance", name), {}) for name in targets}
    return Group(
        *(_target(name, title, pulses, live, judged, balances[name]) for name, title in targets.items())
    )


def _target(
    name: str,
    title: str,
    pulses: Sequence[Pulse],
    clusters: Sequence[Cluster],
    judged: Sequence[Judgement],
    balances: Mapping[datetime, float],
) -> RenderableType:
    totals = pulses[-1].sides_total.get(name, {}) if pulses else {}
    sided = sum(totals.get(side, 0) for side, _ in SIDES)
    head = Text("\n")
    head.append(title, style="bold")
    if not sided:
        n_read = totals.get("none", 0)
        head.append(f"  {n_read:,} read, nobody took a side surely enough", style="dim")
        return head
    for side, style in SIDES:
        n = totals.get(side, 0)
        head.append(f"  {n} {side}" if sided < FEW else f"  {n / sided:.0%} {side}", style=style)
    head.append(f"  of {sided:,} who took a side; {totals.get('none', 0):,} took none", style="dim")
    return Group(head, _movement(name, balances, pulses, judged), *_voices(name, clusters))


def _movement(
    name: str, balances: Mapping[datetime, float], pulses: Sequence[Pulse], judged: Sequence[Judgement]
) -> Text:
    line = Text("  ")
    if len(balances) > 1:
        favor = {at: (balance + 1) / 2 for at, balance in balances.items()}
        line.append("in favor over time ", style="dim")
        line.append(sparkline(along([pulse.tick for pulse in pulses], favor)), style="cyan")
        line.append("  ")
    line.append(_turned(judged, name))
    sure = [each.confidence for each in judged if each.target == name and each.side != "none"]
    line.append(f"; confidence {sum(sure) / max(1, len(sure)):.0%} on average", style="dim")
    return line


def _turned(judged: Sequence[Judgement], target: str) -> str:
    """Say from what to what the part in favor turned, when, and how easily chance would do that."""
    found = turned(judged, target)
    if found is None:
        return "too few sides yet to see a movement"
    turn, at = found
    if not turn.is_one:
        return "much the same all the time"
    chance = "under 1%" if turn.chance < 0.01 else f"{turn.chance:.0%}"
    return f"{turn.before:.0%} until {weekday(at)}, {turn.since:.0%} since (by chance: {chance})"


def _voices(name: str, clusters: Sequence[Cluster]) -> Iterable[RenderableType]:
    for side, style in SIDES:
        voices: list[Exemplar] = [
            exemplar
            for cluster in clusters
            for exemplar in cluster.side_exemplars.get(name, {}).get(side, ())
        ]
        for exemplar in sorted(voices, key=lambda voice: (-aptness(voice), voice.id))[:VOICES]:
            line = Text("  ")
            line.append(f"{side} ", style=style)
            line.append(f"“{shorten(exemplar.text)}”", style="dim")
            yield line
