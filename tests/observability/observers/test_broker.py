"""The broker's operations."""

import pytest

from observability import names
from observability.observers.broker import SilentBrokerObserver


@pytest.mark.shows("heliograph_broker_operations_total", "heliograph_broker_operation_seconds", "broker.publish")
def test_a_sampled_publish_has_the_brokers_part_as_a_child(telemetry):
    trace = telemetry.telemetry.channels.publishing("chat", "chat:1", 1)
    telemetry.telemetry.broker.done("publish", 0.0002, trace)
    span = telemetry.span("broker.publish")
    assert (span.parent, span.link.trace_id) == (trace.link, trace.link.trace_id)
    assert telemetry.value(names.BROKER_OPERATIONS, "publish", "done") == 1
    assert telemetry.value(names.BROKER_SECONDS, "publish") == 1


def test_other_operations_are_numbers(telemetry):
    telemetry.telemetry.broker.done("history", 0.0002)
    assert telemetry.value(names.BROKER_OPERATIONS, "history", "done") == 1
    assert not telemetry.spans


@pytest.mark.shows("broker.failed")
def test_a_failure_is_told(telemetry):
    trace = telemetry.telemetry.channels.publishing("chat", "chat:1", 1)
    telemetry.telemetry.broker.failed("publish", 0.8, "timeout", trace)
    assert telemetry.value(names.BROKER_OPERATIONS, "publish", "failed") == 1
    assert telemetry.span("broker.publish").error == "timeout"
    line = telemetry.line("broker.failed")
    assert (line["operation"], line["reason"], line["trace_id"]) == ("publish", "timeout", trace.trace_id)


def test_silence():
    SilentBrokerObserver().done("publish", 0.1)
    SilentBrokerObserver().failed("publish", 0.1, "x")
