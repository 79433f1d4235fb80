"""Receipts and reports of clients: bounded, believed only where they fit what we know."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from observability.observers.receivers import SilentReceiversObserver
from observability.tracing import Link
from service.broker.stream import Entry
from service.channels.namespaces import Namespace, Namespaces
from service.connections.calls import Calls
from service.connections.reports import Reports, seen
from service.protocol.errors import BAD_REQUEST, TOO_MANY_REQUESTS, ClientMistake
from service.protocol.messages import Publication

WALL = 1_700_000_000.0
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Observer(SilentReceiversObserver):
    def __init__(self):
        self.told = []

    def receipt(self, namespace, result):
        self.told.append(("receipt", result))

    def reported(self, result):
        self.told.append(("reported", result))

    def unmeasured(self, reason):
        self.told.append(("unmeasured", reason))

    def received(self, namespace, seconds, **more):
        self.told.append(("received", namespace, round(seconds, 6), more))

    def lost(self, *told):
        self.told.append(("lost", *told))


class World:
    def __init__(self):
        self.clock, self.wall = 100.0, WALL + 1
        self.observer = Observer()
        self.confirmed = []
        self.entries = {("chat:a", 7): Entry(Publication(), 7, "e", 1, WALL, 1, TRACE)}
        self.reports = Reports(
            self, Namespaces(Namespace(), [Namespace(name="chat")]), self.observer,
            now=lambda: self.clock, wall=lambda: self.wall,
        )  # fmt: skip
        subscriptions = {"chat:a": object(), "chat:gone": object()}
        self.client = SimpleNamespace(
            id="c1", link=Link(1, 2), report_due=0.0,
            session=SimpleNamespace(user="ada", subscription=subscriptions.get),
        )  # fmt: skip

    receipts = property(lambda self: self)

    def confirm(self, member, who, channel, offset):
        self.confirmed.append((who, channel, offset))
        return offset

    def look(self, channel):
        find = {offset: entry for (name, offset), entry in self.entries.items() if name == channel}.get
        return SimpleNamespace(ring=SimpleNamespace(find=find))

    def report(self, **said):
        return json.loads(bytes(self.reports.report(self.client, Raw(json.dumps(said).encode()))))

    def measured(self, **more):
        message = {"channel": "chat:a", "offset": 7, "at": (WALL + 0.25) * 1000, **more.pop("message", {})}
        self.report(**{"clock": 0.0, "error": 5.0, "received": [message], **more})
        return self.observer.told[1:]


@pytest.fixture
def world():
    return World()


def refused(call, client, data):
    with pytest.raises(ClientMistake) as caught:
        call(client, Raw(data))
    return caught.value.error


def test_both_are_calls_of_ours(world):
    calls = Calls()
    world.reports.register(calls)
    told = calls.answer(world.client, "heliograph.receipt", Raw(b'{"channel":"chat:a","offset":3}'))
    assert bytes(told.data) == b'{"offset":3}'
    assert world.confirmed == [("ada", "chat:a", 3)]
    assert bytes(calls.answer(world.client, "heliograph.report", Raw(b"{}")).data) == b'{"time":1700000001000.000}'


def test_an_anonymous_client_confirms_for_its_connection(world):
    world.client.session.user = ""
    world.reports.receipt(world.client, Raw(b'{"channel":"chat:a","offset":3}'))
    assert world.confirmed == [("\0c1", "chat:a", 3)]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", b"[]", b'{"offset":1}', b'{"channel":"","offset":1}', b'{"channel":"a","offset":-1}',
        b'{"channel":"a","offset":1.5}', b'{"channel":"a","offset":1,"more":1}', b'{"channel":"\xff","offset":1}',
        b'{"channel":"%s","offset":1}' % (b"x" * 1025), b'{"channel":"a","offset":99999999999999999999}',
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_refused(world, data):
    assert refused(world.reports.receipt, world.client, data) is BAD_REQUEST
    assert (world.observer.told, world.confirmed) == ([("receipt", "refused")], [])


@pytest.mark.parametrize(
    "said",
    [
        {"received": [{"channel": "chat:a", "offset": 7, "at": 1}] * 17},
        {"received": [{"channel": "chat:a", "offset": 0, "at": 1}]},
        {"received": [{"channel": "chat:a", "offset": 7, "at": 1e99}]},
        {"error": -1},
        {"clock": "now"},
        {"ended": {"code": 5000}},
        {"ended": {"code": 1, "reason": "x" * 257}},
        {"ended": {"code": 1, "seconds": -1}},
        {"anything": 1},
    ],
)
def test_what_is_no_report_is_refused(world, said):
    assert refused(world.reports.report, world.client, json.dumps(said).encode()) is BAD_REQUEST
    assert world.observer.told == [("reported", "malformed")]


@given(st.one_of(st.binary(max_size=80), st.text('{}[]":,0123receivdoffsatchnl ', max_size=80).map(str.encode)))
def test_garbage_is_a_mistake_and_nothing_else(data):
    world = World()
    for call in (world.reports.receipt, world.reports.report):
        try:
            call(world.client, Raw(data))
        except ClientMistake:
            pass


def test_three_at_once_then_one_a_second(world):
    for _ in range(3):
        world.report()
    assert refused(world.reports.report, world.client, b"{}") is TOO_MANY_REQUESTS
    assert world.observer.told[-1] == ("reported", "early")
    for _ in range(5):
        world.clock += 1.0
        world.report()


def test_a_message_is_measured_from_its_acceptance(world):
    more = {"channel": "chat:a", "traceparent": TRACE, "at": WALL + 0.25, "error": 0.005, "receiver": Link(1, 2)}
    assert world.measured() == [("received", "chat", 0.25, more)]


def test_by_our_clock(world):
    (told,) = world.measured(clock=-3000.0, message={"at": (WALL + 3.125) * 1000})
    assert told[2] == 0.125


def test_a_clock_that_is_a_little_off_measures_nothing_negative(world):
    (told,) = world.measured(message={"at": (WALL - 0.004) * 1000})
    assert (told[2], told[3]["at"]) == (0.0, WALL)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"message": {"channel": "chat:other"}}, "not_subscribed"),
        ({"message": {"channel": "chat:gone"}}, "unknown"),
        ({"message": {"offset": 8}}, "unknown"),
        ({"clock": None}, "implausible"),
        ({"error": 5001.0}, "implausible"),
        ({"message": {"at": (WALL - 1) * 1000}}, "implausible"),
        ({"message": {"at": (WALL + 2) * 1000}}, "implausible"),
        ({"clock": 1e14}, "implausible"),
    ],
)
def test_what_cannot_be_is_not_measured(world, changes, reason):
    assert world.measured(**changes) == [("unmeasured", reason)]


def test_nothing_takes_longer_than_a_minute(world):
    world.wall = WALL + 100
    assert world.measured(message={"at": (WALL + 61) * 1000}) == [("unmeasured", "implausible")]


def test_the_end_of_the_last_connection_is_told_in_a_closed_word(world):
    world.report(ended={"code": 3008, "reason": "slow", "seconds": 2.5})
    assert world.observer.told[1:] == [("lost", "server", 3008, "slow", 2.5, "c1")]
    words = {code: seen(code) for code in (0, 1, 2, 3, 999, 1006, 2999, 3000, 4999)}
    assert words == {
        0: "other", 1: "transport_closed", 2: "no_ping", 3: "other", 999: "other", 1006: "transport_closed",
        2999: "transport_closed", 3000: "server", 4999: "server",
    }  # fmt: skip
