"""Values of labels that take some trouble: a full disk, a Collector that fails or stalls, no descriptors, a weak network."""

import asyncio
import errno
import socket
import time

import pytest

from observability import names
from service import config
from service.connections import visits
from service.connections.tcp_info import TcpInfo
from tests.service.connections.conftest import make_node
from tests.service.outside.backend import Backend, stalls
from tests.waiting import until

__all__ = ["make_node"]
QUIET = TcpInfo(0, 0, 1448, 0, 0.0, 0.02, 0.01, 10, 0, 0.02, 5, 0.1, 0.0, 65_535, 0)


async def test_a_disk_that_is_full_loses_lines_of_the_file_alone(make_node):
    node = await make_node(log={"file": "/dev/full", "level": "info"})
    await until(lambda: node.telemetry.registry.values(names.LOGS_DROPPED).get(("file",)))
    assert not node.telemetry.registry.values(names.LOGS_DROPPED).get(("stdout",))


@pytest.mark.slow
async def test_a_collector_that_refuses(make_node, monkeypatch):
    async with Backend() as collector:
        collector.says("/v1/traces", 500)
        monkeypatch.setattr(config, "_OTLP_DEFAULT", collector.address)
        node = await make_node(opentelemetry={"enabled": True})
        await node.greeted()
        await until(lambda: node.telemetry.registry.values(names.SPANS_DROPPED).get(("export_failed",)), 20)


@pytest.mark.slow
async def test_a_collector_that_stalls_when_the_node_stops(make_node, monkeypatch):
    """What waits behind the batch that it does not take is lost with this reason."""
    async with Backend() as collector:
        collector.says("/v1/traces", stalls)
        monkeypatch.setattr(config, "_OTLP_DEFAULT", collector.address)
        node = await make_node(opentelemetry={"enabled": True})
        await node.greeted()
        await until(lambda: collector.asked, 20)
        await node.greeted("bob")
        await node.stop("test")
        assert node.telemetry.registry.values(names.SPANS_DROPPED).get(("stopped",))


async def test_no_descriptor_is_left_for_who_comes(make_node, monkeypatch):
    """It waits in the kernel's queue, and comes in later."""
    node = await make_node(http_server={"proxy_protocol": True, "trusted_proxies": ["127.0.0.0/8"]})
    accept, left = socket.socket.accept, []

    def exhausted(listener):
        if not left:
            left.append(listener)
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", exhausted)
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 404 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert node.telemetry.registry.value(names.REFUSALS, "no_descriptors", "cut") == 1


@pytest.mark.slow
async def test_a_subscription_that_a_backend_out_of_reach_should_prolong(make_node):
    """It is asked more than once, and the client stays."""
    ends = int(time.time()) + 2
    async with Backend() as backend:
        backend.says("/subscribe", {"result": {"expire_at": ends}})
        backend.says("/sub_refresh", 503)
        proxy = {kind: {"endpoint": f"{backend.address}/{kind}"} for kind in ("subscribe", "sub_refresh")}
        switched_on = {"subscribe_proxy_enabled": True, "sub_refresh_proxy_enabled": True}
        node = await make_node(channel={"proxy": proxy, "without_namespace": switched_on})
        peer = await node.greeted()
        peer.text({"id": 2, "subscribe": {"channel": "a"}})
        assert "subscribe" in (await peer.replies())[0]
        retries = node.telemetry.registry
        await until(lambda: retries.values(names.OUTSIDE_RETRIES).get(("default", "sub_refresh")), 20)
        assert node.station.registry.of_user("ann")


async def test_a_heartbeat_adapts_to_a_weak_network_and_back(make_node, monkeypatch):
    """What TCP says is recorded, and the clock is the test's; the rest is real."""
    node = await make_node(client={"heartbeat": "adaptive"})
    clock, told = [asyncio.get_running_loop().time()], [QUIET]
    monkeypatch.setattr(visits, "tcp_info", lambda _fd: told[0])
    node.station.now = lambda: clock[0]
    peer = await node.greeted()
    (one,) = node.station.registry.of_user("ann")

    async def answered(info):
        told[0], clock[0] = info, one.session.heartbeat.deadline()
        one.visit(clock[0], 0.0)
        assert {} in await peer.replies()
        peer.text({})
        await until(lambda: not one.session.heartbeat.open)
        return one.session.heartbeat.settings.interval

    lost = QUIET._replace(resent=3)
    intervals = [await answered(info) for info in (QUIET, lost, *[lost] * 6)]
    assert intervals[:2] == [30, 15]
    assert intervals[-1] == 30, "quiet for long enough"
    adapted = node.telemetry.registry.values(names.HEARTBEATS_ADAPTED)
    assert (adapted["weak",], adapted["normal",]) == (1, 1)
