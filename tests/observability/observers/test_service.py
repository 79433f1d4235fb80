"""The service's own life."""

from time import time

import pytest

from observability import names
from observability.observers.service import SilentServiceObserver


@pytest.mark.shows("heliograph_ready", "heliograph_draining", "heliograph_build_info")
@pytest.mark.shows("heliograph_drain_deadline_timestamp_seconds")
@pytest.mark.shows("service.started", "service.ready", "service.draining", "service.stopped", "service.note")
def test_from_start_to_stop(telemetry):
    observe = telemetry.telemetry.service
    observe.started("127.0.0.1:8000", "127.0.0.1:9000")
    observe.note("an option has no effect")
    observe.ready(True)
    observe.ready(True)
    telemetry.look()
    assert telemetry.value(names.READY) == 1
    observe.ready(False)
    assert telemetry.value(names.DRAIN_DEADLINE) == 0
    observe.draining(12, 30.0)
    assert 29 < telemetry.value(names.DRAIN_DEADLINE) - time() <= 30
    observe.stopped("SIGTERM", 0.4, 1)
    assert telemetry.value(names.READY) == 0
    assert telemetry.value(names.DRAINING) == 1
    assert [line["event"] for line in telemetry.lines] == [
        "service.started", "service.note", "service.ready", "service.ready", "service.draining", "service.stopped",
    ]  # fmt: skip
    assert telemetry.lines[0]["version"] == "1.2.3"


@pytest.mark.shows("internal.error")
def test_an_exception_nobody_expected(telemetry):
    try:
        raise KeyError("no such thing")
    except KeyError as error:
        telemetry.telemetry.service.internal_error("hub", error)
    assert telemetry.value(names.ERRORS, "internal") == 1
    line = telemetry.line("internal.error")
    assert line["error"] == "KeyError: 'no such thing'"
    assert "test_service.py" in line["exception"]
    assert line["where"] == "hub"


def test_silence():
    observe = SilentServiceObserver()
    observe.started("", "")
    observe.ready(True)
    observe.draining(1, 1.0)
    observe.stopped("", 0.1)
    observe.note("")
    observe.internal_error("", ValueError())
