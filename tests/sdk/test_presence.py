"""Presence, join and leave, as the SDKs, unmodified, give them to an application."""

import pytest

from tests.e2e.raw import Raw
from tests.e2e.served import token
from tests.sdk.clients import EVERY_SDK, Refused

pytestmark = [pytest.mark.sdk, EVERY_SDK]
JOIN_LEAVE = {
    "JavaScript": {"joinLeave": True},
    "Python": {"join_leave": True},
    "Go": {"joinLeave": True},
    "Java": {"joinLeave": True},
}


async def in_room(sdk, server, channel):
    await sdk.connect(server.url, token("ada", info={"name": "Ada"}))
    me = (await sdk.expect("connected"))["client"]
    await sdk.subscribe(channel, **JOIN_LEAVE[type(sdk).__name__])
    await sdk.expect("subscribed", channel=channel)
    return me


@pytest.mark.slow
async def test_who_comes_and_goes_is_told(sdk, server):
    channel = f"room:{sdk.name}"
    me = await in_room(sdk, server, channel)
    assert (await sdk.expect("join", channel=channel))["info"]["client"] == me
    other = await Raw.connected(server.port, token("bob", info={"name": "Bob"}), channel)
    came = (await sdk.expect("join", channel=channel))["info"]
    assert (came["user"], came["connInfo"]) == ("bob", {"name": "Bob"})
    await other.abort()
    went = (await sdk.expect("leave", channel=channel))["info"]
    assert went == came


async def test_presence_is_read(sdk, server):
    channel = f"room:present-{sdk.name}"
    me = await in_room(sdk, server, channel)
    second = await Raw.connected(server.port, token("ada"), channel)
    assert await sdk.presence_stats(channel) == (2, 1)
    present = await sdk.presence(channel)
    mine = present.pop(me)
    assert (mine["client"], mine["user"], mine["connInfo"]) == (me, "ada", {"name": "Ada"})
    (other,) = present.values()
    assert (other["user"], other.get("connInfo")) == ("ada", None)
    await second.abort()


async def test_who_may_not_see_it_is_refused(sdk, server):
    await in_room(sdk, server, f"room:mine-{sdk.name}")
    with pytest.raises(Refused) as denied:
        await sdk.presence("room:theirs")
    assert denied.value.code == 103
    with pytest.raises(Refused) as off:
        await sdk.presence_stats("quiet:x")
    assert off.value.code == 108
