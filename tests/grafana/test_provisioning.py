"""Provisioning: keys that Grafana reads (it ignores others silently), and signals that lead to each other."""

import re
from pathlib import Path

import pytest
import yaml

from grafana.questions import boards
from observability import field_names
from observability import names as declared

ROOT = Path(__file__).parents[2]
PROVISIONING = ROOT / "grafana" / "provisioning"
COMPOSE = ROOT / "docker-compose.yml"
SCRAPES = ROOT / "observability" / "stack" / "prometheus.yml"


def read(place):
    return yaml.safe_load((PROVISIONING / place).read_text())


DATASOURCES = read("datasources/datasources.yaml")
SOURCES = {source["uid"]: source for source in DATASOURCES["datasources"]}
PROVIDER = read("dashboards/dashboards.yaml")

# From Grafana's documentation: administration/provisioning and datasources/{prometheus,loki,jaeger}/configure.
# A leaf is the type of the value; a list holds the keys of its items.
DATASOURCE = {
    "name": str, "uid": str, "type": str, "access": str, "url": str, "orgId": int, "isDefault": bool, "version": int,
    "editable": bool, "basicAuth": bool, "basicAuthUser": str, "withCredentials": bool, "jsonData": dict, "secureJsonData": dict,
}  # fmt: skip
TRACE_TO = {
    "datasourceUid": str,
    "spanStartTimeShift": str,
    "spanEndTimeShift": str,
    "tags": [{"key": str, "value": str}],
}
JSON_DATA = {
    "prometheus": {
        "httpMethod": str, "prometheusType": str, "prometheusVersion": str, "timeInterval": str, "queryTimeout": str,
        "manageAlerts": bool, "disableMetricsLookup": bool, "customQueryParameters": str, "cacheLevel": str,
        "exemplarTraceIdDestinations": [{"name": str, "datasourceUid": str, "url": str, "urlDisplayLabel": str}],
    },
    "loki": {
        "maxLines": int, "manageAlerts": bool, "timeout": int,
        "derivedFields": [
            {"name": str, "matcherType": str, "matcherRegex": str, "datasourceUid": str, "url": str, "urlDisplayLabel": str, "targetBlank": bool}
        ],
    },
    "jaeger": {
        "tracesToLogsV2": TRACE_TO | {
            "filterByTraceID": bool, "filterBySpanID": bool, "customQuery": bool, "query": str,
        },
        "tracesToMetrics": TRACE_TO | {"queries": [{"name": str, "query": str}]},
        "nodeGraph": {"enabled": bool}, "spanBar": {"type": str, "tag": str}, "traceIdTimeParams": {"enabled": bool},
    },
}  # fmt: skip
DASHBOARDS = {
    "name": str, "orgId": int, "folder": str, "folderUid": str, "type": str, "disableDeletion": bool, "updateIntervalSeconds": int,
    "allowUiUpdates": bool, "options": {"path": str, "foldersFromFilesStructure": bool},
}  # fmt: skip


def unknown(value, shape, where=""):
    """Places where a value has a key or a type that the shape does not have."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{where} is no mapping"]
        strange = [f"{where}.{key}" for key in value.keys() - shape.keys()]
        return strange + [
            place for key in value.keys() & shape.keys() for place in unknown(value[key], shape[key], f"{where}.{key}")
        ]
    if isinstance(shape, list):
        return [place for n, item in enumerate(value) for place in unknown(item, shape[0], f"{where}[{n}]")]
    return [] if type(value) is shape else [f"{where} is {value!r}, no {shape.__name__}"]


def test_the_files_have_grafana_s_form():
    assert DATASOURCES.keys() == {"apiVersion", "prune", "datasources"}
    assert PROVIDER.keys() == {"apiVersion", "providers"}
    assert DATASOURCES["apiVersion"] == PROVIDER["apiVersion"] == 1


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_data_source_has_only_keys_that_grafana_reads(source):
    assert unknown(source, DATASOURCE) == []
    assert unknown(source["jsonData"], JSON_DATA[source["type"]]) == []
    assert source["access"] == "proxy"
    assert source["editable"] is False


def test_the_provider_has_only_keys_that_grafana_reads():
    (provider,) = PROVIDER["providers"]
    assert unknown(provider, DASHBOARDS) == []
    assert provider["allowUiUpdates"] is False


def test_a_key_that_grafana_would_ignore_is_seen():
    assert unknown({"derivedFields": [{"name": "x", "regex": "trace_id"}]}, JSON_DATA["loki"]) == [
        ".derivedFields[0].regex"
    ]
    assert unknown({"maxLines": "1000"}, JSON_DATA["loki"]) == [".maxLines is '1000', no int"]


def test_the_uids_are_those_of_the_boards_variables():
    assert set(SOURCES) == {"prometheus", "loki", "jaeger"}
    assert [uid for uid, source in SOURCES.items() if source.get("isDefault")] == ["prometheus"]
    for board in boards().values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "datasource":
                source = SOURCES[variable["current"]["value"]]
                assert (source["type"], source["name"]) == (variable["query"], variable["current"]["text"])
        for panel in board["panels"]:
            if panel["type"] == "alertlist":
                assert panel["options"]["datasource"] == SOURCES["prometheus"]["name"]


# Signals lead to each other.


def test_an_exemplar_leads_to_its_trace():
    (destination,) = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["name"] == "trace_id"
    assert destination["datasourceUid"] == "jaeger"


def test_a_log_line_leads_to_its_trace():
    field, _ = SOURCES["loki"]["jsonData"]["derivedFields"]
    assert field["matcherType"] == "label", "structured metadata is no part of the line"
    assert field["matcherRegex"] == "trace_id"
    assert field["matcherRegex"] in field_names.KEYS
    assert field["datasourceUid"] == "jaeger"
    assert field["url"] == "$${__value.raw}"


def test_a_log_line_leads_to_all_lines_of_its_connection():
    _, field = SOURCES["loki"]["jsonData"]["derivedFields"]
    assert field["matcherType"] == "label"
    assert field["matcherRegex"] == "connection_id"
    assert field["matcherRegex"] in field_names.KEYS
    assert field["datasourceUid"] == "loki"
    assert field["url"] == '{service_name="heliograph"} | connection_id="$${__value.raw}"'


def test_a_trace_leads_to_its_log_lines_with_time_to_spare():
    logs = SOURCES["jaeger"]["jsonData"]["tracesToLogsV2"]
    assert logs["datasourceUid"] == "loki"
    assert logs["filterByTraceID"] is True
    assert logs["spanStartTimeShift"].startswith("-"), "a shift of 0 can find nothing"
    assert not logs["spanEndTimeShift"].startswith(("-", "0"))
    assert logs["query"] == '{service_name="heliograph"} | trace_id="$${__trace.traceId}"'


def test_a_trace_leads_to_the_metrics_of_its_namespace():
    metrics = SOURCES["jaeger"]["jsonData"]["tracesToMetrics"]
    assert metrics["datasourceUid"] == "prometheus"
    for tag in metrics["tags"]:
        assert tag["key"] in field_names.ATTRIBUTES
        assert any(tag["value"] in metric.labels for metric in declared.METRICS.values())
    assert all("{$$__tags}" in query["query"] for query in metrics["queries"])


@pytest.mark.parametrize("uid", SOURCES)
def test_a_dollar_of_grafana_s_own_is_doubled(uid):
    text = yaml.safe_dump(SOURCES[uid])
    assert not re.search(r"(?<!\$)\$(?!\$)", text)


# The same words in the other files of the stack.

needs_compose = pytest.mark.skipif(not COMPOSE.exists(), reason="docker-compose.yml is not there")


@needs_compose
def test_the_stack_mounts_what_is_provisioned_and_opens_the_overview():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    mounts = dict(mount.split(":")[:2] for mount in services["grafana"]["volumes"] if mount.startswith("./"))
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    boards_folder = PROVIDER["providers"][0]["options"]["path"]
    assert mounts["./grafana/generated"] == boards_folder
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{boards_folder}/overview.json"
    for source in SOURCES.values():
        assert re.fullmatch(r"http://([a-z]+):\d+", source["url"])[1] in services


@pytest.mark.skipif(not SCRAPES.exists(), reason="observability/stack/prometheus.yml is not there")
def test_the_data_source_knows_the_scrape_interval_and_the_job():
    scrapes = yaml.safe_load(SCRAPES.read_text())
    (ours,) = (job for job in scrapes["scrape_configs"] if job["job_name"] == "heliograph")
    interval = ours.get("scrape_interval", scrapes["global"]["scrape_interval"])
    assert SOURCES["prometheus"]["jsonData"]["timeInterval"] == interval
