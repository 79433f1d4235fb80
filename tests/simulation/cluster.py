"""Nodes around one broker that does everything wrong: it loses, repeats, reorders, is slow, refuses, forgets writes.

Streams live in one place (the memory broker's, as its own contract suite tests it); each node reaches them over a link with
faults of its own. Every accepted publication remembers which one it followed, so that an oracle can tell a run from a hole.
"""

import asyncio
import json
from dataclasses import dataclass
from random import Random

from msgspec import Raw

from observability.observers.channels import SilentChannelsObserver
from service.broker.contract import BrokerUnavailable
from service.broker.memory_broker import MemoryBroker
from service.channels.hub import Hub, HubSettings
from service.channels.namespaces import Namespace, Namespaces
from service.channels.shelf import ShelfSettings

NAMESPACES = Namespaces(
    Namespace(),
    [
        Namespace(name="rec", history_size=200, history_ttl=120.0, history_meta_ttl=3600.0),
        Namespace(name="tiny", history_size=5, history_ttl=120.0, history_meta_ttl=3600.0),
    ],
)


@dataclass
class Faults:
    """Probabilities, and seconds."""

    lose: float = 0.0
    repeat: float = 0.0
    reorder: float = 0.0
    refuse: float = 0.0  # a call fails before it did anything
    forget: float = 0.0  # a call fails after it did it
    slow: float = 0.0  # a call takes up to ``slowness``
    slowness: float = 3.0
    latency: float = 0.005


class Server:
    """The streams, and who is connected."""

    def __init__(self, loop, random):
        self.random = random
        self.core = MemoryBroker(loop, now=loop.time, random=random)
        self.core.start(self._spread, lambda channel: self._all("on_removed", channel))
        self.links = []
        self.parents = {}  # publication number -> the number it followed in its stream
        self.tops = {}  # channel -> number at its top
        self.lost = set()  # numbers that were accepted and taken back
        self.reads = 0

    def _spread(self, channel, entry):
        if entry.offset:
            number = number_of(entry.publication)
            self.parents[number] = self.tops.get(channel)
            self.tops[channel] = number
        for link in self.links:
            link.pass_on(channel, entry)

    def _all(self, callback, channel):
        for link in self.links:
            link.tell(callback, channel)

    def rewind(self, channel, count):
        """A failover: the newest publications never reached the replica."""
        stream = self.core._streams.get(channel)
        if stream is None or len(stream.entries) <= count:
            return
        for entry in stream.entries[-count:]:
            self.lost.add(number_of(entry.publication))
        del stream.entries[-count:]
        stream.top -= count
        stream.top_id = stream.entries[-1].id
        self.tops[channel] = number_of(stream.entries[-1].publication)

    def position(self, channel):
        stream = self.core._streams[channel]
        return stream.top, stream.epoch


class Link:
    """A node's way to the server; the broker that its hub sees."""

    def __init__(self, loop, server, faults):
        self.loop = loop
        self.server = server
        self.random = server.random
        self.faults = faults
        self.channels = set()
        self.muted = False
        self.order = asyncio.Lock()
        self.last = 0.0
        server.links.append(self)

    def start(self, on_publication, on_removed, _on_announced=None):
        self.on_publication, self.on_removed = on_publication, on_removed

    def stop(self):
        self.channels.clear()

    def figures(self):
        return ()

    # ----------------------------------------------------------------- the medium

    def pass_on(self, channel, entry):
        chance, faults = self.random.random, self.faults
        if channel not in self.channels or self.muted or chance() < faults.lose:
            return
        for _ in range(2 if chance() < faults.repeat else 1):
            if chance() < faults.reorder:
                self.loop.call_later(faults.latency * chance() * 40, self.on_publication, channel, entry)
            else:
                self.last = max(self.last, self.loop.time() + faults.latency * chance())
                self.loop.call_at(self.last, self.on_publication, channel, entry)

    def tell(self, callback, channel):
        if channel in self.channels and not self.muted:
            self.loop.call_later(self.faults.latency, getattr(self, callback), channel)

    async def _call(self, do, *args):
        chance, faults = self.random.random, self.faults
        delay = faults.slowness if chance() < faults.slow else faults.latency
        await asyncio.sleep(delay * chance())
        if chance() < faults.refuse:
            raise BrokerUnavailable("refused")
        answer = do(*args)
        await asyncio.sleep(faults.latency * chance())
        if chance() < faults.forget:
            raise BrokerUnavailable("the answer was lost")
        return answer

    # -------------------------------------------------------------- the contract

    async def subscribe(self, channel):
        async with self.order:
            await self._call(self._subscribe, channel)

    def _subscribe(self, channel):
        self.channels.add(channel)
        self.server.core.subscribe(channel)

    async def unsubscribe(self, channel):
        async with self.order:
            await self._call(self.channels.discard, channel)

    async def publish(self, channel, publication, options):
        return await self._call(self._publish, channel, publication, options)

    def _publish(self, channel, publication, options):
        self.server.core.subscribe(channel)
        return self.server.core.publish(channel, publication, options)

    async def history(self, channel, wanted, options):
        self.server.reads += 1
        return await self._call(self.server.core.history, channel, wanted, options)

    async def remove_history(self, channel):
        return await self._call(self.server.core.remove_history, channel)

    async def renew_epoch(self, channel, epoch, options):
        return await self._call(self.server.core.renew_epoch, channel, epoch, options)


class Node:
    """A hub on a link."""

    def __init__(self, loop, server, faults, check=5.0, pending=1024):
        self.loop = loop
        self.link = Link(loop, server, faults)
        self.tasks = set()
        self.hub = Hub(
            NAMESPACES,
            self.link,
            {"json": self._encode},
            self._send_many,
            SilentChannelsObserver(),
            loop=loop,
            run=self.run,
            now=loop.time,
            clock=loop.time,
            settings=HubSettings(position_check_delay=check, rings=ShelfSettings(pending_messages=pending)),
        )
        self.hub.on_insufficient = lambda client, channel: client.insufficient(channel)
        self.link.start(self.hub.deliver, self.hub.removed)

    def run(self, name, awaitable, answered):
        async def carry():
            try:
                outcome = await awaitable
            except Exception as fault:
                outcome = fault
            answered(outcome)

        task = self.loop.create_task(carry(), name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    @staticmethod
    def _encode(_channel, publications):
        return json.dumps([[number_of(p), p.offset] for p in publications]).encode()

    @staticmethod
    def _send_many(members, data, _flight):
        for client in members:
            client.receive(json.loads(data))
        return len(members)


def number_of(publication):
    return json.loads(bytes(publication.data))


def payload(number):
    return Raw(json.dumps(number).encode())


def faulty(random: Random) -> Faults:
    """A mixture for one run."""
    return Faults(
        lose=random.choice([0, 0.02, 0.2]),
        repeat=random.choice([0, 0.1]),
        reorder=random.choice([0, 0.02, 0.2]),
        refuse=random.choice([0, 0.05, 0.3]),
        forget=random.choice([0, 0.05]),
        slow=random.choice([0, 0.1]),
    )
