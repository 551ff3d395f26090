"""Topics of their own for clusters and sides: which there are, and what is copied to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from agents.agent import Emission
from agents.records import Assignment, Cluster, Judgement
from streams.extra import ExtraTopics
from streams.options import TopicSettings
from streams.publish import Connection
from streams.web.view import View

NOW = datetime(2025, 3, 10, tzinfo=UTC)


def cluster(number: int, weight: float, state: str = "live") -> Cluster:
    return Cluster(
        id=f"c{number}",
        state=state,  # type: ignore[arg-type]
        label="",
        tick=NOW,
        born=NOW,
        last_heard=NOW,
        count=1,
        weight=weight,
        share=0.1,
    )


def extra(settings: TopicSettings, *clusters: Cluster, view: View | None = None) -> ExtraTopics:
    view = view or View()
    for each in clusters:
        view.apply("clusters", each.id, each)
    return ExtraTopics(Connection("b:1", "p."), settings, view, ["tram"], lambda: True, embedded=True)


def assignment(name: str | None, chart_tick: datetime | None = NOW) -> Emission:
    record = Assignment(
        id="a",
        event_time=NOW,
        micro="0-1",
        cluster=name,
        chart_tick=chart_tick,
        similarity=1.0,
        novelty=0.0,
        partition=0,
        offset=0,
        encoder="e",
        version="v",
    )
    return Emission("assignments", "a", record)


def judgement(side: str, name: str = "a") -> Emission:
    record = Judgement(
        id=name,
        target="tram",
        side=side,  # type: ignore[arg-type]
        confidence=0.9,
        model="m",
        event_time=NOW,
        micro="0-1",
        partition=0,
        offset=0,
        version="v",
    )
    return Emission("judgements", f"{name}+tram", record)


def test_none_are_made_unless_asked_for() -> None:
    topics = extra(TopicSettings(), cluster(1, 5))

    assert not topics.is_wanted
    assert topics.wanted() == []


def test_the_heaviest_live_clusters_get_theirs_up_to_the_cap() -> None:
    settings = TopicSettings(per_cluster=True, extra_topics=2)

    topics = extra(settings, cluster(1, 5), cluster(2, 9), cluster(3, 7), cluster(4, 99, "faded"))

    assert topics.wanted() == ["cluster.c2", "cluster.c3"]


def test_a_cluster_keeps_its_topic_while_it_lives_and_the_cap_holds() -> None:
    settings = TopicSettings(per_cluster=True, extra_topics=2)
    topics = extra(settings, cluster(1, 5), cluster(2, 9), cluster(3, 7), cluster(4, 1))

    assert topics.wanted({"cluster.c4", "cluster.c99"}) == ["cluster.c4", "cluster.c2"]
    assert topics.wanted({"cluster.c1", "cluster.c3"}) == ["cluster.c3", "cluster.c1"]


def test_every_side_of_every_target_gets_one() -> None:
    topics = extra(TopicSettings(per_side=True))

    assert topics.wanted() == ["stance.tram.favor", "stance.tram.against", "stance.tram.none"]


@asynccontextmanager
async def opened(view: View, *clusters: Cluster) -> AsyncIterator[ExtraTopics]:
    """Topics of all kinds, once they are open."""
    topics = extra(TopicSettings(per_cluster=True, per_side=True), *clusters, view=view)
    await topics.start()
    while not topics.copies(judgement("favor", name="nobody")):  # noqa: ASYNC110 - it opens them beside us
        await asyncio.sleep(0)
    try:
        yield topics
    finally:
        await topics.stop()


async def test_only_what_has_a_topic_is_copied() -> None:
    assert list(extra(TopicSettings(per_cluster=True), cluster(1, 5)).copies(assignment("c1"))) == []

    async with opened(View(), cluster(1, 5)) as topics:
        (copy,) = topics.copies(assignment("c1"))
        assert (copy.topic, copy.key, copy.record) == ("cluster.c1", "a", assignment("c1").record)
        assert [each.topic for each in topics.copies(judgement("against"))] == ["stance.tram.against"]
        assert list(topics.copies(assignment("c9"))) == []
        assert list(topics.copies(assignment(None))) == []
        assert list(topics.copies(assignment("c1", chart_tick=None))) == [], "the chart has not said so yet"
        assert list(topics.copies(Emission("pulse", "a", None))) == []


async def test_an_edit_that_changes_its_place_leaves_a_tombstone_behind() -> None:
    view = View()
    async with opened(view, cluster(1, 5), cluster(2, 5)) as topics:
        view.apply("assignments", "a", assignment("c1").record)
        view.apply("judgements", "a+tram", judgement("favor").record)

        moved, turned = topics.copies(assignment("c2")), topics.copies(judgement("against"))
        stayed = [*topics.copies(assignment("c1")), *topics.copies(judgement("favor"))]

    assert [(each.topic, each.key, each.record is None) for each in [*moved, *turned]] == [
        ("cluster.c1", "a", True),
        ("cluster.c2", "a", False),
        ("stance.tram.favor", "a+tram", True),
        ("stance.tram.against", "a+tram", False),
    ]
    assert [(each.topic, each.record is None) for each in stayed] == [
        ("cluster.c1", False),
        ("stance.tram.favor", False),
    ]


async def test_a_retraction_leaves_a_tombstone_wherever_the_comment_may_be() -> None:
    view = View()
    async with opened(view, cluster(1, 5)) as topics:
        view.apply("assignments", "a", assignment("c1").record)

        copies = [
            *topics.copies(Emission("assignments", "a", None)),
            *topics.copies(Emission("judgements", "a+tram", None)),
        ]

    assert [(each.topic, each.key) for each in copies if each.record is None] == [
        ("cluster.c1", "a"),
        ("stance.tram.against", "a+tram"),
        ("stance.tram.favor", "a+tram"),
        ("stance.tram.none", "a+tram"),
    ]


def test_only_topics_of_clusters_that_are_over_are_taken_away() -> None:
    class Admin:
        def __init__(self) -> None:
            names = ["cluster.c0-1", "cluster.c0-2", "cluster.orders", "cluster.c", "cluster.c0-1.orders"]
            self.names = [f"p.{name}" for name in names]

        async def list_topics(self) -> list[str]:
            return list(self.names)

        async def delete_topics(self, names: list[str]) -> None:
            self.names = [name for name in self.names if name not in names]

        async def create_topics(self, topics: list[object]) -> None:
            """Make none: all are there."""

    over = extra(TopicSettings(per_cluster=True))
    admin = over._admin = Admin()  # type: ignore[assignment]

    asyncio.run(over._look())

    assert admin.names == ["p.cluster.orders", "p.cluster.c", "p.cluster.c0-1.orders"]
