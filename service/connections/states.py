"""The states of a conversation, and what moves it from one to the next."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where the conversation stands."""

    GREETING = "greeting"  # waiting for the connect command
    CHECKING = "checking"  # connect came, its questions are open
    READY = "ready"
    BUSY = "busy"  # a command's questions are open
    REFUSED = "refused"  # connect was answered with an error: deaf until the stale timer
    CLOSING = "closing"


class Event(Enum):
    """What moves it."""

    ASKED = "asked"
    ANSWERED = "answered"
    REFUSED = "refused"
    CLOSED = "closed"


TABLE: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        State.GREETING: {Event.ASKED: State.CHECKING, Event.CLOSED: State.CLOSING},
        State.CHECKING: {
            Event.ANSWERED: State.READY,
            Event.REFUSED: State.REFUSED,
            Event.CLOSED: State.CLOSING,
        },
        State.READY: {Event.ASKED: State.BUSY, Event.CLOSED: State.CLOSING},
        State.BUSY: {Event.ANSWERED: State.READY, Event.CLOSED: State.CLOSING},
        State.REFUSED: {Event.CLOSED: State.CLOSING},
        State.CLOSING: {},
    }
)
"""All states and all that can happen in them; the drawing in the documentation is made from it."""
