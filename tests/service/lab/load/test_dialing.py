"""Where a load's server is."""

import asyncio

import pytest

from service.lab.load.dialing import Dialer
from service.lab.load.plan import Plan


def dialer(url):
    return Dialer(Plan(url=url, run="r"))


def test_an_address_in_its_parts():
    plain = dialer("ws://a.example:81/connection/websocket?x=1")
    assert (plain.name, plain.port, plain.host, plain.path) == (
        "a.example", 81, "a.example:81", "/connection/websocket?x=1",
    )  # fmt: skip
    assert (dialer("ws://a").port, dialer("wss://a").port, dialer("ws://a").path) == (80, 443, "/")


async def test_a_socket_or_an_error(unused_tcp_port):
    with pytest.raises(ConnectionRefusedError):
        await dialer(f"ws://127.0.0.1:{unused_tcp_port}/").dial(asyncio.Protocol())
