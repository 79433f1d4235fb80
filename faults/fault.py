"""What a fault is: how it breaks the running stack, which alerts must find it, and where to look."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

from faults.running import Running

Breaking: TypeAlias = Callable[[Running], AbstractAsyncContextManager[None]]
"""Entered it breaks, left it heals. It may raise `NotHere`."""


class NotHere(Exception):  # noqa: N818 - says what is the matter
    """A fault that this machine cannot have; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. All alerts that are named nowhere in it must stay silent."""

    name: str  # as ``make lab FAULT=`` takes it
    what: str  # one sentence: what is broken
    breaks: Breaking
    fires: tuple[str, ...]  # the alerts that must find it
    look: str  # one sentence: what shows the cause
    board: str = "overview"
    afterwards: tuple[str, ...] = ()  # alerts that must fire once it is healed
    may: Mapping[str, str] = field(default_factory=dict)  # alerts that may fire -> why that is not for certain
    unheard: Mapping[str, str] = field(default_factory=dict)  # of ``fires``: need not reach the inbox -> why
    lasts: float = 25.0  # seconds it is held at least: silence needs as long as the longest window of the lab
