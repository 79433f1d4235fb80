"""What the broker was asked, how long it took, and whether it did it."""

from observability.tracing import PublishTrace


class BrokerObserver:
    """Tells of the broker's operations; those are ``names.OPERATIONS``."""

    def done(self, operation: str, seconds: float, trace: PublishTrace | None = None) -> None:
        """It did it, in ``seconds``; with a publish's trace a span is made."""

    def failed(self, operation: str, seconds: float, reason: str, trace: PublishTrace | None = None) -> None:
        """It did not; ``reason`` is a few words for the log."""


class SilentBrokerObserver(BrokerObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def done(self, operation: str, seconds: float, trace: PublishTrace | None = None) -> None:
        pass

    def failed(self, operation: str, seconds: float, reason: str, trace: PublishTrace | None = None) -> None:
        pass
