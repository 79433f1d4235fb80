"""What all connections of a process share: the rooms they call, the clocks, the running sums."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from observability.observers.channels import ChannelsObserver
from observability.observers.connections import ConnectionsObserver
from observability.tracing import Link
from service.access.hooks import Hooks
from service.access.tokens import Tokens
from service.channels.hub import Hub
from service.connections.calls import Calls
from service.connections.close_ledger import CloseLedger
from service.connections.entrance import Entrance
from service.connections.errands import Errands
from service.connections.outbox import OutboxSettings
from service.connections.pace import Pace
from service.connections.pressure import PressureSettings
from service.connections.questions import Effect
from service.connections.registry import Registry
from service.connections.session import Session
from service.connections.shedding import Shedding, SlowReader
from service.connections.standing import SessionSettings
from service.connections.sums import Sums
from service.connections.variants import Variant
from service.connections.weather import Chosen
from service.connections.wheel import Wheel, Wheeled
from service.protocol.closing import Closing
from service.protocol.framing import FrameLimits


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """The life of one socket."""

    session: SessionSettings
    outbox: OutboxSettings = OutboxSettings()
    pressure: PressureSettings = PressureSettings()
    frames: FrameLimits = FrameLimits(65_536, 0, 64)  # 64 KiB, as in Centrifugo; in pieces of 1 KiB at least
    control_frames: Pace = Pace(20.0, 40)  # pings and the like; SDKs that send any send one in 20 s
    linger: float = 5.0  # seconds to wait for the peer's Close frame after ours
    moved_again: float = 2.0  # seconds until a connection that was written to is looked at again
    user_connection_limit: int = 0  # connections of one user on this node; 0: no limit
    beats: Mapping[str, Chosen] = field(default_factory=dict)  # of listeners with a heartbeat of their own, by name


class Stalls(Protocol):
    """Who knows how our own loop does (``observability.runtime``)."""

    def excuse(self) -> float:
        """Seconds by which verdicts on peers have to wait."""


class Peer(Protocol):
    """A connection as those see it who list connections and act on them: ``audience.py``, ``inspection.py``."""

    id: str
    number: int
    client: str
    opened: float
    sent: int
    received: int
    kernel_bytes: int
    link: Link | None
    transport: asyncio.Transport | None
    session: Session
    variant: Variant

    @property
    def user(self) -> str:
        """The user's id."""

    @property
    def state(self) -> str:
        """Where it stands, in a word."""

    def unsent_bytes(self) -> int:
        """What waits here for it."""

    def unsent_since(self) -> float:
        """Loop time since when."""

    def descriptor(self) -> int:
        """To ask the kernel about it."""

    def ordered(self, effects: list[Effect]) -> None:
        """Do what does not come from the client."""

    def close(self, closing_: Closing, why: str = "") -> None:
        """End it with a code."""

    def abort(self) -> None:
        """End it without a word."""


class Due(Wheeled, Protocol):
    """A connection as ``rounds.py`` sees it."""

    def visit(self, now: float, stall: float) -> None:
        """Its deadline is there."""


class Posted(Protocol):
    """A stream as ``emulation.py`` sees it."""

    def posted(self, payload: bytes) -> bool:
        """Take these commands; False: too many wait."""


@dataclass(slots=True)
class Station:
    """One object a process; a connection keeps one reference instead of twelve."""

    settings: ConnectionSettings
    hub: Hub
    tokens: Tokens
    hooks: Hooks
    errands: Errands
    registry: Registry[Peer]
    wheel: Wheel[Due]
    observe: ConnectionsObserver
    observe_channels: ChannelsObserver
    now: Callable[[], float]  # the loop's clock
    sums: Sums
    stalls: Stalls
    entrance: Entrance
    calls: Calls = field(default_factory=Calls)
    closes: CloseLedger = field(default_factory=CloseLedger)
    wall: Callable[[], float] = time.time
    carried: Counter[tuple[str, str]] = field(
        default_factory=lambda: Counter({("websocket", "json"): 0})
    )  # open sockets by transport and protocol
    streams: dict[str, Posted] = field(default_factory=dict)  # those whose commands come by POST, by session
    stalled: set[SlowReader] = field(default_factory=set)  # connections whose socket takes no more for now
    behind: set[SlowReader] = field(default_factory=set)  # connections that had not taken all at the last look
    shedding: Shedding = field(init=False)
    sessions: dict[str, SessionSettings] = field(init=False)  # of who comes by such a listener
    leaving: Closing | None = None  # set when the process stops: what a socket that comes now is closed with

    def __post_init__(self) -> None:
        self.shedding = Shedding(self.settings.pressure, self.sums, self.stalled)
        usual = self.settings.session
        self.sessions = {
            listener: replace(usual, heartbeat=beat.settings, climate=beat.climate)
            for listener, beat in self.settings.beats.items()
        }
