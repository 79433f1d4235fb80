"""Who is told what: every alert of the rules reaches the pager, pages soon and again, and a page silences its ticket."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.native.programs import find

ROOT = Path(__file__).parents[2]
FILE = ROOT / "alerts" / "alertmanager.yml"
CONFIG = yaml.safe_load(FILE.read_text())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
ALERTS = [
    rule
    for path in sorted((ROOT / "alerts" / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


def amtool(*arguments):
    program = find("amtool")
    if program is None:
        pytest.skip("no amtool here: make programs")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=20)


def test_alertmanager_understands_it():
    said = amtool("check-config", FILE)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_each_alert_reaches_the_pager(rule):
    labels = [f"{key}={value}" for key, value in {"alertname": rule["alert"], **rule["labels"]}.items()]
    test = ("config", "routes", "test", f"--config.file={FILE}", "--verify.receivers=pager")
    said = amtool(*test, *labels)
    assert said.returncode == 0, said.stdout + said.stderr


def test_what_nobody_thought_of_reaches_the_pager_too():
    said = amtool("config", "routes", "test", f"--config.file={FILE}", "alertname=Unheard", "severity=odd")
    assert said.stdout.strip() == "pager"


def test_the_pager_is_where_the_compose_file_has_it():
    (receiver,) = CONFIG["receivers"]
    (webhook,) = receiver["webhook_configs"]
    command = COMPOSE["pager"]["command"]
    port = command[command.index("--port") + 1]
    assert webhook["url"] == f"http://pager:{port}/alerts"
    assert webhook["send_resolved"] is True


def test_a_page_is_sooner_and_more_often_than_a_ticket():
    from deploy.native.compose import seconds

    route = CONFIG["route"]
    (critical,) = route["routes"]
    assert critical["matchers"] == ['severity = "critical"']
    for wait in ("group_wait", "group_interval", "repeat_interval"):
        assert seconds(critical[wait]) < seconds(route[wait])
    for each in (route, critical):
        assert seconds(each["repeat_interval"]) % seconds(each["group_interval"]) == 0, "else it is late by a part"


def test_no_alert_can_silence_itself():
    """An inhibition whose both sides match one alert would do nothing, or everything."""
    for rule in CONFIG["inhibit_rules"]:
        assert not set(rule["source_matchers"]) & set(rule["target_matchers"])
        for alert in ALERTS:
            assert set(rule["equal"]) - {"instance"} <= alert["labels"].keys(), json.dumps(alert["labels"])
