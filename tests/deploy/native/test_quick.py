"""A lab's pace: times change and nothing else."""

import re

import yaml

from deploy.native import compose
from deploy.native.quick import quickened
from deploy.native.roots import ROOT
from deploy.native.stack import COMPOSE

SERVICES = compose.read(COMPOSE, {})


def test_only_times_differ(tmp_path):
    services, told = quickened(SERVICES, tmp_path)
    for name in ("prometheus.yml", "alertmanager.yml", "loki.yaml", "pager.yml"):
        (mount,) = (m for service in services for m in service.mounts if m.source.endswith(f"quick/{name}"))
        (given,) = (m for service in SERVICES for m in service.mounts if m.target == mount.target)
        before, after = (ROOT / given.source).read_text(), (tmp_path / "quick" / name).read_text()
        assert before != after
        assert timeless(before) == timeless(after)
        assert yaml.safe_load(after)
    assert all(re.search(r"(interval|wait|after|delay)|divided", line) for line in told)


def test_alerts_are_told_again_each_second(tmp_path):
    services, told = quickened(SERVICES, tmp_path)
    changed = [
        (before, after)
        for one, other in zip(SERVICES, services, strict=True)
        for before, after in zip(one.command, other.command, strict=True)
        if before != after
    ]
    assert changed == [("--rules.alert.resend-delay=15s", "--rules.alert.resend-delay=1s")]
    assert any("resend-delay=15s becomes 1s" in line for line in told)


def timeless(text):
    return re.sub(r"(\w*(?:_interval|_wait)|after): \w+", r"\1", text)


def test_other_mounts_are_left_alone(tmp_path):
    services, _ = quickened(SERVICES, tmp_path)
    changed = [
        (before.source, after.source)
        for one, other in zip(SERVICES, services, strict=True)
        for before, after in zip(one.mounts, other.mounts, strict=True)
        if before != after
    ]
    assert sorted(before for before, _ in changed) == [
        "alerts/alertmanager.yml", "alerts/loki", "alerts/pager.yml", "alerts/rules", "observability/stack/loki.yaml",
        "observability/stack/prometheus.yml",
    ]  # fmt: skip
    assert all(after.startswith(str(tmp_path)) for _, after in changed)


def test_a_critical_alert_waits_for_seconds(tmp_path):
    quickened(SERVICES, tmp_path)
    tree = yaml.safe_load((tmp_path / "quick" / "alertmanager.yml").read_text())
    critical = tree["route"]["routes"][1]
    assert (critical["group_wait"], critical["group_interval"]) == ("1s", "2s")
