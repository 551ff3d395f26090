"""What a person reads at the end of a run: the live topics, how they move, and where to look next."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.records import Cluster, Lineage, Pulse

__all__ = ["Story", "along", "by_reason", "render", "shorten", "sparkline", "weekday"]

BARS: Final = "▁▂▃▄▅▆▇█"
WIDTH: Final = 24
"""Columns of a sparkline."""
MOST_CLUSTERS: Final = 12
"""Clusters in the table; the rest is counted in a line."""
STEADY: Final = 0.005
"""Change of a share within an hour that is called steady: half a point."""
EXEMPLARS: Final = 2
EXEMPLAR_CHARACTERS: Final = 150


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, as the public topics tell it."""

    title: str
    clusters: Sequence[Cluster]
    """Live ones."""
    pulses: Sequence[Pulse]
    """In the order of their ticks."""
    lineage: Sequence[Lineage] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    article: str | None = None
    """Title of the article that the comments are about, which was not counted."""
    seconds: float | None = None
    """Wall time from the first comment to the last record."""
    links: Sequence[tuple[str, str]] = ()
    """What can be looked at or subscribed to, and where."""
    extras: Sequence[RenderableType] = ()
    """What other rooms add: drift, stances."""


def render(story: Story) -> RenderableType:
    """Return the summary for a terminal of 80 columns or more."""
    parts: list[RenderableType] = [Text(), _headline(story)]
    clusters = sorted(story.clusters, key=lambda cluster: (-cluster.weight, cluster.id))
    parts.append(_topics(clusters, story.pulses) if clusters else _no_topics(story))
    parts.extend(story.extras)
    parts.append(_events(story.lineage))
    parts.append(_links(story.links))
    return Group(*parts)


def by_reason(rejected: Counter[str]) -> str:
    """Return how many were rejected, and how many of them for which reason.

    Examples
    --------
    >>> by_reason(Counter(no_text=2, bad_time=1)), by_reason(Counter())
    ('3 rejected: 2 no_text, 1 bad_time', '0 rejected')
    """
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected.most_common())
    return f"{rejected.total():,} rejected" + (f": {reasons}" if reasons else "")


def along(ticks: Iterable[datetime], told: Mapping[datetime, float]) -> list[float | None]:
    """Return what stood at each tick, so that all lines of the summary share one axis; None before anything.

    Parameters
    ----------
    ticks
        Those of all pulses, in order.
    told
        Values by the time from which on they hold.

    Examples
    --------
    >>> hours = [datetime(2026, 3, 1, hour) for hour in range(3)]
    >>> along(hours, {hours[1]: 0.5})
    [None, 0.5, 0.5]
    """
    standing: float | None = None
    waiting = sorted(told.items(), reverse=True)
    values: list[float | None] = []
    for tick in ticks:
        while waiting and waiting[-1][0] <= tick:
            standing = waiting.pop()[1]
        values.append(standing)
    return values


def sparkline(values: Sequence[float | None], width: int = WIDTH) -> str:
    """Return one character a column, the highest value the tallest, a space where there is no value.

    Examples
    --------
    >>> sparkline([0, 1, 2, 3], width=4)
    '▁▃▆█'
    >>> sparkline([None, None, 1, 2], width=4)
    '  ▅█'
    >>> sparkline([], width=4)
    ''
    """
    if not values:
        return ""
    exponent = math.frexp(max((abs(value) for value in values if value is not None), default=0.0))[1]
    columns = min(width, len(values))
    edges = [round(i * len(values) / columns) for i in range(columns + 1)]
    means: list[float | None] = []
    for begin, end in itertools.pairwise(edges):
        # scaled, as the mean of the smallest numbers there are would be 0
        known = [math.ldexp(value, -exponent) for value in values[begin:end] if value is not None]
        means.append(sum(known) / len(known) if known else None)
    top = max((mean for mean in means if mean is not None), default=0.0) or 1.0
    return "".join(" " if mean is None else _bar(mean / top) for mean in means)


def _bar(part: float) -> str:
    return BARS[min(len(BARS) - 1, round(max(part, 0.0) * (len(BARS) - 1)))]


def weekday(at: datetime) -> str:
    """Say a time by the reader's clock, as `watch` and the page do."""
    return f"{at.astimezone():%a %H:%M}"


def _headline(story: Story) -> Text:
    last = story.pulses[-1] if story.pulses else None
    text = Text(story.title, style="bold")
    text.append("\n")
    if last is not None:
        total = max(last.total, 1)
        gathered = sum(cluster.count for cluster in story.clusters)
        ended = sum(1 for event in story.lineage if event.event in {"merged", "faded"})
        words = [
            f"{last.total:,} comments",
            f"{len(story.clusters)} live topic{'s' * (len(story.clusters) != 1)}",
        ]
        if not ended:
            words.append(f"{max(0, total - gathered) / total:.0%} unassigned")
        else:
            words.append(f"{last.unassigned / max(last.comments, 1):.0%} unassigned in the last tick")
        words.append(f"{story.rejected.total():,} rejected")
        text.append(", ".join(words), style="dim")
        span = _span(story.pulses[0].tick, last.tick)
        if span:
            text.append(f", over {span}", style="dim")
        if story.seconds:
            rate = last.total / story.seconds
            text.append(f", sorted in {story.seconds:.0f} s ({rate:.0f} a second)", style="dim")
    if story.rejected:
        text.append(f"\n{by_reason(story.rejected)}", style="yellow")
    if story.article:
        text.append(f"\nThe article itself is the frame, not a comment: {story.article}", style="dim")
    return text


def _topics(clusters: Sequence[Cluster], pulses: Sequence[Pulse]) -> RenderableType:
    parts: list[RenderableType] = [Text()]
    for cluster in clusters[:MOST_CLUSTERS]:
        parts.append(_topic(cluster, pulses))
        parts.extend(
            Padding(Text(f"“{shorten(exemplar.text)}”", style="dim"), (0, 0, 0, 2))
            for exemplar in cluster.exemplars[:EXEMPLARS]
        )
    if len(clusters) > MOST_CLUSTERS:
        rest = clusters[MOST_CLUSTERS:]
        words = f"and {len(rest)} smaller topics with {sum(c.count for c in rest):,} comments"
        parts.append(Text(words, style="dim"))
    return Group(*parts)


def _topic(cluster: Cluster, pulses: Sequence[Pulse]) -> Table:
    """Return the line of one topic: label, comments, share, trend, share over time."""
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(ratio=1)
    for width in (8, 5, 1, WIDTH):
        line.add_column(width=width, justify="right" if width < WIDTH else "left", no_wrap=True)
    label = Text(cluster.label or cluster.id, style="bold")
    label.append(f"  {cluster.id}", style="dim")
    history = Text(sparkline(_history(cluster.id, pulses)), style="cyan")
    line.add_row(label, f"{cluster.count:,}", f"{cluster.share:.0%}", _arrow(cluster.trend), history)
    return line


def shorten(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= EXEMPLAR_CHARACTERS else line[: EXEMPLAR_CHARACTERS - 1].rstrip() + "…"


def _arrow(trend: float) -> Text:
    if trend > STEADY:
        return Text("▲", style="green")
    if trend < -STEADY:
        return Text("▼", style="red")
    return Text("·", style="dim")


def _history(cluster_id: str, pulses: Iterable[Pulse]) -> list[float]:
    return [next((s.share for s in pulse.clusters if s.id == cluster_id), 0.0) for pulse in pulses]


def _no_topics(story: Story) -> Text:
    if not story.pulses:
        return Text("Nothing was read.", style="yellow")
    return Text("No topic has gathered enough comments yet; each stands for itself.", style="dim")


def _events(lineage: Sequence[Lineage]) -> Text:
    counts: Counter[str] = Counter(event.event for event in lineage)
    order = ("emerged", "merged", "split", "faded")
    words = ", ".join(f"{counts[name]} {name}" for name in order if counts[name])
    return Text(f"What happened to topics: {words or 'nothing'}.\n", style="dim")


def _links(links: Sequence[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for what, where in links:
        grid.add_row(Text(what, style="bold"), Text(where))
    return grid


def _span(start: datetime, end: datetime) -> str:
    seconds = (end - start).total_seconds()
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return ""
