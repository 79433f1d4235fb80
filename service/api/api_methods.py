"""What the methods of the server API do: a table of method -> request, action. Knows no HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from msgspec import Raw

from service.access.tokens import Granted
from service.api import api_messages as api
from service.api.api_arguments import closing_of, granted_of, payload_of
from service.api.api_reading import read
from service.broker.contract import BrokerUnavailable, HistoryFilter, Published, Soon
from service.channels.hub import Hub
from service.channels.namespaces import Namespace, Namespaces
from service.presence.contract import PresenceUnavailable
from service.protocol import errors
from service.protocol.closing import UNSUBSCRIBED_BY_SERVER, Closing, Unsubscribing
from service.protocol.errors import ClientMistake, ReplyError
from service.protocol.messages import EMPTY, Message, PresenceResult, PresenceStatsResult, Publication, StreamPosition
from service.protocol.payload import is_json

T = TypeVar("T")

_WORDS: Final = {104: "not found", 113: "conflict"}  # where the API's differ from those of replies
_TURN: Final = 64  # publications of one broadcast, or commands of a parallel batch, between two turns of the loop


class Connections(Protocol):
    """What the API does to connections. An unknown user or client is no mistake."""

    def disconnect(
        self, user: str, closing: Closing, *, client: str = "", session: str = "", whitelist: Iterable[str] = ()
    ) -> Soon[int]:
        """Close the user's connections, or the one of ``client``, but none of ``whitelist``; how many."""

    def subscribe(
        self,
        user: str,
        channel: str,
        granted: Granted,
        *,
        expire_at: int = 0,
        since: StreamPosition | None = None,
        client: str = "",
        session: str = "",
    ) -> Soon[bool]:
        """Take the user's connections into a channel; whether all of them are in."""

    def refresh(
        self,
        user: str,
        *,
        expired: bool = False,
        expire_at: int = 0,
        info: Raw = EMPTY,
        client: str = "",
        session: str = "",
    ) -> Soon[int]:
        """Give the user's connections another end (0: none), or end them now; how many."""

    def unsubscribe(
        self, user: str, channel: str, unsubscribing: Unsubscribing, *, client: str = "", session: str = ""
    ) -> Soon[int]:
        """Take the user's connections out of a channel; how many were told."""

    @property
    def clients(self) -> int:
        """Greeted connections."""

    @property
    def users(self) -> int:
        """Different users."""


@dataclass(frozen=True, slots=True)
class Node:
    """What ``info`` says of this process."""

    uid: str
    name: str
    version: str
    started: float = field(default_factory=time.time)  # wall time


@dataclass(slots=True)
class Call:
    """One HTTP request: its caller's trace, and that of the first sampled publication, for the answer."""

    parent: str | None = None
    traceparent: str | None = None


METHODS: Final = (
    "publish",
    "broadcast",
    "subscribe",
    "unsubscribe",
    "disconnect",
    "history",
    "history_remove",
    "presence",
    "presence_stats",
    "info",
    "rpc",
    "refresh",
    "channels",
    "receipts",
    "batch",
    "old_style",  # a body of the old style, whatever it calls
    "unknown",
)
"""What the observer is told was called. The methods stand in the order in which a batch command that names several is
read: the first one counts."""


class Methods:
    """The table. ``answer`` never raises for what a caller did wrong."""

    def __init__(self, hub: Hub, namespaces: Namespaces, connections: Connections, node: Node) -> None:
        self._hub = hub
        self._namespaces = namespaces
        self._connections = connections
        self._node = node
        self._table: dict[str, tuple[type[Message], Callable[[Any, Call], Awaitable[Any]]]] = {
            "publish": (api.PublishRequest, self._publish),
            "broadcast": (api.BroadcastRequest, self._broadcast),
            "subscribe": (api.SubscribeRequest, self._subscribe),
            "unsubscribe": (api.UnsubscribeRequest, self._unsubscribe),
            "disconnect": (api.DisconnectRequest, self._disconnect),
            "history": (api.HistoryRequest, self._history),
            "history_remove": (api.ChannelRequest, self._history_remove),
            "presence": (api.ChannelRequest, self._presence),
            "presence_stats": (api.ChannelRequest, self._presence_stats),
            "info": (api.InfoRequest, self._info),
            "rpc": (api.RPCRequest, self._rpc),
            "refresh": (api.RefreshRequest, self._refresh),
            "channels": (api.ChannelsRequest, self._channels),
            "receipts": (api.ReceiptsRequest, self._receipts),
            "batch": (api.BatchRequest, self._batch),
        }
        assert tuple(self._table) == METHODS[: len(self._table)], "a method is missing in METHODS"

    def __contains__(self, method: object) -> bool:
        return method in self._table

    def kind(self, method: str) -> type[Message]:
        """The request of a method."""
        return self._table[method][0]

    async def answer(self, method: str, asked: object, call: Call) -> api.Response:
        """Do it, and say what came of it.

        Raises:
            BadBody: a command in a batch is malformed.

        """
        try:
            return api.Response(result=await self._table[method][1](asked, call))
        except ClientMistake as mistake:
            return api.Response(error=_error(mistake.error))
        except (BrokerUnavailable, PresenceUnavailable):
            return api.Response(error=_error(errors.INTERNAL))

    async def _publish(self, asked: api.PublishRequest, call: Call) -> api.PublishResult:
        if not asked.channel:
            raise ClientMistake(errors.BAD_REQUEST)
        data = payload_of(asked.data, asked.b64data)
        return _published(await _answer(self._hand_in(asked.channel, data, asked, call)), call)

    def _hand_in(
        self, channel: str, data: bytes, asked: api.PublishRequest | api.BroadcastRequest, call: Call
    ) -> Soon[Published]:
        """Whether the data is right, or may be missing, is the namespace's to say."""
        return self._hub.publish(
            channel,
            data,
            tags={name: value or "" for name, value in asked.tags.items()} if asked.tags else None,
            parent=call.parent,
            via="api",
            idempotency_key=asked.idempotency_key,
            skip_history=asked.skip_history,
            version=asked.version,
            version_epoch=asked.version_epoch,
            delta=asked.delta,
        )

    async def _broadcast(self, asked: api.BroadcastRequest, call: Call) -> api.BroadcastResult:
        if not asked.channels:
            raise ClientMistake(errors.BAD_REQUEST)
        data = payload_of(asked.data, asked.b64data)
        responses: list[api.Response] = []
        for start in range(0, len(asked.channels), _TURN):
            turn = asked.channels[start : start + _TURN]
            handed_in = [self._try(channel or "", data, asked, call) for channel in turn]
            waiting = [soon for soon in handed_in if isinstance(soon, Awaitable)]
            later = iter(await asyncio.gather(*waiting, return_exceptions=True))
            outcomes = [next(later) if isinstance(soon, Awaitable) else soon for soon in handed_in]
            responses += [_response(outcome, call) for outcome in outcomes]
            await asyncio.sleep(0)
        return api.BroadcastResult(responses)

    def _try(self, channel: str, data: bytes, asked: api.BroadcastRequest, call: Call) -> Soon[Published] | Exception:
        """All publications of a turn are under way together."""
        try:
            if not channel:
                raise ClientMistake(errors.BAD_REQUEST)  # noqa: TRY301 - one of several mistakes, told alike
            return self._hand_in(channel, data, asked, call)
        except (ClientMistake, BrokerUnavailable) as failure:
            return failure

    async def _history(self, asked: api.HistoryRequest, _: Call) -> api.HistoryResult:
        namespace = self._known(asked.channel)
        if asked.reverse and asked.since is not None and not asked.since.offset:
            raise ClientMistake(errors.INTERNAL)  # a client is told 107 for the same; recorded so
        found = await _answer(self._hub.history(asked.channel, HistoryFilter(asked.limit, asked.since, asked.reverse)))
        told = [
            Publication(data=p.data or EMPTY, info=p.info, offset=p.offset, tags=p.tags) for p in found.publications
        ]
        if namespace.publication_data_format == "binary" and not all(
            not p.data or is_json(bytes(p.data)) for p in told
        ):
            raise ClientMistake(errors.INTERNAL)  # JSON cannot say what was published
        return api.HistoryResult(told, found.position.epoch, found.position.offset)

    async def _history_remove(self, asked: api.ChannelRequest, _: Call) -> api.Done:
        self._known(asked.channel)
        await _answer(self._hub.remove_history(asked.channel))
        return api.Done()

    async def _channels(self, asked: api.ChannelsRequest, _: Call) -> api.ChannelsResult:
        found = self._hub.channels(asked.pattern)
        return api.ChannelsResult({name: api.ChannelInfo(count) for name, count in found.items()})

    async def _receipts(self, asked: api.ReceiptsRequest, _: Call) -> api.ReceiptsResult:
        if not self._known(asked.channel).receipts:
            raise ClientMistake(errors.NOT_AVAILABLE)
        told = self._hub.receipts.received(asked.channel, asked.offset)
        return api.ReceiptsResult(told.offset, told.subscribers, told.confirming, told.received, told.users)

    async def _info(self, _: api.InfoRequest, __: Call) -> api.InfoResult:
        node, connections = self._node, self._connections
        channels, subscriptions = self._hub.totals()
        return api.InfoResult(
            [
                api.NodeInfo(
                    node.uid,
                    node.name,
                    node.version,
                    connections.clients,
                    connections.users,
                    subscriptions,
                    channels,
                    int(time.time() - node.started),
                )
            ]
        )

    async def _disconnect(self, asked: api.DisconnectRequest, _: Call) -> api.Done:
        done = self._connections.disconnect(
            asked.user,
            closing_of(asked.disconnect),
            client=asked.client,
            session=asked.session,
            whitelist=[each or "" for each in asked.whitelist or ()],
        )
        await _answer(done)
        return api.Done()

    async def _unsubscribe(self, asked: api.UnsubscribeRequest, _: Call) -> api.Done:
        if asked.channel:
            self._namespaces.resolve(asked.channel)
        done = self._connections.unsubscribe(
            asked.user, asked.channel, UNSUBSCRIBED_BY_SERVER, client=asked.client, session=asked.session
        )
        await _answer(done)
        return api.Done()

    async def _subscribe(self, asked: api.SubscribeRequest, _: Call) -> api.Done:
        self._known(asked.channel)
        subscribed = self._connections.subscribe(
            asked.user,
            asked.channel,
            granted_of(asked),
            expire_at=max(0, asked.expire_at),
            since=asked.recover_since,
            client=asked.client,
            session=asked.session,
        )
        if not await _answer(subscribed):
            raise ClientMistake(errors.INTERNAL)  # as in Centrifugo, whatever the reason
        return api.Done()

    async def _refresh(self, asked: api.RefreshRequest, _: Call) -> api.Done:
        done = self._connections.refresh(
            asked.user,
            expired=asked.expired,
            expire_at=asked.expire_at,
            info=asked.info.copy(),
            client=asked.client,
            session=asked.session,
        )
        await _answer(done)
        return api.Done()

    async def _presence(self, asked: api.ChannelRequest, _: Call) -> PresenceResult:
        return PresenceResult(dict(await _answer(self._hub.attending.present(asked.channel))))

    async def _presence_stats(self, asked: api.ChannelRequest, _: Call) -> PresenceStatsResult:
        counts = await _answer(self._hub.attending.counts(asked.channel))
        return PresenceStatsResult(counts.clients, counts.users)

    async def _rpc(self, asked: api.RPCRequest, _: Call) -> api.Done:
        raise ClientMistake(errors.METHOD_NOT_FOUND if asked.method else errors.BAD_REQUEST)

    async def _batch(self, asked: api.BatchRequest, call: Call) -> api.BatchResult:
        commands = [self._command(command) for command in asked.commands or ()]
        replies: list[dict[str, Any]] = []
        turn = _TURN if asked.parallel else 1
        for start in range(0, len(commands), turn):
            replies += await asyncio.gather(*(self._one(*command, call) for command in commands[start : start + turn]))
            await asyncio.sleep(0)  # what was published goes out before a disconnect that follows
        return api.BatchResult(replies) if replies else api.BatchResult()

    def _command(self, command: dict[str, Raw] | None) -> tuple[str, object]:
        """Method and request; an error instead of the request where there is no method."""
        if command is None:
            return "", errors.BAD_REQUEST
        given = (name for name in self._table if name != "batch" and bytes(command.get(name, b"null")) != b"null")
        method = next(given, "")
        return method, read(bytes(command[method]), self.kind(method)) if method else errors.METHOD_NOT_FOUND

    async def _one(self, method: str, request: object, call: Call) -> dict[str, Any]:
        if isinstance(request, ReplyError):
            return {"error": _error(request)}
        response = await self.answer(method, request, call)
        return {"error": response.error} if response.error else {method: response.result}

    def _known(self, channel: str) -> Namespace:
        if not channel:
            raise ClientMistake(errors.BAD_REQUEST)
        return self._namespaces.resolve(channel)


async def _answer(soon: Soon[T]) -> T:
    return await soon if isinstance(soon, Awaitable) else soon


def _published(published: Published, call: Call) -> api.PublishResult:
    call.traceparent = call.traceparent or published.traceparent
    position = published.position
    return api.PublishResult() if position is None else api.PublishResult(position.offset, position.epoch)


def _response(outcome: Published | BaseException, call: Call) -> api.Response:
    """One channel's part of a broadcast."""
    if isinstance(outcome, Published):
        return api.Response(result=_published(outcome, call))
    if isinstance(outcome, ClientMistake):
        return api.Response(error=_error(outcome.error))
    if isinstance(outcome, BrokerUnavailable):
        return api.Response(error=_error(errors.INTERNAL))
    raise outcome


def refused(error: ReplyError) -> api.Response:
    """The answer to what was not even tried."""
    return api.Response(error=_error(error))


def _error(error: ReplyError) -> api.ApiError:
    return api.ApiError(error.code, _WORDS.get(error.code, error.message))
