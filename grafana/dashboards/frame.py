"""Around the panels: variables, annotations, links, and how panels get their places."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    TextBoxVariable,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.table import Options as TableOptions

from grafana.dashboards.queries import PROMETHEUS, of, prometheus

#: One line of a board: (id of the panel, panel, width of 24, height). An id is never given to another panel.
Place = tuple[int, Builder[models.Panel], int, int]
GRID = 24
#: The rules of alerts/rules, by what they record and the limit at which they call.
LIMITS = {
    "Error rate": "instance:heliograph_errors_per_request:ratio_rate5m{} > bool 0.01",
    "P99 delivery latency": "instance:heliograph_message_delivery_seconds:p99_rate1m{} > bool 2",
    "Missed scrapes": "instance:heliograph_scrapes_missed:ratio_avg1m{} > bool 0.9",
    "Backlog": "instance:heliograph_backlog_per_connection:ratio_avg1m{} > bool 1.5",
}


def board(
    uid: str, title: str, description: str, places: Iterable[Place], *fields: Builder[models.VariableModel]
) -> models.Dashboard:
    """A board of the house: not editable, the last half hour, the same variables, annotations and links everywhere."""
    built = Dashboard(title).uid(uid).description(description).tags(["heliograph"]).readonly()
    built = built.time("now-30m", "now").refresh("10s").timezone("browser")
    built = built.tooltip(models.DashboardCursorSync.CROSSHAIR).preload(False)
    built = built.variables([*_sources(), *_targets(), *fields]).annotations([_restarts(), *_calls()])
    finished = built.links([_other_boards(), _inbox()]).build()
    finished.panels = list(_placed(places))
    return _without_noise(finished)


def _without_noise(built: models.Dashboard) -> models.Dashboard:
    """Takes out what the SDK always writes and Grafana 13 does not know."""
    for variable in (built.templating and built.templating.list_val) or []:
        variable.auto, variable.auto_count, variable.auto_min = None, None, None
    for panel in built.panels or []:
        if isinstance(panel, models.Panel) and isinstance(panel.options, TableOptions):
            panel.options.footer = None
    return built


def _placed(places: Iterable[Place]) -> Iterable[models.Panel]:
    """Fills rows from left to right; ids and the letters of the queries are set here, for they must not wander."""
    x = y = height = 0
    for number, builder, w, h in places:
        if x + w > GRID:
            x, y, height = 0, y + height, 0
        panel = builder.build()
        panel.id_val, panel.grid_pos = number, models.GridPos(x=x, y=y, w=w, h=h)
        panel.repeat_direction = None
        for letter, target in zip("ABCDEFGH", panel.targets or [], strict=False):
            target.ref_id = letter  # type: ignore[attr-defined]  # every query has one; the SDK's interface is empty
        x, height = x + w, max(height, h)
        yield panel


def _sources() -> Iterable[Builder[models.VariableModel]]:
    for kind, label in (("prometheus", "Prometheus"), ("loki", "Loki"), ("jaeger", "Jaeger")):
        chosen = models.VariableOption(selected=True, text=label, value=kind)
        yield DatasourceVariable(kind).label(label).type(kind).current(chosen).multi(False).include_all(False)


def _targets() -> Iterable[Builder[models.VariableModel]]:
    chosen = models.VariableOption(selected=True, text="heliograph", value="heliograph")
    yield _labels("job", "label_values(heliograph_build_info, job)").current(chosen)
    every = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    instance = _labels("instance", 'label_values(heliograph_build_info{job=~"$job"}, instance)').current(every)
    yield instance.multi(True).include_all(True).all_value(".+")


def connection_field() -> Builder[models.VariableModel]:
    """A field for the id of one connection; untouched it lets all pass."""
    return TextBoxVariable("connection").label("Connection").default_value(".+")


def _labels(name: str, query: str) -> QueryVariable:
    asked: dict[str, object] = {"qryType": 1, "query": query, "refId": f"variable-{name}"}
    variable = QueryVariable(name).label(name.capitalize()).datasource(PROMETHEUS).query(asked)
    return variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)


def _restarts() -> AnnotationQuery:
    """A line where a process started; its text is the version, so a deploy is told from a crash."""
    started = f"{of('process_start_time_seconds')} * 1000"
    version = f"on (job, instance) group_left (version) {of('heliograph_build_info')}"
    restarts = _annotation("Deploys and restarts", f"{started} * {version}", "blue").use_value_for_time(True)
    return restarts.title_format("Started").text_format("{{instance}} with version {{version}}").tag_keys("instance")


def _calls() -> Iterable[AnnotationQuery]:
    """A region for as long as an alert's condition holds; 0 is no region, so the query has an answer in quiet times."""
    for title, condition in LIMITS.items():
        name, comparison = condition.split("{}")
        call = _annotation(f"{title} above its limit", of(name) + comparison, "red")
        yield call.title_format(f"{title} above its limit").text_format("{{instance}}").tag_keys("instance")


def _annotation(name: str, expression: str, colour: str) -> AnnotationQuery:
    query = prometheus(expression, "").ref_id("Anno")
    return AnnotationQuery().name(name).datasource(PROMETHEUS).enable(True).icon_color(colour).target(query)


def _other_boards() -> DashboardLink:
    """The other boards, with the same time and the same instances."""
    boards = DashboardLink("Boards").type(models.DashboardLinkType.DASHBOARDS).tags(["heliograph"]).as_dropdown(True)
    return boards.include_vars(True).keep_time(True)


def _inbox() -> DashboardLink:
    inbox = DashboardLink("Inbox").type(models.DashboardLinkType.LINK).url("http://localhost:9099/")
    return inbox.tooltip("The pager's inbox: what fired, who was told").target_blank(True)
