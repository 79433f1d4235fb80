"""Questions to other servers: how they ended, how long they took, and when nobody is asked any more."""

from dataclasses import dataclass

from observability import names, span_names
from observability.observers.instruments import Instruments
from observability.tracing import Link, format_traceparent

_HOOKS = frozenset(names.OUTSIDE_KINDS) - {"jwks"}


@dataclass(slots=True)
class OutsideCall:
    """One question under way. Opaque to the service but for ``traceparent``, which it hands on ("" for none)."""

    dependency: str
    kind: str
    started: float
    connection_id: str = ""
    link: Link | None = None
    parent: Link | None = None
    traceparent: str = ""
    tries: int = 0


class OutsideObserver:
    """Tells of other servers."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        registry = instruments.registry
        self._calls = registry.counter(names.OUTSIDE_CALLS)
        self._seconds = registry.histogram(names.OUTSIDE_SECONDS)
        self._retries = registry.counter(names.OUTSIDE_RETRIES)
        self._reloads = registry.counter(names.CERTIFICATE_RELOADS)

    def calling(
        self, dependency: str, kind: str, connection_id: str = "", user: str = "", parent: Link | None = None
    ) -> OutsideCall:
        """A question begins.

        Args:
            dependency: who is asked, by its configured name.
            kind: what for, one of ``names.OUTSIDE_KINDS``.
            connection_id: for whom.
            user: whose, as far as known.
            parent: the sampled upgrade that waits for the answer.

        """
        call = OutsideCall(dependency, kind, self._all.clock(), connection_id, parent=parent)
        tracer = self._all.open_tracer() if kind in _HOOKS else None
        if tracer is not None and (parent is not None or self._wanted(user, call.started)):
            call.link = tracer.begin(parent)
            call.traceparent = format_traceparent(call.link)
        return call

    def retried(self, call: OutsideCall) -> None:
        """It is asked once more."""
        self._retries.by[call.dependency, call.kind].value += 1

    def called(self, call: OutsideCall, result: str, says: str = "", status: int = 0) -> None:
        """The question has its end.

        Args:
            call: from ``calling``.
            result: one of ``names.OUTSIDE_RESULTS``.
            says: what went wrong, in a sentence without payloads.
            status: of the HTTP answer, 0 for none.

        """
        seconds = self._all.clock() - call.started
        self._calls.by[call.dependency, call.kind, result].value += 1
        failed = result not in {"done", "abandoned"}
        self._span(call, result, seconds, status, failed=failed)
        trace_id = None if call.link is None else f"{call.link.trace_id:032x}"
        self._seconds.by[call.dependency, call.kind].observe(seconds, 1, trace_id)
        if failed:
            self._all.tell(
                names.OUTSIDE_FAILED,
                call.link,
                dependency=call.dependency,
                kind=call.kind,
                result=result,
                reason=says,
                code=status,
                seconds=seconds,
                tries=call.tries,
                connection_id=call.connection_id,
            )

    def breaker_opened(self, dependency: str, kind: str) -> None:
        """Nobody is asked for a while."""
        self._all.tell(names.BREAKER_OPENED, dependency=dependency, kind=kind)

    def breaker_closed(self, dependency: str, kind: str) -> None:
        """Everybody is asked again."""
        self._all.tell(names.BREAKER_CLOSED, dependency=dependency, kind=kind)

    def certificate_loaded(self, dependency: str, what: str, expires_in: float) -> None:
        """Certificates are in use towards it from now on; seconds until the first of them expires."""
        self._reloads.by["loaded"].value += 1
        self._all.tell(names.CERTIFICATE_LOADED, dependency=dependency, reason=what, seconds=expires_in)

    def certificate_refused(self, dependency: str, why: str) -> None:
        """New certificate files cannot be used; the ones before stay in use."""
        self._reloads.by["refused"].value += 1
        self._all.tell(names.CERTIFICATE_REFUSED, dependency=dependency, reason=why)

    def _wanted(self, user: str, now: float) -> bool:
        by = self._all.gate.message(1, now, user=user)
        if by:
            self._all.sampled(by)
        return bool(by)

    def _span(self, call: OutsideCall, result: str, seconds: float, status: int, *, failed: bool) -> None:
        if call.kind not in _HOOKS:
            return
        tracer = self._all.tracer
        if call.link is None:
            tracer = self._all.late_tracer() if failed else None
            call.link = None if tracer is None else tracer.begin(call.parent)
        if tracer is None or call.link is None:
            return
        attributes: dict[str, str | int] = {
            "http.request.method": "POST",
            "heliograph.outside.dependency": call.dependency,
            "heliograph.outside.kind": call.kind,
            "heliograph.outside.tries": call.tries,
            "heliograph.connection.id": call.connection_id,
        }
        if status:
            attributes["http.response.status_code"] = status
        error = result if result != "done" else ""
        tracer.ended(span_names.HOOK_SPAN, call.link, seconds, attributes, parent=call.parent, error=error)


class SilentOutsideObserver(OutsideObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def calling(
        self, dependency: str, kind: str, connection_id: str = "", user: str = "", parent: Link | None = None
    ) -> OutsideCall:
        del user
        return OutsideCall(dependency, kind, 0.0, connection_id, parent=parent)

    def retried(self, call: OutsideCall) -> None:
        pass

    def called(self, call: OutsideCall, result: str, says: str = "", status: int = 0) -> None:
        pass

    def breaker_opened(self, dependency: str, kind: str) -> None:
        pass

    def breaker_closed(self, dependency: str, kind: str) -> None:
        pass

    def certificate_loaded(self, dependency: str, what: str, expires_in: float) -> None:
        pass

    def certificate_refused(self, dependency: str, why: str) -> None:
        pass
