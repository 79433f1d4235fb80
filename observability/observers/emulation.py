"""Commands that a stream's client sends in requests of their own."""

from observability import names
from observability.observers.instruments import Instruments


class EmulationObserver:
    """Tells of these requests."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self._results = instruments.registry.counter(names.EMULATION_REQUESTS)
        self._accepted = self._results.child("accepted")

    def accepted(self) -> None:
        """The commands reached their connection."""
        self._accepted.value += 1

    def refused(self, result: str, status: int, reason: str) -> None:
        """They did not; ``result`` is one of ``names.EMULATION_RESULTS``, ``reason`` is for people."""
        self._results.by[result].value += 1
        self._all.tell(names.EMULATION_REFUSED, cause=result, code=status, reason=reason)


class SilentEmulationObserver(EmulationObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def accepted(self) -> None:
        pass

    def refused(self, result: str, status: int, reason: str) -> None:
        pass
