"""Lint of the boards: the rules of grafana/dashboard-linter and of our house, restated."""

import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from grafana.questions import boards, questions
from tests import foreign
from tests.promql import names

BOARDS = boards()
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
QUERIES = questions()
#: Grafana's ids of the units that we use; a wrong one is shown as text, without an error.
UNITS = {"short", "none", "s", "d", "percentunit", "bytes", "Bps", "mps", "ops", "reqps"}
#: Panels that need neither a query nor a unit, with the reason.
WITHOUT_QUERY = {"alertlist": "asks Prometheus's rules API itself"}
WITHOUT_UNIT = WITHOUT_QUERY | {"logs": "shows lines"}

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
each_panel = pytest.mark.parametrize("panel", [panel for _, panel in PANELS], ids=[f"{n}-{p['id']}" for n, p in PANELS])
prometheus_queries = pytest.mark.parametrize(
    "question", [q for q in QUERIES if q.source == "prometheus"], ids=lambda q: q.where
)


@each_board
def test_a_board_has_its_address_and_cannot_be_edited(board):
    assert re.fullmatch(r"heliograph-[a-z-]+", board["uid"])
    assert board["editable"] is False
    assert board["tags"] == ["heliograph"]
    assert board["description"]
    assert "id" not in board, "Grafana gives ids"


def test_no_two_boards_share_an_address():
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@each_board
def test_the_data_sources_are_variables_and_refer_to_what_is_provisioned(board):
    sources = {v["name"]: v for v in board["templating"]["list"] if v["type"] == "datasource"}
    assert set(sources) == {"prometheus", "loki", "jaeger"}
    for kind, variable in sources.items():
        assert variable["query"] == kind
        assert variable["current"]["value"] == kind


@each_board
def test_job_and_instance_can_be_chosen_and_follow_the_time(board):
    chosen = {v["name"]: v for v in board["templating"]["list"] if v["type"] == "query"}
    assert set(chosen) == {"job", "instance"}
    assert all(v["refresh"] == 2 for v in chosen.values()), "not on a change of the time range"
    assert chosen["instance"]["multi"]
    assert chosen["instance"]["includeAll"]
    assert chosen["instance"]["allValue"] == ".+"


@each_board
def test_panels_do_not_overlap_and_have_ids_of_their_own(board):
    taken = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for cell in (
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ):
            assert taken.setdefault(cell, panel["id"]) == panel["id"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@each_panel
def test_a_panel_says_what_is_normal_and_what_to_do(panel):
    assert panel["title"]
    assert "Normal is" in panel["description"]
    assert len(panel["description"]) > 100
    assert panel["description"].endswith(".")


@each_panel
def test_a_panel_has_a_unit_that_grafana_knows(panel):
    if panel["type"] not in WITHOUT_UNIT:
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        changed = [p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "unit"]
        assert set(changed) <= UNITS


@each_panel
def test_a_panel_asks_the_data_source_that_it_names(panel):
    if panel["type"] in WITHOUT_QUERY:
        assert "targets" not in panel
        return
    assert panel["targets"]
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH"[: len(panel["targets"])])
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert panel["datasource"]["uid"] == f"${{{panel['datasource']['type']}}}"


@each_panel
def test_an_override_meets_a_series_of_its_panel(panel):
    legends = [target.get("legendFormat") for target in panel.get("targets", [])]
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        assert override["matcher"]["options"] in legends


@each_panel
def test_a_legend_names_only_labels_that_its_query_keeps(panel):
    for target in panel.get("targets", []):
        for label in re.findall(r"{{(\w+)}}", target.get("legendFormat", "")):
            assert re.search(rf"by \([^)]*\b{label}\b", target["expr"]), target["expr"]


@each_panel
def test_the_link_to_the_log_lines_is_an_address_that_explore_reads(panel):
    for link in panel.get("links", []):
        address = urlsplit(link["url"])
        if address.path != "/explore":
            continue
        panes = json.loads(parse_qs(address.query)["panes"][0])
        (pane,) = panes.values()
        assert pane["datasource"] == "${loki}"
        lines = '{service_name=~"$job"} | service_instance_id=~"${instance:regex}"'
        assert pane["queries"][0]["expr"] == lines
        assert (pane["range"]["from"], pane["range"]["to"]) == ("${__from}", "${__to}")
        assert "$job" in link["url"], "Grafana could not fill the variable"
        assert "${instance:regex}" in link["url"], "Grafana could not fill the variable"
        assert unquote(link["url"]) != link["url"]


@each_panel
def test_a_link_to_another_board_keeps_time_and_variables(panel):
    for link in panel.get("links", []):
        if link["url"].startswith("/d/"):
            uid, name = re.fullmatch(
                r"/d/([a-z-]+)/([a-z]+)\?\${__url_time_range}&\${job:queryparam}&\${instance:queryparam}", link["url"]
            ).groups()
            assert BOARDS[name]["uid"] == uid


def test_the_numbers_of_the_overview_open_the_boards_of_their_subjects():
    reached = {
        link["url"].split("?")[0].rpartition("/")[2]
        for panel in BOARDS["overview"]["panels"]
        for link in panel.get("links", [])
        if link["url"].startswith("/d/")
    }
    assert reached >= {"runtime", "slo", "broker", "messages", "backlog", "connections"}


#: Histograms whose buckets carry the trace of a sampled observation.
EXEMPLARS = {
    f"heliograph_{name}_seconds"
    for name in (
        "message_delivery", "message_receive", "publish", "fanout", "upgrade", "connect", "heartbeat_rtt",
        "broker_operation", "outside_call",
    )
}  # fmt: skip


@each_panel
def test_exemplars_are_asked_for_where_they_are_promised_and_exist(panel):
    dotted = [target["expr"] for target in panel.get("targets", []) if target.get("exemplar")]
    said = panel["description"].replace("no diamond", "")
    assert bool(dotted) == bool(re.search("diamonds|a dot is", said))
    for expression in dotted:
        assert re.findall(r"(heliograph_\w+)_bucket", expression)[0] in EXEMPLARS


def test_the_overview_fits_a_screen_and_answers():
    """24 rows of Grafana's grid are some 910 pixels: what a laptop shows without scrolling."""
    panels = BOARDS["overview"]["panels"]
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) <= 24
    assert {
        "Ready",
        "SLO state: burn rate of the last hour",
        "Errors",
        "P99 delivery",
        "Backlog per connection",
        "Connections",
        "Alerts",
    } <= {panel["title"] for panel in panels if panel["gridPos"]["y"] == 0}
    assert "Deploys and restarts" in [each["name"] for each in BOARDS["overview"]["annotations"]["list"]]


# Queries.


@prometheus_queries
def test_a_selector_has_job_and_instance(question):
    for selector in re.findall(r"(?<![\w:])(?:heliograph_\w+|process_\w+|instance:[\w:]+)({[^}]*})?", question.text):
        assert 'job=~"$job", instance=~"$instance"' in selector, question.text


#: What else may choose a series that is not of the service, for the board's variables do not.
OTHERS = {f'job="{job}"' for metric in foreign.FOREIGN.values() for job in (metric.job, metric.also)} | {
    'job=~".+"',  # one line for each part of the stack
    'service="heliograph"',  # ALERTS: some are about all instances together and have no job
}


@prometheus_queries
def test_a_series_of_another_part_is_chosen_by_that_part_s_job(question):
    known = "|".join(foreign.FOREIGN)
    for selector in re.findall(rf"(?<![\w:])(?:{known})({{[^}}]*}})?", question.text):
        assert any(other in selector for other in (*OTHERS, 'job=~"$job", instance=~"$instance"')), question.text


@prometheus_queries
def test_nothing_is_made_up_when_there_is_no_data(question):
    assert "vector(" not in question.text
    assert "absent" not in question.text


@prometheus_queries
def test_windows_follow_the_board_s_resolution(question):
    assert set(re.findall(r"\[([^\]]*)\]", question.text)) <= {"$__rate_interval"}, "rules record the other ones"


@prometheus_queries
def test_counters_stand_under_rate_or_increase_and_gauges_do_not(question):
    for metric in names(question.text)[0]:
        counted = re.search(r"_(total|bucket|sum|count)$", metric) is not None
        grown = re.findall(rf"(\w+)\({metric}{{", question.text)
        assert [name in {"rate", "increase"} for name in grown] == [True] * len(grown)
        assert bool(grown) is counted, metric


@pytest.mark.parametrize("question", [q for q in QUERIES if q.source == "loki"], ids=lambda q: q.where)
def test_log_queries_choose_the_instances_and_follow_the_resolution(question):
    chosen = '{service_name=~"$job"} | service_instance_id=~"$instance"'
    assert question.text.count(chosen) == question.text.count("{service_name") >= 1
    assert set(re.findall(r"\[([^\]]*)\]", question.text)) <= {"$__auto"}


#: Pages that mark no board: their panel on the board of causes shows when; each mark is one more query of every board.
UNMARKED = {
    "HeliographBacklogBytes",
    "HeliographReconnectStorm",
    "HeliographConnectionsCollapsed",
    "HeliographLoopBlocked",
    "HeliographCertificateUrgent",
    "HeliographBreakerOpen",
}


def test_the_limits_that_are_drawn_are_those_of_the_rules():
    import yaml

    from grafana.dashboards import causes
    from grafana.dashboards.backlog import BACKLOG_LIMIT
    from grafana.dashboards.broker import SLOW_LIMIT
    from grafana.dashboards.frame import LIMITS
    from grafana.dashboards.health import ERROR_LIMIT
    from grafana.dashboards.ledger import UNACCOUNTED_LIMIT
    from grafana.dashboards.messages import LATENCY_LIMIT
    from grafana.dashboards.runtime import CPU_LIMIT, FILES_LIMIT, MISSED_LIMIT, PAUSES_LIMIT, RESTARTS_LIMIT
    from grafana.questions import BOARDS as GENERATED

    rules = GENERATED.parents[1] / "alerts" / "rules"
    conditions, limits = {}, {}
    for path in rules.glob("*.yml"):
        for rule in (rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]):
            if "alert" in rule and rule["labels"]["slo"] != "telemetry" and "window" not in rule["labels"]:
                record, limit = re.match(r"([\w:]+)[ *\d]* [<>] ([\d.]+)", rule["expr"]).groups()
                limits[rule["alert"]] = float(limit)
                if rule["labels"]["severity"] == "critical" and rule["alert"] not in UNMARKED:
                    conditions[record] = float(limit)
    drawn = {record: float(limit) for record, limit in (text.split("{} > bool ") for text in LIMITS.values())}
    assert drawn == conditions
    assert limits == {
        "HeliographErrorRate": ERROR_LIMIT,
        "HeliographDeliveryLatencyP99": LATENCY_LIMIT,
        "HeliographBacklog": BACKLOG_LIMIT,
        "HeliographCpu": CPU_LIMIT,
        "HeliographFiles": FILES_LIMIT,
        "HeliographDown": MISSED_LIMIT,
        "HeliographRestarts": RESTARTS_LIMIT,
        "HeliographGcPauses": PAUSES_LIMIT,
        "HeliographBrokerSlow": SLOW_LIMIT,
        "HeliographHttp5xx": causes.HTTP_5XX_LIMIT,
        "HeliographMessagesDropped": causes.DROPPED_LIMIT,
        "HeliographFanoutLag": causes.FANOUT_LAG_LIMIT,
        "HeliographOldestUnsent": causes.OLDEST_LIMIT,
        "HeliographBacklogBytes": causes.BACKLOG_BYTES_LIMIT,
        "HeliographSlowReaders": causes.SLOW_READERS_LIMIT,
        "HeliographSlowReadersCut": causes.CUT_LIMIT,
        "HeliographReconnectStorm": causes.STORM_LIMIT,
        "HeliographConnectionsCollapsed": causes.COLLAPSE_LIMIT,
        "HeliographConnectionsNearLimit": causes.NEAR_LIMIT,
        "HeliographConnectionsAhead": causes.AHEAD_LIMIT,
        "HeliographHeartbeatsMissed": causes.MISSED_HEARTBEATS_LIMIT,
        "HeliographHeartbeatSlow": causes.RTT_LIMIT,
        "HeliographDrainStuck": causes.DRAIN_LIMIT,
        "HeliographUnknownCause": causes.UNKNOWN_LIMIT,
        "HeliographLoopLag": causes.LAG_LIMIT,
        "HeliographLoopBlocked": causes.BLOCKED_LIMIT,
        "HeliographLoopPauses": causes.STANDSTILL_LIMIT,
        "HeliographMemoryGrowth": causes.MEMORY_LIMIT,
        "HeliographCertificateExpiry": causes.EXPIRY_LIMIT,
        "HeliographCertificateUrgent": causes.URGENT_LIMIT,
        "HeliographCertificateRefused": causes.REFUSED_LIMIT,
        "HeliographHooksSlow": causes.HOOKS_SLOW_LIMIT,
        "HeliographBreakerOpen": causes.BREAKER_LIMIT,
        "HeliographBrokerFailing": causes.FAILED_LIMIT,
        "HeliographUnaccounted": UNACCOUNTED_LIMIT,
    }
