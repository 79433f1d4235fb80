"""The door: who was not let in and why, and how long admission took."""

from observability import names, span_names
from observability.observers.instruments import Instruments
from observability.tracing import Attributes


class DoorObserver:
    """Tells of what happens before a request has a handler, and of admission."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        registry = instruments.registry
        self._refusals = registry.counter(names.REFUSALS)
        self._waits = registry.histogram(names.ADMISSION_SECONDS).child()
        self._reloads = registry.counter(names.CERTIFICATE_RELOADS)

    def refused(self, cause: str, answer: str, listener: str = "", address: str = "", why: str = "") -> None:
        """Somebody was not let in.

        Args:
            cause: one of ``names.REFUSAL_CAUSES``.
            answer: what it heard: an HTTP status, "3013", or "cut" for nothing at all.
            listener: where it knocked; empty when it was let in that far.
            address: the client's.
            why: a few words more for the log.

        """
        self._refusals.by[cause, answer].value += 1
        link = None
        tracer = self._all.refusal_tracer()
        if tracer is not None:
            link = tracer.begin()
            attributes: Attributes = {
                "heliograph.refusal.cause": cause,
                "heliograph.refusal.answer": answer,
                "heliograph.listener": listener,
                "client.address": address,
            }
            tracer.ended(span_names.UPGRADE_SPAN, link, 0.0, attributes, error=cause)
        self._all.tell(
            names.DOOR_REFUSED, link, cause=cause, answer=answer, listener=listener, address=address, reason=why
        )

    def waited(self, seconds: float) -> None:
        """Admission took so long: there was no place at once."""
        self._waits.observe(seconds)

    def certificate_loaded(self, listener: str, subject: str, expires_in: float) -> None:
        """A certificate is in use from now on; seconds until it expires."""
        self._reloads.by["loaded"].value += 1
        self._all.tell(names.CERTIFICATE_LOADED, listener=listener, reason=subject, seconds=expires_in)

    def certificate_refused(self, listener: str, why: str) -> None:
        """New certificate files cannot be used; the ones before stay in use."""
        self._reloads.by["refused"].value += 1
        self._all.tell(names.CERTIFICATE_REFUSED, listener=listener, reason=why)


class SilentDoorObserver(DoorObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def refused(self, cause: str, answer: str, listener: str = "", address: str = "", why: str = "") -> None:
        pass

    def waited(self, seconds: float) -> None:
        pass

    def certificate_loaded(self, listener: str, subject: str, expires_in: float) -> None:
        pass

    def certificate_refused(self, listener: str, why: str) -> None:
        pass
