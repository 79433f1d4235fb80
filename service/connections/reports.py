"""The helper's calls: ``heliograph.receipt`` confirms messages, ``heliograph.report`` tells what a client measured.

Nothing of it is trusted: it is bounded, it touches the sender's own subscriptions alone, and what is told of a message
is compared with what we know of that message. The answer to a report has our time, so that clocks can be compared.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta, Raw

from observability.observers.receivers import ReceiversObserver
from observability.tracing import Link
from service.channels.channel import Channel
from service.channels.confirming import Confirming
from service.channels.namespaces import Namespaces
from service.channels.receipts import confirmer
from service.connections.calls import Calls
from service.connections.commands.receipting import METHOD as RECEIPT
from service.protocol.errors import BAD_REQUEST, TOO_MANY_REQUESTS, ClientMistake
from service.protocol.messages import Uint64

MESSAGES: Final = 16  # that one report tells of
BURST: Final = 3.0  # reports at once, then one a second
LONGEST: Final = 60.0  # seconds from accept to a client that we believe
WORST: Final = 5.0  # seconds by which the clocks' comparison may be off
_TRANSPORT_CODES: Final = 3000  # below: the SDK's words for a transport that ended
_SDK_CLOSED: Final = 1
_SDK_NO_PING: Final = 2
_WEBSOCKET_CODES: Final = 1000

Milliseconds = Annotated[float, Meta(ge=-1e15, le=1e15)]
Name = Annotated[str, Meta(min_length=1, max_length=1024)]


class Asked(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What the helper sends."""


class Receipt(Asked):
    """Everything up to this offset is confirmed."""

    channel: Name
    offset: Uint64


class Message(Asked):
    """When a message was received, by the client's clock."""

    channel: Name
    offset: Annotated[int, Meta(ge=1, le=0x7FFFFFFFFFFFFFFF)]
    at: Milliseconds


class Ended(Asked):
    """How the last connection ended, as the client saw it."""

    code: Annotated[int, Meta(ge=0, le=4999)]
    reason: Annotated[str, Meta(max_length=256)] = ""
    seconds: Annotated[float, Meta(ge=0, le=1e9)] = 0.0  # until it was back


class Report(Asked):
    """``clock`` is our clock minus the client's in milliseconds, as it found out, give or take ``error``."""

    clock: Milliseconds | None = None
    error: Annotated[float, Meta(ge=0, le=1e15)] = 0.0
    received: Annotated[list[Message], Meta(max_length=MESSAGES)] = []
    ended: Ended | None = None


class Client(Protocol):
    """Who calls: a connection."""

    id: str
    link: Link | None
    report_due: float
    session: Any


class Messages(Protocol):
    """Where messages are found again: the hub."""

    receipts: Confirming

    def look(self, name: str) -> Channel | None:
        """A channel that has subscribers here."""


class Reports:
    """Answers both calls."""

    def __init__(
        self,
        hub: Messages,
        namespaces: Namespaces,
        observe: ReceiversObserver,
        *,
        now: Callable[[], float],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._namespaces = namespaces
        self._observe = observe
        self._now = now
        self._wall = wall

    def register(self, calls: Calls) -> None:
        """Answer from now on."""
        calls.register(RECEIPT, self.receipt)
        calls.register("heliograph.report", self.report)

    def receipt(self, client: Client, data: Raw) -> Raw:
        """See ``Confirming.confirm``; the answer has the offset that is confirmed by now.

        Raises:
            ClientMistake: BAD_REQUEST for what is no receipt, or as ``Confirming.confirm``.

        """
        try:
            asked = _receipt(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._observe.receipt("", "refused")
            raise ClientMistake(BAD_REQUEST) from None
        who = confirmer(client.session.user, client.id)
        confirmed = self._hub.receipts.confirm(client, who, asked.channel, asked.offset)
        return Raw(b'{"offset":%d}' % confirmed)

    def report(self, client: Client, data: Raw) -> Raw:
        """Take a report in; the answer has our time in milliseconds.

        Raises:
            ClientMistake: BAD_REQUEST for what is no report, TOO_MANY_REQUESTS above one a second.

        """
        now = self._now()
        if now < client.report_due - BURST + 1.0:
            self._observe.reported("early")
            raise ClientMistake(TOO_MANY_REQUESTS)
        client.report_due = max(now, client.report_due) + 1.0
        try:
            asked = _report(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._observe.reported("malformed")
            raise ClientMistake(BAD_REQUEST) from None
        self._observe.reported("accepted")
        if asked.ended is not None:
            ended = asked.ended
            self._observe.lost(seen(ended.code), ended.code, ended.reason, ended.seconds, client.id)
        for message in asked.received:
            self._measure(client, message, asked)
        return Raw(b'{"time":%.3f}' % (self._wall() * 1000))

    def _measure(self, client: Client, message: Message, report: Report) -> None:
        if client.session.subscription(message.channel) is None:
            self._observe.unmeasured("not_subscribed")
            return
        channel = self._hub.look(message.channel)
        entry = None if channel is None else channel.ring.find(message.offset)
        if entry is None:
            self._observe.unmeasured("unknown")
            return
        error = report.error / 1000
        at = (message.at + (report.clock or 0.0)) / 1000
        seconds = at - entry.time
        believed = report.clock is not None and error <= WORST and -error - 0.1 <= seconds <= LONGEST
        if not believed or at > self._wall() + error + 0.1:
            self._observe.unmeasured("implausible")
            return
        self._observe.received(
            self._namespaces.resolve(message.channel).name,
            max(0.0, seconds),
            channel=message.channel,
            traceparent=entry.traceparent,
            at=max(at, entry.time),
            error=error,
            receiver=client.link,
        )


def seen(code: int) -> str:
    """The closed word for how a client saw the end: SDKs have small numbers of their own, we begin at 3000."""
    if code >= _TRANSPORT_CODES:
        return "server"
    if code == _SDK_NO_PING:
        return "no_ping"
    return "transport_closed" if code == _SDK_CLOSED or code >= _WEBSOCKET_CODES else "other"


T = TypeVar("T")


def _reader(kind: type[T]) -> Callable[[Raw], T]:
    decode = msgspec.json.Decoder(kind).decode

    def read(data: Raw) -> T:
        bytes(data).decode()  # payloads come unread
        return decode(data)

    return read


_receipt = _reader(Receipt)
_report = _reader(Report)
