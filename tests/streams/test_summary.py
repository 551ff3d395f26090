"""The summary that ends a run."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from agents.records import Cluster, Exemplar, Lineage, Pulse, Slice
from streams.summary import BARS, Story, render, sparkline

START = datetime(2025, 3, 10, tzinfo=UTC)


def cluster(number: int, *, count: int, trend: float = 0.0, text: str = "It is late again.") -> Cluster:
    return Cluster(
        id=f"c{number}",
        state="live",
        label=f"topic {number}",
        tick=START,
        born=START,
        last_heard=START,
        count=count,
        weight=float(count),
        share=0.5,
        trend=trend,
        exemplars=(Exemplar(id="a", text=text),),
    )


def pulse(minute: int, share: float) -> Pulse:
    return Pulse(
        tick=START + timedelta(minutes=minute),
        comments=10,
        unassigned=1,
        total=100,
        n_micros=3,
        n_clusters=2,
        clusters=(Slice(id="c1", label="topic 1", share=share, weight=1.0, count=1),),
    )


def text_of(story: Story) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(render(story))
    return console.export_text()


def test_topics_come_heaviest_first_with_share_trend_and_exemplar() -> None:
    story = Story(
        "Cars in the centre",
        [cluster(1, count=30, trend=-0.1), cluster(2, count=60, trend=0.1)],
        [pulse(0, 0.2), pulse(600, 0.8)],
        rejected=Counter(no_text=2),
    )

    said = text_of(story)

    assert said.index("topic 2") < said.index("topic 1")
    assert "“It is late again.”" in said
    assert "▲" in said and "▼" in said
    assert "100 comments, 2 live topics, 10% unassigned, 2 rejected, over 10 hours" in said
    assert "2 rejected: 2 no_text" in said


def test_markup_in_a_comment_is_text() -> None:
    said = text_of(Story("t", [cluster(1, count=3, text="[bold red]<script>[/]")], [pulse(0, 1.0)]))

    assert "[bold red]<script>[/]" in said


def test_many_topics_end_in_a_line_that_counts_the_rest() -> None:
    said = text_of(Story("t", [cluster(n, count=50 - n) for n in range(20)], [pulse(0, 1.0)]))

    assert "and 8 smaller topics" in said


def test_nothing_read_is_said() -> None:
    assert "Nothing was read" in text_of(Story("t", [], []))


def test_what_happened_is_counted() -> None:
    events = [Lineage(id=str(n), event="emerged", cluster=f"c{n}", at=START) for n in range(3)]

    assert "What happened to topics: 3 emerged." in text_of(Story("t", [], [pulse(0, 1.0)], lineage=events))


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 40))
@example([0.0, 5e-324], 1)
def test_a_sparkline_has_a_bar_a_column_and_its_highest_is_full(values: list[float], width: int) -> None:
    line = sparkline(values, width)

    assert len(line) == min(width, len(values))
    assert set(line) <= set(BARS)
    assert max(values) == 0 or BARS[-1] in line
