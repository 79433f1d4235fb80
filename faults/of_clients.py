"""Faults that clients make: who reads slowly, comes too often, goes all at once, or does not answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

from faults import crowds
from faults.fault import BURNT, Fault
from faults.running import Running


@contextlib.asynccontextmanager
async def _collapse(lab: Running) -> AsyncIterator[None]:
    """Most connections are there for a while, and then are not."""
    async with crowds.crowd(lab, 80):
        await asyncio.sleep(6.0)
    yield


def _slow_reader(lab: Running) -> AbstractAsyncContextManager[None]:
    return crowds.behind(lab, "slow", readers=1, lag=10, size=8192, a_second=8.0)


def _stopped_readers(lab: Running) -> AbstractAsyncContextManager[None]:
    return crowds.behind(lab, "stopped", readers=15, lag=10**9, size=4096, a_second=16.0)


def _late_readers(lab: Running) -> AbstractAsyncContextManager[None]:
    return crowds.behind(lab, "late", readers=2, lag=30, size=32 * 1024, a_second=8.0)


def _stubborn_readers(lab: Running) -> AbstractAsyncContextManager[None]:
    return crowds.stubborn(lab, "stubborn", readers=3, size=256 * 1024, a_second=8.0)


FAULTS: Final = (
    Fault(
        "slow-client",
        "one client reads slowly",
        _slow_reader,
        fires=(),
        trace="heliograph_message_delivery_seconds",
        look="/debug/slow names it and says whose fault it is; nobody is woken for one client",
        board="backlog",
    ),
    Fault(
        "many-slow-clients",
        "fifteen clients stop reading a busy channel",
        _stopped_readers,
        fires=("HeliographBacklog", "HeliographSlowReaders", "HeliographOldestUnsent"),
        may={"HeliographHeartbeatsMissed": "who does not read answers no ping; it depends on when the pings come"},
        behind={
            "HeliographSlowReaders": ("HeliographBacklog",),
            "HeliographOldestUnsent": ("HeliographBacklog",),
        },
        look="/debug/slow; the panel of backlog by cause",
        board="backlog",
    ),
    Fault(
        "stubborn-readers",
        "three clients do not read, are cut, come back and do not read again",
        _stubborn_readers,
        fires=("HeliographSlowReadersCut",),
        look="closes by cause; `heliograph why` of one of them",
        board="backlog",
    ),
    Fault(
        "late-readers",
        "readers stay four seconds behind",
        _late_readers,
        fires=("HeliographDeliveryLatencyP99", "HeliographDeliveryBudget"),
        may={
            "HeliographHeartbeatSlow": "who is seconds behind is as late with a pong; it depends on when the pings come"
        },
        behind={"HeliographDeliveryBudget": ("HeliographDeliveryLatencyP99",)},
        stays={"HeliographDeliveryBudget": BURNT},
        trace="heliograph_message_delivery_seconds",
        look="/debug/slow; the delivery histogram, whose exemplars lead to a message",
        board="messages",
    ),
    Fault(
        "bad-tokens",
        "ten clients a second come with tokens of another server",
        lambda lab: crowds.strangers(lab, 10.0),
        fires=(),
        look="the panel of refused connects, by reason",
        board="connections",
    ),
    Fault(
        "reconnect-storm",
        "forty-five clients lose their connection twice a second and return at once",
        lambda lab: crowds.storm(lab, 45, 0.4),
        fires=("HeliographReconnectStorm",),
        look="the panel of closes by cause",
        board="connections",
    ),
    Fault(
        "connections-collapsed",
        "three of five connections are gone at once",
        _collapse,
        fires=("HeliographConnectionsCollapsed",),
        look="the panel of connections; closes by cause",
        board="connections",
    ),
    Fault(
        "silent-clients",
        "eighty clients are there and answer no ping, until they are cut",
        lambda lab: crowds.crowd(lab, 80, listens=False),
        fires=("HeliographHeartbeatsMissed",),
        afterwards=("HeliographConnectionsCollapsed",),
        behind={"HeliographHeartbeatsMissed": ("HeliographConnectionsCollapsed",)},
        look="the panel of missed heartbeats; `heliograph why` of one of them",
        board="connections",
        lasts=40.0,
    ),
    Fault(
        "far-clients",
        "forty clients answer a ping after two seconds, as over a bad network",
        lambda lab: crowds.crowd(lab, 40, pongs_after=2.0),
        fires=("HeliographHeartbeatSlow",),
        look="the panel of heartbeats; /debug/slow has none of them",
        board="connections",
    ),
    Fault(
        "near-limit",
        "more clients come until there are nine of ten that may; when it heals they leave all at once",
        lambda lab: crowds.crowd(lab, 220),
        fires=("HeliographConnectionsNearLimit", "HeliographConnectionsAhead"),
        afterwards=("HeliographConnectionsCollapsed",),
        look="the panel of connections beside their limit",
        board="connections",
    ),
    Fault(
        "full-house",
        "as many clients are there as may, and eight a second more are turned away; when it heals all leave at once",
        lambda lab: crowds.too_many(lab, 240, 8.0),
        fires=(
            "HeliographHandshakeBudget",
            "HeliographConnectionsNearLimit",
            "HeliographConnectionsAhead",
        ),
        afterwards=("HeliographConnectionsCollapsed",),
        behind={"HeliographConnectionsNearLimit": ("HeliographHandshakeBudget",)},
        stays={
            "HeliographHandshakeBudget": BURNT,
            "HeliographConnectionsAhead": "Alertmanager tells nobody of an end while a page silences the alert",
            "HeliographConnectionsNearLimit": "Alertmanager tells nobody of an end while a page silences the alert",
        },
        look="the panel of refused upgrades, by cause; connections beside their limit",
        board="connections",
    ),
)
