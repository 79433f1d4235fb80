"""Reading and removing history."""

from service.broker.contract import HistoryFilter
from service.protocol.errors import BAD_REQUEST, NOT_AVAILABLE, UNKNOWN_CHANNEL, UNRECOVERABLE_POSITION
from service.protocol.messages import StreamPosition
from tests.service.channels.world import refused


def test_history(world):
    world.publish("rec:a", 1, 2, 3)
    history = world.hub.history("rec:a", HistoryFilter(2))
    assert ([p.offset for p in history.publications], history.position.offset) == ([1, 2], 3)
    since = StreamPosition(1, history.position.epoch)
    assert [p.offset for p in world.hub.history("rec:a", HistoryFilter(-1, since)).publications] == [2, 3]
    assert [p.offset for p in world.hub.history("rec:a", HistoryFilter(1, None, reverse=True)).publications] == [3]


def test_history_that_is_refused(world):
    history = world.hub.history
    assert refused(history, "a", HistoryFilter(1)) is NOT_AVAILABLE
    assert refused(history, "nope:a", HistoryFilter(1)) is UNKNOWN_CHANNEL
    assert refused(history, "rec:a", HistoryFilter(1, StreamPosition(0, ""), reverse=True)) is BAD_REQUEST
    assert refused(history, "rec:a", HistoryFilter(0, StreamPosition(0, "bad"))) is UNRECOVERABLE_POSITION
    assert refused(world.hub.remove_history, "a") is NOT_AVAILABLE
    assert refused(world.hub.remove_history, "") is BAD_REQUEST


def test_removed_history(world):
    world.publish("rec:a", 1, 2)
    world.hub.remove_history("rec:a")
    history = world.hub.history("rec:a", HistoryFilter(-1))
    assert (list(history.publications), history.position.offset) == ([], 2)
