"""What observers share."""

from observability import names
from observability.observers.instruments import Requests, shown
from observability.tracing import Link


def test_no_namespace_is_shown_as_a_dash():
    assert (shown("chat"), shown("")) == ("chat", "-")


def test_requests_make_an_error_rate(telemetry):
    requests = Requests(telemetry.registry, "api")
    requests.answered(fault=False)
    requests.answered(fault=True)
    assert telemetry.value(names.REQUESTS, "api") == 2
    assert telemetry.value(names.ERRORS, "api") == 1


def test_a_late_trace_needs_room_in_the_queue_and_under_the_ceiling(telemetry):
    instruments = telemetry.instruments
    assert sum(instruments.late_tracer() is not None for _ in range(100)) >= 20
    assert instruments.late_tracer() is None
    telemetry.post.full = True
    assert instruments.open_tracer() is None
    instruments.tracer = None
    assert instruments.open_tracer() is None


def test_a_line_carries_the_ids_of_its_span(telemetry):
    telemetry.instruments.tell(names.SERVICE_NOTE, Link(1, 2), message="x")
    line = telemetry.line("service.note")
    assert (line["trace_id"], line["span_id"]) == ("0" * 31 + "1", "0" * 15 + "2")
