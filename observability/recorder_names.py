"""What the flight recorder notes about a connection: a closed table, one row a kind of event.

An event has eight bytes: its kind, milliseconds since the 101, and one number whose meaning stands here. What comes by
the thousand (deliveries, pings, answered publications) is summed up and makes no event.
"""

from dataclasses import dataclass
from typing import Final

METHOD_BITS: Final = 16  # of a command's argument are its reply code; above them stands the method


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event; ``argument`` names its number, "" when it has none."""

    number: int
    name: str
    argument: str
    help: str


def _table(*rows: tuple[str, str, str]) -> tuple[Kind, ...]:
    return tuple(Kind(number, *row) for number, row in enumerate(rows, 1))


KINDS: Final = _table(
    ("upgraded", "", "The 101 is written."),
    ("connected", "ms", "The connect reply is written, so many milliseconds after the 101."),
    ("greeting_refused", "code", "The connect command was answered with an error or a close."),
    ("command", "code", "A command about subscriptions or tokens was answered, or any one with an error; 0: done."),
    ("unsubscribed", "code", "The server took the client out of a channel."),
    ("pong_late", "ms", "A pong came so late that it had been counted as missed."),
    ("ping_missed", "ms", "No pong came within this time."),
    ("stalled", "bytes", "The socket took no more; so much waits here."),
    ("drained", "", "All that waited is with the kernel again."),
    ("reading_paused", "", "Too many commands wait behind an open question: nothing is read."),
    ("reading_resumed", "", "It is read again."),
    ("loop_stalled", "ms", "Our own loop had stood still so long: verdicts on the heartbeat were put off."),
    ("interval", "ms", "The heartbeat adapted to the network: from now on a ping each."),
    ("cut", "bytes", "The reader was too slow; so much waited here."),
    ("close_sent", "code", "Our Close frame is written."),
    ("peer_closed", "code", "The peer's Close frame came."),
    ("socket_lost", "errno", "The socket ended without a Close frame; 0: by an orderly end of the stream."),
    ("repeated", "count", "The event before this one, so many times more; the last of them now."),
    ("dropped", "code", "We dropped the socket: no Close frame could pass; the code stands in metrics and logs."),
)

(
    UPGRADED, CONNECTED, GREETING_REFUSED, COMMAND, UNSUBSCRIBED, PONG_LATE, PING_MISSED, STALLED, DRAINED,
    READING_PAUSED, READING_RESUMED, LOOP_STALLED, INTERVAL, CUT, CLOSE_SENT, PEER_CLOSED, SOCKET_LOST, REPEATED,
    DROPPED,
) = (kind.number for kind in KINDS)  # fmt: skip
