"""The key of the server API: is it there, is it right, in a time that tells nothing about it."""

import hmac


class ApiKey:
    """Compares keys. An empty configured key lets nobody in."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def permits(self, *, query: str = "", header: str = "", authorization: str = "") -> bool:
        """Whether a request may call the API.

        A right key in the query is enough, whatever the headers say. Else a key header decides alone, and without one
        the Authorization header with the scheme ``apikey``, in any case.

        Args:
            query: the parameter ``api_key``.
            header: the header ``X-API-Key``.
            authorization: the header ``Authorization``.

        """
        if self._is(query):
            return True
        if header:
            return self._is(header)
        scheme, _, credentials = authorization.strip().partition(" ")
        return scheme.lower() == "apikey" and self._is(credentials.strip())

    def _is(self, offered: str) -> bool:
        given = offered.encode("utf-8", "surrogateescape")
        return bool(self._key) and hmac.compare_digest(self._key, given)
