"""What all connections of a process share: the rooms they call, the clocks, the running sums that a scrape reads."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from observability.observers.channels import ChannelsObserver
from observability.observers.connections import ConnectionsObserver
from service.access.hooks import Hooks
from service.access.tokens import Tokens
from service.channels.hub import Hub
from service.connections.calls import Calls
from service.connections.close_ledger import CloseLedger
from service.connections.entrance import Entrance
from service.connections.errands import Errands
from service.connections.flush import Batch, Writable, send_many
from service.connections.outbox import OutboxSettings
from service.connections.pace import Pace
from service.connections.pressure import PressureSettings
from service.connections.registry import Registry
from service.connections.shedding import Shedding
from service.connections.standing import SessionSettings
from service.connections.wheel import Wheel
from service.protocol.closing import Closing
from service.protocol.framing import FrameLimits

if TYPE_CHECKING:
    from service.connections.connection import Connection
    from service.connections.outgoing import Outgoing
    from service.connections.stream import Stream
    from service.connections.visits import Visited


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


@dataclass(slots=True)
class Sums:
    """Running sums over all connections, so that a scrape need not walk them. The hub writes by them."""

    outbox_messages: int = 0
    outbox_bytes: int = 0
    kernel_messages: int = 0  # estimated from bytes by the connection's mean message
    kernel_bytes: int = 0
    frames_held: int = 0  # bytes in outboxes, frames that many wait for counted once
    holders: dict[int, list[int]] = field(default_factory=dict)  # id of a batch -> who waits for it, and its bytes
    written_messages: int = 0  # through flush, counted once a write of many
    written_bytes: int = 0

    @property
    def memory(self) -> int:
        """Bytes that slow readers cost: what waits here, shared frames once, and what the kernel holds."""
        return self.frames_held + self.kernel_bytes

    def told(self) -> dict[str, int]:
        """The sums by name, for people."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: count for name, count in found.items() if isinstance(count, int)}

    def hold(self, batch: object, size: int) -> None:
        """One more reader waits for this batch. (An id is a name as long as somebody waits: the outbox keeps it.)"""
        found = self.holders.get(id(batch))
        if found is None:
            self.holders[id(batch)] = [1, size]
            self.frames_held += size
        else:
            found[0] += 1

    def release(self, batch: object) -> None:
        """One reader has it, or waits no more."""
        found = self.holders[id(batch)]
        found[0] -= 1
        if not found[0]:
            del self.holders[id(batch)]
            self.frames_held -= found[1]

    def write_many(self, members: Sequence[Writable], data: bytes, batch: Batch) -> int:
        """``flush.send_many``, counted: once a write of many."""
        written = send_many(members, data, batch)
        self.written_messages += written * batch.messages
        self.written_bytes += written * len(data)
        return written

    def mean_message(self) -> int:
        """Mean size in bytes of what this node sends: the kernel tells bytes, backlog counts messages."""
        return self.written_bytes // self.written_messages or 1 if self.written_messages else 128


class Stalls(Protocol):
    """Who knows how our own loop does (``observability.runtime``)."""

    def excuse(self) -> float:
        """Seconds by which verdicts on peers have to wait."""


@dataclass(slots=True)
class Station:
    """One object a process; a connection keeps one reference instead of twelve."""

    settings: ConnectionSettings
    hub: Hub
    tokens: Tokens
    hooks: Hooks
    errands: Errands
    registry: "Registry[Connection]"
    wheel: "Wheel[Visited]"
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
    streams: "dict[str, Stream]" = field(default_factory=dict)  # those whose commands come by POST, by session
    stalled: "set[Outgoing]" = field(default_factory=set)  # connections whose socket takes no more for now
    behind: "set[Outgoing]" = field(default_factory=set)  # connections that had not taken all at the last look
    shedding: Shedding = field(init=False)
    leaving: Closing | None = None  # set when the process stops: what a socket that comes now is closed with

    def __post_init__(self) -> None:
        self.shedding = Shedding(self.settings.pressure, self.sums, self.stalled)
