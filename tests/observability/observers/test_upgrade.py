"""Upgrades: accepted, refused, with a caller's trace, and skipped steps."""

import pytest

from observability import names
from observability.observers.upgrade import SilentUpgradeObserver

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.shows("heliograph_upgrades_total", "heliograph_upgrade_seconds", "websocket.upgrade")
@pytest.mark.shows("heliograph_traces_sampled_total")
def test_an_accepted_upgrade_is_counted_and_traced(telemetry):
    observe = telemetry.telemetry.upgrade
    upgrade = observe.began({"User-Agent": "curl/8"}, "/connection/websocket")
    observe.accepted(upgrade, "c1", "centrifuge-json")
    span = telemetry.span("websocket.upgrade")
    assert telemetry.value(names.UPGRADES, "accepted") == 1
    assert telemetry.value(names.UPGRADE_SECONDS) == 1
    assert telemetry.value(names.TRACES_SAMPLED, "audience") == 1
    assert upgrade.link == span.link
    assert span.parent is None
    assert span.attributes["heliograph.connection.id"] == "c1"
    assert span.attributes["http.response.status_code"] == 101
    assert span.attributes["user_agent.original"] == "curl/8"
    assert upgrade.headers is None  # a handle keeps no request alive


def test_a_callers_trace_goes_on(telemetry):
    observe = telemetry.telemetry.upgrade
    upgrade = observe.began({"traceparent": CALLER}, "/connection/websocket")
    observe.accepted(upgrade, "c1", "")
    span = telemetry.span("websocket.upgrade")
    assert f"{span.link.trace_id:032x}" == CALLER.split("-")[1]
    assert f"{span.parent.span_id:016x}" == CALLER.split("-")[2]
    assert telemetry.value(names.TRACES_SAMPLED, "client_flag") == 1


def test_a_storm_of_upgrades_is_counted_whole_and_traced_in_part(telemetry):
    observe = telemetry.telemetry.upgrade
    for _ in range(500):
        observe.accepted(observe.began({}, "/"), "c", "")
    assert telemetry.value(names.UPGRADES, "accepted") == 500
    assert 20 <= len(telemetry.spans) <= 40


@pytest.mark.shows("upgrade.refused")
@pytest.mark.parametrize(
    ("status", "result"),
    [(400, "bad_request"), (403, "forbidden"), (404, "not_found"), (426, "wrong_version"), (503, "overload")],
)
def test_a_refusal_has_a_result_and_a_line(telemetry, status, result):
    observe = telemetry.telemetry.upgrade
    observe.refused(observe.began({}, "/connection/websocket"), status, "origin")
    assert telemetry.value(names.UPGRADES, result) == telemetry.value(names.REFUSALS, "origin", str(status)) == 1
    line = telemetry.line("upgrade.refused")
    assert (line["code"], line["reason"], line["path"]) == (status, "origin", "/connection/websocket")
    span = telemetry.span("websocket.upgrade")
    assert (span.error, span.attributes["heliograph.refusal.cause"]) == ("origin", "origin")
    assert span.attributes["http.response.status_code"] == status
    assert line["trace_id"] == f"{span.link.trace_id:032x}"


def test_a_refusal_by_our_fault_is_traced(telemetry):
    observe = telemetry.telemetry.upgrade
    observe.refused(observe.began({"traceparent": CALLER}, "/"), 500, "exception")
    span = telemetry.span("websocket.upgrade")
    assert telemetry.value(names.UPGRADES, "error") == 1
    assert (span.error, span.attributes["error.type"]) == ("exception", "exception")
    assert telemetry.line("upgrade.refused")["trace_id"] == CALLER.split("-")[1]


@pytest.mark.shows("heliograph_upgrade_steps_skipped_total", "upgrade.step_skipped")
def test_a_skipped_step_is_counted_by_name(telemetry):
    telemetry.telemetry.upgrade.step_skipped("a_middleware", "late")
    assert telemetry.value(names.STEPS_SKIPPED, "a_middleware", "late") == 1
    assert telemetry.line("upgrade.step_skipped")["how"] == "late"


def test_without_a_collector_nothing_is_traced_and_everything_counted(telemetry):
    telemetry.instruments.tracer = None
    observe = telemetry.telemetry.upgrade
    upgrade = observe.began({"traceparent": CALLER}, "/")
    observe.accepted(upgrade, "c1", "")
    assert upgrade.link is None
    assert telemetry.value(names.UPGRADES, "accepted") == 1


def test_silence():
    observe = SilentUpgradeObserver()
    upgrade = observe.began({}, "/")
    observe.accepted(upgrade, "c", "")
    observe.refused(upgrade, 400, "x")
    observe.step_skipped("x", "late")
    assert upgrade.link is None
