"""Reading a compose file: what is understood, and that nothing else passes silently."""

import pytest

from deploy.native.compose import ComposeMistake, Health, Mount, Published, read, seconds

WHOLE = """
x-shared: &shared {restart: always, environment: {A: one}}
services:
  web:
    <<: *shared
    image: some/web:1.2.3
    command: [run, --port, 80]
    volumes: ["./conf:/etc/web:ro", "data:/data"]
    ports: ["${BIND:-127.0.0.1}:8080:80"]
    healthcheck: {test: [CMD, wget, "http://x/$$HOME"], interval: 1m30s, timeout: 500ms, retries: 3, start_period: 5s}
    depends_on: {db: {condition: service_healthy}, log: {condition: service_started}}
    stop_grace_period: 7s
  db: {image: "db:1.0.0"}
  log: {image: "log:1.0.0"}
volumes: {data: {}}
"""


@pytest.fixture
def reads(tmp_path):
    def reading(text, **environ):
        (tmp_path / "docker-compose.yml").write_text(text)
        return {service.name: service for service in read(tmp_path / "docker-compose.yml", environ)}

    return reading


def test_a_service_is_read_with_all_that_matters(reads):
    web = reads(WHOLE)["web"]
    assert (web.image, web.command, web.environment) == ("some/web:1.2.3", ("run", "--port", "80"), {"A": "one"})
    assert web.mounts == (Mount("conf", "/etc/web", True, True), Mount("data", "/data", False, False))
    assert web.published == (Published("127.0.0.1", 8080, 80),)
    assert web.health == Health(("wget", "http://x/$HOME"), 90.0, 0.5, 3, 5.0)
    assert web.after == {"db": True, "log": False}
    assert web.grace == 7.0


def test_what_is_not_said_has_compose_s_default(reads):
    database = reads(WHOLE)["db"]
    assert (database.command, database.health, database.after, database.grace) == ((), None, {}, 10.0)


def test_a_variable_comes_from_the_environment_or_is_its_default(reads):
    assert reads(WHOLE, BIND="0.0.0.0")["web"].published[0].host == "0.0.0.0"
    assert reads(WHOLE, BIND="")["web"].published[0].host == "127.0.0.1"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("restart: always", "network_mode: host", "web: network_mode is not understood"),
        ("${BIND:-127.0.0.1}", "${BIND}", r"\$\{BIND\} has no default"),
        ("${BIND:-127.0.0.1}:8080:80", "8080:80", "web: port 8080:80 must be written address:port:port"),
        ("data:/data", "date:/data", "web: there is no volume date"),
        ("data:/data", "data:/data:z", "web: mount data:/data:z is not understood"),
        ("[CMD, wget,", "[CMD-SHELL, wget,", "a healthcheck is written"),
        ("service_healthy", "service_completed_successfully", "condition service_completed_successfully"),
        ("1m30s", "90", "'?90'? is no duration"),
    ],
)
def test_what_is_not_understood_is_refused(reads, before, after, said):
    assert before in WHOLE
    with pytest.raises(ComposeMistake, match=said):
        reads(WHOLE.replace(before, after))


@pytest.mark.parametrize(("text", "value"), [("10s", 10.0), ("1m30s", 90.0), ("250ms", 0.25), ("1h", 3600.0)])
def test_durations(text, value):
    assert seconds(text) == value
