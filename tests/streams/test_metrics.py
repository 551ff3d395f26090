"""The metrics: names, closed labels, bounded cardinality, series that go."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from agents.drift.measures import MEASURES
from agents.errors import REASONS
from agents.records import Pulse, Slice
from streams.discussion_gauges import MAX_CLUSTERS, MAX_TARGETS, Slots, measure_metric
from streams.metrics import OUTCOMES, STAGES, Metrics

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), targets={"pact": "A pact"})


def a_pulse(**changes: object) -> Pulse:
    fields: dict[str, object] = {
        "tick": NOON,
        "comments": 8,
        "unassigned": 2,
        "total": 300,
        "n_micros": 7,
        "n_clusters": 2,
        "clusters": (
            Slice(id="c1", label="old news", share=0.75, weight=60.0, count=200, in_tick=5),
            Slice(id="c2", label="new news", share=0.25, weight=20.0, count=100, in_tick=1),
        ),
    }
    return Pulse(**(fields | changes))  # type: ignore[arg-type]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def labels_of(metrics: Metrics, label: str) -> set[str]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        sample.labels[label] for family in families for sample in family.samples if label in sample.labels
    }


def test_every_closed_label_stands_at_zero_from_the_start(metrics: Metrics) -> None:
    for stage in STAGES:
        for outcome in OUTCOMES:
            assert value(metrics, "groundswell_comments_total", stage=stage, outcome=outcome) == 0
        assert value(metrics, "groundswell_stage_duration_seconds_count", stage=stage) == 0
    for reason in REASONS:
        assert value(metrics, "groundswell_rejected_total", reason=reason) == 0
    assert value(metrics, "groundswell_drift_alarms_total", measure="share_shift") == 0
    assert value(metrics, "groundswell_lineage_events_total", event="split") == 0


@pytest.mark.parametrize(
    "misuse",
    [
        lambda metrics: metrics.accepted("nowhere", "new"),
        lambda metrics: metrics.accepted("embed", "great"),
        lambda metrics: metrics.rejected("bad mood"),
        lambda metrics: metrics.lineage("exploded"),
        lambda metrics: metrics.alarm("entropy"),
        lambda metrics: metrics.lag("assignments", 0, 1, 1.0),
    ],
)
def test_a_word_outside_its_closed_set_raises_at_once(metrics: Metrics, misuse: object) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        misuse(metrics)  # type: ignore[operator]


def test_a_rejection_counts_by_reason_and_as_an_outcome_of_its_stage(metrics: Metrics) -> None:
    metrics.rejected("not_json", n=2)

    assert value(metrics, "groundswell_rejected_total", reason="not_json") == 2
    assert value(metrics, "groundswell_comments_total", stage="embed", outcome="rejected") == 2


def test_only_the_owner_of_the_chart_shows_the_discussion(metrics: Metrics) -> None:
    metrics.pulse(a_pulse())

    assert value(metrics, "groundswell_clusters_live") is None

    metrics.chart_owned(True)
    metrics.pulse(a_pulse())

    assert value(metrics, "groundswell_clusters_live") == 2
    assert value(metrics, "groundswell_event_time_seconds") == NOON.timestamp()
    assert value(metrics, "groundswell_unassigned_ratio") == 2 / 8
    assert value(metrics, "groundswell_cluster_info", cluster="c2", label="new news") == 1

    metrics.chart_owned(False)

    assert value(metrics, "groundswell_clusters_live") is None
    assert labels_of(metrics, "cluster") == set()


def test_ticks_that_a_restarted_chart_tells_again_neither_show_nor_count(metrics: Metrics) -> None:
    metrics.chart_owned(True)
    before = a_pulse(tick=NOON - timedelta(minutes=1), n_clusters=1, late=5)
    metrics.pulse(before)
    metrics.pulse(a_pulse(late=2))
    metrics.chart_owned(False)
    metrics.chart_owned(True)

    metrics.pulse(before)

    assert value(metrics, "groundswell_clusters_live") == 2
    assert value(metrics, "groundswell_late_comments_total") == 7


def test_late_comments_of_a_tick_that_goes_on_after_a_pause_count_once(metrics: Metrics) -> None:
    for late in (2, 2, 3):
        metrics.pulse(a_pulse(late=late))

    assert value(metrics, "groundswell_late_comments_total") == 3


def test_a_faded_cluster_loses_its_series_with_the_next_pulse(metrics: Metrics) -> None:
    metrics.chart_owned(True)
    metrics.pulse(a_pulse())
    heavy = a_pulse().clusters[:1]

    metrics.pulse(a_pulse(clusters=heavy, n_clusters=1))

    assert labels_of(metrics, "cluster") == {"c1"}


def test_five_thousand_clusters_never_show_more_than_the_cap_and_other(metrics: Metrics) -> None:
    metrics.chart_owned(True)
    n = 5000

    for made in range(500, n + 1, 500):
        shares = [1 / (1 + (number * 7919) % made) for number in range(made)]
        total = sum(shares)
        metrics.pulse(
            a_pulse(
                clusters=tuple(
                    Slice(id=f"c{number}", label=f"l{number}", share=share / total, weight=share, count=1)
                    for number, share in enumerate(shares)
                ),
                measures={f"cluster_displacement/c{number}": 0.1 for number in range(made)},
            )
        )
        seen = labels_of(metrics, "cluster")

        assert len(seen) == MAX_CLUSTERS + 1
        assert "other" in seen
        assert len(labels_of(metrics, "label")) <= MAX_CLUSTERS + 1
        held = sum(
            value(metrics, "groundswell_cluster_share_ratio", cluster=cluster) or 0.0 for cluster in seen
        )
        assert held == pytest.approx(1.0)


def test_targets_beyond_the_cap_add_up_as_other(metrics: Metrics) -> None:
    metrics.chart_owned(True)
    n_targets = MAX_TARGETS + 5

    metrics.pulse(
        a_pulse(
            sides_total={
                f"t{number:02}": {"favor": 100 - number, "against": 1} for number in range(n_targets)
            },
            strengths={f"stance_shift/t{number:02}": number / 100 for number in range(n_targets)},
        )
    )

    favor_of_the_last_five = sum(100 - number for number in range(MAX_TARGETS, n_targets))
    assert (
        value(metrics, "groundswell_stance_comments", target="other", side="favor") == favor_of_the_last_five
    )
    strongest_of_them = (n_targets - 1) / 100
    assert (
        value(metrics, "groundswell_drift_strength_ratio", measure="stance_shift", target="other")
        == strongest_of_them
    )


def test_a_standing_alarm_shows_until_its_all_clear(metrics: Metrics) -> None:
    metrics.chart_owned(True)

    metrics.pulse(a_pulse(alarms=("share_shift", "stance_shift/pact"), strengths={"share_shift": 1.5}))

    name = "groundswell_drift_alarm_standing"
    assert value(metrics, name, measure="share_shift", target="") == 1
    assert value(metrics, name, measure="stance_shift", target="pact") == 1
    assert value(metrics, name, measure="mmd", target="") == 0

    metrics.pulse(a_pulse(strengths={"stance_shift/pact": 0.2}))

    assert value(metrics, name, measure="share_shift", target="") == 0
    assert value(metrics, name, measure="stance_shift", target="pact") == 0


def test_every_measure_has_a_gauge_of_its_own(metrics: Metrics) -> None:
    metrics.chart_owned(True)
    subjects = {None: "", "cluster": "/c1", "target": "/pact"}

    metrics.pulse(
        a_pulse(measures={name + subjects[of.subject]: 0.5 for name, of in MEASURES.items()}),
    )

    for name, of in MEASURES.items():
        labels = {} if of.subject is None else {of.subject: subjects[of.subject].strip("/")}
        assert value(metrics, measure_metric(name), **labels) == 0.5


def test_a_revoked_partition_takes_its_lag_and_checkpoint_with_it(metrics: Metrics) -> None:
    for partition in (3, 4):
        metrics.lag("embedded", partition, 12, 3.5)
        metrics.checkpoint("assign", partition, 9000, 1000.0)

    metrics.partition_revoked("embedded", 3)
    metrics.partition_revoked("embedded", 3)

    assert labels_of(metrics, "partition") == {"4"}
    of_the_other = {"stage": "assign", "topic": "embedded", "partition": "4"}
    assert value(metrics, "groundswell_lag_seconds", **of_the_other) == 3.5


def test_a_slot_is_kept_until_another_weighs_twice_as_much() -> None:
    slots = Slots(1)

    assert slots.choose({"a": 10.0, "b": 9.0}) == {"a"}
    assert slots.choose({"a": 10.0, "b": 20.0}) == {"a"}
    assert slots.choose({"a": 10.0, "b": 20.5}) == {"b"}
    assert slots.choose({"a": 10.0}) == {"a"}


def test_names_carry_base_units_and_help_is_a_sentence(metrics: Metrics) -> None:
    ours = [family for family in metrics.registry.collect() if family.name.startswith("groundswell_")]

    for family in ours:
        assert family.documentation.endswith("."), family.name
        assert family.documentation[0].isupper(), family.name
        assert "millisecond" not in family.name
    assert len({family.name for family in ours}) == len(ours)


@pytest.mark.prometheus
def test_promtool_finds_nothing_to_say_about_the_metrics(metrics: Metrics) -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "install Debian's package `prometheus`"
    metrics.chart_owned(True)
    metrics.lag("embedded", 0, 1, 0.1)
    metrics.checkpoint("assign", 0, 1, 1.0)
    metrics.build("0.1.0", "12ab34cd")
    metrics.model("embedding", "all-MiniLM-L6-v2")
    metrics.pulse(a_pulse(measures={"share_shift": 0.1}, sides_total={"pact": {"favor": 1}}))

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=metrics.exposition(), capture_output=True, check=False
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
