"""Every code of the tables is reached at a real node by the way that clients or backends reach it, or it says why not."""

import asyncio
import json
import time

import aiohttp
import jwt
import pytest

from service.broker.contract import BrokerUnavailable
from service.protocol import framing
from service.protocol.closing import CLOSINGS, UNSUBSCRIBINGS
from service.protocol.errors import ERRORS
from service.protocol.messages import StreamPosition
from tests.service.connections.conftest import SECRET
from tests.service.outside.backend import Backend

HISTORY = {"history_size": 10, "history_ttl": "60s", "allow_subscribe_for_client": True}
NAMESPACES = [
    {"name": "rec", **HISTORY, "force_recovery": True, "allow_history_for_client": True},
    {"name": "closed"},
]
NOT_UNSUBSCRIBINGS = {2502: "of subscriptions to maps, which do not exist here; no backend can name such a code"}


NOW = int(time.time())


def signed(user="ann", **claims):
    return jwt.encode({"sub": user, "exp": int(time.time()) + 600, **claims}, SECRET, algorithm="HS256")


class Case:
    """A node made for one code, and what its clients and its backend do."""

    def __init__(self, make_node, monkeypatch):
        self._make_node = make_node
        self.patch = monkeypatch

    async def node(self, **changes):
        changes.setdefault("channel", {"namespaces": NAMESPACES})
        self.made = await self._make_node(**changes)
        self.stories = []
        told = self.made.station.observe.closed
        self.patch.setattr(self.made.station.observe, "closed", lambda story: (self.stories.append(story), told(story)))
        return self.made

    async def greeted(self, user="ann", **changes):
        return await (await self.node(**changes)).greeted(user)

    async def said(self, peer, command):
        peer.text({"id": 2, **command})
        (reply,) = await peer.replies()
        return reply.get("error", {}).get("code", 0)

    async def error(self, command, **changes):
        return await self.said(await self.greeted(**changes), command)

    async def connecting(self, token="", **changes):
        """What a connect command leads to: the error, or the close code."""
        peer = await (await self.node(**changes)).peer()
        peer.text({"id": 2, "connect": {"token": token} if token else {}})
        opcode, payload = await peer.any_frame()
        return framing.parse_close(payload)[0] if opcode == framing.CLOSE else json.loads(payload)["error"]["code"]

    async def closed_after(self, *commands, **changes):
        peer = await self.greeted(**changes)
        peer.text(*commands)
        return (await peer.closed())[0]

    async def bytes(self, data):
        peer = await (await self.node()).peer()
        peer.writer.write(data)
        return (await peer.closed())[0]

    async def api(self, method, **asked):
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.made.port}/api/{method}"
            async with session.post(url, json=asked, headers={"X-API-Key": "key"}) as answer:
                said = await answer.json()
                assert said == {"result": {}}, said

    async def told(self, code):
        """The end was told to the telemetry with this code, whether or not a Close frame said it."""
        async with asyncio.timeout(5):
            while code not in (story.code for story in self.stories):
                await asyncio.sleep(0.01)
        return code


@pytest.fixture
def case(make_node, monkeypatch):
    return Case(make_node, monkeypatch)


# ------------------------------------------------------------------------------- errors of replies


async def broker_down(case):
    peer = await case.greeted()

    def down(*_, **__):
        raise BrokerUnavailable

    case.patch.setattr(case.made.hub, "publish", down)
    return await case.said(peer, {"publish": {"channel": "a", "data": 1}})


async def subscribed_twice(case):
    peer = await case.greeted()
    assert await case.said(peer, {"subscribe": {"channel": "a"}}) == 0
    return await case.said(peer, {"subscribe": {"channel": "a"}})


async def beyond_the_channel_limit(case):
    peer = await case.greeted(client={"channel_limit": 1})
    assert await case.said(peer, {"subscribe": {"channel": "a"}}) == 0
    return await case.said(peer, {"subscribe": {"channel": "b"}})


async def beyond_the_pace(case):
    peer = await case.greeted(client={"command_rate": 1, "command_burst": 2, "channel_limit": 1})
    for _ in range(2):
        assert await case.said(peer, {"unsubscribe": {"channel": "a"}}) == 0
    return await case.said(peer, {"unsubscribe": {"channel": "a"}})


async def by_a_hook(case, code, message):
    """Nothing of ours says so, but a backend may."""
    async with Backend() as backend:
        backend.says("/connect", {"error": {"code": code, "message": message}})
        proxy = {"connect": {"enabled": True, "endpoint": f"{backend.address}/connect"}}
        return await case.connecting(client={"proxy": proxy})


PAST = {"exp": 1_000_000_000}
LOST = {"channel": "rec:a", "recover": True, "offset": 3, "epoch": "old", "flag": 2}
REPLIES = {
    100: broker_down,
    101: lambda case: by_a_hook(case, 101, "unauthorized"),
    102: lambda case: case.error({"subscribe": {"channel": "nope:a"}}),
    103: lambda case: case.error({"subscribe": {"channel": "closed:a"}}),
    104: lambda case: case.error({"rpc": {"method": "other"}}, rpc={"ping": {"enabled": True}}),
    105: subscribed_twice,
    106: beyond_the_channel_limit,
    107: lambda case: case.error({"publish": {"channel": "a"}}),
    108: lambda case: case.error({"history": {"channel": "a"}}),
    109: lambda case: case.connecting(signed(**PAST)),
    110: lambda case: case.connecting(signed(expire_at=1_000_000_000)),
    111: beyond_the_pace,
    112: lambda case: case.error({"subscribe": LOST}),
    113: lambda case: by_a_hook(case, 113, "concurrent pagination"),  # of maps, which do not exist here
}


def test_no_error_is_left_out():
    assert set(REPLIES) == set(ERRORS)


@pytest.mark.parametrize("code", REPLIES)
async def test_an_error_is_reached(case, code):
    assert await REPLIES[code](case) == code


# --------------------------------------------------------------------------------- ends of connections


async def by_the_backend(case, method, **asked):
    peer = await case.greeted(client={"expired_sub_close_delay": "0s"})
    case.patch.setattr(case.made.station, "wall", lambda: float(NOW))  # what ends at NOW + 1 ends in a second
    await case.api(method, user="ann", **asked)
    return (await peer.closed())[0]


async def dropped(case):
    await case.greeted()
    await case.api("disconnect", user="ann", disconnect={"code": 3000})
    return await case.told(3000)


async def stopping(case):
    peer = await case.greeted()
    stopped = asyncio.ensure_future(case.made.stop("test"))
    code, _ = await peer.closed()
    peer.writer.close()
    await stopped
    return code


async def a_fault_of_ours(case):
    node = await case.node()

    def fails(*_):
        raise RuntimeError("a fault")

    case.patch.setattr(node.hub, "admit", fails)
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": signed(channels=["a"])}})
    return (await peer.closed())[0]


async def too_slow(case):
    node = await case.node(client={"queue_max_size": 65536}, http_server={"send_buffer_size": 4096})
    peer = await node.greeted(narrow=True)
    assert await case.said(peer, {"subscribe": {"channel": "a"}}) == 0
    for _ in range(100):
        node.hub.publish("a", b'"' + b"x" * 30_000 + b'"')
        await asyncio.sleep(0)
    return await case.told(3008)


async def no_pong(case):
    changes = {"ping_interval": "0.3s", "pong_timeout": "0.1s"}
    peer = await case.greeted(client=changes)
    return (await peer.closed())[0]


async def one_too_many(case):
    node = await case.node(client={"user_connection_limit": 1})
    await node.greeted()
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": signed()}})
    return (await peer.closed())[0]


async def no_place(case):
    node = await case.node(client={"connection_limit": 1})
    await node.greeted()
    return (await (await node.peer()).closed())[0]


async def silent(case):
    peer = await (await case.node(client={"stale_close_delay": "0.1s"})).peer()
    return (await peer.closed())[0]


async def a_flood(case):
    limits = {"command_rate": 1, "command_burst": 2, "channel_limit": 1}
    commands = [{"id": number, "unsubscribe": {"channel": "a"}} for number in range(2, 10)]
    return await case.closed_after(*commands, client=limits)


NORMAL = framing.client_frame(framing.CLOSE, (1000).to_bytes(2), b"mask")
ENDS = {
    1000: lambda case: case.bytes(NORMAL),
    1002: lambda case: case.bytes(framing.frame(framing.TEXT, b"{}")),
    1007: lambda case: case.bytes(framing.client_frame(framing.TEXT, b"\xff\xfe", b"mask")),
    1009: lambda case: case.bytes(framing.client_frame(framing.TEXT, b"x" * 70_000, b"mask")),
    3000: dropped,
    3001: stopping,
    3004: a_fault_of_ours,
    3005: lambda case: by_the_backend(case, "refresh", expired=True),
    3006: lambda case: by_the_backend(case, "subscribe", channel="a", expire_at=NOW + 1),
    3008: too_slow,
    # A node of ours says neither of these two of itself: what a socket refuses is told as 3000 or 3008, and a channel
    # that a client cannot read is refused at subscribe, with error 108. A backend may say them.
    3009: lambda case: by_the_backend(case, "disconnect", disconnect={"code": 3009, "reason": "write error"}),
    3506: lambda case: by_the_backend(
        case, "disconnect", disconnect={"code": 3506, "reason": "inappropriate protocol"}
    ),
    3010: lambda case: case.closed_after({"id": 2, "refresh": {"token": signed(channels=["a"])}}),
    3011: lambda case: by_the_backend(case, "disconnect", disconnect={"code": 3011, "reason": "force reconnect"}),
    3012: no_pong,
    3013: no_place,
    3014: lambda case: by_the_backend(case, "disconnect", disconnect={"code": 3014, "reason": "state invalidated"}),
    3500: lambda case: case.connecting("nonsense"),
    3501: lambda case: case.closed_after({"id": 2, "ping": {}}),
    3502: silent,
    3503: lambda case: by_the_backend(case, "disconnect"),
    3504: one_too_many,
    3505: lambda case: case.connecting(signed(channels=["a", "b"]), client={"channel_limit": 1}),
    3507: lambda case: case.connecting(signed(user=""), client={"disallow_anonymous_connection_tokens": True}),
    3508: lambda case: case.closed_after({"send": {}}),
    3509: a_flood,
}


def test_no_end_is_left_out():
    assert set(ENDS) == set(CLOSINGS)


@pytest.mark.parametrize("code", ENDS)
async def test_an_end_is_reached_and_told_with_its_code(case, code):
    assert await ENDS[code](case) == code
    for writer in case.made.peers:
        writer.close()
    await case.told(code)


# ------------------------------------------------------------------------------- ends of subscriptions


async def pushed(peer):
    while True:
        for reply in await peer.replies():
            if "unsubscribe" in reply.get("push", {}):
                return reply["push"]["unsubscribe"]["code"]


async def taken_out(case):
    peer = await case.greeted()
    assert await case.said(peer, {"subscribe": {"channel": "a"}}) == 0
    await case.api("unsubscribe", user="ann", channel="a")
    return await pushed(peer)


async def position_lost(case):
    peer = await case.greeted()
    assert await case.said(peer, {"subscribe": {"channel": "rec:a"}}) == 0
    channel = case.made.hub._channels["rec:a"]
    case.made.hub.lose(channel, StreamPosition(0, "another"), 0)
    return await pushed(peer)


async def token_ended(case):
    peer = await case.greeted(client={"expired_sub_close_delay": "0s"})
    token = signed(channel="closed:a", expire_at=int(time.time()) + 2)
    assert await case.said(peer, {"subscribe": {"channel": "closed:a", "token": token}}) == 0
    return await pushed(peer)


PUSHES = {2000: taken_out, 2500: position_lost, 2501: token_ended}


def test_no_end_of_a_subscription_is_left_out():
    assert set(PUSHES) | set(NOT_UNSUBSCRIBINGS) == set(UNSUBSCRIBINGS)


@pytest.mark.parametrize("code", PUSHES)
async def test_an_end_of_a_subscription_is_reached(case, code):
    assert await PUSHES[code](case) == code


def test_what_is_not_reached_says_why():
    assert not set(PUSHES) & set(NOT_UNSUBSCRIBINGS)
    assert all(len(why) > 20 for why in NOT_UNSUBSCRIBINGS.values())
