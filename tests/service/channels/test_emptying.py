"""Channels that become empty at once are dropped in parts, and only those that stay empty."""

import pytest

from service.channels import emptying
from tests.service.channels.world import World


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(emptying, "RELEASES", 10)
    return World()


def test_some_in_each_turn(world):
    members = [(f"c{n}", world.join(f"c{n}")) for n in range(25)]
    for channel, member in members:
        world.hub.leave(member, channel)
    left = []
    while world.loop.turn():
        left.append(len(world.hub._channels))
    assert left == [15, 5, 0]


def test_who_comes_back_in_time_keeps_the_channel(world):
    member = world.join("a")
    channel = world.hub._channels["a"]
    world.hub.leave(member, "a")
    world.join("a")
    world.loop.run()
    assert world.hub._channels["a"] is channel
    assert not channel.closed


def test_a_ticket_keeps_it_too(world):
    world.hub.leave(world.join("a"), "a")
    channel = world.hub._channels["a"]
    channel.pins += 1
    world.loop.run()
    assert not channel.closed
    world.hub.unpin(channel)
    world.loop.run()
    assert channel.closed
    assert world.hub._channels == {}
