"""Every alert has its fault or its reason, every fault its alerts, and the page of the last run knows them all."""

import re
from pathlib import Path

import pytest
import yaml

from faults.catalogue import BY_NAME, FAULTS, WITHOUT_FAULT
from tests.faults.rules import HOLDS, RULES

ROOT = Path(__file__).parents[2]
ALERTS = HOLDS.keys()
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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_fault_says_of_alerts_is_about_its_own(fault):
    assert {*fault.behind, *fault.unheard} <= set(fault.fires)
    assert set(fault.stays) <= {*fault.fires, *fault.afterwards, *fault.may}
    named = {*fault.fires, *fault.afterwards, *fault.may}
    assert {source for sources in fault.behind.values() for source in sources} <= named
    assert all(len(reason) > 10 for reason in (*fault.stays.values(), *fault.unheard.values()))


INHIBITIONS = yaml.safe_load((ROOT / "alerts" / "alertmanager.yml").read_text())["inhibit_rules"]
PAIRS = {
    (fault.name, target, source) for fault in FAULTS for target, several in fault.behind.items() for source in several
}


def labels_of(name):
    return [{"alertname": name, **rule["labels"]} for rule in RULES if rule["alert"] == name]


def matched(matchers, labels):
    for matcher in matchers:
        label, sign, wanted = re.fullmatch(r"(\w+) (=|!=|=~|!~) \"(.*)\"", matcher).groups()
        value = labels.get(label, "")
        is_it = re.fullmatch(wanted, value) is not None if "~" in sign else value == wanted
        if is_it == sign.startswith("!"):
            return False
    return True


@pytest.mark.parametrize(("fault", "target", "source"), sorted(PAIRS))
def test_who_may_keep_an_alert_back_is_a_source_of_alertmanager_s_inhibitions(fault, target, source):
    assert any(
        matched(rule["source_matchers"], page)
        and matched(rule["target_matchers"], kept)
        and all(page.get(label) == kept.get(label) for label in rule["equal"] if label != "instance")
        for rule in INHIBITIONS
        for page in labels_of(source)
        for kept in labels_of(target)
    ), f"{fault}: {source} never silences {target}"
