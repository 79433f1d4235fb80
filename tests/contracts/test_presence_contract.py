"""The promises of ``service/presence/contract.py``, the same suite for every store.

A new store is one more factory: an async context manager that gives a ``Presence``.
"""

import contextlib
import inspect

import pytest
from msgspec import Raw

from service.presence.contract import Counts, Presence
from service.presence.memory_presence import MemoryPresence
from service.protocol.messages import ClientInfo


@contextlib.asynccontextmanager
async def memory():
    yield MemoryPresence()


@pytest.fixture(params=[memory])
async def store(request):
    async with request.param() as presence:
        kept = Store(presence)
        await kept.start()
        yield kept
        await kept.stop()


class Store:
    """Awaits what has to be awaited."""

    def __init__(self, presence: Presence):
        self.presence = presence

    def __getattr__(self, operation):
        async def call(*args):
            soon = getattr(self.presence, operation)(*args)
            return await soon if inspect.isawaitable(soon) else soon

        return call

    async def clients(self, channel):
        return dict(await self.present(channel))


def info(client, user="ann", said=b""):
    return ClientInfo(user=user, client=client, chan_info=Raw(said))


async def test_nobody_is_anywhere(store):
    assert await store.clients("a") == {}
    assert await store.counts("a") == Counts(0, 0)


async def test_who_came_is_seen_with_all_that_is_known(store):
    await store.add("a", info("1", said=b'{"x":1}'))
    await store.add("a", info("2", "bob"))
    await store.add("b", info("3"))
    assert await store.clients("a") == {"1": info("1", said=b'{"x":1}'), "2": info("2", "bob")}
    assert await store.clients("b") == {"3": info("3")}


async def test_who_went_is_gone_and_may_come_again(store):
    await store.add("a", info("1"))
    await store.remove("a", "1")
    assert await store.clients("a") == {}
    await store.add("a", info("1"))
    assert await store.clients("a") == {"1": info("1")}


async def test_removing_who_is_not_there_is_no_mistake(store):
    await store.remove("a", "1")
    await store.add("a", info("1"))
    await store.remove("a", "2")
    await store.remove("b", "1")
    assert await store.clients("a") == {"1": info("1")}


async def test_being_added_again_replaces_the_info(store):
    await store.add("a", info("1", "ann"))
    assert await store.counts("a") == Counts(1, 1)
    await store.add("a", info("1", "bob", b"2"))
    assert await store.clients("a") == {"1": info("1", "bob", b"2")}
    assert await store.counts("a") == Counts(1, 1)


async def test_users_are_counted_once_and_all_anonymous_clients_are_one(store):
    for client, user in (("1", "ann"), ("2", "ann"), ("3", "bob"), ("4", ""), ("5", "")):
        await store.add("a", info(client, user))
    assert await store.counts("a") == Counts(5, 3)
    await store.remove("a", "1")
    assert await store.counts("a") == Counts(4, 3)
    await store.remove("a", "2")
    assert await store.counts("a") == Counts(3, 2)
    await store.add("a", info("6", "cid"))
    assert await store.counts("a") == Counts(4, 3)


async def test_calls_take_effect_in_their_order_also_unawaited(store):
    soons = [store.presence.add("a", info("1")), store.presence.remove("a", "1"), store.presence.add("a", info("2"))]
    found = await store.clients("a")
    for soon in soons:
        if inspect.isawaitable(soon):
            await soon
    assert found == {"2": info("2")}
    assert await store.clients("a") == {"2": info("2")}
