"""Tokens and keys."""

import pytest

from observability import names
from observability.observers.access import SilentAccessObserver


@pytest.mark.shows("heliograph_tokens_refused_total", "token.refused")
def test_a_refused_token_is_counted_by_its_cause_and_told(telemetry):
    telemetry.telemetry.access.token_refused("connection", "signature", "wrong signature", "c-1")
    assert telemetry.value(names.TOKENS_REFUSED, "connection", "signature") == 1
    line = telemetry.line("token.refused")
    assert (line["kind"], line["cause"], line["reason"]) == ("connection", "signature", "wrong signature")
    assert line["connection_id"] == "c-1"


@pytest.mark.shows("keys.fetched")
def test_a_key_set_is_told(telemetry):
    telemetry.telemetry.access.keys_fetched(3)
    assert telemetry.line("keys.fetched")["count"] == 3


def test_silence():
    SilentAccessObserver().token_refused("connection", "form", "")
    SilentAccessObserver().keys_fetched(1)
