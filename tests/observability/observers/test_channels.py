"""Publications on their way, and who hears them."""

import time

import pytest

from observability import names
from observability.observers.channels import SilentChannelsObserver
from observability.sampling import Gate, SamplingSettings
from observability.tracing import Link, parse_traceparent, trace_id_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
RECEIVERS = [Link(n, n) for n in range(1, 12)]


def told(telemetry, draw=0.0, **settings):
    telemetry.instruments.gate = Gate(SamplingSettings(**settings), lambda: draw)
    return telemetry.telemetry.channels


@pytest.mark.shows("heliograph_publications_total", "heliograph_publish_seconds", "message.publish")
@pytest.mark.shows("message.published")
def test_a_sampled_publication(telemetry):
    observe = told(telemetry)
    trace = observe.publishing("chat", "chat:1", 5, via="client")
    began = time.time_ns()
    observe.published(trace, "chat", "client", 0.002, offset=17)
    span = telemetry.span("message.publish")
    found = parse_traceparent(trace.traceparent)
    assert found is not None
    assert found[:2] == span.link
    assert trace.trace_id == f"{span.link.trace_id:032x}"
    assert span.attributes["messaging.destination.name"] == "chat:1"
    assert span.attributes["heliograph.publish.offset"] == 17
    assert span.end - span.start == 2_000_000
    assert span.start <= began, "it was accepted before anything came of it"
    assert telemetry.value(names.PUBLICATIONS, "chat", "client") == 1
    assert telemetry.value(names.REQUESTS, "publish") == 1
    line = telemetry.line("message.published")
    assert (line["trace_id"], line["channel"], line["offset"]) == (trace.trace_id, "chat:1", 17)


def test_one_that_is_not_sampled_is_counted_alike(telemetry):
    observe = told(telemetry, draw=0.999)
    assert observe.publishing("chat", "chat:1", 1000) is None
    observe.published(None, "chat", "api", 0.002)
    assert telemetry.value(names.PUBLICATIONS, "chat", "api") == 1
    assert telemetry.value(names.PUBLISH_SECONDS) == 1
    assert not telemetry.spans
    assert not telemetry.lines


def test_a_callers_trace_goes_on_even_when_its_flag_says_no(telemetry):
    trace = told(telemetry).publishing("chat", "chat:1", 1, CALLER)
    assert trace.trace_id == CALLER.split("-")[1]
    telemetry.telemetry.channels.published(trace, "chat", "api", 0.001)
    assert f"{telemetry.span('message.publish').parent.span_id:016x}" == CALLER.split("-")[2]


def test_while_the_exporters_queue_is_full_nothing_is_sampled(telemetry):
    telemetry.post.full = True
    assert told(telemetry).publishing("chat", "chat:1", 1) is None


def test_without_a_collector_nothing_is_sampled(telemetry):
    telemetry.instruments.tracer = None
    assert told(telemetry).publishing("chat", "chat:1", 1) is None


@pytest.mark.shows("heliograph_publish_errors_total", "message.failed")
def test_a_publication_that_fails_by_our_fault_is_always_told(telemetry):
    told(telemetry, draw=0.999).publish_failed(None, "chat", "api", 100, seconds=0.5, channel="chat:1")
    assert telemetry.value(names.PUBLISH_ERRORS, "api", "100") == 1
    assert telemetry.value(names.ERRORS, "publish") == 1
    assert telemetry.span("message.publish").error == "100"
    assert telemetry.line("message.failed")["channel"] == "chat:1"


@pytest.mark.shows("message.refused")
def test_the_publishers_own_mistake_is_no_error_of_ours(telemetry):
    told(telemetry).publish_failed(None, "", "client", 102, channel="nowhere:1")
    assert telemetry.value(names.PUBLISH_ERRORS, "client", "102") == 1
    assert telemetry.value(names.ERRORS, "publish") == 0
    assert telemetry.value(names.REQUESTS, "publish") == 1
    assert not telemetry.spans
    assert telemetry.line("message.refused")["namespace"] == "-"


@pytest.mark.shows("heliograph_fanout_seconds", "message.fanout")
def test_a_fanout_belongs_to_the_publication_and_leads_to_receivers(telemetry):
    observe = told(telemetry)
    trace = observe.publishing("chat", "chat:1", 11)
    observe.fanned_out("chat", 2, 11, 0.003, traceparents=[trace.traceparent], links=RECEIVERS)
    span = telemetry.span("message.fanout")
    assert span.link.trace_id == trace.link.trace_id
    assert span.parent == trace.link
    assert span.links == RECEIVERS[:8]
    assert span.attributes["messaging.batch.message_count"] == 2
    assert telemetry.value(names.FANOUT_SECONDS) == 1


def test_foreign_tags_cannot_buy_more_spans_than_the_ceiling(telemetry):
    observe = told(telemetry)
    for number in range(1, 1000):
        observe.fanned_out("chat", 1, 1, 0.001, traceparents=[f"00-{number:032x}-{number:016x}-01", "nonsense"])
    assert 100 <= len(telemetry.spans) <= 130
    assert telemetry.value(names.FANOUT_SECONDS) == 999


@pytest.mark.shows("heliograph_message_delivery_seconds")
def test_deliveries_are_counted_by_slices_with_an_exemplar(telemetry):
    observe = told(telemetry)
    observe.delivered(0.004, 256, "a" * 32)
    observe.delivered(0.004, 256)
    assert telemetry.value(names.DELIVERY_SECONDS) == 512
    assert b'le="0.005"} 512 # {trace_id="' + b"a" * 32 in b"".join(telemetry.registry.render())


@pytest.mark.shows("message.deliver", "message.late", "heliograph_messages_late_total")
def test_a_late_delivery_of_a_publication_nobody_sampled(telemetry):
    """Every node draws the same trace id from the publication's id."""
    observe = told(telemetry, draw=0.999)
    observe.delivered_late("chat", 1.5, 3, channel="chat:1", entry_id=-42)
    span = telemetry.span("message.deliver")
    assert span.link.trace_id == trace_id_of(-42)
    assert span.parent is None
    assert span.end - span.start == 1_500_000_000
    assert telemetry.value(names.DELIVERY_SECONDS) == 3
    assert telemetry.value(names.TRACES_SAMPLED, "late") == 1
    line = telemetry.line("message.late")
    assert (line["trace_id"], line["seconds"]) == (f"{span.link.trace_id:032x}", 1.5)


def test_a_late_delivery_of_a_sampled_publication_is_its_child(telemetry):
    observe = told(telemetry)
    trace = observe.publishing("chat", "chat:1", 1)
    observe.delivered_late("chat", 0.6, 1, trace.traceparent)
    assert telemetry.span("message.deliver").parent == trace.link


def test_a_storm_of_late_deliveries_is_counted_whole_and_traced_in_part(telemetry):
    observe = told(telemetry)
    for number in range(500):
        observe.delivered_late("chat", 0.6, 2, entry_id=number)
    assert telemetry.value(names.DELIVERY_SECONDS) == telemetry.value(names.LATE, "chat") == 1000
    assert 20 <= len(telemetry.spans) <= 30
    assert len(telemetry.lines) <= 30


@pytest.mark.shows("heliograph_subscribes_total", "heliograph_unsubscribes_total", "heliograph_recoveries_total")
def test_who_joins_and_leaves(telemetry):
    observe = told(telemetry)
    observe.joined("chat")
    observe.joined("chat", "recovered")
    observe.joined("", "told")
    observe.left()
    assert telemetry.value(names.SUBSCRIBES) == 3
    assert telemetry.value(names.UNSUBSCRIBES) == 1
    assert telemetry.value(names.RECOVERIES_TOTAL, "chat", "recovered") == 1
    assert telemetry.value(names.RECOVERIES_TOTAL, names.NO_NAMESPACE, "told") == 1


@pytest.mark.shows("message.dropped")
def test_every_drop_has_a_cause(telemetry):
    told(telemetry).dropped("chat", "fanout_overload", 12, "chat:1")
    line = telemetry.line("message.dropped")
    assert (line["cause"], line["count"]) == ("fanout_overload", 12)


@pytest.mark.shows("heliograph_delta_messages_total", "heliograph_delta_saved_bytes_total")
def test_deltas_count_for_each_member(telemetry):
    told(telemetry).delta("chat", 3, 4, 1000, 50)
    assert telemetry.value(names.DELTAS, "delta") == 150
    assert telemetry.value(names.DELTAS, "full") == 50
    assert telemetry.value(names.DELTA_SAVED, "chat") == 50_000


@pytest.mark.shows("heliograph_insufficient_state_total", "channel.gap")
def test_a_lost_position_is_told(telemetry):
    told(telemetry).gap("chat", "chat:1")
    assert telemetry.value(names.INSUFFICIENT, "chat") == 1
    assert telemetry.line("channel.gap")["channel"] == "chat:1"


def test_silence():
    observe = SilentChannelsObserver()
    assert observe.publishing("", "x", 1) is None
    assert observe.slow == float("inf")
    observe.published(None, "", "api", 0.1)
    observe.publish_failed(None, "", "api", 100)
    observe.fanned_out("", 1, 1, 0.1)
    observe.delivered(0.1, 1)
    observe.delivered_late("", 0.1, 1)
    observe.joined("")
    observe.left()
    observe.delta("", 1, 1, 1, 1)
    observe.dropped("", "unknown", 1)
    observe.gap("", "x")
