"""Unmodified SDKs behind one set of verbs, so that one conversation tests each.

Events are dicts as the JavaScript SDK tells them: {"event": "subscribed", "channel": …, "recovered": …}.
"""

import asyncio
import contextlib
import importlib.util
import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import centrifuge
import pytest
from centrifuge.exceptions import ReplyError

from tests.sdk.driven import HELPERS, Go, Java, JavaScript, Refused, Seen

__all__ = ["EVERY_SDK", "Go", "Java", "JavaScript", "Python", "Refused", "Sdk"]

_BUILT = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first time it is built
EVERY_SDK = pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("javascript", "json"),
        ("javascript", "protobuf"),
        ("python", "json"),
        ("python", "protobuf"),
        pytest.param("go", "json", marks=_BUILT),
        pytest.param("go", "protobuf", marks=_BUILT),
        pytest.param("java", "protobuf", marks=_BUILT),  # it speaks nothing else
    ],
)


_spec = importlib.util.spec_from_file_location("heliograph_client", HELPERS / "heliograph_client.py")
assert _spec is not None, "the helper is where it was"
assert _spec.loader is not None, "and it is a file"
heliograph_client = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(heliograph_client)


class Sdk(Protocol):
    """What a conversation may ask of either SDK."""

    name: str
    seen: list[dict[str, Any]]

    async def connect(self, url: str, token: str = "", tokens: Iterable[str] | None = None) -> None: ...
    async def connect_with_helper(
        self, url: str, token: str, *, attempts: int | None = None, report_every: float = 10.0, patience: float = 1.0
    ) -> None:
        """With the helper's own delays, ``patience`` times as long, and as many attempts as it makes of itself."""

    async def subscribe(self, channel: str, **options: Any) -> None: ...
    async def subscribe_confirming(self, channel: str, fails_at: Iterable[int] = ()) -> None: ...
    async def unsubscribe(self, channel: str) -> None: ...
    async def publish(self, channel: str, data: Any) -> None: ...
    async def history(self, channel: str, limit: int) -> dict[str, Any]: ...
    async def presence(self, channel: str) -> dict[str, Any]: ...
    async def presence_stats(self, channel: str) -> tuple[int, int]: ...
    async def rpc(self, method: str, data: Any) -> Any: ...
    async def disconnect(self) -> None: ...
    async def close(self) -> None: ...
    async def expect(self, event: str, **fields: Any) -> dict[str, Any]: ...


class Python(Seen):
    """centrifuge-python, in this process."""

    def __init__(self, *, protobuf: bool = False) -> None:
        super().__init__()
        self.name = "PythonProtobuf" if protobuf else "Python"
        self._protobuf = protobuf
        self._client: centrifuge.Client | None = None
        self._helper: Any = None

    @property
    def client(self) -> centrifuge.Client:
        assert self._client is not None, "not connected"
        return self._client

    async def connect(self, url: str, token: str = "", tokens: Iterable[str] | None = None) -> None:
        source = None if tokens is None else self._source(tokens)
        self._client = centrifuge.Client(
            url, events=_ClientEvents(self.tell), token=token, get_token=source, proxy=None, use_protobuf=self._protobuf
        )
        await self._client.connect()

    def _source(self, tokens: Iterable[str]) -> Callable[..., Any]:
        """Hands tokens out one by one, for the connection or for a channel."""
        left = iter(tokens)

        async def get_token(*_: Any) -> str:
            self.tell("token asked")
            found = next(left, None)
            if found is None:
                raise centrifuge.UnauthorizedError
            return found

        return get_token

    async def connect_with_helper(
        self, url: str, token: str, *, attempts: int | None = None, report_every: float = 10.0, patience: float = 1.0
    ) -> None:
        delays = {name: patience * seconds for name, seconds in heliograph_client.PATIENCE.items()}
        self._client = centrifuge.Client(
            url, events=_ClientEvents(self.tell), token=token, proxy=None, use_protobuf=self._protobuf, **delays
        )
        given = {} if attempts is None else {"attempts": attempts}
        self._helper = heliograph_client.Heliograph(
            self._client, **given, report_every=report_every, protobuf=self._protobuf,
            on_give_up=lambda count: self.tell("gave up", attempts=count),
            on_error=lambda error: self.tell("failed", message=str(error)),
        )  # fmt: skip
        await self._client.connect()

    async def subscribe_confirming(self, channel: str, fails_at: Iterable[int] = ()) -> None:
        failing = set(fails_at)

        async def handle(publication: Any) -> None:
            if publication.offset in failing:
                failing.discard(publication.offset)
                raise ValueError(f"refused {publication.offset}")
            self.tell("handled", channel=channel, offset=publication.offset, data=publication.data)

        subscription = self.client.new_subscription(channel, events=_SubscriptionEvents(self.tell, channel))
        self._helper.confirm(subscription, handle)
        await subscription.subscribe()

    async def subscribe(self, channel: str, **options: Any) -> None:
        if "tokens" in options:
            options["get_token"] = self._source(options.pop("tokens"))
        if "filter" in options:
            options["tags_filter"] = centrifuge.FilterNode(options.pop("filter"))
        if "delta" in options:
            options["delta"] = centrifuge.DeltaType(options["delta"])
        subscription = self.client.get_subscription(channel)
        if subscription is None:
            events = _SubscriptionEvents(self.tell, channel)
            subscription = self.client.new_subscription(channel, events=events, **options)
        await subscription.subscribe()

    async def unsubscribe(self, channel: str) -> None:
        subscription = self.client.get_subscription(channel)
        assert subscription is not None, "never subscribed"
        await subscription.unsubscribe()

    async def publish(self, channel: str, data: Any) -> None:
        await _answered(self.client.publish(channel, self._said(data)))

    async def history(self, channel: str, limit: int) -> dict[str, Any]:
        found = await _answered(self.client.history(channel, limit=limit))
        publications = [{"data": _plain(one.data), "offset": one.offset} for one in found.publications]
        return {"publications": publications, "offset": found.offset, "epoch": found.epoch}

    async def presence(self, channel: str) -> dict[str, Any]:
        found = await _answered(self.client.presence(channel))
        return {client: _plain(_info(info)) for client, info in found.clients.items()}

    async def presence_stats(self, channel: str) -> tuple[int, int]:
        found = await _answered(self.client.presence_stats(channel))
        return found.num_clients, found.num_users

    async def rpc(self, method: str, data: Any) -> Any:
        return _plain((await _answered(self.client.rpc(method, self._said(data)))).data)

    def _said(self, data: Any) -> Any:
        """With Protobuf payloads are bytes, for the SDK as well."""
        return json.dumps(data).encode() if self._protobuf else data

    def tell(self, event: str, **fields: Any) -> None:
        """See ``Seen.tell``; payloads as the values they encode."""
        super().tell(event, **{name: _plain(value) for name, value in fields.items()})

    async def disconnect(self) -> None:
        await self.client.disconnect()

    async def close(self) -> None:
        if self._helper is not None:
            await self._helper.close()
        if self._client is not None:
            await self._client.disconnect()
            while (
                self._client._background_tasks
            ):  # it closes sockets behind its back, and the next test would be blamed
                await asyncio.wait(set(self._client._background_tasks))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._telling)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return json.loads(value) if value else None
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each != b""}
    return value


async def _answered(question: Any) -> Any:
    try:
        return await question
    except ReplyError as error:
        raise Refused(error.code, error.message) from error


Tell = Callable[..., None]


def _position(position: Any) -> dict[str, Any] | None:
    return None if position is None else {"offset": position.offset, "epoch": position.epoch}


def _info(info: centrifuge.ClientInfo) -> dict[str, Any]:
    """As the JavaScript SDK tells it: what is not there is left out."""
    told = {"client": info.client, "user": info.user, "connInfo": info.conn_info, "chanInfo": info.chan_info}
    return {key: value for key, value in told.items() if value is not None}


class _ClientEvents(centrifuge.ClientEventHandler):
    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def on_connecting(self, ctx: centrifuge.ConnectingContext) -> None:
        self._tell("connecting", code=ctx.code, reason=ctx.reason)

    async def on_connected(self, ctx: centrifuge.ConnectedContext) -> None:
        self._tell("connected", client=ctx.client)

    async def on_disconnected(self, ctx: centrifuge.DisconnectedContext) -> None:
        self._tell("disconnected", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx: centrifuge.ErrorContext) -> None:
        self._tell("error", code=ctx.code, message=str(ctx.error))

    async def on_subscribed(self, ctx: centrifuge.ServerSubscribedContext) -> None:
        self._tell("subscribed", channel=ctx.channel, server=True, recovered=ctx.recovered)

    async def on_unsubscribed(self, ctx: centrifuge.ServerUnsubscribedContext) -> None:
        self._tell("unsubscribed", channel=ctx.channel, server=True)

    async def on_publication(self, ctx: centrifuge.ServerPublicationContext) -> None:
        self._tell("publication", channel=ctx.channel, server=True, data=ctx.pub.data, offset=ctx.pub.offset)


class _SubscriptionEvents(centrifuge.SubscriptionEventHandler):
    def __init__(self, tell: Tell, channel: str) -> None:
        self._tell = tell
        self._channel = channel

    async def on_subscribing(self, ctx: centrifuge.SubscribingContext) -> None:
        self._tell("subscribing", channel=self._channel, code=ctx.code, reason=ctx.reason)

    async def on_subscribed(self, ctx: centrifuge.SubscribedContext) -> None:
        self._tell(
            "subscribed", channel=self._channel, recovered=ctx.recovered, wasRecovering=ctx.was_recovering,
            recoverable=ctx.recoverable, positioned=ctx.positioned, streamPosition=_position(ctx.stream_position),
        )  # fmt: skip

    async def on_unsubscribed(self, ctx: centrifuge.UnsubscribedContext) -> None:
        self._tell("unsubscribed", channel=self._channel, code=ctx.code, reason=ctx.reason)

    async def on_publication(self, ctx: centrifuge.PublicationContext) -> None:
        self._tell("publication", channel=self._channel, data=ctx.pub.data, offset=ctx.pub.offset, tags=ctx.pub.tags)

    async def on_error(self, ctx: centrifuge.SubscriptionErrorContext) -> None:
        self._tell("error", channel=self._channel, code=ctx.code, message=str(ctx.error))

    async def on_join(self, ctx: centrifuge.JoinContext) -> None:
        self._tell("join", channel=self._channel, info=_info(ctx.info))

    async def on_leave(self, ctx: centrifuge.LeaveContext) -> None:
        self._tell("leave", channel=self._channel, info=_info(ctx.info))
