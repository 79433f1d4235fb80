"""The conversation with one client, as a pure machine: commands, answers and time go in, effects come out."""

from enum import Enum

from service.connections.questions import Effect, Outcome
from service.connections.standing import SessionSettings
from service.protocol import messages as wire
from service.protocol.closing import Closing, Unsubscribing


class State(Enum):
    """Where the conversation stands."""

    GREETING = "greeting"  # waiting for the connect command
    CHECKING = "checking"  # connect came, its questions are open
    READY = "ready"
    BUSY = "busy"  # a command's questions are open
    REFUSED = "refused"  # connect was answered with an error: deaf until the stale timer
    CLOSING = "closing"


class Session:
    """One client's conversation. All times are loop time in seconds; never raises for what a client does."""

    __slots__ = ()

    def __init__(self, client_id: str, settings: SessionSettings, now: float, *, native_pings: bool = False) -> None:
        """``native_pings``: pings are WebSocket Ping frames, of which the client's application knows nothing."""
        raise NotImplementedError

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        raise NotImplementedError

    @property
    def closing(self) -> bool:
        """Nothing is answered any more; admissions that come now must be given back."""
        raise NotImplementedError

    @property
    def user(self) -> str:
        """User id; "" for anonymous clients and before the greeting."""
        raise NotImplementedError

    @property
    def channels(self) -> list[str]:
        """Channels that the client is in: what ``Hub.leave_all`` gets when the socket is gone."""
        raise NotImplementedError

    def receive(self, command: wire.Command, now: float, size: int = 0) -> list[Effect]:
        """A command (or pong) came. ``size``: its bytes on the wire, a hint for the bound of waiting commands.

        While a question is open commands wait; ``Pause`` says that too many do. Those that come all the same are kept.
        """
        raise NotImplementedError

    def done(self, ticket: int, outcome: Outcome, now: float) -> list[Effect]:
        """A question is answered. Unknown tickets (of a session that closed meanwhile) lead to nothing."""
        raise NotImplementedError

    def tick(self, now: float, stall: float = 0.0) -> list[Effect]:
        """Time passed: greeting deadline, pings, expiry. ``stall``: see ``Heartbeat.step``."""
        raise NotImplementedError

    def next_deadline(self) -> float:
        """When ``tick`` has something to say, loop time; inf for never."""
        raise NotImplementedError

    def native_pong(self, now: float) -> list[Effect]:
        """A Pong frame came; unasked ones are allowed (RFC 6455, 5.5.3)."""
        raise NotImplementedError

    def unsubscribe(self, channel: str, unsubscribing: Unsubscribing) -> list[Effect]:
        """The server takes the client out of a channel; the push goes out even if it was not in (as Centrifugo does)."""
        raise NotImplementedError

    def lost_position(self, channel: str) -> list[Effect]:
        """The hub cannot continue where this client stands: push 2500, or close 3010 for a server-side subscription."""
        raise NotImplementedError

    def close(self, closing: Closing, why: str = "") -> list[Effect]:
        """Somebody else decided to close: a ``Close``, or nothing when that was decided before."""
        raise NotImplementedError
