"""Tokens and keys."""

import pytest

from observability import names
from observability.observers.access import SilentAccessObserver
from observability.tracing import Link


@pytest.mark.shows("heliograph_tokens_refused_total", "token.refused", "token.check")
def test_a_refused_token_is_counted_by_its_cause_and_told(telemetry):
    telemetry.telemetry.access.token_refused("connection", "signature", "wrong signature", "c-1", Link(7, 8))
    assert telemetry.value(names.TOKENS_REFUSED, "connection", "signature") == 1
    line = telemetry.line("token.refused")
    assert (line["kind"], line["cause"], line["reason"]) == ("connection", "signature", "wrong signature")
    assert line["connection_id"] == "c-1"
    span = telemetry.span("token.check")
    assert (span.error, span.links, line["trace_id"]) == ("signature", (Link(7, 8),), f"{span.link.trace_id:032x}")
    (event,) = span.events
    assert event.name == "token.refused"
    assert event.attributes == {
        "heliograph.refusal.cause": "signature",
        "heliograph.refusal.reason": "wrong signature",
    }


def test_a_flood_of_bad_tokens_is_counted_whole_and_traced_up_to_a_ceiling(telemetry):
    for _ in range(1000):
        telemetry.telemetry.access.token_refused("subscription", "form", "not a token")
    assert telemetry.value(names.TOKENS_REFUSED, "subscription", "form") == 1000
    assert 0 < len(telemetry.spans) <= 20


@pytest.mark.shows("keys.fetched")
def test_a_key_set_is_told(telemetry):
    telemetry.telemetry.access.keys_fetched(3)
    assert telemetry.line("keys.fetched")["count"] == 3


def test_silence():
    SilentAccessObserver().token_refused("connection", "form", "")
    SilentAccessObserver().keys_fetched(1)
