"""Listeners where something comes before HTTP: a PROXY header, TLS, or a first byte that says which of the two it is.

A socket is looked at without being read (``MSG_PEEK``) until it is clear what it is, then it is given to the loop. The
doorstep's clock runs from the accept: who is silent, or slow at its handshake, is cut.
"""

import asyncio
import errno
import socket
import ssl
from typing import Final

from observability.observers.door import DoorObserver
from service.connections import proxy_protocol
from service.connections.addresses import ProxySettings, is_trusted
from service.connections.certificates import Certificate
from service.connections.deadlines import overdue
from service.connections.doorstep import Doorstep
from service.connections.errands import Errands

ACCEPTS: Final = 64  # in one turn of the loop
PAUSE: Final = 0.5  # seconds without accepts when descriptors ran out
HANDSHAKE: Final = 0x16  # the first byte of TLS (RFC 8446, 5.1)
SO_RCVLOWAT: Final = socket.SO_RCVLOWAT
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Arrival:
    """A socket that is not given to the loop's transports yet."""

    __slots__ = ("address", "peer", "proxied", "since", "socket")

    def __init__(self, accepted: socket.socket, peer: str, since: float, *, proxied: bool) -> None:
        self.socket = accepted
        self.peer = peer  # address and port of the socket's peer
        self.address = ""  # what a proxy says
        self.since = since
        self.proxied = proxied  # its PROXY header has not come yet


class Threshold:
    """One listening socket's."""

    def __init__(
        self,
        listener: socket.socket,
        doorstep: Doorstep,
        observe: DoorObserver,
        *,
        certificate: Certificate | None = None,
        proxies: ProxySettings | None = None,
    ) -> None:
        """``proxies`` are those that speak the PROXY protocol here; None: nobody does."""
        self._listener = listener
        self._doorstep = doorstep
        self._observe = observe
        self._certificate = certificate
        self._proxies = proxies
        self._arrivals: set[Arrival] = set()
        self._errands = Errands(doorstep.limits.visitors)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pause: asyncio.Handle | None = None
        permissive = certificate is not None and certificate.settings.permissive
        self._looks_first = permissive or proxies is not None

    def open(self) -> None:
        """Accept; needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener.fileno(), self._accept)
        self._doorstep.each_round.append(self._sweep)

    def close(self) -> None:
        """Accept nobody any more; who has not come in is cut."""
        if self._loop is None or self._listener.fileno() < 0:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        for arrival in list(self._arrivals):
            self._drop(arrival)

    async def stop(self) -> None:
        """The end of the handshakes that are under way."""
        await self._errands.stop()

    # ---------------------------------------------------------------------- arrivals

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                accepted, name = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                if fault.errno in _EXHAUSTED:
                    self._hold_on()
                    return
                raise
            accepted.setblocking(False)
            self._arrived(accepted, f"{name[0]}:{name[1]}")

    def _arrived(self, accepted: socket.socket, peer: str) -> None:
        assert self._loop is not None, "an arrival before the door is open"
        arrival = Arrival(accepted, peer, self._loop.time(), proxied=self._proxies is not None)
        if len(self._arrivals) + len(self._errands) >= self._doorstep.limits.visitors:
            self._refuse(arrival, "visitors")
        elif self._proxies is not None and not is_trusted(peer.rpartition(":")[0], self._proxies):
            self._refuse(arrival, "proxy_header", "this peer is in none of http_server.trusted_proxies")
        elif self._looks_first:
            self._arrivals.add(arrival)
            self._loop.add_reader(accepted.fileno(), self._look, arrival)
        else:
            self._come_in(arrival, tls=True)

    def _hold_on(self) -> None:
        """No descriptors are left: who waits in the kernel's queue is accepted later."""
        assert self._loop is not None, "an accept before the door is open"
        self._observe.refused("no_descriptors", "cut", self._doorstep.name)
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(
            PAUSE, lambda: self._loop and self._loop.add_reader(self._listener.fileno(), self._accept)
        )

    def _look(self, arrival: Arrival) -> None:
        try:
            data = arrival.socket.recv(proxy_protocol.MOST, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(arrival)
            return
        if arrival.proxied and not self._header(arrival, data):
            return
        if arrival.proxied:
            arrival.proxied = False
            self._look(arrival)  # what stands behind the header may be there already
            return
        self._forget(arrival)
        self._come_in(arrival, tls=self._certificate is not None and self._is_tls(data))

    def _is_tls(self, data: bytes) -> bool:
        assert self._certificate is not None, "asked without a certificate"
        return data[0] == HANDSHAKE or not self._certificate.settings.permissive

    def _header(self, arrival: Arrival, data: bytes) -> bool:
        """Take the PROXY header off; False while it is not whole, or when it is none."""
        try:
            told = proxy_protocol.read(data)
        except proxy_protocol.BadHeader as bad:
            self._forget(arrival)
            self._refuse(arrival, "proxy_header", str(bad))
            return False
        if told is None:  # wake up when there is more, not all the time
            arrival.socket.setsockopt(socket.SOL_SOCKET, SO_RCVLOWAT, len(data) + 1)
            return False
        arrival.socket.setsockopt(socket.SOL_SOCKET, SO_RCVLOWAT, 1)
        arrival.socket.recv(told.size)
        arrival.address = told.address
        return True

    # ------------------------------------------------------------------------ coming in

    def _come_in(self, arrival: Arrival, *, tls: bool) -> None:
        entering = self._errands.run(f"door {arrival.peer}", self._enter(arrival, tls=tls), lambda _: None)
        if entering is None:
            self._refuse(arrival, "visitors")

    async def _enter(self, arrival: Arrival, *, tls: bool) -> None:
        assert self._loop is not None, "somebody enters before the door is open"
        context = self._certificate.context if tls and self._certificate is not None else None
        left = max(0.05, self._doorstep.clocks.door - (self._loop.time() - arrival.since))
        visitor = self._doorstep.visitor()
        visitor.address = arrival.address
        try:
            await self._loop.connect_accepted_socket(
                lambda: visitor, arrival.socket, ssl=context, ssl_handshake_timeout=left if context else None
            )
        except ssl.SSLError as error:
            self._refuse(arrival, "tls_failed", _told(error))
        except ConnectionAbortedError:
            self._refuse(arrival, "slow_tls", "the handshake took too long")
        except (OSError, TimeoutError) as error:
            self._refuse(arrival, "tls_failed" if context else "bad_request", f"the peer left: {type(error).__name__}")

    def _sweep(self, now: float, stall: float) -> None:
        if self._certificate is not None:
            self._certificate.files.look(now)
        for arrival in [each for each in self._arrivals if overdue(each.since, now, self._doorstep.clocks.door, stall)]:
            self._forget(arrival)
            self._refuse(arrival, "proxy_header" if arrival.proxied else "silent", "nothing came in time")

    def _refuse(self, arrival: Arrival, cause: str, why: str = "") -> None:
        address = arrival.address or arrival.peer
        self._observe.refused(cause, "cut", self._doorstep.name, address, why)
        arrival.socket.close()

    def _forget(self, arrival: Arrival) -> None:
        assert self._loop is not None, "an arrival before the door is open"
        self._arrivals.discard(arrival)
        self._loop.remove_reader(arrival.socket.fileno())

    def _drop(self, arrival: Arrival) -> None:
        self._forget(arrival)
        arrival.socket.close()


def _told(error: ssl.SSLError) -> str:
    """For the log alone: the peer hears no reason."""
    if error.reason == "HTTP_REQUEST":
        return "plain HTTP on a TLS port"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate: {error.verify_message}"
    return (error.reason or str(error)).replace("_", " ").lower()
