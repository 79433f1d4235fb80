"""npm packages are installed once for a lock, and what is missing is said."""

import threading

import pytest

from deploy import npm_packages
from deploy.npm_packages import Unavailable, node_modules

NPM = """#!/bin/sh
echo ran >> "$RAN"
[ -z "$FAILS" ] || { echo "no way" >&2; exit 1; }
mkdir node_modules
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A folder with packages to install, and programs that only pretend."""
    (programs := tmp_path / "bin").mkdir()
    for name in ("node", "npm"):
        (programs / name).write_text(NPM)
        (programs / name).chmod(0o755)
    (folder := tmp_path / "packages").mkdir()
    for name in npm_packages.FILES:
        (folder / name).write_text("{}")
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    return folder


def runs(folder):
    return (folder.parent / "ran").read_text().count("ran")


def test_packages_are_installed_once_for_a_lock(npm):
    first = node_modules(npm)
    assert first.is_dir()
    assert node_modules(npm) == first
    assert runs(npm) == 1
    (npm / "package-lock.json").write_text('{"other": 1}')
    assert node_modules(npm) != first
    assert runs(npm) == 2


def test_two_at_a_time_install_once(npm):
    others = [threading.Thread(target=node_modules, args=(npm,)) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert runs(npm) == 1


def test_a_failed_install_is_said_and_nothing_is_left(npm, monkeypatch):
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(Unavailable, match="no way"):
        node_modules(npm)
    monkeypatch.delenv("FAILS")
    assert node_modules(npm).is_dir()


def test_a_missing_program_is_named(npm, monkeypatch):
    monkeypatch.setenv("PATH", str(npm))
    with pytest.raises(Unavailable, match="node and npm not found; install Node"):
        node_modules(npm)
