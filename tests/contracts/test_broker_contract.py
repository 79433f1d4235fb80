"""The promises of ``service/broker/contract.py``, the same suite for every broker.

A new broker is one more factory: an async context manager that gives a ``House``.
"""

import asyncio
import contextlib
import inspect
import json
from random import Random

import pytest
from msgspec import Raw

from service.broker.contract import Announcement, Broker, HistoryFilter, PublishOptions
from service.broker.memory_broker import MemoryBroker
from service.protocol.messages import ClientInfo, Publication, StreamPosition

KEPT = PublishOptions(history_size=5, history_ttl=60.0, history_meta_ttl=600.0)
BRIEF = PublishOptions(history_size=5, history_ttl=1.0, history_meta_ttl=3.0)
NOT_KEPT = PublishOptions()


class House:
    """One node with its broker, and what it heard."""

    def __init__(self, broker: Broker, sleep):
        self.broker = broker
        self.sleep = sleep
        self.entries = []
        self.removals = []
        self.announcements = []

    def on_publication(self, channel, entry):
        self.entries.append((channel, entry))

    async def heard(self, count):
        """The first ``count`` publications that were heard; fails when they do not come."""
        async with asyncio.timeout(5):
            while len(self.entries) < count:
                await asyncio.sleep(0.005)
        return self.entries[:count]

    def on_announced(self, channel, announcements):
        self.announcements += [(channel, each) for each in announcements]

    async def announced(self, count):
        async with asyncio.timeout(5):
            while len(self.announcements) < count:
                await asyncio.sleep(0.005)
        return self.announcements

    async def removed(self, count):
        async with asyncio.timeout(5):
            while len(self.removals) < count:
                await asyncio.sleep(0.005)
        return self.removals

    def __getattr__(self, operation):
        async def call(*args):
            soon = getattr(self.broker, operation)(*args)
            return await soon if inspect.isawaitable(soon) else soon

        return call

    async def say(self, channel, *payloads, options=KEPT):
        """Publish; where the last one went."""
        published = None
        for payload in payloads:
            published = await self.publish(channel, Publication(Raw(json.dumps(payload).encode())), options)
        return published

    async def read(self, channel, limit=-1, since=None, reverse=False, options=KEPT):
        position = StreamPosition(*since) if since is not None else None
        return await self.history(channel, HistoryFilter(limit, position, reverse), options)


@contextlib.asynccontextmanager
async def memory():
    """The embedded broker on a clock of its own."""
    loop = asyncio.get_running_loop()
    shift = [0.0]

    async def sleep(seconds):
        shift[0] += seconds

    house = House(MemoryBroker(loop, now=lambda: loop.time() + shift[0], random=Random(7)), sleep)
    await house.start(house.on_publication, house.removals.append, house.on_announced)
    try:
        yield house
    finally:
        await house.stop()


FACTORIES = {"memory": memory}


@pytest.fixture(params=FACTORIES)
async def house(request):
    async with FACTORIES[request.param]() as made:
        yield made


def data(excerpt):
    return [json.loads(bytes(entry.publication.data)) for entry in excerpt.entries]


def offsets(excerpt):
    return [entry.offset for entry in excerpt.entries]


# -------------------------------------------------------------- announcements


def announcements(*said):
    """``+a`` came, ``-a`` went."""
    return [Announcement(ClientInfo(user="u", client=each[1:]), left=each[0] == "-") for each in said]


async def test_who_comes_and_goes_is_announced_in_order_where_it_is_listened_to(house):
    await house.subscribe("a")
    await house.subscribe("c")
    await house.announce("a", announcements("+1", "+2"))
    await house.announce("b", announcements("+3"))
    await house.announce("a", announcements("-1"))
    await house.announce("c", announcements("+4"))
    heard = await house.announced(4)
    assert [each for channel, each in heard if channel == "a"] == announcements("+1", "+2", "-1")
    assert [each for channel, each in heard if channel != "a"] == announcements("+4")


async def test_announcements_take_no_place_in_the_stream(house):
    await house.subscribe("a")
    await house.say("a", 1)
    await house.announce("a", announcements("+1"))
    assert (await house.say("a", 2)).position.offset == 2
    assert data(await house.read("a")) == [1, 2]
    assert len(await house.heard(2)) == 2


async def test_nobody_is_announced_to_who_unsubscribed(house):
    await house.subscribe("a")
    await house.unsubscribe("a")
    await house.subscribe("b")
    await house.announce("a", announcements("+1"))
    await house.announce("b", announcements("+2"))
    assert await house.announced(1) == [("b", announcements("+2")[0])]


# ---------------------------------------------------------------------- order


async def test_who_subscribed_hears_in_order(house):
    await house.subscribe("a")
    await house.say("a", *range(20))
    heard = await house.heard(20)
    assert [(channel, entry.offset) for channel, entry in heard] == [("a", n) for n in range(1, 21)]
    assert [json.loads(bytes(entry.publication.data)) for _, entry in heard] == list(range(20))


async def test_only_subscribed_channels_are_heard(house):
    await house.subscribe("a")
    await house.subscribe("b")
    await house.unsubscribe("a")
    await house.say("c", 1)
    await house.say("a", 2)
    await house.say("b", 3)
    assert [channel for channel, _ in await house.heard(1)] == ["b"]


async def test_subscribing_again_right_after_leaving_is_heard(house):
    for turn in range(5):
        await house.subscribe("a")
        await house.say("a", turn)
        await house.unsubscribe("a")
    assert len(await house.heard(5)) == 5


async def test_a_publication_is_heard_as_it_was_published(house):
    await house.subscribe("a")
    info = ClientInfo("user", "client", Raw(b'{"x":1}'))
    publication = Publication(Raw(b'{"n": 1.0}'), info, tags={"t": "1"}, version=3)
    await house.publish("a", publication, KEPT)
    ((_, entry),) = await house.heard(1)
    assert bytes(entry.publication.data) == b'{"n": 1.0}'
    assert (entry.publication.info.user, bytes(entry.publication.info.conn_info)) == ("user", b'{"x":1}')
    assert (entry.publication.tags, entry.publication.version) == ({"t": "1"}, 3)
    read = await house.read("a")
    assert bytes(read.entries[0].publication.data) == b'{"n": 1.0}'
    assert read.entries[0].id == entry.id


async def test_ids_tell_publications_apart(house):
    await house.subscribe("a")
    await house.say("a", *range(50))
    ids = {entry.id for _, entry in await house.heard(50)}
    assert len(ids) == 50
    assert all(0 < each < 2**63 for each in ids)


async def test_a_sampled_publication_carries_its_trace(house):
    await house.subscribe("a")
    await house.say("a", 1, options=PublishOptions(traceparent="00-aa-bb-01"))
    assert (await house.heard(1))[0][1].traceparent == "00-aa-bb-01"


# ------------------------------------------------------------------ positions


async def test_offsets_begin_at_one_and_tell_the_epoch_there(house):
    first = await house.say("a", 1)
    second = await house.say("a", 2)
    assert (first.position.offset, second.position.offset) == (1, 2)
    assert first.position.epoch == second.position.epoch != ""
    told = [(e.publication.offset, e.publication.epoch) for e in (await house.read("a")).entries]
    assert told == [(1, first.position.epoch), (2, "")]


async def test_each_channel_has_its_own_epoch(house):
    first, second = await house.say("a", 1), await house.say("b", 1)
    assert first.position.epoch != second.position.epoch


async def test_without_history_there_is_no_position(house):
    await house.subscribe("a")
    published = await house.say("a", 1, options=NOT_KEPT)
    assert (published.position, published.repeated) == (None, False)
    ((_, entry),) = await house.heard(1)
    assert (entry.offset, entry.epoch, entry.publication.offset) == (0, "", 0)


async def test_reading_creates_the_stream(house):
    read = await house.read("a", limit=0)
    assert (offsets(read), read.position.offset, len(read.position.epoch) > 0) == ([], 0, True)
    assert (await house.say("a", 1)).position.epoch == read.position.epoch


async def test_what_skips_history_is_heard_and_moves_nothing(house):
    await house.subscribe("a")
    await house.say("a", 1)
    skipped = await house.say("a", 2, options=PublishOptions(history_size=5, history_ttl=60.0, skip_history=True))
    await house.say("a", 3)
    assert skipped.position is None
    assert [entry.offset for _, entry in await house.heard(3)] == [1, 0, 2]
    assert data(await house.read("a")) == [1, 3]


async def test_each_publication_tells_which_one_it_followed(house):
    await house.subscribe("a")
    await house.say("a", 1, 2)
    await house.say("a", 3, options=PublishOptions(history_size=5, history_ttl=60.0, skip_history=True))
    await house.say("a", 4)
    first, second, skipped, third = (entry for _, entry in await house.heard(4))
    assert (first.after, second.after, skipped.after, third.after) == (0, first.id, 0, second.id)
    read = await house.read("a")
    assert [(entry.id, entry.after) for entry in read.entries] == [(e.id, e.after) for e in (first, second, third)]
    assert read.top_id == third.id
    await house.remove_history("a")
    assert (await house.read("a", limit=0)).top_id == third.id


# -------------------------------------------------------------------- history


async def test_history_keeps_the_newest(house):
    await house.say("a", *range(1, 9))
    read = await house.read("a")
    assert (offsets(read), read.position.offset) == ([4, 5, 6, 7, 8], 8)


@pytest.mark.parametrize(
    ("limit", "since", "reverse", "expected"),
    [
        (0, None, False, []),
        (0, 4, False, []),
        (2, None, False, [4, 5]),
        (-1, None, False, [4, 5, 6, 7, 8]),
        (-2, None, False, [4, 5, 6, 7, 8]),
        (99, None, False, [4, 5, 6, 7, 8]),
        (2, None, True, [8, 7]),
        (-1, None, True, [8, 7, 6, 5, 4]),
        (-1, 6, False, [7, 8]),
        (1, 6, False, [7]),
        (-1, 1, False, [4, 5, 6, 7, 8]),
        (-1, 8, False, []),
        (-1, 20, False, []),
        (-1, 6, True, [5, 4]),
        (1, 6, True, [5]),
        (-1, 9, True, [8, 7, 6, 5, 4]),
        (-1, 20, True, []),
        (-1, 3, True, []),
        (-1, 1, True, []),
    ],
)
async def test_parts_of_history(house, limit, since, reverse, expected):
    await house.say("a", *range(1, 9))
    read = await house.read("a", limit, None if since is None else (since, ""), reverse)
    assert offsets(read) == expected
    assert read.position.offset == 8


async def test_the_epoch_of_since_is_the_callers_business(house):
    await house.say("a", 1, 2)
    read = await house.read("a", since=(1, "somebody else's"))
    assert (offsets(read), read.position.epoch != "somebody else's") == ([2], True)


async def test_publications_pass_away_but_not_their_position(house):
    first = await house.say("a", 1, 2, options=BRIEF)
    await house.sleep(0.7)
    await house.say("a", 3, options=BRIEF)
    await house.sleep(0.7)
    assert offsets(await house.read("a", options=BRIEF)) == [1, 2, 3], "each publish renews the TTL of all"
    await house.sleep(0.7)
    read = await house.read("a", options=BRIEF)
    assert (offsets(read), read.position.offset, read.position.epoch) == ([], 3, first.position.epoch)
    assert (await house.say("a", 4, options=BRIEF)).position.offset == 4


async def test_a_stream_that_nobody_uses_ends(house):
    first = await house.say("a", 1, options=BRIEF)
    await house.sleep(2.0)
    await house.read("a", limit=0, options=BRIEF)
    await house.sleep(2.0)
    read = await house.read("a", limit=0, options=BRIEF)
    assert read.position == first.position, "reading renews it"
    await house.sleep(3.1)
    after = await house.read("a", options=BRIEF)
    assert (after.position.offset, offsets(after)) == (0, [])
    assert after.position.epoch != first.position.epoch


async def test_removed_history_keeps_its_position(house):
    await house.subscribe("a")
    position = (await house.say("a", 1, 2)).position
    await house.remove_history("a")
    assert await house.removed(1) == ["a"]
    read = await house.read("a")
    assert (offsets(read), read.position) == ([], position)
    assert (await house.say("a", 3)).position == StreamPosition(3, position.epoch)
    assert offsets(await house.read("a")) == [3]


async def test_removing_what_does_not_exist(house):
    await house.remove_history("nothing")
    assert (await house.read("nothing")).position.offset == 0


async def test_an_epoch_is_renewed_once(house):
    position = (await house.say("a", 1, 2)).position
    renewed = await house.renew_epoch("a", position.epoch, KEPT)
    assert (renewed.position.offset, renewed.position.epoch != position.epoch) == (2, True)
    assert await house.renew_epoch("a", position.epoch, KEPT) == renewed, "another node was first"
    assert (await house.say("a", 3)).position == StreamPosition(3, renewed.position.epoch)


# ---------------------------------------------------------------- repetitions


async def test_a_key_publishes_once(house):
    await house.subscribe("a")
    options = PublishOptions(history_size=5, history_ttl=60.0, idempotency_key="k")
    first = await house.say("a", 1, options=options)
    second = await house.say("a", 2, options=options)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.position == second.position
    await house.say("a", 3)
    assert [entry.offset for _, entry in await house.heard(2)] == [1, 2]
    assert data(await house.read("a")) == [1, 3]


async def test_a_key_counts_for_its_channel_and_also_without_history(house):
    options = PublishOptions(idempotency_key="k")
    await house.subscribe("a")
    await house.subscribe("b")
    await house.say("a", 1, 2, options=options)
    await house.say("b", 3, options=options)
    assert [channel for channel, _ in await house.heard(2)] == ["a", "b"]


async def test_a_key_is_forgotten_after_five_minutes(house):
    if house.sleep.__qualname__.startswith("House"):
        pytest.skip("real time")
    options = PublishOptions(history_size=5, history_ttl=600.0, idempotency_key="k")
    await house.say("a", 1, options=options)
    await house.sleep(299.0)
    assert (await house.say("a", 2, options=options)).repeated
    await house.sleep(2.0)
    assert not (await house.say("a", 3, options=options)).repeated


def versioned(version, epoch=""):
    return PublishOptions(history_size=9, history_ttl=60.0, version=version, version_epoch=epoch)


async def test_old_versions_are_skipped(house):
    await house.subscribe("a")
    answers = [await house.say("a", version, options=versioned(version)) for version in (5, 4, 5, 6)]
    assert [(a.position.offset, a.repeated) for a in answers] == [(1, False), (1, True), (1, True), (2, False)]
    assert data(await house.read("a")) == [5, 6]
    assert len(await house.heard(2)) == 2


async def test_versions_of_another_epoch_begin_anew(house):
    await house.say("a", 5, options=versioned(5, "x"))
    assert (await house.say("a", 4, options=versioned(4, "x"))).repeated
    assert not (await house.say("a", 1, options=versioned(1, "y"))).repeated
    assert (await house.say("a", 1, options=versioned(1))).repeated, "without an epoch only the number counts"


async def test_versions_count_only_with_history(house):
    await house.subscribe("a")
    for version in (5, 4):
        await house.say("a", version, options=PublishOptions(version=version))
    assert len(await house.heard(2)) == 2


async def test_there_are_figures(house):
    assert list(house.broker.figures()) is not None
