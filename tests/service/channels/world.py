"""A hub without sockets: time that stands still unless told otherwise, members that write down what they are sent."""

import heapq
import json
from random import Random

import pytest
from msgspec import convert

from observability.observers.channels import SilentChannelsObserver
from service.broker.memory_broker import MemoryBroker
from service.channels.hub import Hub, HubSettings, JoinRequest
from service.channels.namespaces import Namespace, Namespaces
from service.channels.tags_filter import TagsFilter
from service.protocol.errors import ClientMistake
from service.protocol.messages import FilterNode, StreamPosition

WALL = 1_000_000.0  # wall clock minus loop clock

NAMESPACES = Namespaces(
    Namespace(),
    [
        Namespace(name="rec", history_size=10, history_ttl=60.0, history_meta_ttl=3600.0),
        Namespace(name="long", history_size=5000, history_ttl=60.0),
        Namespace(name="short", history_size=10, history_ttl=1.0, history_meta_ttl=100.0),
        Namespace(name="meta", history_size=10, history_ttl=1.0, history_meta_ttl=1.0),
        Namespace(name="cache", history_size=10, history_ttl=60.0, force_recovery_mode="cache"),
        Namespace(name="auto", history_size=10, history_ttl=60.0, force_recovery_mode="cache", auto_cache_recover=True),
        Namespace(name="bin", publication_data_format="binary"),
        Namespace(name="object", publication_data_format="json_object"),
    ],
)


class Loop:
    """The part of an event loop that the hub uses, on virtual time."""

    def __init__(self):
        self.now = 100.0
        self.soon = []
        self.later = []
        self.turns = 0
        self.faults = []

    def time(self):
        return self.now

    def wall(self):
        return self.now + WALL

    def call_soon(self, callback):
        self.soon.append(callback)

    def call_later(self, delay, callback):
        heapq.heappush(self.later, (self.now + delay, self.turns, len(self.later), callback))

    def call_exception_handler(self, context):
        self.faults.append(context)

    def turn(self):
        """One turn: what is ready now."""
        self.turns += 1
        while self.later and self.later[0][0] <= self.now:
            self.soon.append(heapq.heappop(self.later)[3])
        ready, self.soon = self.soon, []
        for callback in ready:
            callback()
        return bool(ready)

    def run(self, seconds=0.0):
        """Until nothing is ready, and then on through ``seconds``."""
        until = self.now + seconds
        while True:
            while self.turn():
                assert self.turns < 1_000_000
            if not self.later or self.later[0][0] > until:
                break
            self.now = max(self.now, self.later[0][0])
        self.now = until


class Observer(SilentChannelsObserver):
    """Writes down what it is told."""

    slow = 0.25

    def __init__(self):
        self.told = []
        self.trace = None

    def publishing(self, namespace, channel, audience, parent=None, *, via="api", user=""):
        self.told.append(("publishing", namespace, channel, audience, parent, via, user))
        return self.trace

    def of(self, kind):
        return [event[1:] for event in self.told if event[0] == kind]


def _telling(name):
    def tell(self, *args, **kwargs):
        self.told.append((name, *args, *([kwargs] if kwargs else [])))

    return tell


for _name in (
    "published", "publish_failed", "fanned_out", "delivered", "delivered_late", "joined", "left", "dropped", "gap", "delta",
):  # fmt: skip
    setattr(Observer, _name, _telling(_name))


class Member:
    """A subscriber that keeps what it is sent."""

    def __init__(self, name="m", variant="json"):
        self.name = name
        self.variant = variant
        self.got = []
        self.writes = 0
        self.joined = None

    def __repr__(self):
        return self.name

    @property
    def offsets(self):
        return [pub["offset"] for pub in self.got]

    @property
    def data(self):
        return [pub["data"] for pub in self.got]


def plain(publications):
    """Publications as dicts."""
    return [
        {"data": json.loads(bytes(p.data)), "offset": p.offset, "epoch": p.epoch, "version": p.version}
        for p in publications
    ]


MADE = []  # every world of a test; see conftest.py


class World:
    """A hub with its broker. ``cost`` is how many seconds it takes to write to one member."""

    def __init__(self, settings=None, broker=None, cost=0.0, namespaces=NAMESPACES):
        self.loop = Loop()
        self.observer = Observer()
        self.broker = broker or MemoryBroker(self.loop, now=self.loop.wall, random=Random(1))
        self.cost = cost
        self.encoded = []
        self.told = []
        self.on_write = None  # called with each member before it is written to
        self.hub = Hub(
            namespaces,
            self.broker,
            {"json": self._encode("json"), "other": self._encode("other")},
            self.send_many,
            self.observer,
            loop=self.loop,
            now=self.loop.wall,
            clock=self.loop.time,
            settings=settings or HubSettings(),
        )
        self.hub.on_insufficient = lambda member, channel: self.told.append((member, channel))
        self.broker.start(self.hub.deliver, self.hub.removed)
        MADE.append(self)

    def _encode(self, variant):
        def encode(channel, publications):
            self.encoded.append((variant, channel, len(publications)))
            return json.dumps(plain(publications)).encode()

        return encode

    def send_many(self, members, data, flight):
        publications = json.loads(data)
        assert flight.messages == len(publications)
        for member in members:
            self.loop.now += self.cost
            if self.on_write is not None:
                self.on_write(member)
            member.got += publications
            member.writes += 1
        return len(members)

    def join(self, channel, member=None, **request):
        member = member or Member()
        offset, epoch = request.pop("since", (0, ""))
        if "filter" in request:
            request["filter"] = TagsFilter(convert(request["filter"], FilterNode), 64)
        wanted = JoinRequest(since=StreamPosition(offset, epoch), **request)
        member.joined = self.hub.join(member, channel, wanted).enter()
        return member

    def recover(self, channel, offset=0, epoch="", member=None, **request):
        return self.join(channel, member, recoverable=True, recover=True, since=(offset, epoch), **request)

    def publish(self, channel, *payloads, **options):
        published = None
        for payload in payloads:
            published = self.hub.publish(channel, json.dumps(payload).encode(), **options)
        return published


def refused(call, *args):
    """The error that a client hears."""
    with pytest.raises(ClientMistake) as caught:
        call(*args)
    return caught.value.error
