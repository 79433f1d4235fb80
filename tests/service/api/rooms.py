"""Stand-ins for the rooms that the server API calls; they write down what they were asked."""

from msgspec import Raw

from observability.observers.presence import SilentPresenceObserver
from service.broker.contract import BrokerUnavailable, History, Published
from service.channels.attending import Attending
from service.channels.confirming import Received
from service.channels.namespaces import Namespace, Namespaces
from service.presence.contract import PresenceUnavailable
from service.presence.memory_presence import MemoryPresence
from service.protocol import errors
from service.protocol.errors import ClientMistake
from service.protocol.messages import Publication, StreamPosition

EPOCH = "epoch"


class FakeHub:
    """Channels of the namespace hist keep everything; answers come later when ``later`` is set."""

    def __init__(self, namespaces, *, later=False):
        self.namespaces = namespaces
        self.later = later
        self.broken = False
        self.traceparent = None
        self.published = []
        self.kept = {}
        self.removed = []
        self.listed = {"open:1": 2}
        self.presence = FakePresence()
        quiet = SilentPresenceObserver()
        self.attending = Attending(self.presence, None, namespaces, quiet, turns=None, run=lambda *_: None)
        self.receipts = self

    def received(self, channel, offset):
        return Received(offset or 9, 5, 4, 3, 2)

    def publish(self, channel, data, **options):
        if self.namespaces.resolve(channel).publication_data_format != "binary" and not data:
            raise ClientMistake(errors.BAD_REQUEST)
        return self._soon(self._publish, channel, data, options)

    def _publish(self, channel, data, options):
        self.published.append((channel, data, options))
        if not channel.startswith("hist:"):
            return Published(traceparent=self.traceparent)
        stream = self.kept.setdefault(channel, [])
        stream.append(
            Publication(data=Raw(data), offset=len(stream) + 1, tags=options["tags"] or {}, epoch=EPOCH, version=7)
        )
        return Published(StreamPosition(len(stream), EPOCH), traceparent=self.traceparent)

    def history(self, channel, wanted):
        self.wanted = wanted
        return self._soon(self._history, channel, wanted)

    def _history(self, channel, wanted):
        if not self.namespaces.resolve(channel).has_history:
            raise ClientMistake(errors.NOT_AVAILABLE)
        stream = self.kept.get(channel, [])
        return History(stream[: wanted.limit] if wanted.limit >= 0 else stream, StreamPosition(len(stream), EPOCH))

    def remove_history(self, channel):
        return self._soon(self.removed.append, channel)

    def totals(self):
        return len(self.listed), 5

    def channels(self, pattern=""):
        return {name: count for name, count in self.listed.items() if pattern in ("", name)}

    def _soon(self, do, *arguments):
        if self.broken:
            raise BrokerUnavailable

        async def slowly():
            return do(*arguments)

        return slowly() if self.later else do(*arguments)


class FakePresence(MemoryPresence):
    __slots__ = ("broken",)

    def __init__(self):
        super().__init__()
        self.broken = False

    def present(self, channel):
        if self.broken:
            raise PresenceUnavailable
        return super().present(channel)

    def counts(self, channel):
        if self.broken:
            raise PresenceUnavailable
        return super().counts(channel)


class FakeConnections:
    def __init__(self):
        self.disconnected = []
        self.unsubscribed = []
        self.subscribed = []
        self.refreshed = []
        self.works = True
        self.clients, self.users = 3, 2

    def disconnect(self, user, closing, *, client="", session="", whitelist=()):
        self.disconnected.append((user, closing.code, closing.reason, client, tuple(whitelist)))
        return 1

    def subscribe(self, user, channel, granted, *, expire_at=0, since=None, client="", session=""):
        self.subscribed.append((user, channel, granted, expire_at, since, client, session))
        return self.works

    def refresh(self, user, *, expired=False, expire_at=0, info=b"", client="", session=""):
        self.refreshed.append((user, expired, expire_at, bytes(info), client, session))
        return 1

    def unsubscribe(self, user, channel, unsubscribing, *, client="", session=""):
        self.unsubscribed.append((user, channel, unsubscribing.code, client))
        return 1


def namespaces():
    return Namespaces(
        Namespace(),
        [
            Namespace(name="open"),
            Namespace(name="pres", presence=True),
            Namespace(name="kept", history_size=9, history_ttl=60.0, receipts=True),
            Namespace(name="hist", history_size=9, history_ttl=60.0, publication_data_format="binary"),
        ],
    )
