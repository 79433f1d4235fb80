"""The only writer of descriptors: what the kernel takes is counted, what it does not take is handed on after the slice."""

import errno
import os
import socket

import pytest

from service.connections.flush import send_many, write_some


class Batch:
    messages = 3


class Member:
    def __init__(self, fd=-1):
        self.fd = fd
        self.sent = 0
        self.held = []

    def hold(self, data, written, batch):
        self.held.append((data, written, batch))


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_member_gets_the_bytes(pair):
    ours, theirs = pair
    member = Member(ours.fileno())
    assert send_many([member], b"frame", Batch()) == 1
    assert theirs.recv(100) == b"frame"
    assert (member.sent, member.held) == (3, [])


def test_one_that_must_not_be_written_directly_is_handed_on(pair):
    ours, theirs = pair
    paused, free = Member(-1), Member(ours.fileno())
    batch = Batch()
    assert send_many([paused, free], b"frame", batch) == 1
    assert paused.held == [(b"frame", 0, batch)]
    assert paused.sent == 0
    assert theirs.recv(100) == b"frame"


def test_a_full_socket_takes_a_part_then_nothing(pair):
    ours, _ = pair
    member = Member(ours.fileno())
    data = b"x" * 1_000_000
    assert send_many([member], data, Batch()) == 0
    (_, written, _), *_ = member.held
    assert 0 < written < len(data)
    assert send_many([member], data, Batch()) == 0
    assert member.held[-1][1] == 0
    assert write_some(ours.fileno(), data) == 0


def test_a_peer_that_is_gone_is_told_apart_from_a_full_one(pair):
    ours, theirs = pair
    theirs.close()
    member = Member(ours.fileno())
    send_many([member], b"frame", Batch())
    assert member.held[0][1] == -errno.EPIPE
    assert write_some(ours.fileno(), b"frame") == -errno.EPIPE


def test_trouble_is_handled_after_the_slice(pair):
    """Closing in the middle of the loop would change the list that it walks over."""
    ours, theirs = pair
    order = []

    class Recorder(Member):
        def hold(self, data, written, batch):
            order.append(theirs.recv(100))

    send_many([Recorder(-1), Member(ours.fileno())], b"later", Batch())
    assert order == [b"later"]


def test_a_closed_descriptor_is_gone_not_an_exception():
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    member = Member(write)
    send_many([member], b"frame", Batch())
    assert member.held[0][1] == -errno.EBADF
