"""Before the crowd one user tries the door: what stands in the way is said at once, with what to do about it."""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Final

from service.lab.load.dialing import CONNECTING, Dialer
from service.lab.load.ledger import Place, Tally
from service.lab.load.plan import Plan
from service.lab.load.user import User
from service.protocol.closing import CLOSINGS, INVALID_TOKEN
from service.protocol.errors import ERRORS, PERMISSION_DENIED, TOKEN_EXPIRED, UNKNOWN_CHANNEL

_TOKENS: Final = "run this in the server's folder, or say --config FILE, --token TOKEN or --anonymous"


class _Visitor:
    """The stage of one user (``user.Stage``) of whom nothing is wanted but how it went."""

    def __init__(self, dialer: Dialer, namespace: str) -> None:
        self.host, self.path = dialer.host, dialer.path
        self._namespace = namespace
        self.told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def arrived(self, user: User) -> None:
        """All is well."""
        self._tell("")
        user.goodbye()

    def heard(self, seconds: float) -> None:
        """Nobody publishes yet."""

    def settled(self, channel: str, number: int, error: int) -> None:
        """It publishes nothing."""

    def void(self, channel: str, number: int) -> None:
        """It publishes nothing."""

    def refused(self, what: str, code: int) -> None:
        """The upgrade, the connect or the subscribe."""
        sentences = {"upgrade": _upgrade, "connect": _connect}
        self._tell(sentences[what](self.path, code) if what in sentences else _subscribe(self._namespace, code))

    def gone(self, user: User, how: str) -> None:
        """The server ended it; how is its close code, or ``lost``."""
        del user
        self._tell(_closed(how))

    def _tell(self, sentence: str) -> None:
        if not self.told.done():
            self.told.set_result(sentence)


async def knock(plan: Plan, token: str) -> str:
    """Why nobody can come in, in a sentence; "" when somebody can."""
    try:
        dialer = Dialer(plan)
    except OSError as failure:  # of OpenSSL, too
        why = failure.strerror if not isinstance(failure, ssl.SSLError) else "it holds no certificate in PEM"
        return f"--cafile {plan.cafile} cannot be used: {why}"
    visitor = _Visitor(dialer, plan.namespace)
    user = User(visitor, 0, token, {plan.channel(0): Place(Tally())})
    try:
        await dialer.dial(user)
        async with asyncio.timeout(CONNECTING):
            told = await visitor.told
    except TimeoutError:
        told = f"it does not answer within {CONNECTING:g} s"
    except OSError as failure:
        told = _socket(dialer, failure)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while user.transport is not None and visitor.told.done():  # noqa: ASYNC110 - its goodbye is answered
                    await asyncio.sleep(0.01)
        user.drop()
    return told and f"nobody can connect to {plan.url}: {told}"


def _socket(dialer: Dialer, failure: OSError) -> str:
    if isinstance(failure, ConnectionRefusedError):
        return (
            f"nothing listens at {dialer.name}, port {dialer.port}; start a server there (make run), "
            "or say where one is with --server"
        )
    if isinstance(failure, socket.gaierror):
        return f"{dialer.name} is no known host"
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({failure.verify_message}); say --cafile FILE, or --insecure"
    if isinstance(failure, ssl.SSLError):
        return "it speaks no TLS; say http:// instead of https://"
    return failure.strerror or str(failure)


def _upgrade(path: str, status: int) -> str:
    if not status:
        return "what listens there gives no answer to a WebSocket's request"
    hint = f"; there is no WebSocket at {path}, is this the server's public port?" if status == 404 else ""
    return f"the upgrade is answered with HTTP status {status}{hint}"


def _connect(_path: str, code: int) -> str:
    why = "the token has expired" if code == TOKEN_EXPIRED.code else f"connect is answered with error {_error(code)}"
    return f"{why}; {_TOKENS}"


def _subscribe(namespace: str, code: int) -> str:
    where = f"namespace {namespace}" if namespace else "channels without namespace"
    if code == UNKNOWN_CHANNEL.code:
        return f"the server has no {where}; say another --namespace"
    if code == PERMISSION_DENIED.code:
        return f"its clients may not subscribe in {where} (allow_subscribe_for_client); say another --namespace"
    return f"a subscribe in {where} is answered with error {_error(code)}"


def _closed(how: str) -> str:
    if not how.isdigit():
        return "the connection is lost before it is greeted"
    code = int(how)
    hint = f"; {_TOKENS}" if code in (INVALID_TOKEN.code, 3501, 3503) else ""
    reason = f" ({CLOSINGS[code].reason})" if code in CLOSINGS else ""
    return f"the server closes with {code}{reason}{hint}"


def _error(code: int) -> str:
    return f"{code} ({ERRORS[code].message})" if code in ERRORS else str(code)
