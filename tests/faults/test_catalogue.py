"""Every alert has its fault or its reason, every fault its alerts, and the page of the last run knows them all."""

import json
from pathlib import Path

import pytest
import yaml

from alerts.pager import watchdog
from faults import matrix
from faults.catalogue import BY_NAME, FAULTS, WITHOUT_FAULT
from faults.watch import HEARTBEAT

ROOT = Path(__file__).parents[2]
RULES = [*(ROOT / "alerts" / "rules").rglob("*.yml"), *(ROOT / "alerts").glob("loki/**/*.yml")]
ALERTS = {
    rule["alert"]
    for file in RULES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
ALERTS = {*ALERTS, watchdog.NAME} - {HEARTBEAT}
FOUND = {name for fault in FAULTS for name in (*fault.fires, *fault.afterwards)}


def test_every_alert_has_a_fault_that_finds_it_or_a_reason_why_there_is_none():
    assert FOUND | set(WITHOUT_FAULT) == ALERTS
    assert not FOUND & set(WITHOUT_FAULT)


def test_what_may_fire_exists_and_has_its_reason():
    for fault in FAULTS:
        assert set(fault.may) <= ALERTS, fault.name
        assert all(len(reason) > 10 for reason in fault.may.values())
        assert not set(fault.may) & set(fault.fires)


def test_names_are_each_given_once():
    assert len(BY_NAME) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_says_where_to_look(fault):
    assert (ROOT / "grafana" / "generated" / f"{fault.board}.json").exists()
    assert len(fault.look) > 10


def test_every_fault_was_tried():
    assert json.loads((ROOT / matrix.KEPT).read_text()).keys() == BY_NAME.keys()
