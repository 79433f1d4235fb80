"""Requests of the server API, and of the debug API."""

from observability import names
from observability.names import SERVER_FAULTS
from observability.observers.instruments import Instruments, Requests
from observability.tracing import Link, parse_traceparent


class ApiObserver:
    """Tells of the server API and of the debug API."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self._calls = instruments.registry.counter(names.API_REQUESTS)
        self._seconds = instruments.registry.histogram(names.API_SECONDS).child()
        self._requests = Requests(instruments.registry, "api")
        self._debugged = instruments.registry.counter(names.DEBUG_REQUESTS)

    def called(self, method: str, status: int, error_code: int, seconds: float, traceparent: str | None = None) -> None:
        """A request was answered.

        Args:
            method: of the API, any text for an unknown one.
            status: HTTP status.
            error_code: reply error in the body, 0 for none.
            seconds: from its first byte read to the answer.
            traceparent: as the caller sent it.

        """
        self._calls.by[method, str(status)].value += 1
        fault = status >= 500 or error_code in SERVER_FAULTS
        self._requests.answered(fault=fault)
        self._seconds.observe(seconds)
        if fault or error_code or status >= 400:
            caller = parse_traceparent(traceparent)
            self._all.tell(
                names.API_FAILED if fault else names.API_REFUSED,
                caller and Link(caller.trace_id, caller.span_id),
                method=method[:40],
                code=error_code or status,
                seconds=seconds,
            )

    def debugged(self, page: str, status: int, seconds: float) -> None:
        """A request of the debug API was answered; ``page`` is one of ``names.DEBUG_PAGES``."""
        self._debugged.by[page, str(status)].value += 1
        if status >= 400:
            self._all.tell(names.DEBUG_REFUSED, method=page, code=status, seconds=seconds)


class SilentApiObserver(ApiObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def called(self, method: str, status: int, error_code: int, seconds: float, traceparent: str | None = None) -> None:
        pass

    def debugged(self, page: str, status: int, seconds: float) -> None:
        pass
