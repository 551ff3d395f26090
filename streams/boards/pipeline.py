"""*Pipeline*: whether comments come through, how fast, and what is lost on the way."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from streams.boards.panels import Query, board, graph, listing, number, row

__all__ = ["pipeline_board"]


def _quantiles(metric: str, by: str = "") -> list[Query]:
    labels, legend = (f"{by}, le", f"{{{{{by}}}}} ") if by else ("le", "")
    return [
        Query(
            f"histogram_quantile({part}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))",
            f"{legend}{name}",
        )
        for part, name in ((0.5, "half"), (0.95, "95 %"))
    ]


def pipeline_board() -> Dashboard:
    """Return the dashboard of the pipeline."""
    new = board(
        "groundswell-pipeline",
        "Groundswell: Pipeline",
        "Do the comments come through, how fast, and what is lost on the way?",
        "now-30m",
    )
    for part in (_well, _flow, _lag, _state):
        new = part(new)
    return new


def _well(new: Dashboard) -> Dashboard:
    new = new.with_row(row("Is all well?"))
    panels = (
        number(
            "Workers",
            "How many workers answer?",
            "none",
            Query('sum(up{job="groundswell"})'),
            red_below=1,
        ),
        number(
            "Ready",
            "How many of them have their model and their partitions?",
            "none",
            Query("sum(groundswell_ready)"),
            red_below=1,
        ),
        number(
            "Chart owners",
            "Does exactly one worker draw the chart?",
            "none",
            Query("sum(groundswell_chart_owner)"),
            red_below=1,
            red_from=2,
        ),
        number(
            "Behind by",
            "For how long has the oldest comment waited? 0 where none waits.",
            "s",
            Query("max(groundswell_lag_seconds)"),
        ),
        number(
            "Rejected",
            "How much of what is fed can't be used?",
            "percentunit",
            Query(
                "sum(rate(groundswell_rejected_total[$__rate_interval])) "
                '/ (sum(rate(groundswell_comments_total{stage="embed"}[$__rate_interval])) > 0) or vector(0)'
            ),
        ),
        number(
            "Discussion at rest",
            "Does event time stand still because every partition is silent? 1 is yes.",
            "none",
            Query("max(groundswell_idle)"),
        ),
    )
    for panel in panels:
        new = new.with_panel(panel)
    return new


def _flow(new: Dashboard) -> Dashboard:
    new = new.with_row(row("How many, how fast?"))
    graphs = (
        graph(
            "Comments a second",
            "How many comments does each stage get through?",
            "cps",
            [Query("sum by (stage) (rate(groundswell_comments_total[$__rate_interval]))", "{{stage}}")],
        ),
        graph(
            "What became of them",
            "Are comments placed, left unassigned, corrected, or turned away?",
            "cps",
            [
                Query(
                    "sum by (stage, outcome) (rate(groundswell_comments_total[$__rate_interval]))",
                    "{{stage}}: {{outcome}}",
                )
            ],
            stacked=True,
        ),
        graph(
            "Latency by stage",
            "Which stage takes long? Time over one batch, from its arrival to its confirmed emissions.",
            "s",
            _quantiles("groundswell_stage_duration_seconds", "stage"),
        ),
        graph(
            "Latency end to end",
            "How long until a comment has its place? From its record on Kafka to its confirmed "
            "assignment; a replay "
            "counts the time that comments lay waiting.",
            "s",
            _quantiles("groundswell_end_to_end_seconds"),
        ),
        graph(
            "Encoder: time of a call",
            "Is the model what holds things up?",
            "s",
            _quantiles("groundswell_encoder_duration_seconds"),
        ),
        graph(
            "Encoder: comments in a call",
            "Are batches full? Small ones under load mean that another stage holds back.",
            "short",
            [
                Query(
                    "sum(rate(groundswell_encoder_batch_comments_sum[$__rate_interval])) "
                    "/ sum(rate(groundswell_encoder_batch_comments_count[$__rate_interval]))",
                    "mean",
                )
            ],
        ),
        graph(
            "Rejected by reason",
            "What is wrong with what can't be used? All since the workers began.",
            "short",
            [Query("sum by (reason) (groundswell_rejected_total)", "{{reason}}")],
        ),
        graph(
            "Late comments",
            "How many came after their tick had closed? They count in a later one.",
            "short",
            [Query("sum(groundswell_late_comments_total)", "late")],
        ),
    )
    for panel in graphs:
        new = new.with_panel(panel)
    return new


def _lag(new: Dashboard) -> Dashboard:
    new = new.with_row(row("How far behind?"))
    graphs = (
        graph(
            "Lag in messages",
            "Where do messages pile up? Messages between the workers and the end of each topic.",
            "short",
            [Query("sum by (topic) (groundswell_lag_messages)", "{{topic}}")],
        ),
        graph(
            "Lag in seconds",
            "How old is what waits? How long the oldest message of each topic that is not worked through has "
            "waited, 0 where none does.",
            "s",
            [Query("max by (topic) (groundswell_lag_seconds)", "{{topic}}")],
        ),
    )
    for panel in graphs:
        new = new.with_panel(panel)
    return new


def _state(new: Dashboard) -> Dashboard:
    new = new.with_row(row("What is kept, and is it safe?"))
    graphs = (
        graph(
            "Micro-clusters",
            "How large is the state? Live micro-clusters of all partitions; the ceiling is a setting.",
            "short",
            [Query("max(groundswell_micro_clusters_live)", "micro-clusters")],
        ),
        graph(
            "Memory",
            "Does a worker grow? The processes that ASSIGN and CHART think in come on top.",
            "bytes",
            [Query('process_resident_memory_bytes{job="groundswell"}', "{{instance}}")],
        ),
        graph(
            "Size of checkpoints",
            "Does a checkpoint come near the broker's message limit? The largest of each agent.",
            "bytes",
            [Query("max by (agent) (groundswell_checkpoint_size_bytes)", "{{agent}}")],
        ),
        graph(
            "Age of checkpoints",
            "How much work would a crash repeat? The oldest of each agent; while nothing comes, none "
            "is written.",
            "s",
            [Query("max by (agent) (time() - groundswell_checkpoint_timestamp_seconds)", "{{agent}}")],
        ),
        graph(
            "Rebalances",
            "Do workers join and leave? New distributions of the partitions since the workers began.",
            "none",
            [Query("sum by (instance) (groundswell_rebalances_total)", "{{instance}}")],
            width=24,
        ),
    )
    for panel in graphs:
        new = new.with_panel(panel)
    return new.with_panel(
        listing(
            "What runs",
            "Which version, on which Python, with which settings and models? Workers that differ in version "
            "or settings should not share a deployment.",
            "none",
            [
                Query("max by (instance, version, python, settings) (groundswell_build_info)", "Build"),
                Query("max by (instance, task, model) (groundswell_model_info)", "Model"),
            ],
            by="instance",
        )
    )
