"""What became of every message and every connection, on a real node: whatever clients do, the books balance."""

import asyncio
import contextlib
import json
from dataclasses import replace
from random import Random
from urllib.parse import quote

import pytest

from observability import ledger_names, names
from service.protocol import closing
from tests.e2e.raw import Raw
from tests.e2e.served import OPEN, RECOVERABLE, token
from tests.e2e.test_happenings import make_node, slow_reader, until
from tests.service.mutants import without

__all__ = ["make_node"]  # the fixture

NAMESPACES = [
    {"name": "stream", **RECOVERABLE, "history_size": 50, "allow_tags_filter": True, "allowed_delta_types": ["fossil"]},
    {"name": "chat", **OPEN, "slow_policy": "conflate"},
    {"name": "news", **OPEN, "join_leave": True, "force_push_join_leave": True, "presence": True},
]
ODD = {"key": "odd", "cmp": "eq", "val": "yes"}
BIG = "x" * 10_000


def balanced(service):
    """Nothing is on its way, and everything is accounted for."""
    books = service.hub.ledger.books.values()
    return not any(book.queued for book in books) and not service.hub.ledger.unaccounted


def terms(telemetry, namespace):
    """The sum of the scrape's figures that the documentation calls the balance: expected, and all the rest."""
    figure = telemetry.value
    rest = figure(names.DELIVERED, namespace) + figure(ledger_names.QUEUED, namespace)
    rest += sum(figure(ledger_names.ENDED, namespace, end) for end in ledger_names.ENDS)
    rest += sum(figure(names.DROPPED, namespace, cause) for cause in names.DROP_CAUSES)
    return figure(ledger_names.EXPECTED, namespace), rest


class Listener:
    """Reads all that comes, over whichever transport, and counts the publications in it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.heard = 0
        self.task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self):
        with contextlib.suppress(OSError):
            rest = b""
            while data := await self.reader.read(65_536):
                rest += data
                self.heard += rest.count(b'"pub":{')
                rest = rest[-6:]

    async def end(self):
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
        await self.task


async def listener(port, user, *subscriptions):
    raw = await Raw.connected(port, token(user))
    for number, fields in enumerate(subscriptions, 2):
        await raw.ask(id=number, subscribe=fields)
    return Listener(raw.reader, raw.writer)


async def stream_of(port, transport, **claims):
    """A listener on SSE or an HTTP stream, with server-side subscriptions."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    command = {"token": token(transport, **claims)} if transport == "uni_sse" else {"id": 1, "connect": {}}
    if transport != "uni_sse":
        command["connect"]["token"] = token(transport, **claims)
    words = json.dumps(command)
    if transport == "http_stream":
        writer.write(
            f"POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nContent-Length: {len(words)}\r\n\r\n".encode()
        )
        writer.write(words.encode())
    else:
        writer.write(f"GET /connection/{transport}?cf_connect={quote(words)} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    return Listener(reader, writer)


@pytest.mark.shows(
    "heliograph_messages_expected_total", "heliograph_messages_ended_total", "heliograph_messages_queued"
)
@pytest.mark.shows("heliograph_messages_dropped_total")
async def test_all_kinds_of_subscribers_and_ends_at_once(make_node, telemetry):
    """Who only listens gets exactly what is expected of it; of all the others it is known what became of the rest."""
    on = {name: {"enabled": True} for name in ("sse", "http_stream", "uni_sse")}
    service, port = await make_node(channel__namespaces=NAMESPACES, client__queue_max_size=60_000, **on)
    publish = service.hub.publish
    listeners = [
        await listener(port, "plain", {"channel": "stream:a"}, {"channel": "plain"}, {"channel": "news:a"}),
        await listener(port, "picky", {"channel": "stream:a", "tf": ODD}),
        await listener(port, "patched", {"channel": "stream:a", "delta": "fossil"}),
        *[await stream_of(port, kind, channels=["stream:a", "plain"]) for kind in ("sse", "http_stream", "uni_sse")],
    ]
    lazy = await slow_reader(port, "lazy", "plain", "chat:a")
    late = await slow_reader(port, "late", "chat:a")
    leaver = await Raw.connected(port, token("leaver"), "stream:a", "plain")
    await until(lambda: len(service.hub.look("plain").members) == 6)
    for number in range(40):
        publish(
            "stream:a",
            json.dumps({"n": number, "same": "y" * 300}).encode(),
            tags={"odd": "yes" if number % 2 else "no"},
        )
        publish("plain", json.dumps(BIG).encode())
        publish("chat:a", json.dumps(BIG).encode())
        publish("news:a", b"1")
        if number == 20:
            leaver.command(id=9, unsubscribe={"channel": "stream:a"})
        if number == 30:
            telemetry.look()
            await leaver.abort()
        if number % 4 == 0:  # who reads is not slow
            await until(lambda: all(each.heard >= number for each in (listeners[0], *listeners[3:])))
    await until(lambda: not service.station.registry.of_user("lazy"))
    epoch = service.hub.look("stream:a").ring.epoch
    again = await Raw.connected(port, token("again"))
    place = {"channel": "stream:a", "recover": True, "epoch": epoch}
    found = (await again.ask(id=2, subscribe={**place, "offset": 15, "tf": ODD}))["subscribe"]
    assert (found["recovered"], len(found["publications"])) == (True, 13)
    await again.ask(id=3, unsubscribe={"channel": "stream:a"})
    for _ in range(40):
        publish("stream:a", b"1")
    await until(lambda: not service.hub.look("stream:a").ring.pending)
    found = (await again.ask(id=4, subscribe={**place, "offset": 15}))["subscribe"]
    assert not found.get("recovered")
    late.writer.transport.resume_reading()
    await until(lambda: balanced(service))
    await until(lambda: [each.heard for each in listeners] == [160, 20, 80, 120, 120, 120])

    for namespace in ("stream", "chat", "news", names.NO_NAMESPACE):
        expected, rest = terms(telemetry, namespace)
        assert expected == rest >= 40
        assert telemetry.value(ledger_names.UNACCOUNTED, namespace) == 0
    assert telemetry.value(ledger_names.ENDED, "stream", "recovered") == 13
    assert telemetry.value(ledger_names.ENDED, "stream", "told") == 65
    assert telemetry.value(ledger_names.ENDED, "stream", "filtered") >= 20 + 12 + 40
    assert telemetry.value(names.DROPPED, "chat", "conflated") > 0
    assert telemetry.value(names.DROPPED, names.NO_NAMESPACE, "slow_bytes") > 0
    for each in listeners:
        await each.end()
    for raw in (lazy, late, again):
        await raw.abort()
    await until(lambda: not service.station.registry.sockets)
    assert telemetry.value(names.UPGRADES, "accepted") == 10
    assert telemetry.value(ledger_names.CONNECTIONS_UNACCOUNTED) == 0


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_leaves_nothing_unexplained(make_node, telemetry, seed):
    """Clients come, subscribe, leave, freeze, thaw, are thrown out and killed in any order while everybody is flooded."""
    service, port = await make_node(channel__namespaces=NAMESPACES, client__queue_max_size=100_000)
    random = Random(seed)
    channels = ("stream:a", "stream:b", "chat:a", "news:a", "plain")
    clients = []

    async def come():
        raw = await slow_reader(port, f"u{len(clients) % 7}", *random.sample(channels, 3))
        if random.random() < 0.7:
            raw.writer.transport.resume_reading()
        clients.append(raw)

    def flood():
        for _ in range(random.randrange(1, 30)):
            size = random.choice((10, 10, 1000, 20_000))
            tags = {"odd": "yes" if random.random() < 0.5 else "no"}
            service.hub.publish(random.choice(channels), b'"' + b"x" * size + b'"', tags=tags)

    for _ in range(12):
        await come()
    for turn in range(60):
        flood()
        raw = random.choice(clients)
        what = random.choice(("unsubscribe", "subscribe", "freeze", "thaw", "kill", "come", "throw", "nothing"))
        with contextlib.suppress(OSError):
            if what in ("unsubscribe", "subscribe"):
                raw.command(id=100 + turn, **{what: {"channel": random.choice(channels)}})
            elif what == "freeze" and not raw.writer.transport.is_closing():
                raw.writer.transport.pause_reading()
            elif what == "thaw" and not raw.writer.transport.is_closing():
                raw.writer.transport.resume_reading()
            elif what == "kill":
                raw.writer.transport.abort()
            elif what == "come":
                await come()
        for each in service.station.registry.of_user(f"u{turn % 7}") if what == "throw" else ():
            each.close(closing.FORCE_DISCONNECT)
        if random.random() < 0.5:
            await asyncio.sleep(0)
        assert not service.hub.ledger.unaccounted, "it balances at every moment, not only in the end"
    for raw in clients:
        await raw.abort()
    await until(lambda: not service.station.registry.sockets and balanced(service))
    assert service.station.closes.unaccounted(0) == 0
    assert telemetry.value(ledger_names.EXPECTED, "stream") > 200


@pytest.mark.parametrize("cause", ["slow_age", "memory_pressure"])
async def test_what_is_lost_with_a_slow_reader_has_its_cause(make_node, telemetry, cause):
    most = 300_000 if cause == "memory_pressure" else 10_000_000
    service, port = await make_node(client__queue_total_max_size=most)
    settings = service.station.settings
    service.station.settings = replace(settings, outbox=replace(settings.outbox, max_age=0.3))
    lazy = await slow_reader(port, "lazy", "plain")
    for _ in range(60):
        service.hub.publish("plain", json.dumps(BIG).encode())
    await until(lambda: not service.station.registry.sockets, 20)
    lost = telemetry.value(names.DROPPED, names.NO_NAMESPACE, cause)
    assert lost > 10
    assert lost + telemetry.value(names.DELIVERED, names.NO_NAMESPACE) == 60
    await lazy.abort()


@pytest.mark.shows("heliograph_messages_unaccounted", "heliograph_connections_unaccounted")
async def test_a_fault_of_ours_is_seen_in_the_scrape(make_node, telemetry):
    """A statement that counts is left out; the metric is not 0 any more, and the alert would fire."""
    service, port = await make_node()
    raw = await Raw.connected(port, token("ann"), "plain")
    with (
        without("service/channels/fanout.py", "Flight.delivered", 0),
        without("service/connections/ending.py", "Ending._tell", 0),
    ):
        service.hub.publish("plain", b"1")
        await raw.replies()
        await raw.abort()
        await until(lambda: not service.station.registry.sockets)
    assert telemetry.value(ledger_names.UNACCOUNTED, names.NO_NAMESPACE) == 1
    assert telemetry.value(ledger_names.CONNECTIONS_UNACCOUNTED) == 1
    telemetry.look()
    service.hub.ledger.books[""].written += 1  # nobody else has to notice
    service.station.closes.closed["network_lost"] += 1
