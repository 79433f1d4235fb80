"""The committed boards are what the code says."""

import json

import pytest

from grafana import build


def test_the_generated_boards_are_current():
    assert build.stale() == [], "run: make docs"


def test_a_build_is_the_same_every_time():
    assert dict(build.boards()) == dict(build.boards())


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "GENERATED", tmp_path)
    build.write()
    return tmp_path


def test_what_was_written_is_current(elsewhere, capsys):
    assert build.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_a_board_changed_by_hand_is_found(elsewhere, capsys):
    board = json.loads((elsewhere / "overview.json").read_text())
    board["title"] = "mine"
    (elsewhere / "overview.json").write_text(json.dumps(board))
    assert build.main(["--check"]) == 1
    assert "overview.json" in capsys.readouterr().err


def test_a_missing_board_and_a_left_over_one_are_found_and_put_right(elsewhere):
    (elsewhere / "overview.json").rename(elsewhere / "old.json")
    assert build.stale() == ["old.json", "overview.json"]
    assert build.main([]) == 0
    assert build.stale() == []
