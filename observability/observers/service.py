"""The service as a whole: start, readiness, the order to stop, the end, and exceptions nobody expected."""

import platform
from time import time

from observability import names
from observability.logs import traceback_of
from observability.observers.instruments import Instruments, Requests


class ServiceObserver:
    """Tells of the service's own life."""

    def __init__(self, instruments: Instruments, version: str = "") -> None:
        self._all = instruments
        self._version = version
        registry = instruments.registry
        registry.gauge(names.BUILD_INFO).child(version, platform.python_version()).set(1)
        self._ready = registry.gauge(names.READY).child()
        self._draining = registry.gauge(names.DRAINING).child()
        self._deadline = registry.gauge(names.DRAIN_DEADLINE).child()
        self._internal = Requests(registry, "internal")

    def started(self, public: str, internal: str) -> None:
        """It listens; addresses as ``host:port``."""
        self._all.tell(names.SERVICE_STARTED, version=self._version, public=public, internal=internal)

    def ready(self, ready: bool) -> None:
        """Readiness is now so."""
        if ready != bool(self._ready.value):
            self._all.tell(names.SERVICE_READY, ready=ready)
        self._ready.set(int(ready))

    def draining(self, connections: int, seconds: float) -> None:
        """The order to stop came while so many connections were open; it must be done in ``seconds``."""
        self._draining.set(1)
        self._deadline.set(time() + seconds)
        self._all.tell(names.SERVICE_DRAINING, connections=connections)

    def stopped(self, reason: str, seconds: float, connections: int = 0) -> None:
        """The end, ``seconds`` after the order; ``connections`` were still open and are lost."""
        self._all.tell(names.SERVICE_STOPPED, reason=reason, seconds=seconds, connections=connections)

    def note(self, message: str) -> None:
        """Something the operator should know, in a sentence."""
        self._all.tell(names.SERVICE_NOTE, message=message)

    def internal_error(self, where: str, error: BaseException) -> None:
        """An exception nobody expected, in that part of the service."""
        self._internal.answered(fault=True)
        self._all.tell(
            names.INTERNAL_ERROR,
            where=where,
            error=f"{type(error).__name__}: {error}",
            exception=traceback_of(error),
        )


class SilentServiceObserver(ServiceObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def started(self, public: str, internal: str) -> None:
        pass

    def ready(self, ready: bool) -> None:
        pass

    def draining(self, connections: int, seconds: float) -> None:
        pass

    def stopped(self, reason: str, seconds: float, connections: int = 0) -> None:
        pass

    def note(self, message: str) -> None:
        pass

    def internal_error(self, where: str, error: BaseException) -> None:
        pass
