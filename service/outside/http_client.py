"""HTTP to other servers: one bounded pool, no redirects, no cookies, bodies up to a limit, each phase in its time."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from service.outside.failures import OutsideFailed
from service.outside.tls import Secured

CONNECT_SHARE: Final = 0.5  # of a try's time, for name, TCP and TLS: a host that is gone leaves time for the next try
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The pool of one process."""

    connections: int = 1024
    connections_per_host: int = 256
    max_body: int = 1024 * 1024  # bytes of an answer; four times the longest sensible list of channels


@dataclass(frozen=True, slots=True)
class HttpQuestion:
    """A request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    tls: Secured | None = None  # None: as the system says


Http = Callable[[HttpQuestion, float], Awaitable[bytes]]
"""(question, seconds) -> the body of an answer with status 200; raises ``OutsideFailed``."""


class HttpClient:
    """Asks over HTTP. The pool opens with the first question; ``close`` it at the end."""

    __slots__ = ("_session", "_settings", "_version")

    def __init__(self, version: str, settings: ClientSettings = ClientSettings()) -> None:
        self._version = version
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, question: HttpQuestion, limit: float) -> bytes:
        """The body of the answer, if its status is 200.

        Args:
            question: what to ask, and whom.
            limit: seconds for all of it.

        Raises:
            OutsideFailed: anything else happened.

        """
        tls = question.tls
        times = aiohttp.ClientTimeout(total=limit, connect=limit, sock_connect=limit * CONNECT_SHARE)
        try:
            async with self._open().request(
                question.method,
                question.url,
                data=question.body,
                headers=question.headers,
                timeout=times,
                allow_redirects=False,
                ssl=True if tls is None else tls.context,
                server_hostname=None if tls is None else tls.server_name,
            ) as answer:
                return await self._body(answer)
        except OutsideFailed:
            raise
        except TimeoutError as late:
            phase = "no connection" if isinstance(late, aiohttp.ConnectionTimeoutError) else "no whole answer"
            raise OutsideFailed("timeout", f"{phase} within {limit:.3g} s") from None
        except (aiohttp.InvalidURL, aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as nonsense:
            raise OutsideFailed("garbage", f"no HTTP as it should be: {type(nonsense).__name__}") from None
        except aiohttp.ClientSSLError as distrust:
            raise OutsideFailed("unreachable", f"no TLS: {_said(distrust)}") from None
        except (aiohttp.ClientError, OSError) as gone:
            raise OutsideFailed("unreachable", f"no connection{_whither(gone)}") from None

    async def close(self) -> None:
        """Close the pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        if answer.status != 200:
            where = "; redirects are not followed" if 300 <= answer.status < 400 else ""
            raise OutsideFailed("status", f"status {answer.status} instead of 200{where}", answer.status)
        encoding = answer.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise OutsideFailed("garbage", "the answer is compressed, which nobody asked for", answer.status)
        most = self._settings.max_body
        body = bytearray()
        async for piece in answer.content.iter_chunked(_CHUNK):
            body += piece
            if len(body) > most:
                raise OutsideFailed("garbage", f"the answer is longer than {most} bytes", answer.status)
        return bytes(body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            settings = self._settings
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=settings.connections, limit_per_host=settings.connections_per_host, ttl_dns_cache=30
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": f"heliograph/{self._version}", "Accept-Encoding": "identity"},
            )
        return self._session


def _whither(gone: aiohttp.ClientError | OSError) -> str:
    """Where nobody answered, and what the system says to it."""
    if isinstance(gone, aiohttp.ClientConnectorDNSError):
        return f": the name {gone.host} is not known"
    if isinstance(gone, aiohttp.ClientConnectorError) and gone.os_error.errno:
        return f" to {gone.host}, port {gone.port}: {os.strerror(gone.os_error.errno)}"
    return f": {type(gone).__name__}"


def _said(distrust: aiohttp.ClientSSLError) -> str:
    """Why two sides did not agree, in OpenSSL's words."""
    error = (
        distrust.certificate_error
        if isinstance(distrust, aiohttp.ClientConnectorCertificateError)
        else distrust.os_error
    )
    return str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__)
