"""Objectives: their rules are what the module says, from one mould, at the paces of the workbook."""

import re

import pytest
import yaml

from alerts import objectives
from alerts.objectives import BURNS, OBJECTIVES


def rules_of(objective):
    return yaml.safe_load((objectives.RULES / f"budget_{objective.name}.yml").read_text())["groups"][0]["rules"]


def alerts_of(objective):
    return [rule for rule in rules_of(objective) if "alert" in rule]


def test_the_files_are_what_the_module_says():
    assert objectives.stale() == []


def test_a_file_that_was_changed_is_told_and_written_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(objectives, "RULES", tmp_path)
    assert objectives.main(["--check"]) == 1
    assert capsys.readouterr().err.count("make docs") == len(OBJECTIVES)
    assert objectives.main([]) == 0
    assert objectives.main(["--check"]) == 0
    (tmp_path / "budget_ends.yml").write_text("groups: []")
    (tmp_path / "budget_other.yml").write_text("groups: []")
    assert objectives.stale() == ["budget_ends.yml", "budget_other.yml"]


def test_the_objectives_are_those_that_were_chosen():
    assert {each.alert: each.share for each in OBJECTIVES} == {
        "HeliographHandshakeBudget": 0.999,
        "HeliographMessageBudget": 0.999,
        "HeliographDeliveryBudget": 0.99,
        "HeliographStabilityBudget": 0.99,
        "HeliographFreshnessBudget": 0.995,
    }


def test_a_burn_spends_the_workbook_s_share_of_a_month_within_its_long_window():
    hours = {"1h": 1, "6h": 6, "1d": 24, "3d": 72}
    spent = {burn.long: round(burn.factor * hours[burn.long] / (24 * objectives.DAYS), 3) for burn in BURNS}
    assert spent == {"1h": 0.02, "6h": 0.05, "1d": 0.1, "3d": 0.1}
    assert [burn.severity for burn in BURNS] == ["critical", "critical", "warning", "warning"]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.name)
def test_each_window_has_the_limit_of_its_pace(objective):
    for burn, rule in zip(BURNS, alerts_of(objective), strict=True):
        limits = {float(limit) for limit in re.findall(r"ratio_\w+ > ([\d.]+)", rule["expr"])}
        assert [*limits] == [pytest.approx(burn.factor * (1 - objective.share))]
        windows = re.findall(r"ratio_(?:avg|rate)(\w+) >", rule["expr"])
        assert windows[:2] == [burn.long, burn.short]
        assert ("5m" in windows) is (burn.severity == "critical"), "a page is about what goes on now"
        assert (rule["for"], rule["labels"]["window"]) == (burn.wait, burn.long)


def form(objective, rule):
    """A rule without what is its objective's own: names, limits, words."""
    bare = re.sub(rf"heliograph_{objective.name}(_{objective.fault})?", "it", rule["expr"])
    return re.sub(r"> [\d.]+", "> limit", bare.replace("instance:", "")), rule["for"], rule["labels"]["severity"]


def test_all_have_the_same_form():
    """So that breaking the rules of one says what it says of all."""
    first = [form(OBJECTIVES[0], rule) for rule in alerts_of(OBJECTIVES[0])]
    for objective in OBJECTIVES:
        if objective.events:
            assert [form(objective, rule) for rule in alerts_of(objective)] == first
    last = OBJECTIVES[-1]
    assert not last.events, "its share is a mean over time, and hardly any traffic is no lag"
    without_traffic = [
        (text.replace(" and it:avg1h > limit", "").replace("rate5m", "avg5m"), *rest) for text, *rest in first
    ]
    assert [form(last, rule) for rule in alerts_of(last)] == without_traffic
