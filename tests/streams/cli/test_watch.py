from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.records import Assignment, Cluster, Drift, Judgement, Lineage, Placement
from streams.cli.watch import Choice, Watch, tame, watch

pytestmark = pytest.mark.usefixtures("zone")

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)


def comment(id: str = "a", micro: str = "0-1", text: str = "Trams.", **fields: Any) -> Assignment:
    usual: dict[str, Any] = {
        "event_time": NOON,
        "cluster": None,
        "similarity": 0.5,
        "novelty": 0.5,
        "partition": 0,
        "offset": 1,
        "encoder": "e",
        "version": "1",
    }
    return Assignment(id=id, micro=micro, excerpt=text, **(usual | fields))


def cluster(id: str = "c1", label: str = "trams") -> Cluster:
    return Cluster(
        id=id,
        state="live",
        label=label,
        tick=NOON,
        born=NOON,
        last_heard=NOON,
        count=1,
        weight=1.0,
        share=0.5,
    )


PLACED = Placement(micro="0-1", cluster="c1", since=NOON)


class Told:
    """A watch and the lines that it told."""

    def __init__(self, choice: Choice | None = None, n_last: int = 0, *before: Any) -> None:
        self.lines: list[str] = []
        self.watch = Watch(choice or Choice(), lambda line, record: self.lines.append(line.plain))
        for topic, key, record in before:
            self.watch.apply(topic, key, record)
        self.watch.begin(n_last)

    def hear(self, *records: tuple[str, str, Any]) -> list[str]:
        for topic, key, record in records:
            self.watch.apply(topic, key, record)
        return self.lines


def test_a_comment_is_told_with_the_cluster_where_it_is_now() -> None:
    told = Told()

    lines = told.hear(
        ("clusters", "c1", cluster()),
        ("placements", "0-1", PLACED),
        ("assignments", "a", comment(cluster="c0")),
    )

    assert lines == ["10 Mar 12:00 c1 trams  Trams."]


def test_a_new_comment_waits_for_its_cluster_and_is_told_once() -> None:
    told = Told()

    told.hear(("clusters", "c1", cluster()), ("assignments", "a", comment()))
    before = list(told.lines)
    after = told.hear(("placements", "0-1", PLACED), ("assignments", "a", comment(cluster="c1")))

    assert before == []
    assert after == ["10 Mar 12:00 c1 trams  Trams."]


def test_a_retracted_comment_that_waited_is_never_told() -> None:
    told = Told()

    lines = told.hear(
        ("assignments", "a", comment()), ("assignments", "a", None), ("placements", "0-1", PLACED)
    )

    assert lines == []


def test_only_what_was_asked_for_is_told() -> None:
    told = Told(Choice(cluster="c1", discussion="d"))

    lines = told.hear(
        ("placements", "0-1", PLACED),
        ("assignments", "a", comment("a", discussion="d", text="one")),
        ("assignments", "b", comment("b", discussion="e", text="two")),
        ("assignments", "c", comment("c", micro="0-2", cluster="c2", discussion="d", text="three")),
    )

    assert [line.rsplit(" ", 1)[1] for line in lines] == ["one"]


def test_a_target_is_followed_by_its_judgements() -> None:
    told = Told(Choice(target="tram", side="against"))

    def judged(side: Any) -> Judgement:
        return Judgement(
            id="a",
            target="tram",
            side=side,
            confidence=0.75,
            model="m",
            event_time=NOON,
            micro="0-1",
            partition=0,
            offset=1,
            version="1",
            excerpt="No.",
        )

    lines = told.hear(("judgements", "a+tram", judged("favor")), ("judgements", "a+tram", judged("against")))

    assert lines == ["10 Mar 12:00 - unassigned  against 75% No."]


def test_the_last_comments_come_first() -> None:
    told = Told(
        None, 2, *(("assignments", f"a{n}", comment(f"a{n}", cluster="c1", text=str(n))) for n in range(4))
    )

    assert [line[-1] for line in told.lines] == ["2", "3"]


def test_what_happens_to_clusters_is_told() -> None:
    told = Told()
    event = Lineage(id="e", event="merged", cluster="c2", other="c1", label="rails", at=NOON)

    assert told.hear(("clusters", "c1", cluster()), ("lineage", "c2", event)) == [
        "10 Mar 12:00 c2 rails merged into c1 trams"
    ]


def test_an_alarm_is_named_as_on_the_page_and_with_the_label_of_its_topic() -> None:
    told = Told(None, 0, ("clusters", "c1", cluster()))
    alarm = Drift(measure="share_shift", at=NOON, state="alarm", value=0.5)
    clear = Drift(measure="share_change", subject="c1", at=NOON, state="clear", value=0.5)

    assert told.hear(("drift", "share_shift", alarm), ("drift", "share_change", clear)) == [
        "10 Mar 12:00 alarm: topics shift",
        "10 Mar 12:00 all-clear: share change: trams",
    ]


def test_times_are_the_reader_s(zone: Callable[[str], None]) -> None:
    zone("Asia/Tokyo")
    told = Told(None, 1, ("assignments", "a", comment(cluster="c1")))

    assert told.lines[0].startswith("10 Mar 21:00 ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=3_000))
def test_no_text_can_steer_the_terminal(text: str) -> None:
    calm = tame(text)

    assert all(letter.isprintable() or letter.isspace() for letter in calm if letter < "\x80")
    assert not set(calm) & set("\x1b\x07\x9b\u202e\u2066\r\n")
    assert len(calm) <= 401


def test_the_embedded_broker_of_another_process_has_to_be_named() -> None:
    result = CliRunner().invoke(watch, [])

    assert result.exit_code == 1
    assert "groundswell watch --broker 127.0.0.1:PORT" in result.output


def test_a_side_needs_a_target() -> None:
    result = CliRunner().invoke(watch, ["--side", "favor"])

    assert result.exit_code == 2
    assert "--target" in result.output


@pytest.mark.parametrize("text", ["[bold]not markup[/bold]", "[link=x]no[/link]"])
def test_markup_in_a_comment_stays_text(text: str) -> None:
    told = Told(None, 1, ("assignments", "a", comment(text=text, cluster="c1")))

    assert told.lines[0].endswith(text)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            Choice(cluster="c9-9"),
            ["--cluster is 'c9-9', which is not known yet; known are c1. Waiting for it."],
        ),
        (
            Choice(target="nosuch"),
            ["--target is 'nosuch', which is not known yet; known are none. Waiting for it."],
        ),
        (Choice(cluster="c1"), []),
        (Choice(), []),
    ],
)
def test_what_nothing_tells_of_yet_is_named_with_what_is_known(choice: Choice, said: list[str]) -> None:
    told = Told(choice, 0, ("clusters", "c1", cluster()))

    assert told.watch.unknown() == said
