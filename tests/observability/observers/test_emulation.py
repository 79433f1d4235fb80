"""Commands by POST."""

import pytest

from observability import names
from observability.observers.emulation import SilentEmulationObserver


@pytest.mark.shows("heliograph_emulation_requests_total")
def test_accepted_ones_are_counted(telemetry):
    telemetry.telemetry.emulation.accepted()
    assert telemetry.value(names.EMULATION_REQUESTS, "accepted") == 1
    assert not telemetry.lines


@pytest.mark.shows("emulation.refused")
def test_refused_ones_have_a_cause_and_a_line(telemetry):
    for result in names.EMULATION_RESULTS[1:]:
        telemetry.telemetry.emulation.refused(result, 400, "because")
        assert telemetry.value(names.EMULATION_REQUESTS, result) == 1
    lines = [line for line in telemetry.lines if line["event"] == "emulation.refused"]
    assert lines
    assert {(line["code"], line["reason"]) for line in lines} == {(400, "because")}
    assert lines[0]["cause"] == names.EMULATION_RESULTS[1]


def test_the_silent_one_says_nothing():
    SilentEmulationObserver().accepted()
    SilentEmulationObserver().refused("too_large", 413, "x")
