"""subscribe, sub_refresh and unsubscribe."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw

from service.access import rules
from service.access.tokens import Granted, SubscriptionClaims
from service.channels.namespaces import Namespace
from service.channels.receipts import confirmer
from service.channels.tags_filter import BadFilter, TagsFilter
from service.connections.questions import (
    All,
    BadToken,
    Changed,
    Effect,
    Enter,
    Entered,
    Join,
    Joined,
    MaySubscribe,
    Outcome,
    Prepared,
    Reply,
    Verified,
    VerifyToken,
)
from service.connections.standing import (
    ENDLESS,
    Lifetime,
    Refused,
    SessionSettings,
    Standing,
    Subscription,
    Task,
    bad_request,
    expected,
    lifetime,
    subscription,
)
from service.protocol import closing, errors
from service.protocol import messages as wire

_NONE: Final = wire.Empty()
_STREAM: Final = 0  # the only subscription type that we have
_MAPS: Final = (1, 2, 3)
_SHARED_POLL: Final = 4
_STRICT: Final = 2  # flag bit: rather error 112 than recovered: false
_DELTA_TYPES: Final = ("", "fossil")


def subscribe(client: Standing, command_id: int, request: wire.SubscribeRequest, now: float) -> Task:
    """Let the client into a channel: by its token, by the channel's name, or by the namespace's options."""
    settings = client.settings
    namespace = _checked(client, request)
    granted, life, by_hook = rules.NOTHING_GRANTED, ENDLESS, False
    if request.token:
        outcome, now = yield VerifyToken(request.token, "subscription")
        verified = _verified(outcome)
        claims = _for_this(client, request.channel, verified)
        granted = claims.granted
        life = lifetime(claims.expire_at, verified.wall, now, settings.expired_sub_close_delay, least=1)
    elif namespace.subscribe_proxy_enabled and _limited_to(settings, namespace, request.channel) is None:
        outcome, now = yield MaySubscribe(request.channel, request.data.copy())
        verified = expected(outcome, Verified)
        said = verified.claims
        assert isinstance(said, SubscriptionClaims), "a subscribe hook gives what a subscription token gives"
        granted, by_hook = said.granted, True
        life = lifetime(said.expire_at, verified.wall, now, settings.expired_sub_close_delay, least=1)
    elif not may_enter(settings, namespace, request.channel, client.user):
        raise Refused(errors.PERMISSION_DENIED, "neither token nor option allows it")
    subscribed = subscription(namespace, granted, expire_at=life.deadline)
    outcome, now = yield _join(client, namespace, granted, request, subscribed, by_hook=by_hook)
    admission = expected(outcome, Prepared).admission
    outcome, now = yield Enter((admission,))
    (joined,) = expected(outcome, Entered).joined
    client.enter(request.channel, subscribed)
    told = ENDLESS if namespace.sub_refresh_proxy_enabled else life  # the backend prolongs it, not the client
    reply = wire.Reply(id=command_id, subscribe=result(joined, told, granted.data))
    return [Reply(reply, "subscribe")]


def sub_refresh(client: Standing, command_id: int, request: wire.SubRefreshRequest, _now: float) -> Task:
    """A new subscription token: another expiry and info."""
    channel = request.channel
    before = client.subscription(channel)
    if before is None:
        raise Refused(errors.PERMISSION_DENIED, "sub_refresh of a channel not subscribed")
    if before.server_side:
        raise bad_request("sub_refresh of a server-side subscription")
    if client.settings.namespaces.resolve(channel).sub_refresh_proxy_enabled:
        raise bad_request("sub_refresh where the backend is asked")
    if not request.token:
        raise Refused(errors.BAD_REQUEST, "sub_refresh without a token")
    outcome, now = yield VerifyToken(request.token, "subscription")
    if isinstance(outcome, BadToken) and outcome.reason != "expired":
        raise Refused(closing.INVALID_TOKEN, f"sub_refresh with an invalid token: {outcome.why}")
    verified = _verified(outcome)
    claims = _for_this(client, channel, verified)
    life = lifetime(claims.expire_at, verified.wall, now, client.settings.expired_sub_close_delay)
    effects: list[Effect] = []
    if client.subscription(channel) is before:  # it may have ended meanwhile, or a backend has taken it over
        effects = _renewed(client, channel, before, life, claims.granted)
    answer = wire.SubRefreshResult(expires=life.expires, ttl=life.ttl)
    return [*effects, Reply(wire.Reply(id=command_id, sub_refresh=answer), "sub_refresh")]


def unsubscribe(client: Standing, command_id: int, request: wire.UnsubscribeRequest, _now: float) -> list[Effect]:
    """Out of the channel; not being in is fine."""
    return [*client.left(request.channel), Reply(wire.Reply(id=command_id, unsubscribe=_NONE), "unsubscribe")]


def may_enter(settings: SessionSettings, namespace: Namespace, channel: str, user: str) -> bool:
    """Whether a client may enter this channel without a token."""
    limited, private = _limited_to(settings, namespace, channel), settings.namespaces.is_private(channel)
    return rules.may_subscribe(namespace, user, private=private, limited_to=limited, insecure=settings.insecure)


def _limited_to(settings: SessionSettings, namespace: Namespace, channel: str) -> tuple[str, ...] | None:
    return settings.namespaces.limited_to(channel) if namespace.allow_user_limited_channels else None


def result(joined: Joined, life: Lifetime, data: Raw) -> wire.SubscribeResult:
    """The subscribe result, in a reply or in ``connect.subs``."""
    return wire.SubscribeResult(
        expires=life.expires,
        ttl=life.ttl,
        recoverable=joined.recoverable,
        epoch=joined.epoch,
        publications=list(joined.publications) if joined.delta else with_epoch(joined.publications, joined.epoch),
        recovered=joined.recovered,
        offset=joined.offset,
        positioned=joined.positioned,
        data=data,
        was_recovering=joined.was_recovering,
        delta=joined.delta,
    )


def with_epoch(publications: Sequence[wire.Publication], epoch: str) -> list[wire.Publication]:
    """The first publication of a stream tells its epoch wherever a client gets it."""
    return [
        msgspec.structs.replace(each, epoch=epoch) if each.offset == 1 and not each.epoch else each
        for each in publications
    ]


def _checked(client: Standing, request: wire.SubscribeRequest) -> Namespace:
    """Everything that needs no token, in Centrifugo's order."""
    settings = client.settings
    channel = request.channel
    if request.type == _SHARED_POLL:
        raise Refused(errors.NOT_AVAILABLE, "no channel is polled for all")
    if request.delta not in _DELTA_TYPES and request.type not in _MAPS:
        raise bad_request("unknown delta type")
    if settings.channel_max_length and len(channel.encode()) > settings.channel_max_length:
        raise Refused(errors.BAD_REQUEST, "channel name too long")
    if client.subscription(channel) is not None:
        raise Refused(errors.ALREADY_SUBSCRIBED, "already subscribed")
    if settings.channel_limit and len(client.subscriptions or ()) >= settings.channel_limit:
        raise Refused(errors.LIMIT_EXCEEDED, f"{settings.channel_limit} channels already")
    namespace = settings.namespaces.resolve(channel)
    if not settings.namespaces.is_valid_name(channel, namespace):
        raise Refused(errors.BAD_REQUEST, "channel name not allowed in its namespace")
    if request.type != _STREAM:
        raise Refused(errors.PERMISSION_DENIED, "only stream subscriptions exist")
    if settings.namespaces.is_private(channel) and not request.token:
        raise Refused(errors.PERMISSION_DENIED, "private channel without a token")
    return namespace


def _verified(outcome: Outcome | All) -> Verified:
    if not isinstance(outcome, BadToken):
        return expected(outcome, Verified)
    if outcome.reason == "expired":
        raise Refused(errors.TOKEN_EXPIRED, f"subscription token expired: {outcome.why}")
    raise Refused(errors.PERMISSION_DENIED, f"invalid subscription token: {outcome.why}")


def _for_this(client: Standing, channel: str, verified: Verified) -> SubscriptionClaims:
    claims = verified.claims
    assert isinstance(claims, SubscriptionClaims), "a subscription token has subscription claims"
    client.settings.namespaces.resolve(claims.channel)
    if claims.channel != channel:
        raise Refused(closing.INVALID_TOKEN, "token of another channel")
    if claims.user != client.user:
        raise Refused(closing.INVALID_TOKEN, "subscription token of another user")
    if claims.client and claims.client != client.id:
        raise Refused(closing.INVALID_TOKEN, "subscription token of another client")
    return claims


def _join(
    client: Standing,
    namespace: Namespace,
    granted: Granted,
    request: wire.SubscribeRequest,
    subscribed: Subscription,
    *,
    by_hook: bool,
) -> Join:
    """A backend that lets a client in decides alone on positions, as in Centrifugo."""
    user, insecure = client.user, client.settings.insecure
    asks_position, asks_recovery = request.positioned and not by_hook, request.recoverable and not by_hook
    return Join(
        request.channel,
        positioned=rules.positioned(namespace, user, granted, asked=asks_position, insecure=insecure),
        recoverable=rules.recoverable(namespace, user, granted, asked=asks_recovery, insecure=insecure),
        recover=request.recover,
        since=wire.StreamPosition(request.offset, request.epoch),
        strict=bool(request.flag & _STRICT),
        delta=request.delta in namespace.allowed_delta_types and request.tf is None,
        filter=_filter(client, namespace, request),
        attendance=client.attendance(subscribed),
        told=rules.hears_announcements(namespace, user, granted, asked=request.join_leave, insecure=insecure),
        who=confirmer(user, client.id),
    )


def _filter(client: Standing, namespace: Namespace, request: wire.SubscribeRequest) -> TagsFilter | None:
    if request.tf is None:
        return None
    if not namespace.allow_tags_filter:
        raise Refused(errors.BAD_REQUEST, "the namespace allows no tags filter")
    try:
        return TagsFilter(request.tf, client.settings.tags_filter_limit)
    except BadFilter as bad:
        raise Refused(errors.BAD_REQUEST, str(bad)) from None


def _renewed(client: Standing, channel: str, before: Subscription, life: Lifetime, granted: Granted) -> list[Effect]:
    """Another end and perhaps other info; whether it is present and announced was said at the beginning."""
    after = Subscription(expire_at=life.deadline, info=granted.info, present=before.present, announced=before.announced)
    client.enter(channel, after)
    attendance = client.attendance(after, before)
    return [Changed(channel, attendance)] if attendance is not None and after.info != before.info else []
