"""What connections share."""

import asyncio
from unittest.mock import Mock

from service.connections.pressure import PressureSettings
from service.connections.station import ConnectionSettings, Station
from service.connections.sums import Sums
from tests.service.connections.playbook import settings


async def test_what_is_held_too_much_is_taken_from_the_station_s_own_readers():
    absent = dict.fromkeys(
        ("hub", "tokens", "hooks", "errands", "registry", "wheel", "observe", "observe_channels", "stalls", "entrance")
    )
    station = Station(
        ConnectionSettings(settings(), pressure=PressureSettings(1000)), now=lambda: 0.0, sums=Sums(), **absent
    )
    cuts = []
    station.stalled.add(Mock(unsent_bytes=lambda: 900, kernel_bytes=0, cut=cuts.append))
    station.shedding.grown()
    await asyncio.sleep(0)
    assert not cuts, "nothing is held yet"
    station.sums.hold(object(), 900)
    station.shedding.grown()
    await asyncio.sleep(0)
    assert cuts == ["memory_pressure"]
