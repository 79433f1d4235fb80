"""Frames of a server, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.lab.load.frames import FrameReader
from service.protocol import framing
from service.protocol.framing import FrameError

MESSAGES = st.lists(st.tuples(st.sampled_from([framing.TEXT, framing.BINARY]), st.binary(max_size=70_000)), max_size=5)


@given(MESSAGES, st.integers(1, 1000))
def test_messages_come_whole_however_they_are_cut(messages, size):
    data = b"".join(framing.frame(opcode, payload) for opcode, payload in messages)
    reader, found = FrameReader(), []
    for start in range(0, len(data), size):
        found += reader.feed(data[start : start + size])
    assert found == messages


def test_fragments_are_joined_and_control_frames_come_in_between():
    reader = FrameReader()
    parts = b"\x01\x02ab" + framing.frame(framing.PING, b"p") + b"\x00\x01c" + b"\x80\x01d"
    assert list(reader.feed(parts)) == [(framing.PING, b"p"), (framing.TEXT, b"abcd")]


@pytest.mark.parametrize("wrong", [b"\x81\x80mask", b"\xc1\x00", b"\x80\x01x"])
def test_what_no_server_sends_is_told(wrong):
    with pytest.raises(FrameError):
        list(FrameReader().feed(wrong))
