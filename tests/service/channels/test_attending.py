"""Who is here: kept, announced, counted; a store that fails costs nobody a subscription."""

import pytest

from observability import names
from observability.names import Figure
from observability.observers.presence import SilentPresenceObserver
from service.broker.contract import Announcement, BrokerUnavailable
from service.channels.attending import CHANNELS_A_TURN, Attendance, Attending
from service.channels.namespaces import Namespace, Namespaces
from service.presence.contract import Counts, PresenceUnavailable
from service.presence.memory_presence import MemoryPresence
from service.protocol import errors
from service.protocol.errors import ClientMistake
from service.protocol.messages import ClientInfo
from tests.service.channels.world import Loop

NAMESPACES = Namespaces(Namespace(), [Namespace(name="pres", presence=True), Namespace(name="jl", join_leave=True)])


class Observer(SilentPresenceObserver):
    def __init__(self):
        self.said, self.failures = [], []

    def announced(self, kind):
        self.said.append(kind)

    def failed(self, operation, reason, channel=""):
        self.failures.append((operation, reason, channel))


class Room:
    """An ``Attending`` whose broker writes down what it is told."""

    def __init__(self, presence=None):
        self.loop, self.observer, self.told = Loop(), Observer(), []
        self.presence = presence or MemoryPresence()
        self.broken = False
        self.later = []
        self.attending = Attending(
            self.presence, self, NAMESPACES, self.observer, turns=self.loop, run=lambda *args: self.later.append(args)
        )

    def announce(self, channel, announcements):
        if self.broken:
            raise BrokerUnavailable("gone")
        self.told.append((channel, announcements))


def attendance(client="1", user="ann", **how):
    return Attendance(ClientInfo(user=user, client=client), **how)


@pytest.fixture
def room():
    return Room()


def test_a_present_subscriber_is_seen_until_it_goes(room):
    room.attending.came("pres:a", attendance(present=True))
    assert dict(room.attending.present("pres:a")) == {"1": ClientInfo(user="ann", client="1")}
    assert room.attending.counts("pres:a") == Counts(1, 1)
    room.attending.went("pres:a", attendance(present=True))
    assert room.attending.counts("pres:a") == Counts(0, 0)
    room.loop.run()
    assert room.told == room.observer.said == []


def test_what_is_known_of_it_may_change(room):
    room.attending.came("pres:a", attendance(present=True, announced=True))
    room.attending.changed("pres:a", attendance(user="bob", present=True, announced=True))
    assert dict(room.attending.present("pres:a")) == {"1": ClientInfo(user="bob", client="1")}
    room.attending.changed("pres:a", attendance(client="2", announced=True))
    assert room.attending.counts("pres:a") == Counts(1, 1), "who is not present does not become so"
    room.loop.run()
    assert room.observer.said == ["join"]


@pytest.mark.parametrize(
    ("channel", "error"), [("", errors.BAD_REQUEST), ("nope:a", errors.UNKNOWN_CHANNEL), ("jl:a", errors.NOT_AVAILABLE)]
)
def test_where_there_is_nothing_to_ask(room, channel, error):
    for ask in (room.attending.present, room.attending.counts):
        with pytest.raises(ClientMistake) as mistake:
            ask(channel)
        assert mistake.value.error is error


def test_the_scrape_tells_how_many_are_present(room):
    room.attending.came("pres:a", attendance(present=True))
    room.attending.came("pres:b", attendance("2", present=True))
    room.attending.came("pres:b", attendance("2", present=True, again=True))
    room.attending.came("a", attendance("3", present=True))
    room.attending.went("pres:a", attendance(present=True))
    room.attending.came("pres:a", attendance("4", announced=True))
    assert list(room.attending.figures()) == [Figure(names.PRESENT.name, (), 2)]


def test_what_happens_in_a_turn_is_announced_together_and_in_order(room):
    for client in "123":
        room.attending.came("jl:a", attendance(client, announced=True))
    room.attending.went("jl:a", attendance("1", announced=True))
    assert room.told == [], "never from within: the reply comes first"
    room.loop.turn()
    infos = [ClientInfo(user="ann", client=client) for client in "1231"]
    assert room.told == [("jl:a", [*(Announcement(info) for info in infos[:3]), Announcement(infos[3], left=True)])]
    assert room.observer.said == ["join"] * 3 + ["leave"]


def test_a_mass_close_is_announced_in_several_turns(room):
    for number in range(2 * CHANNELS_A_TURN + 1):
        room.attending.went(f"jl:{number}", attendance(announced=True))
    turns = []
    while room.loop.turn():
        turns.append(len(room.told))
    assert turns == [CHANNELS_A_TURN, 2 * CHANNELS_A_TURN, 2 * CHANNELS_A_TURN + 1]


def test_a_broker_that_fails_does_not_stop_the_others(room):
    room.broken = True
    room.attending.came("jl:a", attendance(announced=True))
    room.loop.run()
    room.broken = False
    room.attending.came("jl:a", attendance("2", announced=True))
    room.loop.run()
    assert [channel for channel, _ in room.told] == ["jl:a"]


class Broken(MemoryPresence):
    def add(self, channel, info):
        raise PresenceUnavailable("timeout")

    def remove(self, channel, client):
        raise PresenceUnavailable("timeout")


def test_a_store_that_fails_is_counted_and_nothing_else():
    room = Room(Broken())
    room.attending.came("pres:a", attendance(present=True))
    room.attending.went("pres:a", attendance(present=True))
    said = "PresenceUnavailable: timeout"
    assert room.observer.failures == [("add", said, "pres:a"), ("remove", said, "pres:a")]


def test_a_store_that_fails_later_is_counted_then(room):
    room.attending.came("pres:a", attendance(present=True))
    ((name, _, acted),) = room.later
    assert name == "presence add pres:a"
    acted(None)
    assert room.observer.failures == []
    acted(PresenceUnavailable("gone"))
    assert room.observer.failures == [("add", "PresenceUnavailable: gone", "pres:a")]
