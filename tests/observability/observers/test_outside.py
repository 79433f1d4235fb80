"""Questions to other servers."""

import pytest

from observability import names
from observability.observers.outside import SilentOutsideObserver
from observability.tracing import Link, parse_traceparent

UPGRADE = Link(0xABC, 0xDEF)


@pytest.mark.shows("heliograph_outside_calls_total", "heliograph_outside_call_seconds", "hook.call")
def test_an_answered_question_is_counted_and_traced(telemetry):
    outside = telemetry.telemetry.outside
    call = outside.calling("hooks", "rpc", "c-1", "alice")
    assert parse_traceparent(call.traceparent) == (*call.link, True)
    call.tries = 1
    outside.called(call, "done")
    assert telemetry.value(names.OUTSIDE_CALLS, "hooks", "rpc", "done") == 1
    assert telemetry.value(names.OUTSIDE_SECONDS, "hooks", "rpc") == 1
    span = telemetry.span("hook.call")
    assert (span.link, span.parent, span.error) == (call.link, None, "")
    assert span.attributes["heliograph.outside.kind"] == "rpc"
    assert not telemetry.lines


def test_a_question_of_a_greeting_belongs_to_the_trace_of_its_upgrade(telemetry):
    call = telemetry.telemetry.outside.calling("hooks", "connect", "c-1", parent=UPGRADE)
    telemetry.telemetry.outside.called(call, "done")
    span = telemetry.span("hook.call")
    assert (span.link.trace_id, span.parent) == (UPGRADE.trace_id, UPGRADE)


@pytest.mark.shows("outside.failed")
def test_a_failure_is_told_with_a_sentence(telemetry):
    call = telemetry.telemetry.outside.calling("billing", "publish", "c-1")
    telemetry.telemetry.outside.called(call, "status", "status 500 instead of 200", 500)
    line = telemetry.line("outside.failed")
    assert (line["dependency"], line["kind"], line["result"], line["code"]) == ("billing", "publish", "status", 500)
    assert line["reason"] == "status 500 instead of 200"
    span = telemetry.span("hook.call")
    assert (span.error, span.attributes["http.response.status_code"]) == ("status", 500)


def test_a_failure_that_was_not_sampled_is_traced_late(telemetry):
    outside = telemetry.telemetry.outside
    while (call := outside.calling("hooks", "rpc")).link is not None:
        pass  # until the gate closes
    assert call.traceparent == ""
    outside.called(call, "timeout", "nothing within 1 s")
    assert telemetry.span("hook.call").error == "timeout"


def test_key_sets_make_no_span(telemetry):
    call = telemetry.telemetry.outside.calling("jwks", "jwks")
    telemetry.telemetry.outside.called(call, "unreachable", "no connection")
    assert not telemetry.spans


def test_who_is_gone_makes_no_line(telemetry):
    call = telemetry.telemetry.outside.calling("hooks", "rpc")
    telemetry.telemetry.outside.called(call, "abandoned")
    assert not telemetry.lines


@pytest.mark.shows("heliograph_outside_retries_total", "breaker.opened", "breaker.closed")
def test_further_tries_and_the_breaker(telemetry):
    outside = telemetry.telemetry.outside
    outside.retried(outside.calling("hooks", "connect"))
    assert telemetry.value(names.OUTSIDE_RETRIES, "hooks", "connect") == 1
    outside.breaker_opened("hooks", "connect")
    outside.breaker_closed("hooks", "connect")
    assert [line["event"] for line in telemetry.lines] == ["breaker.opened", "breaker.closed"]


def test_certificates_towards_a_backend_are_told(telemetry):
    outside = telemetry.telemetry.outside
    outside.certificate_loaded("billing", "shows CN=heliograph", 86_400.0)
    outside.certificate_refused("billing", "key_pem: the file cannot be read")
    assert [telemetry.value(names.CERTIFICATE_RELOADS, result) for result in ("loaded", "refused")] == [1, 1]
    line = telemetry.line("certificate.loaded")
    assert (line["dependency"], line["reason"], line["seconds"]) == ("billing", "shows CN=heliograph", 86_400.0)
    assert telemetry.line("certificate.refused")["reason"] == "key_pem: the file cannot be read"


def test_silence():
    silent = SilentOutsideObserver()
    call = silent.calling("hooks", "rpc", "c", "u", UPGRADE)
    assert call.traceparent == ""
    silent.retried(call)
    silent.certificate_loaded("hooks", "shows CN=a", 1.0)
    silent.certificate_refused("hooks", "no")
    silent.called(call, "done")
    silent.breaker_opened("hooks", "rpc")
    silent.breaker_closed("hooks", "rpc")
