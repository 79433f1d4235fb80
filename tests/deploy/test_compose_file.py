"""docker-compose.yml: Docker's own client accepts it, and it keeps what its comments and the README promise."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.native import compose, images
from deploy.native.programs import PROGRAMS

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
TREE = yaml.safe_load(FILE.read_text())
SERVICES = TREE["services"]
each = pytest.mark.parametrize("name", SERVICES)


def client():
    """Docker's compose client: the plugin, or the program of Debian's package."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    pytest.skip("no docker-compose here: apt-get install docker-compose (the client alone is enough)")


def test_docker_compose_accepts_it_without_an_env_file():
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [*client(), "-f", str(FILE), "config"]
    said = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, timeout=50)
    assert said.returncode == 0, said.stderr
    assert "variable is not set" not in said.stderr.lower()
    assert yaml.safe_load(said.stdout)["services"].keys() == SERVICES.keys()


def test_everything_of_the_design_is_there():
    assert set(SERVICES) == {
        "heliograph", "load", "pager", "collector", "jaeger", "loki", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip


@each
def test_an_image_is_pinned(name):
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), tag


@each
def test_a_published_port_is_on_loopback_unless_told_otherwise(name):
    for text in SERVICES[name].get("ports", ()):
        assert text.startswith("${HELIOGRAPH_BIND:-127.0.0.1}:")
    (service,) = (service for service in compose.read(FILE, {}) if service.name == name)
    assert all(port.host == "127.0.0.1" for port in service.published)
    (opened,) = (service for service in compose.read(FILE, {"HELIOGRAPH_BIND": "0.0.0.0"}) if service.name == name)
    assert all(port.host == "0.0.0.0" for port in opened.published)


def test_the_addresses_are_those_that_everybody_expects():
    published = {service.name: [p.port for p in service.published] for service in compose.read(FILE, {})}
    assert {name: ports for name, ports in published.items() if ports} == {
        "heliograph": [8000],
        "grafana": [3000],
        "jaeger": [16686],
        "prometheus": [9090],
        "alertmanager": [9093],
        "pager": [9099],
    }


@each
def test_memory_has_a_limit_and_a_stop_has_an_end(name):
    assert re.fullmatch(r"\d+m", SERVICES[name]["mem_limit"])
    assert compose.seconds(SERVICES[name]["stop_grace_period"]) <= 15
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_stated_memory_is_the_sum_of_the_limits():
    total = sum(int(service["mem_limit"].removesuffix("m")) for service in SERVICES.values())
    stated = float(re.search(r"the limits below add up to ([\d.]+) GB", FILE.read_text())[1])
    assert stated == pytest.approx(total / 1000, abs=0.1)


@each
def test_a_go_program_knows_its_limit(name):
    """Without it the garbage collector lets the heap grow past the container's end."""
    service = SERVICES[name]
    if images.FOREIGN.get(images.name_of(service["image"])):
        told = int(service["environment"]["GOMEMLIMIT"].removesuffix("MiB"))
        assert 0.7 <= told / int(service["mem_limit"].removesuffix("m")) <= 0.9


@each
def test_a_service_has_a_healthcheck_where_its_image_can_run_one(name):
    without = {"collector": "its image has no shell", "load": "nobody calls it"}
    assert ("healthcheck" in SERVICES[name]) != (name in without)


@each
def test_what_is_mounted_exists_and_cannot_be_written_from_inside(name):
    for text in SERVICES[name].get("volumes", ()):
        source, _, *options = text.split(":")
        if source.startswith("./"):
            assert (ROOT / source).exists(), text
            assert options == ["ro"], text


def test_each_volume_is_used():
    used = {text.split(":")[0] for service in SERVICES.values() for text in service.get("volumes", ())}
    assert {name for name in used if not name.startswith("./")} == set(TREE["volumes"])


def test_the_server_has_longer_to_stop_than_it_asks_for():
    from service.config import load

    goodbye = load(None, {}).shutdown_timeout
    assert compose.seconds(SERVICES["heliograph"]["stop_grace_period"]) > goodbye + 2


def test_the_environment_of_the_server_is_understood_by_it(monkeypatch, tmp_path):
    from service.config import load

    monkeypatch.chdir(tmp_path)  # key and secret are made there
    settings = load(None, SERVICES["heliograph"]["environment"])
    assert settings.http.public.host == settings.http.internal.host == "0.0.0.0"
    assert settings.telemetry.otlp_endpoint == "http://collector:4318"
    assert settings.telemetry.log_file == "/logs/heliograph.log"
    assert not settings.warnings


# ---------------------------------------------------------------------------- the image


def test_the_image_holds_what_the_services_run():
    ours = images.read_dockerfile(ROOT / "deploy" / "Dockerfile")
    for name, service in SERVICES.items():
        if images.name_of(service["image"]) == images.OURS:
            program, flag, module, *_ = service["command"]
            assert (program, flag) == ("python", "-m")
            path = "/app/" + module.replace(".", "/")
            assert any(f"{path}/".startswith(f"{target}/") for target in ours.copies.values()), name
    for source in ours.copies:
        assert (ROOT / source).exists()


def test_what_the_image_copies_is_sent_to_docker():
    """Everything else stays out of the build's context: .git, environments, caches."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--)(.*) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE))
    assert kept == {source for line in copied for source in line.split()}


def test_the_image_s_folders_for_volumes_belong_to_its_user():
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "USER 10001:10001" in text
    made = set(re.findall(r" (/\S+)(?= |$)", " ".join(re.findall(r"install -d -o heliograph[^\n\\]*", text))))
    for name, service in SERVICES.items():
        if images.name_of(service["image"]) == images.OURS:
            volumes = [
                text for text in service.get("volumes", ()) if not text.startswith("./")
            ]  # those are files of ours
            for target in (text.split(":")[1] for text in volumes):
                assert target in made, name


def test_every_image_is_known_natively():
    for service in SERVICES.values():
        name = images.name_of(service["image"])
        assert name == images.OURS or name in images.FOREIGN
    built = {program.name for program in PROGRAMS}
    assert {foreign.program for foreign in images.FOREIGN.values() if foreign} <= built


def test_prometheus_and_the_rules_find_each_other():
    rules = yaml.safe_load((ROOT / "observability/stack/prometheus.yml").read_text())["rule_files"]
    mounts = [text.split(":")[1] for text in SERVICES["prometheus"]["volumes"]]
    assert rules == ["/etc/prometheus/rules/*.yml"]
    assert "/etc/prometheus/rules" in mounts
