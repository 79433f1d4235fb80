"""What a session wants done (effects), what it wants to know (questions), and how it is told (outcomes).

The session decides, the connection performs: each effect in its order, each ``Ask`` exactly once answered by
``Session.done(ticket, outcome, now)`` unless the session closes first. An answer at hand is given at once, in the same
turn; one that takes time belongs to an errand.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from service.access.tokens import ConnectionClaims, SubscriptionClaims
from service.channels.attending import Attendance
from service.channels.tags_filter import TagsFilter
from service.protocol import messages as wire
from service.protocol.closing import Closing
from service.protocol.errors import ReplyError


class Told(msgspec.Struct, frozen=True, gc=False):
    """The common shape of effects, questions and outcomes: small, frozen, short-lived."""


# ----------------------------------------------------------------- questions


class Greet(Told, frozen=True):
    """Who is this? The connect command; its ``token`` may be empty where anonymous clients are welcome.

    Answered by ``Verified`` (``claims`` None without a token), ``BadToken`` or ``Failed``.
    """

    request: wire.ConnectRequest


class VerifyToken(Told, frozen=True):
    """Check a token. Answered by ``Verified`` with the claims of that kind, ``BadToken`` or ``Failed``."""

    token: str
    kind: Literal["connection", "subscription"]


class Join(Told, frozen=True):
    """Prepare to enter a channel. Answered by ``Prepared`` or ``Failed``.

    ``recover`` with ``since`` asks for what was missed; ``strict`` wants error 112 instead of ``recovered: false``.
    """

    channel: str
    positioned: bool = False
    recoverable: bool = False
    recover: bool = False
    since: wire.StreamPosition = wire.StreamPosition()
    strict: bool = False
    delta: bool = False  # as deltas, where they are smaller
    filter: TagsFilter | None = None  # of publications
    attendance: Attendance | None = None  # what others learn of it
    told: bool = False  # of others' joins and leaves
    who: str = ""  # whose receipts end where it goes on: the user, or the connection of an anonymous one


class Enter(Told, frozen=True):
    """Enter the live lists. Answered by ``Entered`` or ``Failed`` at once, in the same turn.

    The reply that follows must precede live publications. ``admissions`` are those of ``Prepared``, opaque here.
    """

    admissions: tuple[object, ...]


class MaySubscribe(Told, frozen=True):
    """Ask the backend. Answered by ``Verified`` with ``SubscriptionClaims``, or ``Failed``."""

    channel: str
    data: msgspec.Raw


class MayPublish(Told, frozen=True):
    """Ask the backend. Answered by ``Permitted`` or ``Failed``."""

    channel: str
    data: msgspec.Raw


class MayGoOn(Told, frozen=True):
    """Ask the backend whether the connection, or the subscription to a channel, is prolonged.

    Answered by ``Verified`` (with a new ``expire_at``), ``BadToken`` for no, or ``Failed``: nobody can say for now.
    """

    channel: str = ""  # "": the connection


class Publish(Told, frozen=True):
    """Answered by ``Done`` or ``Failed``."""

    channel: str
    data: msgspec.Raw
    info: wire.ClientInfo
    how: "Permitted | None" = None  # what the backend said about it


class ReadHistory(Told, frozen=True):
    """Answered by ``HistoryRead`` or ``Failed``. ``limit`` −1 means all; it is capped already."""

    channel: str
    limit: int
    since: wire.StreamPosition | None
    reverse: bool


class Rpc(Told, frozen=True):
    """A call by the client. Answered by ``Called`` or ``Failed`` (``calls.py`` finds who answers)."""

    method: str
    data: msgspec.Raw


class ReadPresence(Told, frozen=True):
    """Who is in the channel? Answered by ``PresenceRead`` or ``Failed``."""

    channel: str


class CountPresence(Told, frozen=True):
    """How many are in it? Answered by ``PresenceCounted`` or ``Failed``."""

    channel: str


class Several(Told, frozen=True):
    """Used inside the session only: questions asked together, answered by ``All`` in their order."""

    questions: tuple["Question", ...]


Question = (
    Greet
    | VerifyToken
    | MaySubscribe
    | MayPublish
    | MayGoOn
    | Join
    | Enter
    | Publish
    | ReadHistory
    | ReadPresence
    | CountPresence
    | Rpc
)

# ------------------------------------------------------------------ outcomes


class Verified(Told, frozen=True):
    """A good token, and the wall clock (Unix seconds): claims are in wall time, deadlines in the loop's."""

    claims: ConnectionClaims | SubscriptionClaims | None
    wall: float
    by_hook: bool = False  # the backend said so, not a token
    most: int = 0  # connections that a user may have, when this one has them already
    data: msgspec.Raw = wire.EMPTY  # for the connect reply


class BadToken(Told, frozen=True):
    """``reason`` is that of the ``TokenRefused`` that was caught: expired, invalid, or info that is not base64."""

    reason: Literal["expired", "invalid", "bad_info"]
    why: str = ""  # for the log


class Permitted(Told, frozen=True):
    """The backend lets a client publish, and may change what."""

    data: msgspec.Raw = wire.EMPTY  # "": what the client sent
    skip_history: bool = False
    tags: dict[str, str] | None = None
    idempotency_key: str = ""
    delta: bool = False
    version: int = 0
    version_epoch: str = ""


class Prepared(Told, frozen=True):
    """The channel can be entered; ``admission`` is what ``Enter`` hands back."""

    admission: object


class Joined(Told, frozen=True):
    """How one channel was entered: the fields of the subscribe result."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    was_recovering: bool = False
    publications: Sequence[wire.Publication] = ()
    delta: bool = False


class Entered(Told, frozen=True):
    """Answer to ``Enter``, in the order of its admissions."""

    joined: tuple[Joined, ...]


class Done(Told, frozen=True):
    """It worked, there is nothing to tell."""


class HistoryRead(Told, frozen=True):
    publications: Sequence[wire.Publication]
    offset: int
    epoch: str


class Called(Told, frozen=True):
    """What the call gave; nothing is allowed."""

    data: msgspec.Raw = wire.EMPTY


class PresenceRead(Told, frozen=True):
    clients: dict[str, wire.ClientInfo]


class PresenceCounted(Told, frozen=True):
    clients: int
    users: int


class Failed(Told, frozen=True):
    """It did not work: the error of the reply, or the close that it demands. ``why`` is for the log."""

    failure: ReplyError | Closing
    why: str = ""


class All(Told, frozen=True):
    """Used inside the session only: the outcomes of ``Several``, in the order of its questions."""

    outcomes: tuple["Outcome", ...]


Outcome = (
    Verified
    | BadToken
    | Permitted
    | Prepared
    | Entered
    | Done
    | HistoryRead
    | PresenceRead
    | PresenceCounted
    | Called
    | Failed
)

# ------------------------------------------------------------------- effects


class Reply(Told, frozen=True):
    """Write this answer. ``method`` names the command; ``why`` says why it was refused ("" when it was not)."""

    message: wire.Reply
    method: str
    why: str = ""


class Push(Told, frozen=True):
    """Write this push."""

    message: wire.Push


class Ask(Told, frozen=True):
    """Find the answer and call ``Session.done(ticket, outcome, now)``."""

    ticket: int
    question: Question


class Connected(Told, frozen=True):
    """The greeting succeeded; comes right before its ``Reply``. Enter the registry, announce it."""

    user: str
    client_name: str
    client_version: str


class Left(Told, frozen=True):
    """Leave the channel at once (``Hub.leave``); what is pushed or answered follows as an effect of its own."""

    channel: str
    code: int  # 0: the client asked; else that of the unsubscribe push
    reason: str
    attendance: Attendance | None = None  # what others knew of it


class Changed(Told, frozen=True):
    """Others learn something else of the client from now on (``Attending.changed``)."""

    channel: str
    attendance: Attendance


class Close(Told, frozen=True):
    """Close with this code, answer nothing more. ``closing.cause`` is the label, ``why`` for the log."""

    closing: Closing
    why: str = ""


class SendPing(Told, frozen=True):
    """Write a ping."""


PING: Final = SendPing()


class PingMissed(Told, frozen=True):
    """A pong is overdue; ``misses`` of them by now."""

    misses: int


class Ponged(Told, frozen=True):
    """A pong came, ``rtt`` seconds after its ping."""

    rtt: float
    late: bool  # it had been counted as missed


class Pause(Told, frozen=True):
    """Read no more from the peer: too many commands wait."""


class Resume(Told, frozen=True):
    """Read again."""


Effect = Reply | Push | Ask | Connected | Left | Changed | Close | SendPing | PingMissed | Ponged | Pause | Resume
