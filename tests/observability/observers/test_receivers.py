"""What receivers say is counted; a sampled message gets the span of its receipt, at the time it was."""

import pytest

from observability import names
from observability.observers.receivers import ReceiversObserver, SilentReceiversObserver
from observability.tracing import Link

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def told(telemetry):
    return ReceiversObserver(telemetry.instruments)


@pytest.mark.shows("heliograph_receipts_total", "heliograph_receipt_resumes_total", "receiver.refused")
def test_receipts(telemetry):
    observe = told(telemetry)
    for result in ("confirmed", "confirmed", "refused"):
        observe.receipt("chat", result)
    observe.resumed()
    assert telemetry.value(names.RECEIPTS, "confirmed") == 2
    assert telemetry.value(names.RECEIPTS, "refused") == 1
    assert telemetry.value(names.RECEIPT_RESUMES) == 1
    assert telemetry.line("receiver.refused")["reason"] == "receipt"


@pytest.mark.shows("heliograph_redeliveries_total", "message.unconfirmed")
def test_redelivery(telemetry):
    told(telemetry).redelivered("chat", "chat:1", 7)
    assert telemetry.value(names.REDELIVERIES) == 1
    assert telemetry.line("message.unconfirmed")["count"] == 7


@pytest.mark.shows("heliograph_client_reports_total", "heliograph_client_reports_unmeasured_total")
def test_reports(telemetry):
    observe = told(telemetry)
    observe.reported("accepted")
    observe.reported("early")
    observe.unmeasured("implausible")
    assert telemetry.value(names.REPORTS, "accepted") == 1
    assert telemetry.value(names.UNMEASURED, "implausible") == 1
    assert telemetry.line("receiver.refused")["reason"] == "report early"


@pytest.mark.shows("heliograph_message_receive_seconds", "message.receive")
def test_a_sampled_message_gets_the_span_of_its_receipt(telemetry):
    observe = told(telemetry)
    observe.received("chat", 0.2, channel="chat:1")
    assert not telemetry.spans
    observe.received(
        "chat", 0.3, channel="chat:1", traceparent=TRACE, at=1000.5, error=0.004, receiver=Link(5, 6)
    )  # fmt: skip
    (span,) = telemetry.spans
    assert (span.name.name, f"{span.link.trace_id:032x}", span.parent) == (
        "message.receive",
        "a" * 32,
        Link(int("a" * 32, 16), int("b" * 16, 16)),
    )
    assert (span.start, span.end) == (1_000_200_000_000, 1_000_500_000_000)
    assert span.attributes["heliograph.clock.error_seconds"] == 0.004
    assert list(span.links) == [Link(5, 6)]


@pytest.mark.shows("heliograph_client_disconnects_total", "receiver.disconnected")
def test_an_end_as_its_client_saw_it(telemetry):
    told(telemetry).lost("transport_closed", 1, "x" * 300, 2.5, "c1")
    assert telemetry.value(names.CLIENT_DISCONNECTS, "transport_closed") == 1
    line = telemetry.line("receiver.disconnected")
    assert (line["cause"], line["code"], len(line["reason"]), line["connection_id"]) == (
        "transport_closed",
        1,
        128,
        "c1",
    )


def test_silence():
    observe = SilentReceiversObserver()
    observe.receipt("", "confirmed")
    observe.resumed()
    observe.redelivered("", "c", 1)
    observe.reported("accepted")
    observe.unmeasured("unknown")
    observe.received("", 0.1, channel="c")
    observe.lost("other", 0, "", 0.0, "c")
