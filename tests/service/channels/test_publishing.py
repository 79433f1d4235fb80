"""A publication's way in: what is checked, what is told, what the broker gets."""

import json
from types import SimpleNamespace

import pytest
from msgspec import Raw

from service.broker.contract import BrokerUnavailable, Published
from service.protocol.errors import BAD_REQUEST, UNKNOWN_CHANNEL, ClientMistake
from service.protocol.messages import ClientInfo, StreamPosition
from tests.service.channels.world import World

TRACE = SimpleNamespace(traceparent=f"00-{'a' * 32}-{'b' * 16}-01", trace_id="a" * 32)


@pytest.mark.parametrize(
    ("channel", "data", "error", "namespace"),
    [
        ("nope:a", b"{}", UNKNOWN_CHANNEL, ""),
        ("rec:a", b"", BAD_REQUEST, "rec"),
        ("a", b"{", BAD_REQUEST, ""),
        ("a", b'"\xff"', BAD_REQUEST, ""),
        ("object:a", b"[]", BAD_REQUEST, "object"),
    ],
)
def test_what_is_refused_is_told_and_not_published(channel, data, error, namespace):
    world = World()
    with pytest.raises(ClientMistake) as caught:
        world.hub.publish(channel, data, via="client")
    assert caught.value.error is error
    (told,) = world.observer.of("publish_failed")
    assert told[:4] == (None, namespace, "client", error.code)
    assert world.observer.of("publishing") == world.observer.of("published") == []


def test_a_binary_namespace_takes_anything():
    world = World()
    assert world.hub.publish("bin:a", b"").position is None
    assert world.hub.publish("bin:a", b"\xff").position is None


def test_the_answer_is_the_place_in_the_stream():
    world = World()
    first = world.publish("rec:a", 1)
    assert first == Published(StreamPosition(1, first.position.epoch))
    assert world.publish("a", 1) == Published()
    published = world.observer.of("published")
    assert [(told[1:4], told[4]) for told in published] == [
        (("rec", "api", 0.0), {"offset": 1}),
        (("", "api", 0.0), {"offset": 0}),
    ]


def test_options_reach_the_broker():
    world = World()
    world.publish("rec:a", 1, idempotency_key="k")
    assert world.publish("rec:a", 2, idempotency_key="k").repeated
    assert world.publish("rec:a", 3, skip_history=True).position is None
    world.publish("rec:a", 4, version=7, version_epoch="x")
    assert world.publish("rec:a", 5, version=6, version_epoch="x").repeated
    assert not world.publish("rec:a", 6, version=1, version_epoch="y").repeated


def test_info_tags_and_version_reach_subscribers():
    world = World()
    entries = []
    world.broker.start(lambda _channel, entry: entries.append(entry), lambda _channel: None)
    world.broker.subscribe("a")
    info = ClientInfo("u", "c", Raw(b"1"))
    world.publish("a", 1, info=info, tags={"t": "1"}, version=3, via="client")
    publication = entries[0].publication
    assert (publication.info, publication.tags, publication.version) == (info, {"t": "1"}, 3)
    assert publication.delta is False
    assert world.observer.of("publishing")[0] == ("", "a", 0, None, "client", "u")


def test_a_sampled_publication_carries_its_trace_everywhere():
    world = World()
    member = world.join("a")
    world.observer.trace = TRACE
    published = world.publish("a", 1, tags={"t": "1"}, parent="00-parent")
    assert published.traceparent == TRACE.traceparent
    assert world.observer.of("publishing")[-1][2:4] == (1, "00-parent")
    assert world.observer.of("published")[0][0] is TRACE
    assert world.observer.of("delivered") == [(0.0, 1, "a" * 32)]
    assert world.observer.of("fanned_out")[0][4] == {"traceparents": [TRACE.traceparent], "links": []}
    assert member.data == [1]
    assert world.publish("a", 2).position is None


def test_one_that_is_not_sampled_may_bring_a_tag_of_its_own():
    world = World()
    world.join("a")
    world.publish("a", 1, tags={"traceparent": TRACE.traceparent})
    assert world.observer.of("fanned_out")[0][4]["traceparents"] == []


def test_the_publish_is_told_before_its_fan_out():
    world = World()
    world.join("a")
    world.publish("a", 1)
    kinds = [event[0] for event in world.observer.told if event[0] in ("published", "delivered")]
    assert kinds == ["published", "delivered"]


class Broken:
    """Does not publish: at once, or only later."""

    def __init__(self, later):
        self.later = later

    def start(self, *_):
        pass

    def publish(self, *_):
        if self.later:
            return self._fail()
        raise BrokerUnavailable("gone")

    async def _fail(self):
        raise BrokerUnavailable("gone")


def test_a_broker_that_is_gone_is_told():
    world = World(broker=Broken(later=False))
    with pytest.raises(BrokerUnavailable):
        world.hub.publish("a", b"1")
    assert world.observer.of("publish_failed") == [(None, "", "api", 100, {"seconds": 0.0, "channel": "a"})]


async def test_also_when_it_tells_later():
    world = World(broker=Broken(later=True))
    with pytest.raises(BrokerUnavailable):
        await world.hub.publish("a", b"1")
    assert world.observer.of("publish_failed")[0][3] == 100
    assert world.observer.of("published") == []


class Slow(Broken):
    async def _fail(self):
        return Published(StreamPosition(4, "e"))


async def test_an_answer_that_takes_time():
    world = World(broker=Slow(later=True))
    world.observer.trace = TRACE
    published = await world.hub.publish("a", json.dumps(1).encode())
    assert (published.position.offset, published.traceparent) == (4, TRACE.traceparent)
    assert world.observer.of("published")[0][4] == {"offset": 4}
