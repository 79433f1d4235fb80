"""connect and refresh: who is this, until when, and which channels does it get from us."""

from collections.abc import Generator, Iterator, Mapping
from math import ceil
from zlib import crc32

from msgspec import UNSET

from service.access import rules
from service.access.tokens import ConnectionClaims, Granted
from service.channels.namespaces import Namespace
from service.connections.commands import subscribing
from service.connections.heartbeat import Heartbeat
from service.connections.questions import (
    All,
    BadToken,
    Connected,
    Effect,
    Enter,
    Entered,
    Failed,
    Greet,
    Join,
    Outcome,
    Prepared,
    Question,
    Reply,
    Several,
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
from service.connections.weather import Sky
from service.protocol import closing, errors
from service.protocol import messages as wire

_ANONYMOUS = ConnectionClaims(user="")


def connect(client: Standing, command_id: int, request: wire.ConnectRequest, _now: float) -> Task:
    """Let the client in: its token is checked, server-side channels are entered, the reply tells them all."""
    settings = client.settings
    if not (request.token or client.user or _anonymous_allowed(settings) or settings.connect_hook):
        raise Refused(closing.NO_CREDENTIALS, "no token, and anonymous clients may not connect")
    outcome, now = yield Greet(request)
    verified = _verified(outcome)
    claims = _identity(settings, verified)
    if settings.user_id_max_length and len(claims.user.encode()) > settings.user_id_max_length:
        raise Refused(closing.INVALID_TOKEN, "a user id beyond client.user_id_max_length")
    client.user, client.info = claims.user, claims.info
    client.attach(claims.meta)
    wanted = _server_side(client, claims, request.subs or {}, by_hook=verified.by_hook)
    if verified.most:  # after everything that is wrong with the token itself, but for its end, as in Centrifugo
        raise Refused(closing.CONNECTION_LIMIT, f"the user has {verified.most} connections")
    life = lifetime(claims.expire_at, verified.wall, now, settings.expired_close_delay)
    results: dict[str, wire.SubscribeResult] = {}
    if wanted:
        results, now = yield from _entered(client, wanted)
    _begin(client, life, now)
    told = ENDLESS if settings.refresh_hook else life  # where the backend prolongs it the client need not know when
    reply = wire.Reply(id=command_id, connect=_result(client, told, results, verified))
    return [Connected(client.user, request.name, request.version), Reply(reply, "connect")]


def refresh(client: Standing, command_id: int, request: wire.RefreshRequest, _now: float) -> Task:
    """A new token for the same user: another expiry, perhaps other info, but the same server-side channels."""
    settings = client.settings
    if not request.token:
        raise bad_request("refresh without a token")
    if settings.refresh_hook:
        raise bad_request("refresh where the backend is asked")
    outcome, now = yield VerifyToken(request.token, "connection")
    if isinstance(outcome, BadToken) and outcome.reason == "expired":
        raise Refused(closing.EXPIRED, f"refresh with an expired token: {outcome.why}")
    verified = _verified(outcome)
    claims = verified.claims
    assert isinstance(claims, ConnectionClaims), "a connection token has connection claims"
    for channel in claims.subs:
        settings.namespaces.resolve(channel)
    if claims.user != client.user:
        raise Refused(closing.INVALID_TOKEN, "refresh with the token of another user")
    if _channels_changed(client, claims.subs):
        raise Refused(closing.INSUFFICIENT_STATE, "refresh with other channels than at connect")
    life = lifetime(claims.expire_at, verified.wall, now, settings.expired_close_delay, least=1)
    client.expires(life)  # client.insecure lets tokens live for ever at connect alone, as in Centrifugo
    client.attach(claims.meta)
    effects: list[Effect] = []
    if claims.info and claims.info != client.info:
        client.info = claims.info
        effects = client.changed()
    result = wire.RefreshResult(expires=life.expires, ttl=life.ttl)
    return [*effects, Reply(wire.Reply(id=command_id, refresh=result), "refresh")]


def _verified(outcome: Outcome | All) -> Verified:
    if not isinstance(outcome, BadToken):
        return expected(outcome, Verified)
    if outcome.reason == "expired":
        raise Refused(errors.TOKEN_EXPIRED, f"token expired: {outcome.why}")
    if outcome.reason == "bad_info":
        raise Refused(errors.INTERNAL, "the token's b64info is not the base64 form of JSON")
    raise Refused(closing.INVALID_TOKEN, f"invalid token: {outcome.why}")


def _identity(settings: SessionSettings, verified: Verified) -> ConnectionClaims:
    claims = verified.claims
    if claims is None:
        if not _anonymous_allowed(settings):
            raise Refused(closing.NO_CREDENTIALS, "the backend knows nobody here, and no anonymous client may connect")
        return _ANONYMOUS
    assert isinstance(claims, ConnectionClaims), "a connection token has connection claims"
    if verified.by_hook:
        return claims
    if not claims.user and settings.disallow_anonymous_connection_tokens:
        raise Refused(closing.PERMISSION_DENIED, "a token without a user")
    if not settings.insecure:
        return claims
    return ConnectionClaims(claims.user, 0, claims.info, claims.subs, claims.meta)


def _anonymous_allowed(settings: SessionSettings) -> bool:
    return settings.allow_anonymous_connect_without_token or settings.insecure


# --------------------------------------------------------- server-side channels


def _server_side(
    client: Standing, claims: ConnectionClaims, asked: Mapping[str, wire.SubscribeRequest], *, by_hook: bool
) -> dict[str, tuple[Join, Subscription, Granted]]:
    """Channels of the token, the user's own one, and those asked for that the client might subscribe to anyway.

    A backend was told what is asked for: what it does not name is not given.
    """
    settings = client.settings
    wanted: dict[str, tuple[Join, Subscription, Granted]] = {}
    for channel, granted, by_token in _named(settings, claims, by_hook=by_hook):
        namespace = settings.namespaces.resolve(channel)
        subscribed = subscription(namespace, granted, server_side=True, by_token=by_token)
        wanted[channel] = (_joining(client, namespace, channel, granted, subscribed, asked), subscribed, granted)
    for channel in () if by_hook else asked:
        if channel and channel not in wanted and _may_have(settings, channel, claims.user):
            namespace, granted = settings.namespaces.resolve(channel), rules.NOTHING_GRANTED
            subscribed = subscription(namespace, granted, server_side=True)
            wanted[channel] = (_joining(client, namespace, channel, granted, subscribed, asked), subscribed, granted)
    if settings.channel_limit and len(wanted) > settings.channel_limit:
        raise Refused(closing.CHANNEL_LIMIT, f"{len(wanted)} server-side channels")
    return wanted


def _named(
    settings: SessionSettings, claims: ConnectionClaims, *, by_hook: bool
) -> Iterator[tuple[str, Granted, bool]]:
    for channel, granted in claims.subs.items():
        if channel:
            yield channel, granted, not by_hook
    if settings.personal_channel and claims.user:
        personal = settings.namespaces.personal_channel(claims.user, settings.personal_channel_namespace)
        yield personal, rules.NOTHING_GRANTED, False


def _may_have(settings: SessionSettings, channel: str, user: str) -> bool:
    """Whether a channel of ``connect.subs`` is given; a token in its entry does not count, as in Centrifugo."""
    try:
        namespace = settings.namespaces.resolve(channel)
    except errors.ClientMistake:
        raise bad_request("connect.subs names an unknown namespace") from None
    longest = settings.channel_name_limit  # not channel.max_length: Centrifugo has that for subscribe alone
    if (longest and len(channel.encode()) > longest) or not settings.namespaces.is_valid_name(channel, namespace):
        return False
    if namespace.subscribe_proxy_enabled:
        return False
    return subscribing.may_enter(settings, namespace, channel, user)


def _joining(  # noqa: PLR0917 - as they come
    client: Standing,
    namespace: Namespace,
    channel: str,
    granted: Granted,
    subscribed: Subscription,
    asked: Mapping[str, wire.SubscribeRequest],
) -> Join:
    request, insecure = asked.get(channel), client.settings.insecure
    return Join(
        channel,
        positioned=rules.positioned(namespace, "", granted, asked=False, insecure=insecure),
        recoverable=rules.recoverable(namespace, "", granted, asked=False, insecure=insecure),
        recover=request is not None and request.recover,
        since=wire.StreamPosition() if request is None else wire.StreamPosition(request.offset, request.epoch),
        delta=request is not None and request.delta in namespace.allowed_delta_types,
        who=client.user,
        attendance=client.attendance(subscribed),
        told=rules.hears_announcements(namespace, client.user, granted, asked=False, insecure=insecure),
    )


def _entered(
    client: Standing, wanted: Mapping[str, tuple[Join, Subscription, Granted]]
) -> Generator[Question | Several, tuple[Outcome | All, float], tuple[dict[str, wire.SubscribeResult], float]]:
    """Prepare all channels at a time, then enter them together."""
    outcome, _ = yield Several(tuple(join for join, _, _ in wanted.values()))
    prepared = [expected(each, Prepared) for each in expected(outcome, All).outcomes]
    for channel, (_, subscribed, _) in wanted.items():
        client.enter(channel, subscribed)  # before we know, so that a close leaves whatever was entered
    outcome, now = yield Enter(tuple(each.admission for each in prepared))
    if isinstance(outcome, Failed):
        raise Refused(closing.INTERNAL_ERROR, outcome.why)
    joined = expected(outcome, Entered).joined
    results = {
        channel: subscribing.result(how, ENDLESS, granted.data)
        for (channel, (_, _, granted)), how in zip(wanted.items(), joined, strict=True)
    }
    return results, now


# ---------------------------------------------------------------------- welcome


def _begin(client: Standing, life: Lifetime, now: float) -> None:
    settings = client.settings
    client.expires(life)
    if settings.heartbeat.interval:
        phase = crc32(client.id.encode()) / 2**32  # as good as chance, and the same in every run of a test
        client.heartbeat = Heartbeat(settings.heartbeat, now, phase)
        client.sky = None if settings.climate is None else Sky()


def _result(
    client: Standing, life: Lifetime, results: dict[str, wire.SubscribeResult], verified: Verified
) -> wire.ConnectResult:
    settings = client.settings
    manner = client.manner
    pings = settings.heartbeat.interval > 0 and (manner.unidirectional or not client.native_pings)
    return wire.ConnectResult(
        client=client.id,
        version=settings.version,
        data=verified.data,
        expires=life.expires,
        ttl=life.ttl,
        subs=results or UNSET,
        ping=ceil(_longest(settings)) if pings else 0,
        pong=pings and not manner.unidirectional,
        session=client.told_session,
        node=settings.node if manner.emulated else "",
        time=int(verified.wall * 1000) if settings.connect_include_server_time else 0,
    )


def _channels_changed(client: Standing, subs: Mapping[str, Granted]) -> bool:
    """A refreshed token must name just the channels of the first: we do not change subscriptions on the way."""
    if any(client.subscription(channel) is None for channel in subs):
        return True
    mine = client.subscriptions or {}
    return any(subscription.by_token and channel not in subs for channel, subscription in mine.items())


def _longest(settings: SessionSettings) -> float:
    """Seconds between two pings at most."""
    return settings.heartbeat.interval if settings.climate is None else settings.climate.longest
