"""Admission in time: whoever has to wait a moment waits here, in order; everybody else passes without an await."""

import asyncio
import resource
from collections.abc import Callable, Iterator, Mapping

from observability import names
from observability.names import Figure
from observability.observers.door import DoorObserver
from service.connections.addresses import ProxySettings, client_address, group
from service.connections.admission import Admission, AdmissionSettings, Verdict


class Entrance:
    """The node's. ``enter`` for each upgrade, ``left`` when the connection has ended."""

    def __init__(
        self, settings: AdmissionSettings, proxies: ProxySettings, observe: DoorObserver, now: Callable[[], float]
    ) -> None:
        self._admission = Admission(settings, now())
        self._proxies = proxies
        self._observe = observe
        self._now = now
        self._queue: dict[asyncio.Future[None], None] = {}  # who waits for a place, in order

    @property
    def knows_addresses(self) -> bool:
        """Whether it matters whose connection it is: proxies may say so, or addresses have limits."""
        return bool(self._proxies.trusted) or self._admission.by_address

    def address(self, peer: str, headers: Mapping[str, str]) -> str:
        """The client's address: the socket's peer, or what a trusted proxy says."""
        return client_address(peer, headers, self._proxies)

    def knock(self, address: str) -> Verdict:
        """The verdict on one more upgrade. A verdict that says to wait is given to ``wait``."""
        return self._admission.knock(self._now(), self._group(address))

    async def wait(self, verdict: Verdict, address: str) -> Verdict:
        """Wait as the verdict says; what came of it: come in, or a cause.

        Raises:
            asyncio.CancelledError: the client left; its place is free again.

        """
        admission, began = self._admission, self._now()
        admission.waiting += 1
        try:
            if verdict.cause is None:
                await self._for_its_turn(verdict.wait, address)
                return Verdict()
            return Verdict() if await self._for_a_place(verdict.wait, address) else Verdict(0.0, verdict.cause)
        finally:
            admission.waiting -= 1
            self._observe.waited(self._now() - began)

    def turned_away(self, by: int) -> bool:
        """One more (1) that lingers after its 3013, or one less (−1); False when it must be a bare 503 instead."""
        if by > 0 and not self._admission.may_be_told():
            return False
        self._admission.turned_away += by
        return True

    def left(self, address: str) -> None:
        """One that was let in has ended; whoever waits for longest has its place."""
        self._admission.left(self._now(), self._group(address))
        self._hand_on()

    def figures(self) -> Iterator[Figure]:
        """For the scrape."""
        yield Figure(names.ADMISSION_WAITING.name, (), self._admission.waiting)
        yield Figure(names.ADMISSION_RATE.name, (), self._admission.rate(self._now()))
        yield Figure(names.CONNECTIONS_LIMIT.name, (), self._limit())

    def _limit(self) -> int:
        """A connection takes a descriptor, so there is always a limit."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return min(self._admission.settings.connections or descriptors, descriptors)

    def _group(self, address: str) -> str:
        return group(address) if self._admission.by_address else ""

    async def _for_its_turn(self, seconds: float, address: str) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.left(address)
            raise

    async def _for_a_place(self, seconds: float, address: str) -> bool:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue[place] = None
        try:
            await asyncio.wait((place,), timeout=seconds)
        except asyncio.CancelledError:
            if place.done():
                self.left(address)
            else:
                self._admission.gave_up(self._now(), self._group(address))
            raise
        finally:
            self._queue.pop(place, None)
        if not place.done():
            self._admission.gave_up(self._now(), self._group(address))
        return place.done()

    def _hand_on(self) -> None:
        while self._queue and self._admission.free():
            place = next(iter(self._queue))
            del self._queue[place]
            self._admission.handed_on()
            place.set_result(None)
