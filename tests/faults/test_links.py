"""Links lead to what a fault shows."""

import time

import pytest

from faults import links
from faults.catalogue import BY_NAME

BURST, LATE, DEPLOY = BY_NAME["error-burst"], BY_NAME["late-readers"], BY_NAME["deploy"]


def span(trace_id, at):
    """One without an error is of a trace whose name says so."""
    failed = [] if trace_id.startswith("well") else [{"key": "error", "value": True}]
    return {"startTime": at, "tags": [{"key": "http.route", "value": "/"}, *failed]}


class Stack:
    """Jaeger with the traces `there`, and Prometheus with `dots`: (trace, value, time)."""

    def __init__(self, there=(), dots=()):
        self.there, self.dots = dict(there), dots
        self.asked = []

    def url(self, service, path):
        return f"http://{service}{path}"

    def get(self, service, path, inside=0):
        self.asked.append((service, path))
        if service == "prometheus":
            dots = [
                {"labels": {"trace_id": each}, "value": str(value), "timestamp": at} for each, value, at in self.dots
            ]
            return {"data": [{"seriesLabels": {}, "exemplars": dots}]}
        if path.startswith("/api/traces?"):
            return {"data": [{"traceID": each, "spans": [span(each, at)]} for each, at in self.there.items()]}
        assert path.removeprefix("/api/traces/") in self.there, "no such trace"
        return {"data": [{}]}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(links, "PATIENCE", 0.02)
    monkeypatch.setattr(links, "_LOOK", 0.01)


def test_an_error_s_trace_is_the_latest():
    assert links.trace(Stack({"a": 1, "b": 3, "c": 2, "well": 4}), BURST, 0.0) == "http://jaeger/trace/b"


def test_slowness_s_trace_is_the_slowest_exemplar_since_the_fault_that_jaeger_has():
    now = time.time()
    dots = [("before", 9.0, now - 60), ("lost", 5.0, now), ("slow", 4.0, now), ("quick", 0.1, now)]
    stack = Stack({"before": 1, "slow": 1, "quick": 1}, dots)
    assert links.trace(stack, LATE, now - 30) == "http://jaeger/trace/slow"
    assert "query=heliograph_message_delivery_seconds_bucket" in stack.asked[0][1]


def test_a_trace_without_an_error_shows_none(impatient):
    assert links.trace(Stack({"well": 1}), BURST, 0.0) == ""


@pytest.mark.parametrize("fault", [BURST, LATE])
def test_where_no_trace_is_none_is_told(impatient, fault):
    assert links.trace(Stack(), fault, 0.0) == ""


def test_what_is_there_is_shown():
    assert links.shown("http://t", "http://b").split() == ["trace", "http://t", "board", "http://b"]
    assert links.shown("", "http://b").split() == ["board", "http://b"]


def test_the_board_is_shown_with_the_fault_s_time():
    assert links.board(LATE, 1000.0, 1030.0) == (
        "http://localhost:3000/d/heliograph-messages/messages?from=985000&to=1045000"
    )
