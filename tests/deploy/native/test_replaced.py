"""Without namespaces: names and paths are replaced, nothing else, and every changed line is told."""

from dataclasses import replace

import pytest

from deploy.native import replaced, roots
from deploy.native.compose import Mount, Service


def service(name="web", **changes):
    given = Service(name, "heliograph:0.1.0", ("python", "-m", "x"), {}, (), (), None, {}, 5.0)
    return replace(given, **changes)


def changed(text, tmp_path):
    mounts = (Mount("logs", "/logs", False, False), Mount("loki", "/loki", False, False))
    this = service(image="grafana/loki:1.0.0", mounts=mounts)
    others = [this, service("loki"), service("jaeger")]
    return replaced._change(others, this, tmp_path)(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://loki:3100/otlp", "http://127.0.0.1:3100/otlp"),
        ("jaeger:14317", "127.0.0.1:14317"),
        ('["jaeger:8887", "loki:3100"]', '["127.0.0.1:8887", "127.0.0.1:3100"]'),
        ("host: 0.0.0.0, port: 1", "host: 127.0.0.1, port: 1"),
        ('endpoint: "0.0.0.0:4317"', 'endpoint: "127.0.0.1:4317"'),
        ("10.0.0.0:80", "10.0.0.0:80"),
        ("localhost:9095", "localhost:9095"),
        ("my-jaeger:80 jaeger-2:80 jaeger: yes", "my-jaeger:80 jaeger-2:80 jaeger: yes"),
        ("path_prefix: /loki", "path_prefix: STATE/volumes/loki"),
        ("[/logs/*.log]", "[STATE/volumes/logs/*.log]"),
        ("/loki/chunks /usr/bin/loki /lokier /a/loki", "STATE/volumes/loki/chunks /usr/bin/loki /lokier /a/loki"),
        ("url/v1/logs", "url/v1/logs"),
    ],
)
def test_names_and_places_are_replaced_and_likenesses_are_not(before, after, tmp_path):
    assert changed(before, tmp_path) == after.replace("STATE", str(tmp_path))


def test_a_mounted_file_is_a_changed_copy_and_a_folder_is_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(replaced, "ROOT", tmp_path)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf.yaml").write_text("listen: web:80\nkeep: this\n")
    mounts = (Mount("conf.yaml", "/etc/conf.yaml", True, True), Mount("conf", "/etc/conf", True, True))
    this = service(mounts=mounts, command=("python", "-m", "x", "--config", "/etc/conf.yaml", "--folder", "/etc/conf"))
    (task,), told = replaced.tasks([this], tmp_path / "state")
    copy = tmp_path / "state" / "replaced" / "web" / "conf.yaml"
    assert copy.read_text() == "listen: 127.0.0.1:80\nkeep: this\n"
    assert task.argv[3:] == ("--config", str(copy), "--folder", str(tmp_path / "conf"))
    assert task.root is None
    assert task.environment["PYTHONPATH"] == str(tmp_path)
    assert "conf.yaml: -listen: web:80" in told
    assert "conf.yaml: +listen: 127.0.0.1:80" in told
    assert not any("keep" in line for line in told)


def test_a_volume_in_the_working_folder_is_found_there(tmp_path):
    (tmp_path / "volumes" / "keys").mkdir(parents=True)
    this = service(mounts=(Mount("keys", "/data/.heliograph", False, False),))
    for _ in range(2):  # a second run finds its link
        (task,), _told = replaced.tasks([this], tmp_path)
    from pathlib import Path

    assert (Path(task.folder) / ".heliograph").resolve() == (tmp_path / "volumes" / "keys").resolve()


def test_every_service_of_the_compose_file_can_be_replaced(tmp_path):
    from deploy.native import compose
    from deploy.native.stack import COMPOSE

    services = roots.startable(compose.read(COMPOSE, {}))
    try:
        tasks, told = replaced.tasks(services, tmp_path)
    except roots.NotBuilt as missing:
        pytest.skip(str(missing))
    names = {each.name for each in services}
    for task in tasks:
        words = " ".join((*task.argv, *task.environment.values()))
        assert not [name for name in names if f"{name}:" in words], words
    assert any("observability/stack/collector.yaml: +" in line for line in told)
