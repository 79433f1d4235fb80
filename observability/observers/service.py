"""The service as a whole: start, readiness, the order to stop, the end, and exceptions nobody expected."""


class ServiceObserver:
    """Tells of the service's own life."""

    def started(self, public: str, internal: str) -> None:
        """It listens; addresses as ``host:port``."""

    def ready(self, ready: bool) -> None:
        """Readiness is now so."""

    def draining(self, connections: int) -> None:
        """The order to stop came while so many connections were open."""

    def stopped(self, reason: str, seconds: float, connections: int = 0) -> None:
        """The end, ``seconds`` after the order; ``connections`` were still open and are lost."""

    def note(self, message: str) -> None:
        """Something the operator should know, in a sentence."""

    def internal_error(self, where: str, error: BaseException, connection_id: str = "") -> None:
        """An exception nobody expected, in that part of the service."""


class SilentServiceObserver(ServiceObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def started(self, public: str, internal: str) -> None:
        pass

    def ready(self, ready: bool) -> None:
        pass

    def draining(self, connections: int) -> None:
        pass

    def stopped(self, reason: str, seconds: float, connections: int = 0) -> None:
        pass

    def note(self, message: str) -> None:
        pass

    def internal_error(self, where: str, error: BaseException, connection_id: str = "") -> None:
        pass
