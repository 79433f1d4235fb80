"""Who is here: joins and leaves that are announced, what listeners were told of them, and a store that failed."""

from observability import names
from observability.observers.instruments import Instruments


class PresenceObserver:
    """Tells of presence. Costs: ``announced`` once a subscriber, ``told`` once a slice."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        registry = instruments.registry
        self._announcements = registry.counter(names.ANNOUNCEMENTS)
        self._told = registry.counter(names.ANNOUNCEMENTS_DELIVERED).child()
        self._failures = registry.counter(names.PRESENCE_FAILURES)

    def announced(self, kind: str) -> None:
        """A subscriber came or went, and those who listen will hear of it; ``kind`` is "join" or "leave"."""
        self._announcements.by[kind].value += 1

    def told(self, count: int) -> None:
        """``count`` pushes went to the kernel."""
        self._told.value += count

    def failed(self, operation: str, reason: str, channel: str = "") -> None:
        """The store did not do it; the subscription goes on all the same."""
        self._failures.by[operation].value += 1
        self._all.tell(names.PRESENCE_FAILED, operation=operation, reason=reason, channel=channel)


class SilentPresenceObserver(PresenceObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def announced(self, kind: str) -> None:
        pass

    def told(self, count: int) -> None:
        pass

    def failed(self, operation: str, reason: str, channel: str = "") -> None:
        pass
