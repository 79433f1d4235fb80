"""What is said, for people and for programs. Against a real server: tests/e2e/test_why.py."""

import json

import pytest

from service.lab.case import Case
from service.lab.evidence import Node, Silent
from service.lab.why import as_json, as_text, gather

CLIENT = "37910c74-1936-4fb0-8e68-5ed5d487c8aa"
ENDED = {
    "event": "connection.closed", "timestamp": "2026-11-20T10:00:00Z", "connection_id": CLIENT, "user": "ann",
    "cause": "token_expired", "code": 3005, "initiator": "server", "lifetime": 61.5,
}  # fmt: skip


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "a.log"
    file.write_text(json.dumps(ENDED, separators=(",", ":")) + "\n")
    return file


def test_a_log_alone_is_enough(log):
    case, silent = gather(CLIENT, None, [log])
    said = as_text(case, silent)
    assert said.startswith(f"connection {CLIENT} of user ann: ended 2026-11-20 10:00:00 UTC after 61.5 s with 3005")
    assert "1. The token's lifetime and the grace have passed" in said
    assert "next: the client must give a fresh token" in said
    assert "in 1 of the last 1 ends" in said


def test_a_source_that_is_silent_is_told_beside_the_others(log):
    case, silent = gather("ann", Node("http://127.0.0.1:1", ""), [log])
    assert case.cause == "token_expired"
    assert "Not asked: no node answers" in as_text(case, silent)
    assert as_json(case, silent)["silent_sources"] == silent


def test_when_no_source_answers_that_is_the_answer(tmp_path):
    with pytest.raises(Silent):
        gather("ann", Node("http://127.0.0.1:1", ""), [tmp_path / "nothing"])


def test_a_user_may_be_called_like_a_connection(tmp_path):
    file = tmp_path / "a.log"
    file.write_text(json.dumps({**ENDED, "connection_id": "other", "user": CLIENT}, separators=(",", ":")))
    case, _ = gather(CLIENT, None, [file])
    assert (case.kind, case.story["connection_id"]) == ("user", "other")


def test_what_is_not_known_is_said_plainly(log):
    case, silent = gather("nobody", None, [log])
    assert as_text(case, silent).startswith("nothing is known of nobody")
    assert "neither the node nor the log says anything" in as_text(case, silent)
    assert not as_json(case, silent)["known"]


def test_lines_without_an_end_are_counted():
    case = Case("ab", "trace", lines=[{"event": "message.published", "channel": "news", "offset": 2, "seconds": 0.001}])
    assert as_text(case, []).startswith("trace ab: 1 log lines")
    assert "published to news at offset 2 in 1.0 ms" in as_text(case, [])
