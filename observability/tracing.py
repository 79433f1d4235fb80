"""Spans without a tracer on the hot path; see the classes."""

from typing import NamedTuple


class Link(NamedTuple):
    """Where a span is: what another span links to. Opaque to the service, which only keeps it and hands it back."""

    trace_id: int
    span_id: int


class PublishTrace:
    """A sampled publication under way. Opaque to the service but for ``traceparent`` and ``trace_id``."""

    __slots__ = ("trace_id", "traceparent")

    def __init__(self, trace_id: str, traceparent: str) -> None:
        self.trace_id = trace_id
        self.traceparent = traceparent
