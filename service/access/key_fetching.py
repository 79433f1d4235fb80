"""Key sets over HTTP: a line of its own, so that a slow issuer holds up nothing but tokens with unknown keys."""

from collections.abc import Iterator
from typing import Final

from observability.names import Figure
from observability.observers.outside import OutsideObserver
from service.access.refusals import KeysUnavailable
from service.outside.failures import OutsideFailed
from service.outside.http_client import Http, HttpQuestion
from service.outside.line import Line, LineSettings

KIND: Final = "jwks"  # of the question, and the name of whom it goes to
_BUDGET: Final = 2.0  # seconds: many wait for the answer, and it is asked for once an hour
_HEADERS: Final = {"Accept": "application/jwk-set+json, application/json"}


class KeyFetcher:
    """Fetches key sets."""

    __slots__ = ("_http", "_line", "_observe")

    def __init__(self, http: Http, observe: OutsideObserver) -> None:
        self._http = http
        self._observe = observe
        self._line = Line(KIND, KIND, LineSettings(budget=_BUDGET), observe)

    async def __call__(self, address: str) -> bytes:
        """The body of the key set at this address.

        Raises:
            KeysUnavailable: there is no answer.

        """
        question = HttpQuestion("GET", address, _HEADERS)
        call = self._observe.calling(KIND, KIND)
        try:
            return await self._line.call(call, lambda limit: self._http(question, limit))
        except OutsideFailed as failure:
            raise KeysUnavailable(f"the key set cannot be had: {failure}") from None

    def figures(self) -> Iterator[Figure]:
        """What a scrape shows."""
        return self._line.figures()
