"""The upgrade from HTTP to WebSocket, from the request to its answer."""

from collections.abc import Mapping

from observability.tracing import Link


class Upgrade:
    """One request to upgrade; ``link`` leads to its span once it was accepted and sampled."""

    __slots__ = ("headers", "link", "path", "started")

    def __init__(self, started: float, headers: Mapping[str, str] | None = None, path: str = "") -> None:
        self.started = started
        self.headers = headers
        self.path = path
        self.link: Link | None = None


class UpgradeObserver:
    """Tells of upgrades."""

    def began(self, headers: Mapping[str, str], path: str) -> Upgrade:
        """A request to upgrade came; keep the handle until ``accepted`` or ``refused``."""

    def accepted(self, upgrade: Upgrade, connection_id: str, subprotocol: str) -> None:
        """The 101 is written."""

    def refused(self, upgrade: Upgrade, status: int, reason: str) -> None:
        """The answer is not 101; ``reason`` is one word for the log."""

    def step_skipped(self, step: str, how: str) -> None:
        """A step of the chain in front of the upgrade was "late" or "raised"."""


class SilentUpgradeObserver(UpgradeObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def began(self, headers: Mapping[str, str], path: str) -> Upgrade:
        del headers, path
        return _NOTHING

    def accepted(self, upgrade: Upgrade, connection_id: str, subprotocol: str) -> None:
        pass

    def refused(self, upgrade: Upgrade, status: int, reason: str) -> None:
        pass

    def step_skipped(self, step: str, how: str) -> None:
        pass


_NOTHING = Upgrade(0.0)
