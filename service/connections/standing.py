"""What a session knows of its client: who it is, where it is subscribed, when its rights end. Commands change it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import Raw

from service.access import rules
from service.access.hooks import Caller
from service.access.tokens import Granted
from service.channels.attending import Attendance
from service.channels.namespaces import Namespace, Namespaces
from service.connections.heartbeat import Heartbeat, HeartbeatSettings
from service.connections.manners import NATIVE, WEBSOCKET, Manner
from service.connections.pace import Pace
from service.connections.questions import All, Changed, Effect, Failed, Left, Outcome, Question, Several
from service.connections.renewals import CONNECTION, Renewals
from service.connections.slowness import Reading
from service.connections.weather import Climate, Sky
from service.protocol import closing, errors
from service.protocol import messages as wire
from service.protocol.closing import Closing
from service.protocol.errors import ClientMistake, ReplyError
from service.protocol.messages import EMPTY

LONGEST_LIFE: Final = 365 * 24 * 3600  # seconds; Centrifugo cuts lifetimes of tokens there


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Shared by all sessions. Names and defaults are Centrifugo's (``client.…``), durations in seconds."""

    namespaces: Namespaces
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    climate: Climate | None = None  # set: heartbeats adapt to the network, beginning with ``heartbeat``
    version: str = "0.0.0"  # told in the connect reply; one SDK's tests need it
    node: str = ""  # told where commands come in requests of their own: they name it
    insecure: bool = False
    stale_close_delay: float = 10.0
    expired_close_delay: float = 25.0
    expired_sub_close_delay: float = 25.0
    channel_limit: int = 128  # 0: none
    channel_max_length: int = 255  # bytes, of the names that clients subscribe to; 0: none
    channel_name_limit: int = 1024  # bytes, of a channel's name in any other command; 0: none
    user_id_max_length: int = 255  # bytes; 0: none
    pace: Pace = Pace()
    commands_per_frame: int = 1024
    tags_filter_limit: int = 64  # conditions and values of one
    history_max_publication_limit: int = 300  # 0: none
    allow_anonymous_connect_without_token: bool = False
    disallow_anonymous_connection_tokens: bool = False
    connect_include_server_time: bool = False
    personal_channel: bool = False  # client.subscribe_to_user_personal_channel.enabled
    personal_channel_namespace: str = ""
    single_connection: bool = False  # a user's new connection closes its others
    connect_hook: bool = False  # clients without a token are the backend's to judge
    refresh_hook: bool = False  # connections that expire are the backend's to prolong
    unidirectional_ends: Mapping[int, tuple[int, str]] = field(default_factory=dict)  # see ``closing.instead_of``
    keep_meta: bool = False  # some hook is told of it
    rpc_ping: str = ""  # rpc.ping.method where rpc.ping.enabled; "": no such call
    inbox_commands: int = 64
    inbox_bytes: int = 64 * 1024


class Subscription(msgspec.Struct, frozen=True, gc=False):
    """One channel of one client. The plain one is shared by all."""

    server_side: bool = False
    by_token: bool = False  # by a claim of the connection token, which a refresh must repeat
    expire_at: float = inf  # loop time, grace included
    info: Raw = EMPTY
    present: bool = False  # it stands in presence
    announced: bool = False  # its join and its leave are told to others


_PLAIN: Final[dict[tuple[bool, bool, bool, bool], Subscription]] = {}  # the shared ones; there are twelve


def subscription(
    namespace: Namespace,
    granted: Granted,
    *,
    server_side: bool = False,
    by_token: bool = False,
    expire_at: float = inf,
    before: Subscription | None = None,
) -> Subscription:
    """The subscription that a namespace's options and a token lead to.

    Args:
        namespace: the channel's options.
        granted: what a token or a backend says of it.
        server_side: the client did not ask for it.
        by_token: see ``Subscription``.
        expire_at: loop time, grace included.
        before: the client's subscription to this channel so far: who was present or announced stays so.

    """
    present = rules.present(namespace, granted) or (before is not None and before.present)
    announced = rules.announced(namespace, granted) or (before is not None and before.announced)
    if granted.info or expire_at != inf:
        return Subscription(server_side, by_token, expire_at, granted.info, present, announced)
    kind = (server_side, by_token, present, announced)
    found = _PLAIN.get(kind)
    if found is None:
        found = _PLAIN[kind] = Subscription(server_side, by_token, present=present, announced=announced)
    return found


class Refused(Exception):  # noqa: N818 - says what happened
    """The command ends with an error reply or with the connection. ``why`` is for the log, not for the client."""

    def __init__(self, failure: ReplyError | Closing, why: str) -> None:
        super().__init__(why)
        self.failure = failure
        self.why = why


Task: TypeAlias = Generator[Question | Several, tuple[Outcome | All, float], list[Effect]]
"""A command: it asks, is sent (outcome, now), returns its effects or raises ``Refused`` or ``ClientMistake``."""

K = TypeVar("K")


def expected(outcome: Outcome | All, kind: type[K]) -> K:
    """The outcome, when it is of the kind that answers the question.

    Raises:
        Refused: it did not work.

    """
    if isinstance(outcome, Failed):
        raise Refused(outcome.failure, outcome.why)
    assert isinstance(outcome, kind), f"{type(outcome).__name__} answers no question of {kind.__name__}"
    return outcome


class Backing:
    """What a session has only where the backend is asked about it, or on transports other than the WebSocket."""

    __slots__ = ("caller", "renewals", "told_session")

    def __init__(self) -> None:
        self.caller: Caller | None = None
        self.renewals: Renewals | None = None
        self.told_session = ""


class Standing:
    """The client's standing. Slots are few: there are as many of these as connections."""

    __slots__ = (
        "backing",
        "deadline",
        "heartbeat",
        "id",
        "info",
        "manner",
        "settings",
        "sky",
        "subscription_deadline",
        "subscriptions",
        "user",
    )

    def __init__(self, client_id: str, settings: SessionSettings, now: float, *, native_pings: bool) -> None:
        self.id = client_id
        self.settings = settings
        self.user = ""
        self.info = EMPTY
        self.backing: Backing | None = None  # with hooks only
        self.deadline = now + settings.stale_close_delay  # of the greeting, later of the connection's token
        self.heartbeat: Heartbeat | None = None
        self.sky: Sky | None = None  # with adaptive heartbeats
        self.manner: Manner = NATIVE if native_pings else WEBSOCKET
        self.subscriptions: dict[str, Subscription] | None = None
        self.subscription_deadline = inf  # not later than the first subscription's end

    @property
    def pong_timeout(self) -> float:
        """Seconds until a pong is overdue, as things are now."""
        return (self.settings.heartbeat if self.heartbeat is None else self.heartbeat.settings).timeout

    @property
    def owes_pongs(self) -> bool:
        """Whether a ping is open."""
        return self.heartbeat is not None and self.heartbeat.open > 0

    def weather(self, reading: Reading, now: float) -> HeartbeatSettings | None:
        """With adaptive heartbeats: look at the network with each ping. The new profile when it changed."""
        heartbeat, sky, climate = self.heartbeat, self.sky, self.settings.climate
        if heartbeat is None or sky is None or climate is None:
            return None
        profile = climate.profile(sky.look(reading, heartbeat.missed))
        if profile is heartbeat.settings:
            return None
        heartbeat.adapt(profile, now)
        return profile

    @property
    def native_pings(self) -> bool:
        """Pings are WebSocket Ping frames."""
        return self.manner.native_pings

    @property
    def channels(self) -> list[str]:
        """Channels that the client is in."""
        return list(self.subscriptions or ())

    def subscription(self, channel: str) -> Subscription | None:
        """The client's subscription to this channel."""
        return None if self.subscriptions is None else self.subscriptions.get(channel)

    def enter(self, channel: str, subscription: Subscription) -> None:
        """The client is in the channel now, or its subscription changed."""
        settings = self.settings
        if subscription.expire_at < inf and _prolonged_by_hook(settings.namespaces, channel):
            self.renew(channel, subscription.expire_at - settings.expired_sub_close_delay)
            subscription = msgspec.structs.replace(subscription, expire_at=inf)
        if self.subscriptions is None:
            self.subscriptions = {}
        self.subscriptions[channel] = subscription
        self.subscription_deadline = min(self.subscription_deadline, subscription.expire_at)

    def leave(self, channel: str) -> bool:
        """The client is out of the channel; False when it was not in."""
        if self.subscriptions is None or self.subscriptions.pop(channel, None) is None:
            return False
        if self.renewals is not None:
            self.renewals.forget(channel)
        if not self.subscriptions:
            self.subscriptions = None
            self.subscription_deadline = inf
        return True

    def left(self, channel: str, code: int = 0, reason: str = "") -> list[Effect]:
        """``leave``, and what has to be done about it."""
        was = self.subscription(channel)
        if was is None or not self.leave(channel):
            return []
        return [Left(channel, code, reason, self.attendance(was))]

    def attendance(self, of: Subscription, before: Subscription | None = None) -> Attendance | None:
        """What others learn of this subscriber, nothing when it is neither present nor announced.

        Args:
            of: its subscription.
            before: the one that it replaces.

        """
        if not of.present and not of.announced:
            return None
        return Attendance(self._info(of.info), of.present, of.announced, again=before is not None and before.present)

    def attendances(self) -> list[tuple[str, Attendance | None]]:
        """All channels that the client is in, and what others know of it there."""
        return [(channel, self.attendance(each)) for channel, each in (self.subscriptions or {}).items()]

    def changed(self) -> list[Effect]:
        """The client's info is another one: others are to learn it."""
        present = [(channel, each) for channel, each in (self.subscriptions or {}).items() if each.present]
        known = [(channel, self.attendance(each)) for channel, each in present]
        return [Changed(channel, attendance) for channel, attendance in known if attendance is not None]

    @property
    def caller(self) -> Caller | None:
        """What hooks, and nobody else, get to know of the client."""
        return None if self.backing is None else self.backing.caller

    @property
    def renewals(self) -> Renewals | None:
        """When the backend is asked whether something goes on."""
        return None if self.backing is None else self.backing.renewals

    @property
    def told_session(self) -> str:
        """A secret of this client and us, where commands come in requests of their own; "" elsewhere."""
        return "" if self.backing is None else self.backing.told_session

    def speak(self, manner: Manner, told_session: str) -> None:
        """Over another transport than the bidirectional WebSocket."""
        self.manner = manner
        self.backing = self.backing or Backing()
        self.backing.told_session = told_session

    def introduce(self, caller: Caller | None) -> None:
        """Keep what hooks want to know of the client."""
        if caller is not None:
            self.backing = self.backing or Backing()
            self.backing.caller = caller

    def attach(self, meta: Raw) -> None:
        """Keep the meta of a token, or of the connect hook, where some hook is told of it."""
        if meta and self.settings.keep_meta:
            known = self.caller or Caller()
            self.introduce(Caller(known.headers, known.emulated, known.transport, meta))

    def expires(self, life: "Lifetime") -> None:
        """The connection ends then, unless somebody prolongs it: its client, or the backend where that has a hook."""
        if self.settings.refresh_hook and life.expires:
            self.deadline = inf
            self.renew(CONNECTION, life.deadline - self.settings.expired_close_delay)
            return
        self.deadline = life.deadline
        if self.renewals is not None:
            self.renewals.forget(CONNECTION)

    def renew(self, what: str, at: float) -> None:
        """Ask the backend at this loop time whether a subscription, or with "" the connection, goes on."""
        self.backing = self.backing or Backing()
        self.backing.renewals = self.backing.renewals or Renewals()
        self.backing.renewals.plan(what, at)

    def ended(self, now: float) -> list[tuple[str, Subscription]]:
        """Subscriptions whose time and grace are over; sets the deadline for the rest."""
        if self.subscriptions is None or now < self.subscription_deadline:
            return []
        over = [(channel, each) for channel, each in self.subscriptions.items() if each.expire_at <= now]
        rest = (each.expire_at for each in self.subscriptions.values() if each.expire_at > now)
        self.subscription_deadline = min(rest, default=inf)
        return over

    def client_info(self, channel: str) -> wire.ClientInfo:
        """Who publishes, as subscribers of this channel see it."""
        subscribed = self.subscription(channel)
        return self._info(EMPTY if subscribed is None else subscribed.info)

    def _info(self, chan_info: Raw) -> wire.ClientInfo:
        return wire.ClientInfo(user=self.user, client=self.id, conn_info=self.info, chan_info=chan_info)


def _prolonged_by_hook(namespaces: Namespaces, channel: str) -> bool:
    try:
        return namespaces.resolve(channel).sub_refresh_proxy_enabled
    except ClientMistake:
        return False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long something lasts: for the reply, and as a deadline of ours."""

    expires: bool = False
    ttl: int = 0  # seconds
    deadline: float = inf  # loop time, grace included


ENDLESS: Final = Lifetime()


def lifetime(expire_at: int, wall: float, now: float, grace: float, *, least: int = 0) -> Lifetime:
    """The lifetime that ends at ``expire_at``.

    Args:
        expire_at: Unix seconds, 0 for never.
        wall: Unix time of now.
        now: loop time.
        grace: seconds between the end and the consequence.
        least: seconds that must be left; Centrifugo asks for one where a subscription or a refresh begins.

    Raises:
        Refused: with error 110, the end is past.

    """
    if not expire_at:
        return ENDLESS
    ttl = expire_at - int(wall)
    if ttl < least:
        raise Refused(errors.EXPIRED, "expire_at is past")
    ttl = min(ttl, LONGEST_LIFE)
    return Lifetime(expires=True, ttl=ttl, deadline=now + min(expire_at - wall, LONGEST_LIFE) + grace)


def namespace_of(client: Standing, channel: str) -> Namespace:
    """The options of a channel that a command names.

    Raises:
        ClientMistake: its namespace is not configured.
        Refused: the name is none that clients may use.

    """
    settings = client.settings
    if settings.channel_name_limit and len(channel.encode()) > settings.channel_name_limit:
        raise Refused(errors.BAD_REQUEST, "channel name beyond channel.name_limit")
    namespace = settings.namespaces.resolve(channel)
    if not settings.namespaces.is_valid_name(channel, namespace):
        raise Refused(errors.BAD_REQUEST, "channel name not allowed in its namespace")
    return namespace


def bad_request(why: str) -> Refused:
    """A command that no SDK sends: the connection ends."""
    return Refused(closing.BAD_REQUEST, why)
