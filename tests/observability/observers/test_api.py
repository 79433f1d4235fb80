"""The server API."""

import pytest

from observability import names
from observability.observers.api import SilentApiObserver

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.shows("heliograph_api_requests_total", "heliograph_api_request_seconds")
def test_a_call_is_counted_by_method_and_status(telemetry):
    telemetry.telemetry.api.called("publish", 200, 0, 0.001)
    assert telemetry.value(names.API_REQUESTS, "publish", "200") == 1
    assert telemetry.value(names.API_SECONDS) == 1
    assert telemetry.value(names.REQUESTS, "api") == 1
    assert telemetry.value(names.ERRORS, "api") == 0
    assert not telemetry.lines


@pytest.mark.shows("api.refused")
def test_a_callers_mistake_is_told_with_its_trace(telemetry):
    telemetry.telemetry.api.called("publish", 200, 102, 0.001, CALLER)
    line = telemetry.line("api.refused")
    assert (line["code"], line["trace_id"]) == (102, CALLER.split("-")[1])
    assert telemetry.value(names.ERRORS, "api") == 0


@pytest.mark.shows("api.failed")
def test_our_fault_is_an_error(telemetry):
    telemetry.telemetry.api.called("publish", 200, 100, 0.001)
    telemetry.telemetry.api.called("publish", 500, 0, 0.001)
    assert telemetry.value(names.ERRORS, "api") == 2
    assert [line["code"] for line in telemetry.lines] == [100, 500]


def test_silence():
    SilentApiObserver().called("publish", 200, 0, 0.1)
