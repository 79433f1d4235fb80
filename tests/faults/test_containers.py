"""The lab for Docker: Docker's own client accepts the two files together, and what they mount is there."""

import os
import subprocess

import pytest
import yaml

from deploy.native import compose
from deploy.native.stack import COMPOSE
from faults import containers
from tests.deploy.test_compose_file import client


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return containers.write(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def merged(file):
    command = [*client(), "-f", str(COMPOSE), "-f", str(file), "config"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    said = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, timeout=50)
    assert said.returncode == 0, said.stderr
    return yaml.safe_load(said.stdout)["services"]


def mounts(service):
    """Source by target; of Compose's short form and its long one."""
    pairs = [
        each.split(":")[:2] if isinstance(each, str) else (each["source"], each["target"])
        for each in service["volumes"]
    ]
    return {target: source for source, target in pairs}


def test_docker_s_client_accepts_both_files_together(merged):
    assert merged.keys() == {service.name for service in compose.read(COMPOSE, {})} | {"outsiders"}


def test_rules_routes_and_intervals_are_the_quick_ones(merged, file):
    rules = mounts(merged["prometheus"])
    assert rules["/etc/prometheus/rules"] == str(file.parent / "state" / "quick" / "rules")
    assert "scrape_interval: 1s" in (file.parent / "state" / "quick" / "prometheus.yml").read_text()
    assert "--rules.alert.resend-delay=1s" in merged["prometheus"]["command"]
    assert mounts(merged["alertmanager"])["/etc/alertmanager/alertmanager.yml"].endswith("quick/alertmanager.yml")
    assert mounts(merged["loki"])["/etc/loki/rules/fake"].endswith("quick/loki")


def test_server_pager_and_outsiders_hear_orders(merged):
    for name in ("heliograph", "pager", "outsiders"):
        assert "/lab" in mounts(merged[name]), name
    for name in ("heliograph", "pager"):
        assert merged[name]["environment"]["PYTHONPATH"] == "/app:/lab"
    assert merged["outsiders"]["image"] == merged["heliograph"]["image"]


def test_all_that_is_mounted_is_there_and_the_rest_stays_as_it_was(merged, file):
    for service in compose.read(COMPOSE, {}):
        before, after = {mount.target for mount in service.mounts}, mounts(merged[service.name])
        assert before <= after.keys()
        assert all(os.path.exists(source) for source in after.values() if source.startswith("/")), service.name
    assert {"/lab", "/app/faults"} == mounts(merged["outsiders"]).keys()


def test_what_to_type_is_said_with_the_files(file):
    said = containers.how(file)
    assert str(file) in said
    assert "not tried" in said
