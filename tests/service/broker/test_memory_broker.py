"""What only the embedded broker promises: answers at once, and memory that is bounded. The rest is in the contract suite."""

from random import Random

import pytest
from msgspec import Raw

from service.broker.contract import HistoryFilter, PublishOptions
from service.broker.memory_broker import MemoryBroker, MemoryBrokerSettings
from service.protocol.messages import Publication
from tests.service.channels.world import Loop

KEPT = PublishOptions(history_size=10, history_ttl=60.0, history_meta_ttl=600.0)


class House:
    def __init__(self, **settings):
        self.loop = Loop()
        self.broker = MemoryBroker(
            self.loop, now=self.loop.time, random=Random(3), settings=MemoryBrokerSettings(**settings)
        )
        self.broker.start(lambda *_: None, lambda *_: None)

    def say(self, channel, data=b"1", **options):
        made = PublishOptions(history_size=10, history_ttl=60.0, history_meta_ttl=600.0, **options)
        return self.broker.publish(channel, Publication(Raw(data)), made)

    def read(self, channel):
        return self.broker.history(channel, HistoryFilter(-1), KEPT)

    @property
    def used(self):
        return self.broker._tally.used

    @property
    def streams(self):
        return len(self.broker._streams)


def test_every_answer_is_at_hand():
    house = House()
    assert house.say("a").position.offset == 1
    assert house.read("a").position.offset == 1
    assert house.broker.subscribe("a") is None
    assert house.broker.remove_history("a") is None


def test_publications_that_expired_free_their_memory():
    house = House()
    for n in range(100):
        house.say(f"c{n}")
    full = house.used
    house.loop.run(62.0)
    assert house.used == 100 * 1024 < full
    house.loop.run(600.0)
    assert (house.used, house.streams, house.broker._expiries) == (0, 0, [])


def test_a_stream_in_use_does_not_expire():
    house = House()
    first = house.say("a")
    for _ in range(30):
        house.loop.run(30.0)
        house.say("a")
    assert house.say("a").position.epoch == first.position.epoch
    assert len(house.broker._expiries) <= 2, "one look a stream is planned, not one a publication"


def test_many_streams_that_end_together_do_not_stall_the_loop():
    house = House()
    for n in range(2500):
        house.read(f"c{n}")
    house.loop.now += 700.0
    house.loop.turn()
    assert house.streams == 1500
    house.loop.run()
    assert house.streams == 0


def test_all_histories_together_are_bounded():
    house = House(max_bytes=100_000)
    for n in range(1000):
        house.say(f"c{n % 10}", b"x" * 1000)
        assert house.used <= 100_000
    newest = house.read("c9")
    assert newest.entries, "the one published to last is cut last"
    assert newest.position.offset == 100


def test_so_are_streams_without_publications():
    house = House(max_bytes=100_000)
    for n in range(1000):
        house.read(f"c{n}")
        assert house.used <= 100_000
    assert house.streams < 100


def test_a_stream_that_had_to_go_comes_back_with_another_epoch():
    house = House(max_bytes=50_000)
    before = house.say("a").position
    for n in range(200):
        house.say(f"c{n}", b"x" * 1000)
    after = house.read("a").position
    assert after.epoch != before.epoch


def test_one_history_is_bounded_in_bytes():
    house = House(max_bytes=100_000)
    for _ in range(10):
        house.say("a", b"x" * 30_000)
    assert house.used <= 100_000
    assert house.read("a").position.offset == 10


def test_keys_are_bounded_and_expire():
    house = House(idempotency_keys=10)
    for n in range(20):
        house.say("a", idempotency_key=f"k{n}")
    assert len(house.broker._results) == 10
    assert house.say("a", idempotency_key="k19").repeated
    assert not house.say("a", idempotency_key="k0").repeated
    house.loop.run(302.0)
    assert house.broker._results == {}


def test_a_key_that_is_used_again_after_its_time_counts_anew():
    house = House(sweep=10_000.0)
    house.say("a", idempotency_key="k")
    house.loop.now += 301.0
    assert not house.say("a", idempotency_key="k").repeated
    house.loop.now += 200.0
    assert house.say("a", idempotency_key="k").repeated


def test_after_stop_nothing_goes_on():
    house = House()
    house.broker.stop()
    house.loop.run(5.0)
    assert house.loop.later == []


@pytest.mark.parametrize("size", [1, 3])
def test_ids_come_from_the_given_source(size):
    first, second = House(), House()
    assert [first.say("a").position.epoch for _ in range(size)] == [second.say("a").position.epoch for _ in range(size)]
