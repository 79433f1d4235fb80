"""The house's forms of panels: what all lines, numbers, heatmaps and log panels have in common.

A panel says three things in its description: what it shows, what is normal, what to do when it is not.
"""

import json
from urllib.parse import quote

from grafana_foundation_sdk.builders import common, heatmap, logs, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.builders.dashboard import Panel as AnyPanel
from grafana_foundation_sdk.builders.heatmap import HeatmapTooltip, YAxisConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    AxisPlacement,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LogsDedupStrategy,
    LogsSortOrder,
    SortOrder,
    StackingMode,
    TableAutoCellOptions,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)

from grafana.dashboards.queries import JAEGER, LINES, LOKI, PROMETHEUS

#: (from this value on, colour); the first one is green, from minus infinity.
Steps = tuple[tuple[float, str], ...]


def lines(title: str, text: str, unit: str, *queries: Builder[Dataquery]) -> timeseries.Panel:
    """Lines over time, from zero, with every series in the tooltip and a link to the log lines of that time."""
    panel = timeseries.Panel().title(title).description(text).datasource(PROMETHEUS).unit(unit).min(0)
    panel = panel.line_width(1).fill_opacity(8).show_points(VisibilityMode.NEVER).targets(list(queries))
    panel = panel.legend(_legend()).tooltip(_tooltip()).links([log_lines_link()])
    return panel.axis_soft_max(1 if unit == "short" else 0)


def bars(title: str, text: str, *queries: Builder[Dataquery]) -> timeseries.Panel:
    """What happened in each step, by kind, on top of each other; kinds that did not happen are left out."""
    panel = lines(title, text, "short", *queries).draw_style(GraphDrawStyle.BARS).line_width(0).fill_opacity(80)
    return stacked(panel).no_value("None in this time")


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """The series on top of each other: for parts of a whole."""
    return panel.stacking(common.StackingConfig().group("A").mode(StackingMode.NORMAL))


def limit(panel: timeseries.Panel, value: float) -> timeseries.Panel:
    """Draws the limit at which somebody is called."""
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(thresholds(((value, "red"),))).thresholds_style(style)


def on_the_right(panel: timeseries.Panel, series: str, unit: str) -> timeseries.Panel:
    """Gives one series its own unit and its own axis."""
    properties = [
        DynamicConfigValue(id_val="unit", value=unit),
        DynamicConfigValue(id_val="custom.axisPlacement", value=AxisPlacement.RIGHT),
    ]
    return panel.override_by_name(series, properties)


def number(title: str, text: str, unit: str, steps: Steps, *queries: Builder[Dataquery]) -> stat.Panel:
    """The latest value, large, coloured by the steps, with its recent course behind it."""
    panel = stat.Panel().title(title).description(text).datasource(PROMETHEUS).unit(unit).targets(list(queries))
    panel = panel.thresholds(thresholds(steps)).color_mode(BigValueColorMode.BACKGROUND)
    return panel.graph_mode(BigValueGraphMode.AREA).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def heat(title: str, text: str, unit: str, query: Builder[Dataquery]) -> heatmap.Panel:
    """A histogram over time; its dots, where there are some, are exemplars that lead to traces."""
    panel = heatmap.Panel().title(title).description(text).datasource(PROMETHEUS).targets([query])
    panel = panel.y_axis(YAxisConfig().unit(unit)).unit(unit)
    return panel.tooltip(HeatmapTooltip().mode(TooltipDisplayMode.SINGLE).y_histogram(True))


def log_lines(title: str, text: str, query: Builder[Dataquery]) -> logs.Panel:
    """Log lines, the latest first; a line's trace id is a link to the trace."""
    panel = logs.Panel().title(title).description(text).datasource(LOKI).targets([query])
    panel = panel.show_time(True).show_labels(False).show_common_labels(False).wrap_log_message(False)
    panel = panel.prettify_log_message(False).enable_log_details(True).show_log_context_toggle(True)
    return panel.sort_order(LogsSortOrder.DESCENDING).dedup_strategy(LogsDedupStrategy.NONE)


def traces(title: str, text: str, query: Builder[Dataquery]) -> table.Panel:
    """Traces as a table, each a link to its spans."""
    panel = table.Panel().title(title).description(text).datasource(JAEGER).targets([query]).unit("none")
    return panel.show_header(True).cell_options(TableAutoCellOptions())


def alerts(title: str, text: str, name: str) -> AnyPanel:
    """Firing and pending alerts of Prometheus's rules whose name contains `name`; it asks no query of its own."""
    return AnyPanel().type("alertlist").title(title).description(text).options(_alert_options(name))


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Green, then the given colours from the given values on."""
    every = [Threshold(color="green"), *(Threshold(value=value, color=color) for value, color in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(every)


def leads_to(panel: stat.Panel, board: str, title: str) -> stat.Panel:
    """A number is a door: it opens the board of its subject, with the same time and the same instances."""
    address = f"/d/heliograph-{board}/{board}?${{__url_time_range}}&${{job:queryparam}}&${{instance:queryparam}}"
    return panel.links([DashboardLink(title).url(address).target_blank(False)])


def log_lines_link() -> DashboardLink:
    """Opens the chosen instances' log lines of the time that is shown."""
    lines = LINES.replace("$instance", "${instance:regex}")  # an address would get several as {a,b}
    query = {"refId": "A", "expr": lines, "datasource": {"type": "loki", "uid": "${loki}"}}
    pane = {"datasource": "${loki}", "queries": [query], "range": {"from": "${__from}", "to": "${__to}"}}
    # Grafana fills variables before it reads the address, so their signs stay as they are.
    panes = quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="${}:,[]")
    return DashboardLink("Log lines of this time").url(f"/explore?schemaVersion=1&panes={panes}").target_blank(True)


def _legend() -> common.VizLegendOptions:
    options = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return options.show_legend(True).calcs([])


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)


def _alert_options(name: str) -> dict[str, object]:
    states = dict.fromkeys(("firing", "pending", "recovering", "error", "noData"), True) | {"normal": False}
    return {
        "alertInstanceLabelFilter": "",
        "alertName": name,
        "dashboardAlerts": False,
        "datasource": "Prometheus",
        "folder": None,
        "groupBy": [],
        "groupMode": "default",
        "maxItems": 20,
        "showInactiveAlerts": False,
        "showInstances": True,
        "sortOrder": 3,
        "stateFilter": states,
        "viewMode": "list",
    }
