"""The kinds of panel that the dashboards are made of: a number, a graph, a table.

Every panel has a title, a description that says which question it answers, a unit, and reads from the
data source that the viewer chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

__all__ = ["DATASOURCE", "Query", "board", "graph", "label_variable", "listing", "note", "number", "row"]

DATASOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")

GREEN, RED, BLUE = "green", "red", "blue"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression and how its series are called; ``{{label}}`` stands for a label's value."""

    expression: str
    legend: str = ""


def number(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    red_from: float | None = None,
    red_below: float | None = None,
) -> stat.Panel:
    """Return a panel of one figure, coloured where it is not well."""
    steps = [dashboard.Threshold(value=None, color=RED if red_below is not None else GREEN)]
    if red_below is not None:
        steps.append(dashboard.Threshold(value=red_below, color=GREEN))
    if red_from is not None:
        steps.append(dashboard.Threshold(value=red_from, color=RED))
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .thresholds(builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.AREA)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(query))
        .height(4)
        .span(4)
    )


def graph(
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Query],
    *,
    stacked: bool = False,
    line_at: float | None = None,
    width: int = 12,
) -> timeseries.Panel:
    """Return a panel of lines over time; stacked ones are filled, ``line_at`` draws a threshold."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .fill_opacity(60 if stacked else 8)
        .line_width(1)
        .height(8)
        .span(width)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if line_at is not None:
        steps = [dashboard.Threshold(value=None, color=GREEN), dashboard.Threshold(value=line_at, color=RED)]
        panel = panel.thresholds(
            builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
        ).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.LINE)
        )
    for at, query in enumerate(queries):
        panel = panel.with_target(_target(query, at))
    return panel


def listing(title: str, description: str, unit: str, columns: Sequence[Query], *, by: str) -> table.Panel:
    """Return a table of the newest values, one row for each value of the label ``by``."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .height(10)
        .span(24)
    )
    for at, query in enumerate(columns):
        panel = panel.with_target(_target(query, at).instant().format(PromQueryFormat.TABLE))
        panel = panel.override_by_name(
            f"Value #{_ref(at)}",
            [dashboard.DynamicConfigValue(id_val="displayName", value=query.legend)],
        )
    return panel.with_transformation(
        dashboard.DataTransformerConfig(id_val="joinByField", options={"byField": by, "mode": "outer"})
    ).with_transformation(
        dashboard.DataTransformerConfig(
            id_val="filterFieldsByName",
            options={
                "include": {"pattern": f"^({by}|label|title|.*version|model|task|python|settings|Value.*)$"}
            },
        )
    )


def row(title: str) -> builders.Row:
    """Return the heading of a row."""
    return builders.Row(title)


def note(name: str, expression: str, color: str) -> builders.AnnotationQuery:
    """Return marks on every graph wherever the expression has a value."""
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)
        .hide(False)
        .icon_color(color)
        .expr(expression)
    )


def board(uid: str, title: str, description: str, since: str) -> builders.Dashboard:
    """Return an empty dashboard with its choice of data source."""
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["groundswell"])
        .timezone("utc")
        .time(since, "now")
        .refresh("5s")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )


def label_variable(name: str, label: str, metric: str) -> builders.QueryVariable:
    """Return a choice among the values of a label, all of them at first."""
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(f"label_values({metric}, {name})")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    )


def _target(query: Query, at: int = 0) -> Any:
    return (
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .expr(query.expression)
        .legend_format(query.legend or "__auto")
        .ref_id(_ref(at))
    )


def _ref(at: int) -> str:
    return chr(ord("A") + at)
