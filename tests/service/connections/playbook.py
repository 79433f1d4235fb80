"""Conversations with a session, written as they happen: ``talk >> command << effects``.

Effects are shown short: answers and pushes as their JSON, ``close(3501)``, questions by their class. A playbook with ``answers``
answers questions at once, as the memory broker does; without, the test does it by ``answer``.
"""

import json

import msgspec

from service.access.tokens import ConnectionClaims, Granted, SubscriptionClaims
from service.channels.namespaces import Namespace, Namespaces
from service.connections import questions as q
from service.connections.heartbeat import HeartbeatSettings
from service.connections.session import Session
from service.connections.standing import SessionSettings
from service.protocol import messages as wire

WALL = 1_700_000_000
CLIENT = "0b8d6ff2-6f2d-4b5e-9c6e-000000000000"
NAMED = [
    Namespace(name="open", allow_subscribe_for_client=True),
    Namespace(
        name="anon",
        allow_subscribe_for_client=True,
        allow_subscribe_for_anonymous=True,
        allow_publish_for_client=True,
        allow_publish_for_anonymous=True,
    ),
    Namespace(name="tagged", allow_subscribe_for_client=True, allow_tags_filter=True),
    Namespace(name="pub", allow_publish_for_client=True, allow_subscribe_for_client=True),
    Namespace(name="subpub", allow_publish_for_subscriber=True, allow_subscribe_for_client=True),
    Namespace(name="histno", allow_subscribe_for_client=True, history_size=10, history_ttl=60),
    Namespace(
        name="hist", allow_history_for_client=True, allow_subscribe_for_client=True, history_size=10, history_ttl=60
    ),
    Namespace(
        name="histsub",
        allow_history_for_subscriber=True,
        allow_subscribe_for_client=True,
        history_size=10,
        history_ttl=60,
    ),
    Namespace(name="rec", allow_subscribe_for_client=True, force_recovery=True, history_size=10, history_ttl=60),
    Namespace(name="pos", allow_subscribe_for_client=True, force_positioning=True, history_size=10, history_ttl=60),
    Namespace(name="recopt", allow_subscribe_for_client=True, allow_recovery=True, history_size=10, history_ttl=60),
    Namespace(name="posopt", allow_subscribe_for_client=True, allow_positioning=True, history_size=10, history_ttl=60),
    Namespace(name="users", allow_user_limited_channels=True),
    Namespace(name="personal", allow_user_limited_channels=True),
    Namespace(name="pres", allow_subscribe_for_client=True, presence=True, allow_presence_for_client=True),
    Namespace(name="presno", allow_subscribe_for_client=True, presence=True),
    Namespace(name="pressub", allow_subscribe_for_client=True, presence=True, allow_presence_for_subscriber=True),
    Namespace(name="presanon", presence=True, allow_presence_for_client=True, allow_presence_for_anonymous=True),
    Namespace(name="jl", allow_subscribe_for_client=True, join_leave=True, force_push_join_leave=True),
    Namespace(
        name="jlopt",
        allow_subscribe_for_client=True,
        presence=True,
        join_leave=True,
        allow_presence_for_subscriber=True,
    ),
    Namespace(name="jlno", allow_subscribe_for_client=True, join_leave=True),
    Namespace(name="regex", allow_subscribe_for_client=True, channel_regex="^[a-z]+$"),
]
NAMESPACES = Namespaces(Namespace(), NAMED)


def settings(**changes):
    heartbeat = changes.pop("heartbeat", HeartbeatSettings())
    namespaces = changes.pop("namespaces", NAMESPACES)
    return SessionSettings(namespaces=namespaces, heartbeat=heartbeat, version="1.0", **changes)


def command(said):
    """A command from its JSON."""
    return msgspec.json.decode(json.dumps(said).encode(), type=wire.Command)


def token(user="alice", expire_at=0, **claims):
    """The outcome of a good connection token."""
    subs = claims.pop("subs", {})
    return q.Verified(ConnectionClaims(user=user, expire_at=expire_at, subs=subs, **claims), WALL)


def channel_token(channel, user="alice", expire_at=0, client="", **granted):
    """The outcome of a good subscription token."""
    claims = SubscriptionClaims(
        user=user, channel=channel, client=client, expire_at=expire_at, granted=Granted(**granted)
    )
    return q.Verified(claims, WALL)


def shown(effect):
    """An effect as tests write it."""
    match effect:
        case q.Reply(message=message):
            return json.loads(msgspec.json.encode(message))
        case q.Push(message=message):
            return json.loads(msgspec.json.encode(wire.Reply(push=message)))
        case q.Close(closing=closing):
            return f"close({closing.code})"
        case q.Ask(question=question):
            return f"ask {type(question).__name__}"
        case q.Left(channel=channel, code=code):
            return f"left {channel} {code}"
        case q.Changed(channel=channel):
            return f"changed {channel}"
        case q.Connected(user=user):
            return f"connected {user!r}"
        case q.Ponged(rtt=rtt, late=late):
            return f"ponged {rtt:g}{' late' * late}"
        case q.PingMissed(misses=misses):
            return f"missed {misses}"
        case _:
            return {q.SendPing: "ping", q.Pause: "pause", q.Resume: "resume"}[type(effect)]


class Playbook:
    """A session and what it last said. ``tokens`` maps tokens to outcomes."""

    def __init__(self, answers=True, native_pings=False, now=0.0, tokens=None, **changes):
        self.now = now
        self.session = Session(CLIENT, settings(**changes), now, native_pings=native_pings)
        self.answers = answers
        self.tokens = {"t": token(), **(tokens or {})}
        self.effects = []
        self.asked = []
        self.outcomes = {}

    def connected(self, **connect):
        """Past the greeting."""
        self.session.receive(command({"id": 1, "connect": {"token": "t", **connect}}), self.now)
        self._perform(self.session.done(0, self.tokens["t"], self.now))
        self.effects, self.asked = [], []
        return self

    def __rshift__(self, said):
        """Commands: one, or several in a frame, or a number of seconds that pass."""
        if isinstance(said, int | float):
            return self.wait(said)
        self.effects = []
        for each in said if isinstance(said, list) else [said]:
            self._perform(self.session.receive(command(each), self.now, 100))
        return self

    def __lshift__(self, expected):
        """What came of it."""
        assert [shown(effect) for effect in self.effects] == expected
        self.effects = []
        return self

    def wait(self, seconds, stall=0.0):
        """Time passes; ticks come when they are due."""
        end = self.now + seconds
        self.effects = []
        while self.session.next_deadline() <= end:
            self.now = max(self.now, self.session.next_deadline())
            self._perform(self.session.tick(self.now, stall))
            if self.session.closing:
                break
        self.now = end
        return self

    def answer(self, outcome, which=0):
        """Answer an open question by hand."""
        self.effects = []
        ask = self.asked.pop(which)
        self._perform(self.session.done(ask.ticket, outcome, self.now))
        return self

    def does(self, effects):
        """Effects that something else than a command led to."""
        self.effects = []
        self._perform(effects)
        return self

    def why(self):
        """The reason told with the last refusal."""
        return self.effects[-1].why

    @property
    def questions(self):
        return [ask.question for ask in self.asked]

    def _perform(self, effects):
        waiting = list(effects)
        while waiting:
            effect = waiting.pop(0)
            if not isinstance(effect, q.Ask):
                self.effects.append(effect)
                continue
            self.asked.append(effect)
            if not self.answers:
                self.effects.append(effect)
                continue
            outcome = self.outcomes.get(type(effect.question)) or self._usual(effect.question)
            waiting = self.session.done(effect.ticket, outcome, self.now) + waiting

    def _usual(self, question):
        match question:
            case q.Greet(request=request):
                return self.tokens[request.token] if request.token else q.Verified(None, WALL)
            case q.VerifyToken(token=value):
                return self.tokens[value]
            case q.Join():
                return q.Prepared(question)
            case q.Enter(admissions=admissions):
                return q.Entered(tuple(joined(join) for join in admissions))
            case q.Publish():
                return q.Done()
            case q.ReadPresence():
                return q.PresenceRead({CLIENT: wire.ClientInfo(user="alice", client=CLIENT)})
            case q.CountPresence():
                return q.PresenceCounted(2, 1)
            case q.ReadHistory():
                return q.HistoryRead([], 0, "ep")


def joined(join):
    """How a quiet channel with history is entered."""
    positioned = join.positioned or join.recoverable
    return q.Joined(
        recoverable=join.recoverable,
        positioned=positioned,
        epoch="ep" if positioned else "",
        was_recovering=join.recover,
    )
