from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.records import Drift
from streams.web.settings import WebSettings
from streams.web.view import View


class Noting(dict[str, Any]):
    """Judgements that note which of them were looked at."""

    def __init__(self, judgements: dict[str, Any], looked: list[str]) -> None:
        super().__init__(judgements)
        self._looked = looked

    def pop(self, key: str, *default: Any) -> Any:
        self._looked.append(key)
        return super().pop(key, *default)

    def items(self) -> Any:
        self._looked.extend(self)
        return super().items()

    def values(self) -> Any:
        self._looked.extend(self)
        return super().values()


class TestPresent:
    def test_a_comment_belongs_to_where_its_micro_cluster_is_now(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment(cluster="c1"))
        view.apply("placements", "0-1", make.placement(cluster="c2"))

        assert view.settled(view.comments["a"]) == "c2"

    def test_without_a_placement_it_belongs_to_what_was_said_on_arrival(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment(cluster="c1"))

        assert view.settled(view.comments["a"]) == "c1"

    def test_what_is_only_probable_counts_once_there_is_such_a_cluster(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment(cluster="c1", chart_tick=None))
        before = view.settled(view.comments["a"])

        view.apply("clusters", "c1", make.cluster("c1"))

        assert (before, view.settled(view.comments["a"])) == (None, "c1")

    def test_merges_are_followed_to_the_cluster_that_lives(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment(cluster="c3"))
        view.apply("clusters", "c3", make.cluster("c3", state="merged", into="c2"))
        view.apply("clusters", "c2", make.cluster("c2", state="merged", into="c1"))

        assert view.settled(view.comments["a"]) == "c1"

    def test_a_circle_of_merges_comes_to_an_end(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment(cluster="c1"))
        view.apply("clusters", "c1", make.cluster("c1", state="merged", into="c2"))
        view.apply("clusters", "c2", make.cluster("c2", state="merged", into="c1"))

        assert view.settled(view.comments["a"]) in {"c1", "c2"}

    def test_live_clusters_come_in_the_order_of_their_share(self, view: View, make: Any) -> None:
        for name, share, state in [("c1", 0.2, "live"), ("c2", 0.5, "live"), ("c3", 0.9, "faded")]:
            view.apply("clusters", name, make.cluster(name, share, state=state))

        assert [cluster.id for cluster in view.live()] == ["c2", "c1"]

    def test_an_unknown_topic_changes_nothing(self, view: View, make: Any) -> None:
        view.apply("sketches", "x", make.assignment())

        assert view.version == 0


class TestRetraction:
    def test_a_tombstone_takes_the_text_out_of_everything_that_is_shown(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment("a", discussion="d"))
        view.apply("judgements", "a+tram", make.judgement("a"))
        view.apply("clusters", "c1", make.cluster(exemplars=(make.exemplar("a"), make.exemplar("b"))))

        view.apply("assignments", "a", None)

        assert view.comments == {}
        assert view.judgements == {}
        assert view.discussions == {}
        assert [shown.id for shown in view.shown(view.clusters["c1"].exemplars)] == ["b"]

    def test_a_comment_that_comes_back_is_shown_again(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", None)
        view.apply("assignments", "a", make.assignment("a"))

        assert not view.is_retracted("a")

    def test_a_tombstone_does_not_look_at_every_judgement(self, make: Any) -> None:
        view = View()
        for n in range(100):
            view.apply("judgements", f"a{n}+tram", make.judgement(f"a{n}"))
        looked: list[str] = []
        view.judgements = Noting(view.judgements, looked)

        view.apply("assignments", "a7", None)

        assert looked == ["a7+tram"]
        assert len(view.judgements) == 99

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_judgement_is_gone_with_its_comment_whichever_is_read_first(
        self, view: View, make: Any, order: tuple[int, ...]
    ) -> None:
        steps = [
            ("judgements", "a+tram", make.judgement("a"), 1.0, (0, 0)),
            ("assignments", "a", None, 2.0, (0, 5)),
        ]
        for n in order:
            view.apply(*steps[n])
        gone = dict(view.judgements)

        view.apply("judgements", "a+tram", make.judgement("a"), 3.0, (0, 1))

        assert gone == {}
        assert list(view.judgements) == ["a+tram"]

    def test_a_tombstone_of_a_cluster_or_placement_forgets_it(self, view: View, make: Any) -> None:
        view.apply("clusters", "c1", make.cluster())
        view.apply("placements", "0-1", make.placement())

        view.apply("clusters", "c1", None)
        view.apply("placements", "0-1", None)

        assert (view.clusters, view.placements) == ({}, {})

    def test_an_edit_takes_the_place_of_the_text(self, view: View, make: Any) -> None:
        view.apply("assignments", "a", make.assignment("a", discussion="d"))
        view.apply("assignments", "a", make.assignment("a", discussion="d", excerpt="other"))

        assert view.comments["a"].excerpt == "other"
        assert view.discussions == {"d": 1}


class TestBounds:
    def test_the_oldest_comments_go_first(self, view: View, make: Any) -> None:
        for n in range(12):
            view.apply("assignments", f"a{n}", make.assignment(f"a{n}", source="s"))

        assert list(view.comments) == [f"a{n}" for n in range(2, 12)]
        assert view.sources == {"s": 10}

    def test_old_ticks_are_thinned_and_the_first_is_kept(self, view: View, make: Any) -> None:
        for n in range(40):
            view.apply("pulse", str(n), make.pulse(n))

        ticks = [pulse.tick for pulse in view.pulses]
        assert ticks == [make.minute(n) for n in (0, 16, *range(32, 40))]

    def test_a_tick_said_again_takes_its_own_place(self, view: View, make: Any) -> None:
        view.apply("pulse", "0", make.pulse(0))
        view.apply("pulse", "1", make.pulse(1))
        view.apply("pulse", "0", make.pulse(0, idle=True))

        assert [pulse.idle for pulse in view.pulses] == [True, False]

    def test_an_event_delivered_twice_is_one(self, view: View, make: Any) -> None:
        view.apply("lineage", "c1", make.event("e1"))
        view.apply("lineage", "c1", make.event("e1"))

        assert list(view.lineage) == ["e1"]

    def test_ended_clusters_are_capped_and_live_ones_are_not(self, view: View, make: Any) -> None:
        for n in range(5):
            view.apply("clusters", f"c{n}", make.cluster(f"c{n}", state="faded", tick=make.minute(n)))
            view.apply("clusters", f"d{n}", make.cluster(f"d{n}"))

        assert sorted(view.clusters) == ["c3", "c4", "d0", "d1", "d2", "d3", "d4"]

    @given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=80))
    def test_counts_by_discussion_are_those_of_the_kept_comments(self, steps: list[tuple[int, bool]]) -> None:
        from tests.streams.web.conftest import Make

        make, view = Make(), View(WebSettings(comments=5, judgements=2, ticks=2, events=2, ended=2))
        for n, is_kept in steps:
            comment = make.assignment(f"a{n}", discussion=f"d{n % 3}") if is_kept else None
            view.apply("assignments", f"a{n}", comment)

        counted = {f"d{n}": 0 for n in range(3)}
        for comment in view.comments.values():
            counted[comment.discussion] += 1
        assert dict(view.discussions) == {name: count for name, count in counted.items() if count}


def test_two_who_read_the_partitions_in_another_order_keep_the_same(make: Any) -> None:
    def said(partition: int, n: int) -> Any:
        name = f"a{partition}{n % 9}"
        comment = make.assignment(name, source=f"s{n}") if (partition, n) != (1, 16) else None
        return ("assignments", name, comment, 7.0 * n, (partition, n))

    records = [[said(partition, n) for n in range(20)] for partition in range(2)]
    kept = []
    for order in (
        [*records[0], *records[1]],
        [*records[1], *records[0]],
        sorted(records[0] + records[1], key=lambda record: record[3]),
    ):
        view = View(WebSettings(comments=10, judgements=2, ticks=2, events=2, ended=2))
        for record in order:
            view.apply(*record)
        kept.append((view.comments, view.sources))

    assert kept[0] == kept[1] == kept[2]
    assert len(kept[0][0]) == 9, "and one that was taken back"


class TestAlarms:
    def alarm(self, make: Any, minute: int, state: Any) -> Drift:
        return Drift(measure="share_shift", at=make.minute(minute), state=state, value=0.5)

    def test_an_alarm_stands_until_its_all_clear(self, view: View, make: Any) -> None:
        view.apply("drift", "share_shift", self.alarm(make, 1, "alarm"))
        standing = view.open_alarms()
        view.apply("drift", "share_shift", self.alarm(make, 5, "clear"))

        assert [alarm.at for alarm in standing] == [make.minute(1)]
        assert view.open_alarms() == []

    def test_plain_values_are_no_alarms(self, view: View, make: Any) -> None:
        view.apply("drift", "share_shift", self.alarm(make, 1, "value"))

        assert view.open_alarms() == []
        assert view.alarms == {}


class TestMeasuresOfTargets:
    def told(self, make: Any, view: View, minute: int, value: float, measure: str = "balance") -> None:
        record = Drift(measure=measure, subject="pact", at=make.minute(minute), state="value", value=value)
        view.apply("drift", measure, record)

    def test_they_are_kept_by_the_time_of_the_judge_and_told_twice_count_once(
        self, view: View, make: Any
    ) -> None:
        for minute, value in ((1, 0.5), (2, -0.5), (2, -0.5)):
            self.told(make, view, minute, value)
        self.told(make, view, 2, 0.1, measure="share_change")

        assert view.of_targets == {"balance/pact": {make.minute(1): 0.5, make.minute(2): -0.5}}

    def test_the_oldest_go_first(self, make: Any) -> None:
        view = View(WebSettings(comments=5, judgements=2, ticks=2, events=2, ended=2))
        for minute in range(4):
            self.told(make, view, minute, minute / 10)

        assert list(view.of_targets["balance/pact"].values()) == pytest.approx([0.2, 0.3])


def test_listeners_hear_of_every_record(view: View, make: Any) -> None:
    heard: list[int] = []
    view.listeners.append(lambda: heard.append(view.version))

    view.apply("placements", "0-1", make.placement())
    view.apply("clusters", "c1", make.cluster())

    assert heard == [1, 2]
