"""Receipts: cumulative, kept for users, resumed from, redelivered once; and what is unconfirmed is known."""

import pytest

from observability import names
from observability.observers.receivers import SilentReceiversObserver
from service.channels import confirming as room
from service.channels.confirming import ReceiptSettings
from service.channels.hub import HubSettings
from service.channels.namespaces import Namespace, Namespaces
from service.channels.receipts import confirmer
from service.protocol.errors import BAD_REQUEST, NOT_AVAILABLE, PERMISSION_DENIED, TOO_MANY_REQUESTS, ClientMistake
from tests.service.channels.world import Member, World

RECEIPTS = {"history_size": 20, "history_ttl": 600.0, "receipts": True, "receipt_ttl": 300.0}
NAMESPACES = Namespaces(
    Namespace(),
    [
        Namespace(name="r", **RECEIPTS),
        Namespace(name="timed", **RECEIPTS, receipt_timeout=10.0),
        Namespace(name="without", history_size=20, history_ttl=600.0),
    ],
)


class Observer(SilentReceiversObserver):
    def __init__(self):
        self.told = []

    def receipt(self, namespace, result):
        self.told.append(result)

    def resumed(self):
        self.told.append("resumed")

    def redelivered(self, namespace, channel, messages):
        self.told.append(f"redelivered {messages}")


def made(**settings):
    world = World(HubSettings(receipts=ReceiptSettings(**settings)), namespaces=NAMESPACES)
    world.receivers = world.hub.receipts._observe = Observer()
    return world


@pytest.fixture
def world():
    return made()


def reader(world, channel="r:a", who="ada", **request):
    return world.join(channel, Member(who), recoverable=True, who=who, **request)


def confirm(world, member, offset, channel="r:a", who="ada"):
    return world.hub.receipts.confirm(member, who, channel, offset)


def refused(world, *args, **kwargs):
    with pytest.raises(ClientMistake) as caught:
        confirm(world, *args, **kwargs)
    return caught.value.error


def missed(member):
    return [publication.offset for publication in member.joined.publications]


def unconfirmed(world):
    return {figure.name: figure.value for figure in world.hub.receipts.figures()}["heliograph_receipts_unconfirmed"]


def test_a_receipt_confirms_everything_up_to_its_offset(world):
    member = reader(world)
    world.publish("r:a", *range(5))
    world.loop.run()
    assert confirm(world, member, 3) == 3
    assert unconfirmed(world) == 2
    world.loop.run(1.0)
    assert confirm(world, member, 2) == 3, "nothing is taken back"
    world.loop.run(1.0)
    assert confirm(world, member, 5) == 5
    assert unconfirmed(world) == 0
    assert world.receivers.told == ["confirmed", "repeated", "confirmed"]


def test_what_is_no_receipt_is_refused(world):
    member, stranger = reader(world), Member("stranger")
    world.publish("r:a", 1)
    plain = world.join("without:a", recoverable=True, who="ada")
    assert refused(world, stranger, 1) is PERMISSION_DENIED
    assert refused(world, member, 1, channel="r:nobody") is PERMISSION_DENIED
    assert refused(world, plain, 0, channel="without:a") is NOT_AVAILABLE
    assert refused(world, member, 2) is BAD_REQUEST
    confirm(world, member, 1)
    confirm(world, member, 1)
    assert refused(world, member, 1) is TOO_MANY_REQUESTS
    assert world.receivers.told.count("refused") == 5


def test_a_user_without_a_position_goes_on_where_it_confirmed(world):
    member = reader(world)
    world.publish("r:a", *range(5))
    confirm(world, member, 3)
    world.hub.leave(member, "r:a")
    world.publish("r:a", 5)
    reloaded = reader(world)
    assert (missed(reloaded), reloaded.joined.recovered, reloaded.joined.was_recovering) == ([4, 5, 6], True, True)
    assert unconfirmed(world) == 3
    assert "resumed" in world.receivers.told
    other = reader(world, who="bob")
    assert (missed(other), other.joined.was_recovering) == ([], False), "who never confirmed begins now"


def test_at_a_reconnect_what_was_not_confirmed_is_given_once_more(world):
    member = reader(world)
    world.publish("r:a", *range(5))
    confirm(world, member, 3)
    world.hub.leave(member, "r:a")
    again = world.recover("r:a", 5, member.joined.epoch, Member("ada"), who="ada")
    assert (missed(again), again.joined.recovered, again.joined.offset) == ([4, 5], True, 3)


def test_who_has_less_than_was_confirmed_elsewhere_gets_all_it_lacks(world):
    member = reader(world)
    world.publish("r:a", *range(5))
    confirm(world, member, 4)
    behind = world.recover("r:a", 2, member.joined.epoch, Member("laptop"), who="ada")
    assert missed(behind) == [3, 4, 5]


def test_when_history_is_too_short_it_is_told_and_goes_on_from_now(world):
    member = reader(world)
    world.publish("r:a", 1)
    confirm(world, member, 1)
    world.hub.leave(member, "r:a")
    world.publish("r:a", *range(30))
    world.loop.run()
    late = reader(world)
    assert (late.joined.recovered, late.joined.was_recovering, late.joined.offset) == (False, True, 31)
    assert unconfirmed(world) == 0
    world.hub.leave(late, "r:a")
    assert missed(reader(world)) == []


def test_a_new_epoch_is_another_stream(world):
    member = reader(world)
    world.publish("r:a", *range(5))
    confirm(world, member, 2)
    world.hub.leave(member, "r:a")
    world.loop.run()
    world.broker._streams.clear()
    world.publish("r:a", *range(9))
    late = reader(world)
    assert (late.joined.recovered, late.joined.was_recovering) == (False, True)


def test_a_kept_position_ends_with_its_time(world):
    member = reader(world)
    world.publish("r:a", 1, 2)
    confirm(world, member, 1)
    world.hub.leave(member, "r:a")
    world.loop.run(299.0)
    assert missed(reader(world)) == [2]
    world.loop.run(301.0)
    assert missed(reader(world)) == []
    assert len(world.hub.receipts._positions) == 0, "the walk forgets it, also when nobody comes"


def test_positions_are_bounded():
    world = made(positions=3)
    world.publish("r:a", 1)
    for number in range(10):
        confirm(world, reader(world, who=str(number)), 1, who=str(number))
    assert len(world.hub.receipts._positions) == 3


def test_anonymous_ones_displace_nobody(world):
    world = made(positions=20)
    world.publish("r:a", 1, 2)
    confirm(world, reader(world), 1)
    for number in range(50):
        who = confirmer("", str(number))
        confirm(world, reader(world, who=who), 1, who=who)
    assert (len(world.hub.receipts._positions), len(world.hub.receipts._strangers)) == (1, 2)
    assert world.hub.receipts.received("r:a", 1).users == 1
    last = confirmer("", "49")
    assert missed(reader(world, who=last)) == [2], "while its connection lives, it is redelivered to, too"
    assert missed(reader(world)) == [2]


def test_without_the_helper_everything_is_as_before(world):
    member = reader(world)
    world.publish("r:a", *range(5))
    world.loop.run(100.0)
    world.hub.leave(member, "r:a")
    again = world.recover("r:a", 5, member.joined.epoch, Member("ada"), who="ada")
    assert (missed(again), world.told, unconfirmed(world)) == ([], [], 0)


def test_what_is_not_confirmed_in_time_is_given_once_more_and_once_only(world):
    member = reader(world, "timed:a")
    world.publish("timed:a", *range(5))
    confirm(world, member, 3, "timed:a")
    world.loop.run(9.0)
    assert world.told == []
    world.loop.run(4.0)
    assert world.told == [(member, "timed:a")]
    again = world.recover("timed:a", 5, member.joined.epoch, Member("ada"), who="ada")
    assert missed(again) == [4, 5]
    world.loop.run(60.0)
    assert world.told == [(member, "timed:a")], "not again for the same"
    confirm(world, again, 4, "timed:a")
    world.loop.run(30.0)
    assert world.told == [(member, "timed:a"), (again, "timed:a")]
    assert world.receivers.told.count("redelivered 2") == 1


def test_who_confirms_is_left_in_peace(world):
    member = reader(world, "timed:a")
    for number in range(1, 40):
        world.publish("timed:a", number)
        world.loop.run(1.0)
        confirm(world, member, number, "timed:a")
    world.loop.run(60.0)
    assert world.told == []


def test_what_is_fresh_is_no_backlog_and_what_is_old_is(world):
    member = reader(world)
    world.publish("r:a", *range(4))
    confirm(world, member, 1)
    world.loop.run(2.0)
    assert world.hub.receipts.overdue == 0
    world.loop.run(3.0)
    assert world.hub.receipts.overdue == 3
    confirm(world, member, 4)
    world.loop.run(2.0)
    assert world.hub.receipts.overdue == 0


def test_who_left_counts_no_more(world):
    member = reader(world)
    world.publish("r:a", *range(4))
    confirm(world, member, 1)
    world.loop.run(5.0)
    world.hub.leave(member, "r:a")
    assert unconfirmed(world) == 0
    world.loop.run(2.0)
    assert (world.hub.receipts.overdue, world.hub.receipts._trails) == (0, {})


def test_the_walk_leaves_the_loop_its_turns(world, monkeypatch):
    monkeypatch.setattr(room, "SLICE", 10)
    world.publish("r:a", 1, 2)
    for number in range(95):
        confirm(world, reader(world, who=str(number)), 1, who=str(number))
    world.loop.run()
    turns = world.loop.turns
    world.loop.run(1.0)
    assert world.loop.turns - turns >= 10
    world.loop.run(4.0)
    assert world.hub.receipts.overdue == 95


def test_how_many_received(world):
    readers = [reader(world, who=who) for who in ("a", "b", "c")]
    reader(world, who="silent")
    world.publish("r:a", *range(5))
    for member, offset in zip(readers, (5, 3, 2), strict=True):
        confirm(world, member, offset, who=member.name)
    told = world.hub.receipts.received("r:a", 3)
    assert (told.offset, told.subscribers, told.confirming, told.received, told.users) == (3, 4, 3, 2, 2)
    world.hub.leave(readers[0], "r:a")
    told = world.hub.receipts.received("r:a", 0)
    assert (told.offset, told.subscribers, told.confirming, told.received, told.users) == (5, 3, 2, 0, 1)
    assert world.hub.receipts.received("r:nobody", 7).subscribers == 0


@pytest.mark.shows("heliograph_receipts_unconfirmed", "heliograph_receipt_positions")
def test_a_scrape_tells_what_is_unconfirmed(world, telemetry):
    telemetry.registry.add_source(world.hub.receipts.figures)
    member = reader(world)
    world.publish("r:a", *range(4))
    confirm(world, member, 1)
    assert telemetry.value(names.UNCONFIRMED) == 3
    assert telemetry.value(names.RECEIPT_POSITIONS) == 1


def test_a_lost_position_ends_the_part(world):
    member = reader(world)
    world.publish("r:a", 1)
    confirm(world, member, 1)
    channel = world.hub._channels["r:a"]
    world.hub.lose(channel, channel.ring.position, channel.ring.top_id)
    assert world.hub.receipts._trails == {}
