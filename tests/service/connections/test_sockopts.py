"""Socket options as the kernel has them."""

import socket

import pytest

from service.connections.sockopts import (
    TCP_USER_TIMEOUT,
    SocketSettings,
    acknowledged_bytes,
    forget_unsent,
    listen,
    unsent_bytes,
)


def test_an_accepted_connection_inherits_the_limits(pair):
    server, _ = pair
    assert server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 64 * 1024
    assert server.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 60_000
    assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_reader_that_stops_is_seen_after_a_few_hundred_kilobytes(pair):
    server, _ = pair
    taken = 0
    with pytest.raises(BlockingIOError):
        while True:
            taken += server.send(b"x" * 1000)
    assert taken < 400_000
    assert 0 < unsent_bytes(server.fileno()) <= taken


def test_what_is_unsent_can_be_forgotten_at_the_close(pair):
    """Else the kernel would hold and send it for as long as the peer takes."""
    server, client = pair
    with pytest.raises(BlockingIOError):
        while True:
            server.send(b"x" * 1000)
    held = unsent_bytes(server.fileno())
    forget_unsent(server.fileno())
    server.close()
    client.settimeout(3)
    read = 0
    with pytest.raises(ConnectionResetError):
        while True:
            read += len(client.recv(1000))
    assert read < held
    forget_unsent(-1)
    forget_unsent(client.detach() + 1000)


def test_what_the_peer_acknowledged_is_known(pair):
    server, client = pair
    assert acknowledged_bytes(server.fileno()) <= 1  # the handshake counts as one
    server.send(b"x" * 1000)
    for _ in range(1000):
        if unsent_bytes(server.fileno()) == 0:
            break
    assert 1000 <= acknowledged_bytes(server.fileno()) <= 1001
    number = server.fileno()
    server.close()
    assert acknowledged_bytes(number) == 0


def test_a_closed_descriptor_holds_nothing(pair):
    server, _ = pair
    number = server.fileno()
    server.close()
    assert unsent_bytes(number) == 0


def test_what_a_kernel_cannot_count_is_as_much_as_it_can():
    """A ping in a thousand hours, say: what TCP waits for is longer still."""
    listener = listen("127.0.0.1", 0, SocketSettings(send_buffer=10**12, user_timeout=10**9))
    assert listener.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 2**31 - 1
    listener.close()


def test_an_address_in_use_is_an_error():
    first = listen("127.0.0.1", 0, SocketSettings())
    with pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1], SocketSettings())
    first.close()
