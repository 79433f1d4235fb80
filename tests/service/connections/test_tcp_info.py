"""What the kernel says of a socket, on real ones."""

import socket
import time

import pytest

from service.connections.slowness import judge
from service.connections.tcp_info import tcp_info


def until(done):
    end = time.monotonic() + 5
    while not done():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_a_healthy_socket(pair):
    server, client = pair
    for _ in range(10):
        server.send(b"x" * 1000)
        client.recv(1000)
    until(lambda: not tcp_info(server.fileno()).kernel)
    info = tcp_info(server.fileno())
    assert 0 < info.least_rtt <= info.rtt < 0.5
    assert info.segments >= 10
    assert (info.resending, info.probes) == (0, 0)
    assert info.segment > 500
    assert judge(info.reading()).who == "nobody"
    assert set(info.told()) >= {"rtt", "resent", "window", "unacknowledged"}


def test_a_client_that_does_not_read_is_named(pair):
    server, _ = pair
    with pytest.raises(BlockingIOError):
        while True:
            server.send(b"x" * 1000)
    until(lambda: judge(tcp_info(server.fileno()).reading(queued=1000)).who == "client")
    info = tcp_info(server.fileno())
    assert info.kernel > 10_000
    assert 0 <= info.window < 10_000


def test_a_socket_that_is_gone_says_nothing(pair):
    server, _ = pair
    number = server.fileno()
    server.close()
    assert tcp_info(number) is None
    assert tcp_info(-1) is None


def test_what_is_no_tcp_says_nothing():
    one, other = socket.socketpair()
    assert tcp_info(one.fileno()) is None
    one.close()
    other.close()
