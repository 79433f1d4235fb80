"""A server that speaks just enough of the protocol, and lies as it is told: what it does wrong must be found."""

import contextlib
import json

from aiohttp import web


class Liar:
    """Forwards publications to the subscribers of their channel; ``deliver`` says what it makes of the n-th one."""

    def __init__(self, deliver=lambda number, pub: [pub]):
        self.deliver = deliver
        self.kept = []
        self.count = 0
        self.subscribers = {}
        self.commands = []
        self.refuse = {}  # method -> error code
        self.recovers = True
        self.reads = []  # bytes of text messages, as they came

    def application(self):
        application = web.Application()
        application.router.add_get("/connection/websocket", self.handle)
        return application

    async def handle(self, request):
        socket = web.WebSocketResponse(protocols=["centrifuge-json"])
        await socket.prepare(request)
        async for message in socket:
            self.reads.append(message.data)
            for line in message.data.split("\n"):
                await self.obey(socket, json.loads(line))
        for members in self.subscribers.values():
            members.discard(socket)
        return socket

    async def obey(self, socket, command):
        method = next((name for name in command if name != "id"), "")
        self.commands.append((method, command.get(method)))
        if code := self.refuse.get(method):
            await socket.send_json({"id": command["id"], "error": {"code": code, "message": "no"}})
        elif method == "connect":
            await socket.send_json({"id": command["id"], "connect": {"client": "c", "version": "1"}})
        elif method == "subscribe":
            asked = command["subscribe"]
            self.subscribers.setdefault(asked["channel"], set()).add(socket)
            result = {"recoverable": self.recovers, "epoch": "e"}
            if asked.get("recover"):
                result |= {"recovered": True, "publications": self.missed(asked)}
            await socket.send_json({"id": command["id"], "subscribe": result})
        elif method == "publish":
            await self.publish(command["publish"])
            await socket.send_json({"id": command["id"], "publish": {}})

    def missed(self, asked):
        return [pub for channel, pub in self.kept if channel == asked["channel"] and pub["offset"] > asked["offset"]]

    async def publish(self, asked):
        self.count += 1
        channel = asked["channel"]
        pub = {"data": asked["data"], "offset": sum(kept == channel for kept, _ in self.kept) + 1}
        self.kept.append((channel, pub))
        for each in self.deliver(self.count, pub):
            for member in list(self.subscribers.get(channel, ())):
                with contextlib.suppress(ConnectionError):
                    await member.send_json({"push": {"channel": channel, "pub": each}})
