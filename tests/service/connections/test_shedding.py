"""The total cap holds at the real node: the largest are cut, the others stay and get everything."""

import asyncio
import json

from observability import names
from service.connections.pressure import PressureSettings
from service.connections.shedding import Shedding
from service.connections.sums import Sums
from service.protocol import framing


class Reader:
    def __init__(self, sums, stalled, size):
        self.sums, self.stalled, self.size, self.kernel_bytes = sums, stalled, size, 0
        self.causes = []
        stalled.add(self)
        sums.frames_held += size

    def unsent_bytes(self):
        return self.size

    def cut(self, by):
        self.causes.append(by)
        self.sums.frames_held -= self.size
        self.stalled.discard(self)


async def test_the_largest_are_cut_until_enough_is_free():
    sums, stalled = Sums(), set()
    readers = [Reader(sums, stalled, size) for size in (100, 400, 200, 250)]
    shedding = Shedding(PressureSettings(1000), sums, stalled)
    shedding.grown()
    shedding.grown()
    await asyncio.sleep(0.15)
    assert [each.causes for each in readers] == [[], ["memory_pressure"], [], []]
    assert sums.memory == 550
    shedding.grown()
    await asyncio.sleep(0)
    assert len(stalled) == 3


async def test_a_node_under_pressure_cuts_the_largest_and_the_rest_get_everything(make_node, monkeypatch):
    node = await make_node(client={"queue_total_max_size": 600_000, "queue_max_size": 500_000})
    stories = []
    monkeypatch.setattr(node.station.observe, "closed", stories.append)
    slow = [await node.greeted(f"slow{n}", narrow=True) for n in range(4)]
    fast = await node.greeted("fast")
    for n, peer in enumerate([*slow, fast]):
        commands = [{"id": 2, "subscribe": {"channel": "all"}}]
        if n == 0:
            commands.append({"id": 3, "subscribe": {"channel": "more"}})
        peer.text(*commands)
        await peer.replies()
    for peer in slow:
        peer.reader._transport.pause_reading()
    received = 0
    for n in range(400):
        node.hub.publish("all", b'"' + b"x" * 5_000 + b'"')
        node.hub.publish("more", b'"' + b"y" * 10_000 + b'"')
        opcode, _ = await fast.frame()
        received += opcode == framing.TEXT
        if stories:
            break
    assert [(story.code, story.cause) for story in stories][0] == (3008, "memory_pressure")
    assert stories[0].user == "slow0"  # it waits for more than the others
    assert received == n + 1
    assert node.station.registry.of_user("fast")
    assert node.station.sums.memory < 600_000


async def test_a_reader_that_lags_gets_the_newest_of_each_channel(make_node):
    """``slow_policy: conflate``: it is not closed for it, and each message that it does not get is counted."""
    options = {"slow_policy": "conflate", "allow_subscribe_for_client": True}
    node = await make_node(channel={"namespaces": [{"name": "price", **options}]}, client={"queue_max_size": 100_000})
    slow = await node.greeted("slow", narrow=True)
    slow.text({"id": 2, "subscribe": {"channel": "price:a"}}, {"id": 3, "subscribe": {"channel": "price:b"}})
    await slow.replies()
    slow.reader._transport.pause_reading()
    for n in range(600):
        for channel in ("price:a", "price:b"):
            node.hub.publish(channel, json.dumps({"n": n, "pad": "x" * 1_000}).encode())
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    (connection,) = node.station.registry
    assert connection.outbox is None or len(connection.outbox) <= 2
    assert node.telemetry.registry.value(names.DROPPED, "price", "conflated") > 100
    slow.reader._transport.resume_reading()
    last = {}
    while last != {"price:a": 599, "price:b": 599}:
        for reply in await slow.replies():
            push = reply.get("push")
            if push:
                assert push["pub"]["data"]["n"] > last.get(push["channel"], -1)
                last[push["channel"]] = push["pub"]["data"]["n"]
    assert (node.station.sums.memory, node.station.sums.outbox_messages) == (
        0,
        0,
    ) or node.station.sums.outbox_bytes == 0
