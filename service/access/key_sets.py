"""Key sets of issuers (JWKS): fetched when needed, kept, and asked again when a token names a key that is not there.

A key that is known and young is an answer at once. Else one fetch serves all who wait for it; between two attempts lies
a pause, so that no stranger makes us ask as often as he likes. While an endpoint does not answer, its keys go on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from service.access.public_keys import PublicKey, Unusable, key_set
from service.access.refusals import InvalidToken, KeysUnavailable
from service.broker.contract import Soon

PAUSE: Final = 5.0  # seconds between two attempts at one endpoint
MOST_SETS: Final = 64  # an endpoint may depend on names in tokens that nobody has checked yet

Fetch = Callable[[str], Awaitable[bytes]]
"""Asks for an address; raises ``KeysUnavailable``."""
Told = Callable[[int], None]
"""(number of keys) when a set came."""


@dataclass(slots=True)
class _Set:
    """The keys of one endpoint; times of the loop."""

    keys: dict[str, PublicKey] = field(default_factory=dict)
    fetched: float = float("-inf")
    tried: float = float("-inf")
    flight: "asyncio.Future[None] | None" = None


class KeySets:
    """The sets of all endpoints."""

    __slots__ = ("_fetch", "_limit", "_now", "_sets", "_told", "_ttl")

    def __init__(
        self,
        fetch: Fetch,
        *,
        ttl: float,
        stale_limit: float,
        told: Told = lambda _count: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is fetched yet.

        Args:
            fetch: gets a set's body.
            ttl: seconds until a set is asked for again.
            stale_limit: seconds that its keys go on while nothing is to be had.
            told: hears of each set that came.
            now: a clock in seconds.

        """
        self._fetch = fetch
        self._ttl = ttl
        self._limit = max(ttl, stale_limit)
        self._told = told
        self._now = now
        self._sets: dict[str, _Set] = {}

    def key(self, address: str, kid: str) -> Soon[PublicKey]:
        """The key of this id.

        Raises:
            InvalidToken: the set was fetched for this question, and has no such key.
            KeysUnavailable: the set cannot be had for now.

        """
        if not kid:
            raise InvalidToken("the header names no key (kid)", "unknown_key")
        found = self._set(address)
        key = found.keys.get(kid)
        if key is None:
            return self._find(address, found, kid)
        age, now = self._now() - found.fetched, self._now()
        waits = found.flight is None and now - found.tried < PAUSE
        if age < self._ttl or (waits and age < self._limit):
            return key
        return self._find(address, found, kid)

    def _set(self, address: str) -> _Set:
        found = self._sets.get(address)
        if found is None:
            if len(self._sets) >= MOST_SETS:
                del self._sets[_oldest(self._sets.items())]
            found = self._sets[address] = _Set()
        return found

    async def _find(self, address: str, found: _Set, kid: str) -> PublicKey:
        asked = self._now()
        try:
            await self._refresh(address, found)
        except KeysUnavailable:
            key = found.keys.get(kid)
            if key is None or self._now() - found.fetched >= self._limit:
                raise
            return key
        key = found.keys.get(kid)
        if key is not None:
            return key
        if found.fetched < asked:  # it was fetched before the question, so that the key may be newer
            raise KeysUnavailable("the key set was asked for moments ago and did not have the token's key")
        raise InvalidToken("no key of the key set has the token's kid", "unknown_key")

    async def _refresh(self, address: str, found: _Set) -> None:
        """One attempt at a time; whoever comes meanwhile waits for it, and makes his own if it was abandoned."""
        while found.flight is not None:
            await asyncio.wait([found.flight])
        if self._now() - found.tried < PAUSE:
            if found.fetched < found.tried:
                raise KeysUnavailable("the key set could not be had moments ago")
            return
        found.flight = asyncio.get_running_loop().create_future()
        try:
            body = await self._fetch(address)
            found.tried = self._now()
            found.keys = key_set(body)
            found.fetched = found.tried
        except Unusable as useless:
            raise KeysUnavailable(f"the key set is of no use: {useless}") from None
        except KeysUnavailable:
            found.tried = self._now()
            raise
        finally:
            found.flight.set_result(None)
            found.flight = None
        self._told(len(found.keys))


def _oldest(sets: Iterable[tuple[str, _Set]]) -> str:
    """Rather one that never had keys than one that has; a set under way is the youngest."""
    address, _ = min(sets, key=lambda each: (each[1].flight is not None, each[1].fetched, each[1].tried))
    return address
