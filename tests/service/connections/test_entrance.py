"""Admission in time: who waits gets the place that is handed on, in order; who leaves meanwhile takes none."""

import asyncio
import resource

import pytest

from observability.observers.door import SilentDoorObserver
from service.connections.addresses import ProxySettings, networks
from service.connections.admission import AdmissionSettings
from service.connections.entrance import Entrance


class Noted(SilentDoorObserver):
    def __init__(self):
        self.waits = []

    def waited(self, seconds):
        self.waits.append(seconds)


class Clock:
    """The loop's, which a test may hold: what it asks in one breath is asked at one moment, however busy the machine."""

    def __init__(self):
        self._now = asyncio.get_running_loop().time
        self._held = self._now()

    def __call__(self):
        return self._held or self._now()

    def go(self):
        self._held = 0.0


def entrance(clock=None, **settings):
    observe = Noted()
    now = clock or asyncio.get_running_loop().time
    made = Entrance(AdmissionSettings(**settings), ProxySettings(), observe, now)
    made.noted = observe
    return made


async def entered(door, address=""):
    verdict = door.knock(address)
    return await door.wait(verdict, address) if verdict.wait else verdict


async def test_a_place_that_is_left_is_handed_on_in_order():
    door = entrance(connections=1, wait=5.0)
    assert (await entered(door)).cause is None
    order = []

    async def come(name):
        assert (await entered(door)).cause is None
        order.append(name)

    waiting = [asyncio.ensure_future(come(n)) for n in range(3)]
    await asyncio.sleep(0)
    assert dict((f.name, f.value) for f in door.figures())["heliograph_admission_waiting"] == 3
    for _ in range(3):
        door.left("")
        await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    assert len(door.noted.waits) == 3
    door.left("")
    assert door._admission.inside == 0


async def test_the_limit_of_connections_is_the_setting_or_what_the_descriptors_allow():
    def limit(door):
        return dict((f.name, f.value) for f in door.figures())["heliograph_connections_limit"]

    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert limit(entrance()) == descriptors
    assert limit(entrance(connections=7)) == 7
    assert limit(entrance(connections=descriptors + 1)) == descriptors


async def test_nobody_waits_for_ever():
    door = entrance(connections=1, wait=0.05)
    await entered(door)
    verdict = await entered(door)
    assert (verdict.wait, verdict.cause) == (0.0, "connection_limit")
    door.left("")
    assert (door._admission.inside, len(door._queue)) == (0, 0)


async def test_a_turn_of_the_rate_is_waited_for():
    door = entrance(clock := Clock(), rate=20)
    for _ in range(20):
        assert door.knock("").wait == 0.0
    verdict = door.knock("")
    assert verdict.wait == pytest.approx(0.05)
    clock.go()
    assert (await door.wait(verdict, "")).cause is None
    assert door.noted.waits[0] >= 0.04


@pytest.mark.parametrize("handed_on", [False, True])
async def test_who_leaves_while_waiting_takes_no_place(handed_on):
    door = entrance(connections=1, wait=5.0, address_connections=10)
    await entered(door, "192.0.2.1")
    waiting = asyncio.ensure_future(entered(door, "192.0.2.2"))
    await asyncio.sleep(0)
    if handed_on:
        door.left("192.0.2.1")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if not handed_on:
        door.left("192.0.2.1")
    assert (door._admission.inside, door._admission.waiting, len(door._admission._addresses)) == (0, 0, 0)


async def test_who_leaves_before_its_turn_gives_it_back():
    door = entrance(Clock(), rate=4)
    for _ in range(4):
        door.knock("")
    waiting = asyncio.ensure_future(entered(door))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert door._admission.inside == 4


async def test_so_many_may_linger():
    door = entrance(turned_away=1)
    assert door.turned_away(+1)
    assert not door.turned_away(+1)
    door.turned_away(-1)
    assert door.turned_away(+1)


async def test_addresses_matter_only_when_somebody_asks_for_them():
    assert not entrance().knows_addresses
    assert entrance(address_rate=1).knows_addresses
    proxies = ProxySettings(networks(["10.0.0.0/8"]))
    behind = Entrance(AdmissionSettings(), proxies, Noted(), asyncio.get_running_loop().time)
    assert behind.knows_addresses
    assert behind.address("10.0.0.1", {"X-Forwarded-For": "192.0.2.1"}) == "192.0.2.1"


async def test_an_ipv6_client_is_its_network():
    door = entrance(address_connections=1)
    assert door.knock("2001:db8::1").cause is None
    assert door.knock("2001:db8::2").cause == "address_limit"
    assert door.knock("2001:db8:0:1::2").cause is None
