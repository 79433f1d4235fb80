"""A node has one name on all sides: without it a page could not silence the ticket of another source."""

import re

import pytest
import yaml

from tests.alerts import nodes

COLLECTOR = yaml.safe_load((nodes.ROOT / "observability" / "stack" / "collector.yaml").read_text())
LOG_RULES = yaml.safe_load((nodes.ROOT / "alerts" / "loki" / "logs.yml").read_text())["groups"][0]["rules"]


def test_prometheus_calls_the_node_as_it_calls_itself_in_lines_and_spans(tmp_path, monkeypatch):
    assert nodes.of_metrics() == nodes.of_lines(tmp_path, monkeypatch)


def test_the_name_in_a_line_is_what_loki_keeps_and_alerts_about_lines_call_instance():
    operators = COLLECTOR["receivers"]["file_log"]["operators"]
    moved = {each["from"]: each["to"] for each in operators if each["type"] == "move"}
    assert moved["attributes.instance"] == 'resource["service.instance.id"]'  # in Loki: service_instance_id
    for rule in LOG_RULES:
        chosen = re.findall(r"\{service_name=[^[]*", rule["expr"])
        assert chosen
        assert all("| label_format instance=service_instance_id" in each for each in chosen), rule["alert"]
        assert "sum by (instance)" in rule["expr"]


@pytest.mark.parametrize("job", [job for job in nodes.SCRAPES if job["job_name"] != "heliograph"])
def test_every_other_program_is_called_by_where_it_is(job):
    """So that nothing else can have the name of a node."""
    ((target,),) = [each["targets"] for each in job["static_configs"]]
    assert all("labels" not in each for each in job["static_configs"])
    assert target != nodes.of_metrics()
