"""The promise of a positioned subscription, against a broker that does everything wrong, in virtual time.

Whatever happens: what a subscriber receives is a run of publications each of which followed the one before, none twice, and
it ends at the stream's top; unless the subscriber was told that something is missing.

Not promised yet: a client that comes back after a failover with a publication that the failover took back may not be told
at once (that takes the broker to say that there was a failover). Such returns are excused, and counted.
"""

import asyncio
import inspect
from random import Random

import pytest

from service.broker.contract import BrokerUnavailable
from service.broker.stream import Ring
from service.channels.hearing import Hearing
from service.channels.hub import JoinRequest
from service.protocol.messages import StreamPosition
from tests.simulation.cluster import Faults, Node, Server, faulty, number_of
from tests.simulation.virtual_time import run

CHECK = 5.0  # seconds between checks of a silent channel


async def answer(soon):
    return await soon if inspect.isawaitable(soon) else soon


class Client:
    """A subscriber as an SDK is one: it comes back by itself, with its position."""

    variant = "json"

    def __init__(self, name, world, channel):
        self.name = name
        self.world = world
        self.channel = channel
        self.node = None
        self.position = None  # (offset, epoch), once it was subscribed
        self.last = None  # number of the last publication
        self.fresh = True  # what comes next may follow on anything
        self.received = 0
        self.told = 0
        self.excused = 0
        self.task = None

    def connect(self):
        self.task = self.world.loop.create_task(self._subscribe(), name=self.name)

    def disconnect(self):
        if self.task is not None:
            self.task.cancel()
        if self.node is not None:
            self.node.hub.leave(self, self.channel)
            self.node = None

    async def _subscribe(self):
        while True:
            node = self.world.random.choice(self.world.nodes)
            try:
                ticket = await answer(node.hub.join(self, self.channel, self._request()))
            except BrokerUnavailable:
                await asyncio.sleep(0.1 + self.world.random.random())
                continue
            self._joined(node, ticket.enter())
            return

    def _request(self):
        if self.position is None:
            return JoinRequest(positioned=True, recoverable=True)
        return JoinRequest(positioned=True, recoverable=True, recover=True, since=StreamPosition(*self.position))

    def _joined(self, node, joined):
        self.node = node
        returned, self.position = self.position, (joined.offset, joined.epoch)
        if returned is not None and joined.recovered:
            assert joined.offset == returned[0]
            if self.last in self.world.server.lost:
                self.fresh = True
                self.excused += 1
            self.receive([[number_of(p), p.offset] for p in joined.publications])
            return
        assert not joined.publications
        self.fresh = True
        if returned is not None:
            self.told += 1

    def insufficient(self, _channel):
        self.told += 1
        self.fresh = True
        self.node = None
        self.connect()

    def receive(self, messages):
        for number, offset in messages:
            if not offset:
                continue
            assert offset == self.position[0] + 1, f"{self.name}: {offset} after {self.position}"
            if not self.fresh:
                parent = self.world.server.parents[number]
                assert parent == self.last, f"{self.name}: {number} followed {parent}, not {self.last}"
            self.fresh = False
            self.last = number
            self.position = (offset, self.position[1])
            self.received += 1


class World:
    """A run: nodes, clients, a publisher, and what goes wrong."""

    def __init__(self, loop, seed, faults=None, **node):
        self.loop = loop
        self.random = Random(seed)
        self.server = Server(loop, self.random)
        self.faults = faults if faults is not None else faulty(self.random)
        self.nodes = [Node(loop, self.server, self.faults, check=CHECK, **node) for _ in range(3)]
        self.clients = []
        self.published = 0

    def client(self, channel):
        made = Client(f"{channel}{len(self.clients)}", self, channel)
        self.clients.append(made)
        made.connect()
        return made

    async def publish(self, channel, **options):
        self.published += 1
        try:
            await answer(self.random.choice(self.nodes).hub.publish(channel, str(self.published).encode(), **options))
        except BrokerUnavailable:
            pass

    async def remove(self, channel):
        try:
            await answer(self.random.choice(self.nodes).hub.remove_history(channel))
        except BrokerUnavailable:
            pass

    async def quiet(self):
        """Everything works again; long enough for every check and retry."""
        calm = Faults()
        for node in self.nodes:
            node.link.faults = calm
            node.link.muted = False
        await asyncio.sleep(6 * CHECK)

    def judge(self):
        for client in self.clients:
            where = f"{client.name}: {client.position}, {client.told} told"
            if client.task.done() and not client.task.cancelled():
                client.task.result()
            assert client.node is not None, where
            assert client.position == self.server.position(client.channel), where
            if not client.fresh:
                assert client.last == self.server.tops[client.channel], where
        for node in self.nodes:
            assert not node.hub.ledger.unaccounted, "what became of each delivery is known"
            for channel in node.hub._channels.values():
                assert channel.repair is None
                assert not channel.joining
                assert not channel.ring.pending


def scenario(seed, failovers):
    async def main(loop):
        world = World(loop, seed)
        random = world.random
        channels = ["rec:a", "rec:b", "tiny:c"]
        for channel in channels:
            await world.publish(channel)
            for _ in range(4):
                world.client(channel)
        for _ in range(300):
            await asyncio.sleep(random.random() * 0.3)
            happening = random.random()
            channel = random.choice(channels)
            if happening < 0.6:
                for _ in range(random.choice([1, 1, 3, 20])):
                    loop.create_task(world.publish(channel, skip_history=random.random() < 0.1))
            elif happening < 0.8:
                client = random.choice(world.clients)
                client.disconnect()
                loop.call_later(random.random() * 3, client.connect)
                await asyncio.sleep(3.0)
            elif happening < 0.85:
                link = random.choice(world.nodes).link
                link.muted = not link.muted
            elif happening < 0.9:
                loop.create_task(world.remove(channel))
            elif happening < 0.92 and failovers:
                world.server.rewind(channel, random.randint(1, 4))
        await world.quiet()
        world.judge()
        return world

    return run(main)


def seeds(first):
    """A dozen runs; a few of them are enough while one works on something else."""
    return [pytest.param(first + n, marks=pytest.mark.slow if n >= 4 else ()) for n in range(12)]


@pytest.mark.parametrize("seed", seeds(0))
def test_runs_without_holes_unless_told(seed):
    world = scenario(seed, failovers=False)
    assert sum(client.received for client in world.clients) > 200


@pytest.mark.parametrize("seed", seeds(100))
def test_also_when_failovers_take_writes_back(seed):
    world = scenario(seed, failovers=True)
    told = sum(client.told for client in world.clients)
    assert sum(client.excused for client in world.clients) <= max(3, told)


def test_a_lossy_medium_alone_is_noticed_by_nobody():
    """A third of everything is lost and a tenth comes twice or late: nobody is told, everything arrives."""

    async def main(loop):
        world = World(loop, 1, Faults(lose=0.3, repeat=0.1, reorder=0.1))
        clients = [world.client("rec:a") for _ in range(9)]
        await asyncio.sleep(1.0)
        for _ in range(500):
            await world.publish("rec:a")
        await world.quiet()
        world.judge()
        assert {client.received for client in clients} == {500}
        assert sum(client.told for client in clients) == 0
        return world

    world = run(main)
    assert world.server.reads < 2 * 3 * 500


def test_a_node_that_hears_nothing_finds_out_by_itself():
    async def main(loop):
        world = World(loop, 2, Faults())
        clients = [world.client("rec:a") for _ in range(6)]
        await asyncio.sleep(1.0)
        world.nodes[0].link.muted = world.nodes[1].link.muted = True
        for _ in range(50):
            await world.publish("rec:a")
        await asyncio.sleep(3 * CHECK)
        assert {client.received for client in clients} == {50}
        assert sum(client.told for client in clients) == 0

    run(main)


def test_a_reconnect_storm_reads_history_once_a_node():
    async def main(loop):
        world = World(loop, 3, Faults())
        for _ in range(20):
            await world.publish("rec:a")
        epoch = world.server.position("rec:a")[1]
        clients = [Client(str(n), world, "rec:a") for n in range(300)]
        world.clients += clients
        for client in clients:
            client.position = (10, epoch)
        clients[0].connect()
        await asyncio.sleep(1.0)
        before = world.server.reads
        for client in clients[1:]:
            client.connect()
        await asyncio.sleep(5.0)
        assert {client.received for client in clients} == {10}
        return world.server.reads - before

    assert run(main) <= 2 * 200


def test_an_overloaded_node_reads_again_what_it_had_no_room_for():
    async def main(loop):
        world = World(loop, 4, Faults(), pending=8)
        clients = [world.client("rec:a") for _ in range(6)]
        await asyncio.sleep(1.0)
        await asyncio.gather(*(world.publish("rec:a") for _ in range(150)))
        await world.quiet()
        world.judge()
        assert {client.received for client in clients} == {150}

    run(main)


def test_the_oracle_sees_a_node_that_says_nothing(monkeypatch):
    """The same runs against a hub that goes on at another position without a word have to fail."""

    def silently(self, channel, position, top_id):
        channel.ring.restart(position, top_id)

    monkeypatch.setattr(Hearing, "lose", silently)
    with pytest.raises(AssertionError):
        for seed in range(100, 104):
            scenario(seed, failovers=True)


def test_the_oracle_sees_a_node_that_believes_offsets(monkeypatch):
    """So do those against a node that takes a publication for the next one by its offset alone."""

    def by_offset(self, entry):
        return entry.epoch == self.epoch and entry.offset == self.top + 1

    monkeypatch.setattr(Ring, "continues", by_offset)
    with pytest.raises(AssertionError):
        for seed in range(100, 130):
            scenario(seed, failovers=True)
