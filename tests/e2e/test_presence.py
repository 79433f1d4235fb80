"""Who is here, from real sockets: whatever way a client goes, it is gone, and those who listen hear it once."""

import asyncio
import json

import pytest

from observability import names
from service.app import Service
from service.config import load
from service.protocol import framing
from tests.e2e.raw import Raw
from tests.e2e.served import configuration, token
from tests.e2e.test_happenings import api, until

ROOM = {
    "name": "chat",
    "presence": True,
    "join_leave": True,
    "force_push_join_leave": True,
    "allow_presence_for_subscriber": True,
    "allow_subscribe_for_client": True,
    "allow_publish_for_subscriber": True,
}


@pytest.fixture
async def room(telemetry, tmp_path):
    """A node with a namespace ``chat``; its port."""
    settings = configuration(http_server={"address": "127.0.0.1", "port": 0, "internal_port": 0})
    settings["channel"]["namespaces"].append(ROOM)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings))
    service = Service(load(file, {}), telemetry.telemetry)
    public, _ = await service.start()
    service.port = public.port
    yield service
    await service.stop("the test is over")


class Listener:
    """Somebody in the room who writes down who came, who went and what was said."""

    def __init__(self, raw):
        self.raw = raw
        self.heard = []
        self.task = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def in_room(cls, port, user):
        raw = await Raw.connected(port, token(user))
        raw.command(id=2, subscribe={"channel": "chat:1"})
        return cls(raw)

    async def _listen(self):
        while True:
            for reply in await self.raw.replies():
                push = reply.get("push", {})
                for kind in ("join", "leave"):
                    if kind in push:
                        self.heard.append((kind, push[kind]["info"]["user"]))
                if "pub" in push:
                    self.heard.append(("said", push["pub"]["data"]))
                if reply.get("id") == 2:
                    self.heard.append(("subscribed", reply["subscribe"]))

    async def end(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.raw.abort()


@pytest.mark.shows("heliograph_present", "heliograph_announcements_total", "heliograph_announcements_delivered_total")
async def test_whatever_way_a_client_goes_it_is_gone_and_its_leave_is_heard_once(room, telemetry):
    ann = await Listener.in_room(room.port, "ann")
    clients = {name: await Raw.connected(room.port, token(name), "chat:1") for name in ("eve", "bob", "cid", "dan")}
    await until(lambda: len(ann.heard) == 6)
    _, said = await api(room.port, "presence_stats", channel="chat:1")
    assert said == {"result": {"num_clients": 5, "num_users": 5}}
    assert telemetry.value(names.PRESENT) == 5
    telemetry.look()
    await clients["bob"].ask(id=9, unsubscribe={"channel": "chat:1"})
    await until(lambda: ("leave", "bob") in ann.heard)
    clients["cid"].send((1000).to_bytes(2), framing.CLOSE)
    await until(lambda: ("leave", "cid") in ann.heard)
    await clients["dan"].abort()
    await until(lambda: ("leave", "dan") in ann.heard)
    await api(room.port, "disconnect", user="eve")
    await until(lambda: ("leave", "eve") in ann.heard)
    joins = [("join", name) for name in ("ann", "eve", "bob", "cid", "dan")]
    leaves = [("leave", name) for name in ("bob", "cid", "dan", "eve")]
    assert ann.heard == [("subscribed", {}), *joins, *leaves]
    _, said = await api(room.port, "presence", channel="chat:1")
    assert [info["user"] for info in said["result"]["presence"].values()] == ["ann"]
    assert telemetry.value(names.PRESENT) == 1
    assert telemetry.value(names.ANNOUNCEMENTS, "leave") == 4
    await ann.end()
    await until(lambda: telemetry.value(names.PRESENT) == 0)
    for raw in clients.values():
        await raw.abort()


async def test_a_storm_is_told_completely_and_publications_go_on_meanwhile(room):
    """400 come and 400 go at once: each of the listeners hears each of them once, or neither its coming nor its going."""
    listeners = [await Listener.in_room(room.port, f"listener-{n}") for n in range(3)]
    crowd = await asyncio.gather(*(Raw.connected(room.port, token(f"u{n}"), "chat:1") for n in range(400)))
    for number in range(20):
        if number == 10:
            for raw in crowd:
                raw.writer.transport.abort()
        await api(room.port, "publish", channel="chat:1", data=number)
    hub = room.hub
    await until(lambda: hub.channels().get("chat:1") == 3 and not hub._announcing.waiting())
    for number, listener in enumerate(listeners):
        await until(lambda one=listener: [said for kind, said in one.heard if kind == "said"] == list(range(20)))
        later = {f"listener-{n}" for n in range(number, 3)}
        await until(lambda one=listener, here=later: _here(one.heard) == here)
    for raw in crowd:
        await raw.abort()
    for listener in listeners:
        await listener.end()


def _here(heard):
    """Who is there, by what a listener heard; a leave without a join, or two joins, is a fault."""
    here = set()
    for kind, user in heard:
        if kind == "join":
            assert user not in here, f"{user} came twice"
            here.add(user)
        elif kind == "leave":
            assert user in here, f"{user} went without having come"
            here.discard(user)
    return here


async def test_what_others_see_follows_a_refresh(room):
    raw = await Raw.connected(room.port, token("ann", info={"mood": "calm"}), "chat:1")
    await raw.ask(id=3, refresh={"token": token("ann", info={"mood": "cheerful"})})
    reply = await raw.ask(id=4, presence={"channel": "chat:1"})
    (info,) = reply["presence"]["presence"].values()
    assert info["conn_info"] == {"mood": "cheerful"}
    await raw.abort()
