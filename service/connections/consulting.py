"""The user's backend, asked for a client: each answer of a hook becomes an outcome, each failure one too.

An outage is error 100, which asks the client to come again; a refusal keeps the backend's own words.
"""

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from msgspec import Raw

from observability.tracing import Link
from service.access.hook_messages import Nonsense, RefreshResult, Refusal, allowed
from service.access.hooks import Client
from service.access.tokens import ConnectionClaims, Granted, SubscriptionClaims
from service.channels.hub import Subscriber
from service.connections import questions as q
from service.connections.session import Session
from service.connections.station import Station
from service.outside.failures import OutsideFailed
from service.protocol import errors
from service.protocol.messages import ConnectRequest

R = TypeVar("R")


class Asker(Subscriber, Protocol):
    """For whom the backend is asked: a connection."""

    id: str
    session: Session
    link: Link | None  # the sampled connect

    @property
    def near(self) -> Link | None:
        """The sampled upgrade, as long as the greeting lasts."""


async def connect(station: Station, asker: Asker, request: ConnectRequest) -> q.Outcome:
    """Who is this?"""
    result = await _asked(station.hooks.connect(_client(asker, user=None), request))
    if isinstance(result, q.Failed):
        return result
    if result is None:
        return q.Verified(None, station.wall())
    claims = ConnectionClaims(result.user, result.expire_at, result.info, result.server_side(), result.meta.copy())
    return q.Verified(claims, station.wall(), by_hook=True, data=result.data)


async def subscribe(station: Station, asker: Asker, question: q.MaySubscribe) -> q.Outcome:
    """May it enter?"""
    namespace = station.settings.session.namespaces.resolve(question.channel)
    client = _client(asker)
    result = await _asked(station.hooks.subscribe(client, namespace, question.channel, question.data))
    if isinstance(result, q.Failed):
        return result
    claims = SubscriptionClaims(
        asker.session.user, question.channel, expire_at=result.expire_at, granted=allowed(result)
    )
    return q.Verified(claims, station.wall(), by_hook=True)


async def publish(station: Station, asker: Asker, question: q.MayPublish) -> q.Outcome:
    """May it publish this?"""
    namespace = station.settings.session.namespaces.resolve(question.channel)
    result = await _asked(station.hooks.publish(_client(asker), namespace, question.channel, question.data))
    if isinstance(result, q.Failed):
        return result
    return q.Permitted(
        data=result.data,
        skip_history=result.skip_history,
        tags=None if result.tags is None else {name: value or "" for name, value in result.tags.items()},
        idempotency_key=result.idempotency_key,
        delta=result.delta,
        version=result.version,
        version_epoch=result.version_epoch,
    )


async def go_on(station: Station, asker: Asker, question: q.MayGoOn) -> q.Outcome:
    """Does the connection, or the subscription, go on? Whatever refusal comes means no, as in Centrifugo."""
    channel, client = question.channel, _client(asker)
    try:
        if channel:
            namespace = station.settings.session.namespaces.resolve(channel)
            result = await station.hooks.sub_refresh(client, namespace, channel)
        else:
            result = await station.hooks.refresh(client)
    except Refusal:
        result = None
    except OutsideFailed as failure:
        return q.Failed(errors.INTERNAL, f"{channel and 'sub_'}refresh hook: {failure}")
    if result is None or result.expired:
        return q.BadToken("expired", "the backend does not prolong it")
    return q.Verified(_prolonged(client.user or "", channel, result), station.wall(), by_hook=True)


async def call(station: Station, asker: Asker, method: str, data: Raw) -> q.Outcome:
    """Answer an RPC."""
    result = await _asked(station.hooks.rpc(_client(asker), method, data))
    return result if isinstance(result, q.Failed) else q.Called(result.data)


async def _asked(answer: Awaitable[R]) -> R | q.Failed:
    try:
        return await answer
    except Refusal as refusal:
        return q.Failed(refusal.verdict, str(refusal))
    except Nonsense as nonsense:  # of the client: an answer's nonsense is a failure of the backend
        return q.Failed(errors.BAD_REQUEST, str(nonsense))
    except OutsideFailed as failure:
        return q.Failed(errors.INTERNAL, f"hook: {failure}")


def _prolonged(user: str, channel: str, result: RefreshResult) -> ConnectionClaims | SubscriptionClaims:
    if channel:
        return SubscriptionClaims(user, channel, expire_at=result.expire_at, granted=Granted(info=result.info))
    return ConnectionClaims(user, result.expire_at, result.info, meta=result.meta.copy())


def _client(asker: Asker, user: str | None = "") -> Client:
    """``user``: None where that is the question."""
    session = asker.session
    known = None if user is None else session.user
    return Client(asker.id, asker.variant.codec.name, known, session.caller, asker.near)
