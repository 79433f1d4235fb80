"""Each call of the broker is told of once, with its outcome."""

import pytest

from observability.observers.broker import SilentBrokerObserver
from service.broker.contract import BrokerUnavailable, Excerpt, HistoryFilter, Published, PublishOptions
from service.broker.watched import WatchedBroker
from service.protocol.messages import Publication, StreamPosition


class Observer(SilentBrokerObserver):
    def __init__(self):
        self.told = []

    def done(self, operation, seconds, trace=None):
        self.told.append((operation, "done", seconds, trace))

    def failed(self, operation, seconds, reason, trace=None):
        self.told.append((operation, reason, seconds, trace))


class Scripted:
    """Answers at once, later, or not."""

    def __init__(self, clock):
        self.clock = clock
        self.how = "now"

    def __getattr__(self, operation):
        def call(*_args):
            self.clock[0] += 2.0
            if self.how == "raises":
                raise BrokerUnavailable("gone")
            return self.later() if self.how != "now" else operation

        return call

    async def later(self):
        self.clock[0] += 1.0
        if self.how == "fails":
            raise BrokerUnavailable("late")
        return "later"


CALLS = {
    "subscribe": ("c",),
    "unsubscribe": ("c",),
    "publish": ("c", Publication(), PublishOptions()),
    "history": ("c", HistoryFilter(), PublishOptions()),
    "remove_history": ("c",),
    "renew_epoch": ("c", "e", PublishOptions()),
}


@pytest.fixture
def world():
    clock = [0.0]
    observer = Observer()
    broker = Scripted(clock)
    return broker, observer, WatchedBroker(broker, observer, lambda: clock[0])


@pytest.mark.parametrize("operation", CALLS)
async def test_every_operation_is_timed(world, operation):
    broker, observer, watched = world
    call = getattr(watched, operation)
    assert call(*CALLS[operation]) == operation
    broker.how = "later"
    assert await call(*CALLS[operation]) == "later"
    broker.how = "raises"
    with pytest.raises(BrokerUnavailable):
        call(*CALLS[operation])
    broker.how = "fails"
    with pytest.raises(BrokerUnavailable):
        await call(*CALLS[operation])
    assert observer.told == [
        (operation, "done", 2.0, None),
        (operation, "done", 3.0, None),
        (operation, "BrokerUnavailable: gone", 2.0, None),
        (operation, "BrokerUnavailable: late", 3.0, None),
    ]


def test_a_publish_brings_its_trace(world):
    _, observer, watched = world
    trace = object()
    watched.publish(*CALLS["publish"], trace)
    assert observer.told[0][3] is trace


def test_the_rest_is_passed_on(world):
    _, observer, watched = world
    assert (watched.start(print, print), watched.stop(), watched.figures()) == ("start", "stop", "figures")
    assert observer.told == []
    assert Excerpt([], StreamPosition()).entries == []
    assert Published().position is None
