"""*Discussion*: whether the conversation is changing, where to, and since when."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from agents.drift.measures import MEASURES
from streams.boards.panels import Query, board, graph, label_variable, listing, note, number, row
from streams.discussion_gauges import measure_metric

__all__ = ["discussion_board"]

LABELLED: Final = "* on (cluster) group_left (label) max by (cluster, label) (groundswell_cluster_info)"
CHOSEN: Final = '{cluster=~"$cluster"}'
TARGET: Final = '{target=~"$target"}'


def _of_cluster(metric: str) -> Query:
    return Query(f"max by (cluster) ({metric}{CHOSEN}) {LABELLED}", "{{label}}")


def _of_target(metric: str) -> Query:
    return Query(f"max by (target) ({metric}{TARGET})", "{{target}}")


def _whole(*measures: str) -> list[Query]:
    return [Query(f"max({measure_metric(name)})", name.replace("_", " ")) for name in measures]


def discussion_board() -> Dashboard:
    """Return the dashboard of the discussion."""
    new = board(
        "groundswell-discussion",
        "Groundswell: Discussion",
        "Is the conversation changing, where to, and since when?",
        "now-30m",
    )
    new = new.with_variable(label_variable("cluster", "Topic", "groundswell_cluster_info"))
    new = new.with_variable(label_variable("target", "Target", "groundswell_target_info"))
    new = new.annotation(
        note(
            "Drift alarms",
            "sum by (measure) (increase(groundswell_drift_alarms_total[$__rate_interval])) > 0",
            "red",
        )
    )
    new = new.annotation(
        note(
            "Topics",
            "sum by (event) (increase(groundswell_lineage_events_total[$__rate_interval])) > 0",
            "blue",
        )
    )
    for part in (_well, _talk, _drift, _stance):
        new = part(new)
    return new


def _well(new: Dashboard) -> Dashboard:
    panels = (
        number(
            "Alarms standing",
            "Is something changing right now? Drift alarms that have been raised and not cleared; 0 is calm.",
            "none",
            Query("sum(max by (measure, target) (groundswell_drift_alarm_standing))"),
            red_from=1,
        ),
        number(
            "Nearest to an alarm",
            "How close is the next alarm? The strongest detector, where 100 % raises its alarm.",
            "percentunit",
            Query("max(groundswell_drift_strength_ratio)"),
            red_from=1,
        ),
        number(
            "Event time",
            "Until when do the figures speak? The time of the comments that the chart has reached, "
            "not the clock.",
            "dateTimeAsIso",
            Query("max(groundswell_event_time_seconds) * 1000"),
        ),
        number(
            "Live topics",
            "How many things are being talked about?",
            "none",
            Query("max(groundswell_clusters_live)"),
        ),
        number(
            "Comments",
            "How many comments is all this read from?",
            "short",
            Query("max(groundswell_discussion_comments)"),
        ),
        number(
            "Unassigned",
            "How much of the newest tick is far from every topic? Much of it means that something "
            "new begins.",
            "percentunit",
            Query("max(groundswell_unassigned_ratio)"),
        ),
    )
    new = new.with_row(row("Is it changing?"))
    for panel in panels:
        new = new.with_panel(panel)
    return new


def _talk(new: Dashboard) -> Dashboard:
    new = new.with_row(row("What is being talked about"))
    new = new.with_panel(
        graph(
            "Shares of the topics",
            "What holds the discussion, and how does that flow? Faded weight of each topic as part "
            "of all; blue "
            "marks are topics that emerged, merged, split or faded, red ones drift alarms.",
            "percentunit",
            [_of_cluster("groundswell_cluster_share_ratio")],
            stacked=True,
            width=24,
        )
    )
    new = new.with_panel(
        listing(
            "Live topics",
            "Which topics are there, how large, and which of them grow? One row a topic; change is "
            "the share in "
            "the current window less that in the reference.",
            "short",
            [
                Query(f"max by (cluster) (groundswell_cluster_share_ratio{CHOSEN}) {LABELLED}", "Share"),
                Query(f"max by (cluster) ({measure_metric('share_change')}{CHOSEN})", "Change"),
                Query(f"max by (cluster) (groundswell_cluster_comments{CHOSEN})", "Comments"),
                Query(f"max by (cluster) (groundswell_cluster_weight_comments{CHOSEN})", "Weight"),
                Query(f"max by (cluster) ({measure_metric('cluster_displacement')}{CHOSEN})", "Moved"),
            ],
            by="cluster",
        )
    )
    graphs = (
        graph(
            "Comments of each tick",
            "When do people speak, and about what? Comments that the newest tick of event time "
            "brought, by topic.",
            "short",
            [
                _of_cluster("groundswell_cluster_tick_comments"),
                Query("max(groundswell_tick_comments)", "all comments"),
            ],
        ),
        graph(
            "What emerged and faded",
            "How many topics have emerged, merged, split and faded since the workers began?",
            "none",
            [Query("sum by (event) (groundswell_lineage_events_total)", "{{event}}")],
        ),
        graph(
            "Who grows, who shrinks",
            "Which topics win and which lose? Share in the current window less that in the reference.",
            "percentunit",
            [_of_cluster(measure_metric("share_change"))],
        ),
        graph(
            "Novelty of the newest comments",
            "Is what is said new? Comments of the newest tick by their distance to all that was "
            "known, in tenths: "
            "0.0 is a repetition, 0.9 was never heard.",
            "short",
            [Query("max by (tenth) (groundswell_novelty_comments)", "from {{tenth}}")],
            stacked=True,
        ),
    )
    for panel in graphs:
        new = new.with_panel(panel)
    return new


def _drift(new: Dashboard) -> Dashboard:
    new = new.with_row(row("Drift: is it changing, and in what?"))
    graphs = (
        graph(
            "How near to an alarm",
            "Which measure is rising, and when was it too much? Each detector's sum of excess as part of its "
            "threshold: at the line it raises its alarm, then it begins anew.",
            "percentunit",
            [Query("max by (measure, target) (groundswell_drift_strength_ratio)", "{{measure}} {{target}}")],
            line_at=1,
        ),
        graph(
            "Alarms standing",
            "Since when does which alarm stand? 1 from the alarm to its all-clear.",
            "none",
            [Query("max by (measure, target) (groundswell_drift_alarm_standing)", "{{measure}} {{target}}")],
        ),
        graph(
            "Distance to the reference",
            "How far is the discussion from what it was? " + MEASURES["share_shift"].sentence,
            "none",
            _whole("share_shift", "mmd", "displacement"),
        ),
        graph(
            "New, and did it stay?",
            "Is what people turn to new, and does it last? Novelty looks back; transience and "
            "resonance speak of "
            "two windows ago; resonance above 0 has stayed.",
            "none",
            _whole("novelty", "transience", "resonance"),
        ),
        graph(
            "How spread out",
            "Does the discussion gather on few topics or fall apart into many? "
            + MEASURES["effective_clusters"].sentence,
            "none",
            _whole("entropy", "effective_clusters"),
        ),
        graph(
            "Life of topics",
            "How fast do topics come and go? Events per hour of event time over the current window.",
            "none",
            _whole("births", "fades", "merges", "splits"),
        ),
        graph(
            "Topics whose content moves",
            "Which topic changes what is said in it? " + MEASURES["cluster_displacement"].sentence,
            "none",
            [_of_cluster(measure_metric("cluster_displacement"))],
        ),
        graph(
            "Alarms so far",
            "How often has each measure raised an alarm since the workers began?",
            "none",
            [Query("sum by (measure) (groundswell_drift_alarms_total)", "{{measure}}")],
        ),
    )
    for panel in graphs:
        new = new.with_panel(panel)
    return new


def _stance(new: Dashboard) -> Dashboard:
    new = new.with_row(row("Stance: where do people stand, and does it move?"))
    graphs = (
        graph(
            "Balance",
            "Who has the upper hand? " + MEASURES["balance"].sentence,
            "none",
            [_of_target(measure_metric("balance"))],
        ),
        graph(
            "Shift",
            "Does opinion move? " + MEASURES["stance_shift"].sentence,
            "none",
            [_of_target(measure_metric("stance_shift"))],
        ),
        graph(
            "Polarisation",
            "Do people split into two camps? " + MEASURES["polarisation"].sentence,
            "none",
            [_of_target(measure_metric("polarisation"))],
        ),
        graph(
            "Polarisation against the reference",
            "Is the split deepening? " + MEASURES["polarisation_change"].sentence,
            "none",
            [_of_target(measure_metric("polarisation_change"))],
        ),
        graph(
            "Comments by side",
            "How many have taken which side? Judgements so far; none are those that take neither.",
            "short",
            [Query(f"max by (target, side) (groundswell_stance_comments{TARGET})", "{{target}}: {{side}}")],
            width=24,
        ),
    )
    for panel in graphs:
        new = new.with_panel(panel)
    return new.with_panel(
        listing(
            "Targets",
            "What do the targets' ids stand for? None are listed while none is configured.",
            "none",
            [Query("max by (target, title) (groundswell_target_info)", "Configured")],
            by="target",
        )
    )
