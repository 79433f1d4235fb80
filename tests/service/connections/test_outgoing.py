"""The way out: order and completeness whatever the socket takes, on both loops, and running sums that end at zero.

Each batch is one expected delivery in a book, and when the peer is gone it is known what became of each.
"""

import asyncio
import random
import socket
from types import SimpleNamespace

import pytest
import uvloop

from service.channels.ledger import NOBODYS, Book
from service.connections import flush
from service.connections.outbox import OutboxSettings
from service.connections.outgoing import Outgoing
from service.connections.sums import Sums


class Batch:
    book = Book()

    def __init__(self, messages, accepted, conflates=""):
        self.messages = messages
        self.accepted = accepted
        self.conflates = conflates
        self.namespace = "chat"
        self.book.expected += messages

    def delivered(self, observe, count, now):
        observe.append(count * self.messages)
        self.book.write(count * self.messages)


def send_many(members, data, batch):
    taken = flush.send_many(members, data, batch)
    batch.book.write(taken * batch.messages)
    return taken


class Peer(Outgoing, asyncio.Protocol):
    __slots__ = ("cuts", "lost")

    def __init__(self, station):
        super().__init__(station)
        self.cuts = []
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.attach(transport)

    def connection_lost(self, exc):
        self.fd = -1
        self.discard()
        self.transport = None
        self.lost.set_result(None)

    def stalled(self):
        pass

    def relieved(self):
        pass

    def cut(self, by):
        self.cuts.append(by)


def station(max_bytes=10_000_000):
    Batch.book = Book()
    return SimpleNamespace(
        settings=SimpleNamespace(outbox=OutboxSettings(max_bytes=max_bytes, max_age=25.0)),
        sums=Sums(),
        stalled=set(),
        shedding=SimpleNamespace(grown=lambda: None),
        now=asyncio.get_running_loop().time,
        observe_channels=[],
    )


async def pair(shared):
    """Our end as a ``Peer``, theirs as a plain socket that reads when told to."""
    ours, theirs = socket.socketpair()
    for s in (ours, theirs):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        s.setblocking(False)
    _, peer = await asyncio.get_running_loop().connect_accepted_socket(lambda: Peer(shared), ours)
    return peer, theirs


def on_both_loops(test):
    def run(factory):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(test())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return pytest.mark.parametrize(
        "factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
    )(run)


async def read(theirs, size):
    loop, got = asyncio.get_running_loop(), b""
    while len(got) < size:
        got += await loop.sock_recv(theirs, size - len(got))
    return got


async def gone(peer, theirs):
    theirs.close()
    if peer.transport is not None:
        peer.transport.abort()
    await peer.lost
    assert (Batch.book.unaccounted, Batch.book.waiting) == (0, 0)


@on_both_loops
async def test_frames_larger_than_the_buffers_arrive_whole_and_in_order():
    shared = station()
    peer, theirs = await pair(shared)
    frames = [bytes([n % 256]) * random.Random(n).randrange(1, 60_000) for n in range(60)]
    for frame in frames:
        send_many([peer], frame, Batch(1, shared.now()))
    assert peer.fd == -1
    assert len(shared.stalled) == 1
    assert shared.sums.outbox_messages > 0
    assert await read(theirs, sum(map(len, frames))) == b"".join(frames)
    await asyncio.sleep(0.01)
    assert peer.fd == peer.socket
    assert shared.sums == Sums()
    assert not shared.stalled
    assert peer.sent == 60
    await gone(peer, theirs)


@on_both_loops
async def test_every_late_message_is_told_once():
    shared = station()
    peer, theirs = await pair(shared)
    direct = sum(send_many([peer], b"x" * 5000, Batch(2, shared.now())) for _ in range(40))
    await read(theirs, 40 * 5000)
    await asyncio.sleep(0.01)
    assert direct * 2 + sum(shared.observe_channels) == 80
    await gone(peer, theirs)


@on_both_loops
async def test_a_full_outbox_cuts_and_the_sums_return_to_zero():
    shared = station(max_bytes=50_000)
    peer, theirs = await pair(shared)
    for _ in range(200):
        send_many([peer], b"x" * 5000, Batch(1, shared.now()))
    assert set(peer.cuts) == {"bytes"}
    assert peer.unsent_bytes() <= 60_000 + 8192
    lost = Batch.book.ends["connection_closed"]
    assert lost > 100, "what the outbox does not take is lost at once"
    await gone(peer, theirs)
    assert Batch.book.ends["connection_closed"] > lost, "what waited is lost with the peer"
    assert shared.sums == Sums()
    assert not shared.stalled


@on_both_loops
async def test_our_own_bytes_wait_behind_publications():
    shared = station()
    peer, theirs = await pair(shared)
    send_many([peer], b"a" * 100_000, Batch(1, shared.now()))
    peer.write(b"reply", 1)
    assert (await read(theirs, 100_005))[-5:] == b"reply"
    await gone(peer, theirs)


@on_both_loops
async def test_a_peer_that_left_is_dropped():
    shared = station()
    peer, theirs = await pair(shared)
    theirs.close()
    send_many([peer], b"x", Batch(1, shared.now()))
    await asyncio.wait_for(peer.lost, 1)
    assert send_many([peer], b"x", Batch(1, shared.now())) == 0
    assert shared.sums == Sums()
    assert Batch.book.unaccounted == 0
    assert Batch.book.ends["connection_closed"] >= 1


@on_both_loops
async def test_the_age_counts_from_the_first_frame_that_waits():
    shared = station()
    peer, theirs = await pair(shared)
    assert peer.unsent_since() == float("inf")
    before = shared.now()
    send_many([peer], b"a" * 100_000, Batch(1, shared.now()))
    since = peer.unsent_since()
    assert before <= since <= shared.now()
    send_many([peer], b"a" * 100_000, Batch(1, shared.now()))
    assert peer.unsent_since() == since
    await gone(peer, theirs)


@on_both_loops
async def test_what_a_newer_frame_displaces_is_counted():
    shared = station()
    told = []
    peer, theirs = await pair(shared)
    shared.observe_channels = SimpleNamespace(dropped=lambda *what: told.append(what))
    for _ in range(5):
        send_many([peer], b"x" * 100_000, Batch(1, shared.now(), "chat:1"))
    assert told == [("chat", "conflated", 1, "chat:1")] * 3, "one is on its way, the newest waits"
    assert Batch.book.ends["conflated"] == 3
    await gone(peer, theirs)


@on_both_loops
async def test_our_own_bytes_are_in_no_book():
    shared = station()
    peer, theirs = await pair(shared)
    before = NOBODYS.expected
    peer.write(b"x" * 100_000, 1)
    assert (Batch.book.waiting, NOBODYS.expected) == (0, before)
    await gone(peer, theirs)
