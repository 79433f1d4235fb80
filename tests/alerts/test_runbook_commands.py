"""Commands of runbooks are typed on the compose deployment, in the repository's folder, and work as they stand there.

Ours are run against a real server, those of other programs by these programs where they are built; of Docker's the
services, ports, files and options are looked up.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.native.images import read_dockerfile
from deploy.native.programs import find
from observability import names
from service.settings.quick_start import FOLDER
from tests.docs.running import quick_start
from tests.e2e.served import KEY, Served

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted((ROOT / "alerts" / "runbooks").glob("*.md"))
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PUBLISHED = {int(text.rpartition(":")[2]) for each in SERVICES.values() for text in each.get("ports", ())}
#: Docker's words with the options that runbooks use, and whether one takes a value; the words after them are services.
COMPOSE = {
    "ps": {"-q": False},
    "up": {"-d": False},
    "restart": {},
    "kill": {"-s": True},
    "logs": {"--since": True, "--tail": True},
}
#: Programs that each image of ours has: Debian's.
OURS = {"df", "ls", "printenv", "sh", "python"}
#: What stands for a file that an operator mounts.
MOUNTED = {"/etc/pager/rota.yml": "alerts/rota.example.yml"}


def commands():
    for page in RUNBOOKS:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.splitlines():
                yield pytest.param(line.partition("   #")[0], id=f"{page.stem}: {line[:60]}")


LINES = list(commands())
DONE = set()  # several runbooks have the same one


def programs(line):
    """The programs of a line and what they are given, one list for each part of a pipe; inner ``$(…)`` as well."""
    inner = re.findall(r"\$\(([^()]*)\)", line)
    plain = re.sub(r"\$\([^()]*\)", "INNER", re.sub(r"(\d?>|<)\s*/dev/null", "", line))
    words = [*shlex.split(plain), "|", *(word for each in inner for word in [*shlex.split(each), "|"])]
    part = []
    for word in words:
        if word == "|":
            yield part
            part = []
        else:
            part.append(word)


def options(words, known):
    """What is left of the words when the options are taken off."""
    rest, words = [], list(words)
    while words:
        word = words.pop(0)
        name, given, _ = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
            continue
        assert name in known, f"{name} is no option here"
        if known[name] and not given:
            words.pop(0)
    return rest


def in_repository(service, words):
    """The words with the repository's files in place of those that the compose file mounts from it."""
    mounts = [text.split(":")[:2] for text in SERVICES[service].get("volumes", ()) if text.startswith("./")]
    places = MOUNTED | {target: source for source, target in mounts}
    for target, source in places.items():
        words = [word.replace(target, str(ROOT / source)) for word in words]
    return words


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = quick_start() | {"debug": {"enabled": True, "token": KEY}}
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


def run(*words, code=0, **environment):
    said = subprocess.run(
        list(map(str, words)), cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=30
    )
    assert said.returncode == code, said.stdout + said.stderr
    return said.stdout + said.stderr


def of_ours(server, words):
    """A command of ours, against the server here instead of that of the container."""
    inside = [word.replace("/logs/heliograph.log", str(server.log)) for word in words]
    nobody = inside[0] == "why"  # CONNECTION is no connection
    said = run(
        sys.executable, "-m", "service", *inside, "--server", f"http://127.0.0.1:{server.internal_port}",
        code=int(nobody), HELIOGRAPH_DEBUG_TOKEN=KEY,
    )  # fmt: skip
    assert "nothing is known" in said if nobody else json.loads(said) is not None


def of_theirs(program, words):
    """A command of another program: it finds no server here, and no fault in what it was given."""
    found = find(program)
    if found is None:
        pytest.skip(f"{program} is not built: make programs")
    said = subprocess.run([found, *words], capture_output=True, text=True, timeout=30)
    asks = any("http://" in word for word in words)
    assert said.returncode == 0 or (asks and re.search(r"connection refused|dial tcp", said.stderr)), said.stderr


def inside(server, service, words):
    """A command in a container."""
    first, *rest = in_repository(service, words)
    if rest[:1] == ["-m"]:
        module, *arguments = rest[1:]
        if module == "service":
            return of_ours(server, arguments)
        assert module == "alerts.pager"
        return run(sys.executable, "-m", module, *arguments)
    if rest[:1] == ["-c"] and first == "python":
        return compile(rest[1], service, "exec")
    if rest[:1] == ["-c"] and "promtool" in rest[1]:
        return run(
            "sh", "-c", rest[1].replace("promtool", str(find("promtool") or pytest.skip("promtool is not built")))
        )
    if first in ("amtool", "promtool"):
        assert service == {"amtool": "alertmanager", "promtool": "prometheus"}[first]
        return of_theirs(first, rest)
    assert service in ("heliograph", "pager")
    if first == "cat":  # the key of the first start, in the folder that the image's programs begin in
        assert [Path(each) for each in rest] == [FOLDER / "api_key"]
        home = read_dockerfile(ROOT / "deploy" / "Dockerfile").folder
        assert f"keys:{home}/{FOLDER}" in SERVICES[service]["volumes"]
        return None
    assert first in OURS
    return None


def of_docker(server, words):
    if words[0] == "compose":
        word, *rest = words[1:]
        if word == "exec":
            service, *command = rest[rest[0] == "-T" :]
            return inside(server, service, command)
        assert set(options(rest, COMPOSE[word])) <= SERVICES.keys()
    else:
        known = {"stats": {"--no-stream": False}, "inspect": {"--format": True}}[words[0]]
        assert set(options(words[1:], known)) <= {"INNER"}, "a container has no name that is known here"
    return None


def of_curl(server, words):
    """Against the server here; the port must be one that the compose file publishes."""
    (url,) = [word for word in words if word.startswith("http")]
    port = int(re.match(r"http://localhost:(\d+)/", url)[1])
    assert port in PUBLISHED
    assert port == 8000, "only the server is here"
    told = [word.replace("localhost:8000", f"127.0.0.1:{server.port}") for word in words]
    told = [word.replace("INNER", KEY) for word in told]  # what `inside` has looked at
    assert "$" not in "".join(told), "nobody has set a variable before"
    said = run("curl", "-sS", "-w", "\n%{http_code}", *told)
    assert said.rpartition("\n")[2] == "200", said
    assert '"error"' not in said


@pytest.mark.parametrize("line", LINES)
def test_a_command_works_as_it_stands_there(server, line):
    if line in DONE:
        return
    for program, *words in programs(line):
        if program == "docker":
            of_docker(server, words)
        elif program == "curl":
            if not shutil.which("curl"):
                pytest.skip("curl not found")
            of_curl(server, words)
        elif program == "openssl":
            assert all(int(word.rpartition(":")[2]) in PUBLISHED for word in words if word.startswith("localhost:"))
        elif program == "grep":
            sought = options(words, {"-e": False, "-c": False})
            assert all(any(each in event for event in names.EVENTS) for each in sought), "no line says so"
        else:
            assert program == "tail"
            assert re.fullmatch(r"-\d+", words[0])
    DONE.add(line)


def test_no_command_hides_in_a_sentence():
    """Where it would be typed without this test's knowing; names of commands may."""
    for page in RUNBOOKS:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for command in re.findall(r"`([^`]+)`", text):
            assert not command.startswith(("curl ", "openssl ", "python ", "sudo ")), command


def test_each_way_to_fail_is_noticed(server):
    for line in (
        "docker compose restart nobody",
        "docker compose logs --sinc=1m heliograph",
        "docker stats --no-stream heliograph",
        "curl http://localhost:9000/ready",
        "docker compose logs heliograph | grep nonesuch",
        "docker compose exec heliograph curl http://127.0.0.1:9000/ready",
        "docker compose exec heliograph python -m service why --nonsense X",
        "docker compose exec heliograph python -m service check-config --config c.yaml",
        "docker compose exec pager python -m alerts.pager --config /etc/nowhere.yml --check",
        "docker compose exec heliograph cat .heliograph/token_secret",
        "curl http://localhost:8000/api/info -H 'X-API-Key: $KEY' -d '{}'",
        "heliograph why X",
    ):
        with pytest.raises((AssertionError, KeyError)):
            test_a_command_works_as_it_stands_there(server, line)


def test_amtool_without_an_address_is_noticed():
    if find("amtool") is None:
        pytest.skip("amtool is not built: make programs")
    with pytest.raises(AssertionError):
        of_theirs("amtool", ["alert", "query", "alertname=Watchdog"])
