"""Everything that can become of a delivery, made to happen to a hub and to real writers, on virtual time.

``whatever_can_happen`` is a script without chance: hole, repetition, overload, lost history, filters, returns, leavers in the
middle of a batch, faults, and readers that are slow, full, conflated, gone. Its ledgers have to balance at the end.
"""

import socket
from random import Random
from types import SimpleNamespace

from service.broker.contract import BrokerUnavailable
from service.broker.memory_broker import MemoryBroker
from service.channels import repair
from service.channels.fanout import FanoutSettings
from service.channels.hub import HubSettings
from service.channels.namespaces import Namespace, Namespaces
from service.channels.shelf import ShelfSettings
from service.connections import flush
from service.connections.outbox import OutboxSettings
from service.connections.outgoing import Outgoing
from service.connections.sums import Sums
from service.protocol.messages import StreamPosition
from tests.service.channels.world import Loop, Member, World

ODD = {"key": "odd", "cmp": "eq", "val": "yes"}
NAMESPACES = Namespaces(
    Namespace(),
    [
        Namespace(name="stream", history_size=10, history_ttl=60.0),
        Namespace(name="chat", history_size=10, history_ttl=60.0, force_recovery_mode="cache", slow_policy="conflate"),
    ],
)
SMALL = 4096  # bytes of a socket's buffers


class Medium:
    """The memory broker; what it tells is passed on when the script says so, and history may be out of reach."""

    def __init__(self):
        self.loop = Loop()
        self.inner = MemoryBroker(self.loop, now=lambda: self.loop.wall(), random=Random(5))
        self.heard = None  # a list while things are kept back
        self.gone = False

    def start(self, on_publication, on_removed):
        self.tell = on_publication
        self.inner.start(self._told, on_removed)

    def _told(self, channel, entry):
        if self.heard is None:
            self.tell(channel, entry)
        else:
            self.heard.append((channel, entry))

    def keep_back(self):
        self.heard = []

    def pass_on(self, *indexes):
        heard, self.heard = self.heard, None
        for index in indexes or range(len(heard)):
            self.tell(*heard[index])

    def history(self, *args):
        if self.gone:
            raise BrokerUnavailable("gone")
        return self.inner.history(*args)

    def __getattr__(self, operation):
        return getattr(self.inner, operation)


class Pipe:
    """A transport that keeps what it is given until it is told that its socket took it."""

    def __init__(self):
        self.held = b""
        self.ended = False

    def write(self, data):
        self.held += data

    def get_write_buffer_size(self):
        return len(self.held)

    def is_closing(self):
        return self.ended

    def abort(self):
        self.ended = True


class Reader(Outgoing):
    """A subscriber behind a real socket, which reads when it is told to."""

    variant = "json"

    def __init__(self, world, station):
        super().__init__(station)
        self.world = world
        self.ours, self.theirs = socket.socketpair()
        for end in (self.ours, self.theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
            end.setblocking(False)
        self.transport = Pipe()
        self.fd = self.socket = self.ours.fileno()
        self.cause = "connection_closed"

    @property
    def loss(self):
        return self.cause

    def stalled(self):
        """Nobody has to be told."""

    relieved = stalled

    def cut(self, by):
        self.cause = f"slow_{by}"
        self.end()

    def end(self, *channels):
        """The end is decided: it leaves everything."""
        self.fd = -1
        self.transport.abort()
        self.world.hub.leave_all(self, [(name, None) for name in self.world.names], self.loss)

    def read(self):
        """Its kernel has room again."""
        for _ in range(100):
            try:
                self.theirs.recv(1_000_000)
            except BlockingIOError:
                break
        self.transport.held = b""
        self.resume_writing()

    def gone(self):
        """``connection_lost``."""
        self.end()
        self.discard()
        self.transport = None
        self.ours.close()
        self.theirs.close()


class Both(World):
    """Members that write down what they get, and readers behind sockets."""

    names = ("a", "b", "c", "d", "e", "stream:a", "stream:b", "stream:c", "chat:a")

    def __init__(self):
        medium = Medium()
        settings = HubSettings(
            fanout=FanoutSettings(slice_members=2), rings=ShelfSettings(pending_messages=8), position_check_delay=0.0
        )
        super().__init__(settings, medium, namespaces=NAMESPACES)
        medium.loop = medium.inner._timers = self.loop
        self.medium = medium
        self.station = SimpleNamespace(
            settings=SimpleNamespace(outbox=OutboxSettings(max_bytes=60_000, max_age=25.0)),
            sums=Sums(),
            stalled=set(),
            behind=set(),
            shedding=SimpleNamespace(grown=lambda: None),
            now=self.loop.time,
            observe_channels=self.observer,
        )

    def send_many(self, members, data, flight):
        writers = [each for each in members if isinstance(each, Outgoing)]
        taken = super().send_many([each for each in members if not isinstance(each, Outgoing)], data, flight)
        return taken + flush.send_many(writers, data, flight)

    def reader(self, *channels):
        made = Reader(self, self.station)
        for channel in channels:
            self.join(channel, made)
        return made

    def fill(self, channel, count, **request):
        return [self.join(channel, Member(f"{channel}{n}"), **request) for n in range(count)]


def whatever_can_happen():
    """The ledger after all that."""
    world = Both()
    was, repair.HELD = repair.HELD, 2
    try:
        for part in (_leavers, _overload, _filters, _holes, _postponed, _lost_history, _returns, _fault, _readers):
            part(world)
            world.loop.run(20.0)
        for name in world.names:  # each channel comes to rest once more
            world.join(name)
            world.publish(name, "last", tags={"odd": "yes"})
        world.loop.run(1.0)
    finally:
        repair.HELD = was
    return world.hub.ledger


def _leavers(world):
    """They leave, and one comes back, while a batch is on its way and more is pending."""
    members = world.fill("a", 6)
    world.on_write = lambda member: member is members[0] and leave()

    def leave():
        world.on_write = None
        world.publish("a", 2, 3)
        for member in (members[1], members[4]):
            world.hub.leave(member, "a")
        world.join("a", members[4])
        world.join("a", Member("new"))
        world.publish("a", 4)
        world.hub.leave(members[4], "a")
        world.hub.leave_all(members[5], [("a", None)])

    world.publish("a", 1)


def _overload(world):
    """More than a ring holds: without history the oldest go, with it they are read later."""
    late = []
    for channel in ("b", "stream:b"):
        members = world.fill(channel, 3)

        def flood(member, channel=channel, first=members[0]):
            if member is first:
                world.on_write = None
                world.publish(channel, *range(6))
                late.append(world.join(channel, Member("late")))
                world.publish(channel, *range(6))
                world.publish(channel, 7, skip_history=True)

        world.on_write = flood
        world.publish(channel, 0)
        world.loop.run()


def _filters(world):
    members = [world.join("c", filter=ODD), world.join("c", filter=ODD), world.join("c")]
    for number in range(6):
        world.publish("c", number, tags={"odd": "yes" if number % 2 else "no"})
    world.publish("c", 8, tags={"odd": "no"})
    world.loop.run()
    assert len(members[0].got) == 3


def _holes(world):
    """Lost, late and repeated; somebody comes and somebody goes while the broker is asked."""
    world.fill("stream:a", 2, positioned=True)
    leaver = world.join("stream:a")
    world.publish("stream:a", 1)
    medium = world.medium
    medium.keep_back()
    world.publish("stream:a", 2, 3, 4)
    medium.pass_on(2, 1, 1, 0)  # 2 and 3 are read: they come again
    medium.keep_back()
    world.publish("stream:a", 5, 6)
    medium.gone = True
    medium.pass_on(1)  # held back
    world.join("stream:a", Member("guest"))
    world.hub.leave(leaver, "stream:a")
    medium.gone = False
    world.loop.run(5.0)


def _postponed(world):
    """More is heard than is held back; what is left to history is read."""
    medium = world.medium
    medium.keep_back()
    world.publish("stream:a", *range(10, 16))
    medium.gone = True
    medium.pass_on(1, 2, 3, 4, 5)
    world.publish("stream:a", 16, skip_history=True)
    world.join("stream:a", Member("another guest"))
    medium.gone = False
    world.loop.run(5.0)


def _lost_history(world):
    """The same, but history never answers: who is positioned is told, from the others it is lost."""
    world.fill("stream:a", 1, positioned=True)
    medium = world.medium
    medium.keep_back()
    world.publish("stream:a", *range(20, 26))
    medium.gone = True
    medium.pass_on(1, 2, 3, 4)
    world.loop.run(60.0)
    medium.gone = False


def _returns(world):
    """All of it, a part by filter, nothing of it, the newest one."""
    for number in range(4):
        world.publish("stream:c", number, tags={"odd": "yes" if number % 2 else "no"})
    epoch = world.recover("stream:c").joined.epoch
    world.recover("stream:c", 1, epoch, filter=ODD)
    world.publish("stream:c", *range(20))
    world.loop.run()
    assert not world.recover("stream:c", 1, epoch).joined.recovered
    world.publish("chat:a", 1)
    assert world.recover("chat:a", 0).joined.publications


def _fault(world):
    """A variant that nobody can encode, with a leaver in the batch that is given up."""
    members = [world.join("d", Member(variant=variant)) for variant in ("json", "broken", "broken", "broken")]
    world.on_write = lambda _member: world.hub.leave(members[1], "d")
    world.publish("d", 1)
    world.on_write = None


def _readers(world):
    """Late, cut, conflated, broken off, gone with what waited for them."""
    big = "x" * 20_000
    late, full, tidy, left, lost = (world.reader(channel) for channel in ("e", "e", "chat:a", "e", "e"))
    world.publish("chat:a", big, big, big)
    world.loop.run()
    for _ in range(3):
        world.publish("chat:a", big)
        world.loop.run()
    world.publish("e", big, big)
    world.loop.run()
    late.read()
    late.read()
    tidy.cause, left.cause = "memory_pressure", "slow_kernel"
    left.theirs.close()  # writing to it will be refused
    left._waiting, left.fd = False, left.socket
    lost.transport.abort()  # and nothing can be given to this one
    for _ in range(6):
        world.publish("e", big)
        world.loop.run()
        late.read()
    left.resume_writing()
    late.cause = "slow_age"
    world.publish("e", big, big)
    world.loop.run()
    for reader in (late, full, tidy, left, lost):
        reader.gone()
    world.hub.lose(world.hub._channels["stream:c"], StreamPosition(0, "another"), 0)
