"""The upgrade from HTTP to WebSocket, or to a stream, from the request to its answer."""

from collections.abc import Callable, Mapping

from observability import names, span_names
from observability.observers.instruments import Instruments
from observability.tracing import Link, Parent, parse_traceparent

_RESULTS = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    426: "wrong_version",
    429: "overload",
    503: "overload",
}


class Upgrade:
    """One request to upgrade; ``link`` leads to its span once it was accepted and sampled."""

    __slots__ = ("headers", "link", "method", "path", "started", "transport")

    def __init__(
        self,
        started: float,
        headers: Mapping[str, str] | None = None,
        path: str = "",
        transport: str = "websocket",
        method: str = "GET",
    ) -> None:
        self.transport = transport
        self.method = method
        self.started = started
        self.headers = headers
        self.path = path
        self.link: Link | None = None


class UpgradeObserver:
    """Tells of upgrades; ``opened`` hears of each that was accepted."""

    def __init__(self, instruments: Instruments, opened: Callable[[], None] = lambda: None) -> None:
        self._all = instruments
        self._opened = opened
        self._clock = instruments.clock
        results = instruments.registry.counter(names.UPGRADES)
        self._accepted = results.child("accepted")
        self._results = results
        self._refusals = instruments.registry.counter(names.REFUSALS)
        self._seconds = instruments.registry.histogram(names.UPGRADE_SECONDS).child()
        self._skipped = instruments.registry.counter(names.STEPS_SKIPPED)

    def began(
        self, headers: Mapping[str, str], path: str, transport: str = "websocket", method: str = "GET"
    ) -> Upgrade:
        """A request to upgrade came; keep the handle until ``accepted`` or ``refused``."""
        return Upgrade(self._clock(), headers, path, transport, method)

    def accepted(self, upgrade: Upgrade, connection_id: str, subprotocol: str) -> None:
        """The 101, or a stream's head, is written."""
        now = self._clock()
        seconds = now - upgrade.started
        self._accepted.value += 1
        self._opened()
        if self._all.tracer is not None:
            self._trace(upgrade, now, connection_id, subprotocol)
        upgrade.headers = None
        link = upgrade.link
        self._seconds.observe(seconds, 1, None if link is None else f"{link.trace_id:032x}")

    def refused(self, upgrade: Upgrade, status: int, reason: str) -> None:
        """The answer is not 101; ``reason`` is one word, of ``names.REFUSAL_CAUSES`` unless the fault is ours."""
        seconds = self._clock() - upgrade.started
        result = _RESULTS.get(status, "error" if status >= 500 else "bad_request")
        self._results.by[result].value += 1
        if reason in names.REFUSAL_CAUSES:
            self._refusals.by[reason, str(status)].value += 1
        self._seconds.observe(seconds)
        self._trace_refusal(upgrade, seconds, status, reason)
        self._all.tell(names.UPGRADE_REFUSED, upgrade.link, code=status, reason=reason, path=upgrade.path[:200])

    def step_skipped(self, step: str, how: str) -> None:
        """A step of the chain in front of the upgrade was "late" or "raised"."""
        self._skipped.by[step, how].value += 1
        self._all.tell(names.UPGRADE_STEP_SKIPPED, step=step, how=how)

    def _trace(self, upgrade: Upgrade, now: float, connection_id: str, subprotocol: str) -> None:
        tracer = self._all.open_tracer()
        if tracer is None:
            return
        headers = upgrade.headers or {}
        parent = parse_traceparent(headers.get("traceparent"))
        by = self._all.gate.upgrade(now, flagged=parent is not None and parent.sampled)
        if not by:
            return
        self._all.sampled(by)
        attributes = _attributes(upgrade, 101 if _is_websocket(upgrade) else 200)
        attributes["heliograph.connection.id"] = connection_id
        attributes["heliograph.subprotocol"] = subprotocol
        attributes["heliograph.sampled_by"] = by
        upgrade.link = tracer.begin(parent)
        tracer.ended(span_names.UPGRADE_SPAN, upgrade.link, now - upgrade.started, attributes, parent=parent)

    def _trace_refusal(self, upgrade: Upgrade, seconds: float, status: int, reason: str) -> None:
        tracer = self._all.late_tracer() if status in (500, 504) else self._all.refusal_tracer()
        if tracer is None:
            return
        parent: Parent | None = parse_traceparent((upgrade.headers or {}).get("traceparent"))
        upgrade.link = tracer.begin(parent)
        attributes = _attributes(upgrade, status)
        attributes["heliograph.refusal.cause"] = reason
        tracer.ended(span_names.UPGRADE_SPAN, upgrade.link, seconds, attributes, parent=parent, error=reason)


def _attributes(upgrade: Upgrade, status: int) -> dict[str, str | int | float | bool]:
    agent = (upgrade.headers or {}).get("User-Agent", "")
    return {
        "http.request.method": upgrade.method,
        "url.path": upgrade.path[:200],
        "http.response.status_code": status,
        "network.protocol.name": "websocket" if _is_websocket(upgrade) else "http",
        "heliograph.transport": upgrade.transport,
        "user_agent.original": agent[:200],
    }


def _is_websocket(upgrade: Upgrade) -> bool:
    return upgrade.transport.endswith("websocket")


class SilentUpgradeObserver(UpgradeObserver):
    """Tells nobody but ``opened``."""

    def __init__(self, opened: Callable[[], None] = lambda: None) -> None:
        self._opened = opened

    def began(
        self, headers: Mapping[str, str], path: str, transport: str = "websocket", method: str = "GET"
    ) -> Upgrade:
        del headers, path, transport, method
        return _NOTHING

    def accepted(self, upgrade: Upgrade, connection_id: str, subprotocol: str) -> None:
        del upgrade, connection_id, subprotocol
        self._opened()

    def refused(self, upgrade: Upgrade, status: int, reason: str) -> None:
        pass

    def step_skipped(self, step: str, how: str) -> None:
        pass


_NOTHING = Upgrade(0.0)
