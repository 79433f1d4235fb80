"""Requests of the server API."""


class ApiObserver:
    """Tells of the server API."""

    def called(self, method: str, status: int, error_code: int, seconds: float, traceparent: str | None = None) -> None:
        """A request was answered.

        Args:
            method: of the API, any text for an unknown one.
            status: HTTP status.
            error_code: reply error in the body, 0 for none.
            seconds: from its first byte read to the answer.
            traceparent: as the caller sent it.

        """


class SilentApiObserver(ApiObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def called(self, method: str, status: int, error_code: int, seconds: float, traceparent: str | None = None) -> None:
        pass
