"""The frame parser beyond the letter of the RFC: any cutting, early faults, bounded and tiny memory."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.protocol import framing
from service.protocol.closing import CLOSINGS
from service.protocol.framing import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameLimits,
    FrameParser,
    client_frame,
    frame,
)

KEY = b"\x01\x02\x03\x04"
LIMIT = 1000


def f(opcode, payload=b"", fin=True):
    return client_frame(opcode, payload, KEY, fin=fin)


def held(parser):
    """Bytes that the parser keeps."""
    return len(parser._tail or b"") + len(parser._parts or b"")


def test_an_idle_parser_is_nearly_free():
    parser = FrameParser(FrameLimits(65536))
    assert sys.getsizeof(parser) <= 120
    parser.feed(f(TEXT, b"x" * 500)[:100])
    parser.feed(f(TEXT, b"x" * 500)[100:])
    parser.feed(f(TEXT, b"a", fin=False))
    parser.feed(f(CONTINUATION, b"b"))
    assert parser._tail is None
    assert parser._parts is None
    assert not hasattr(parser, "__dict__")


def test_messages_are_bytes_even_from_a_reused_buffer():
    parser = FrameParser(FrameLimits(LIMIT))
    whole = f(TEXT, b"one") + f(BINARY, b"two", fin=False) + f(CONTINUATION, b"!")
    seen = [*parser.feed(whole[:5]), *parser.feed(whole[5:])]
    assert [type(payload) for _, payload in seen] == [bytes, bytes]


def test_the_fast_path_reads_what_the_long_way_reads():
    for size in range(126):
        for opcode in (TEXT, BINARY):
            for payload in (b"x" * size, ("é" * size)[: size // 2].encode()):
                data = f(opcode, payload)
                assert (
                    FrameParser(FrameLimits(LIMIT)).feed(data)
                    == FrameParser(FrameLimits(LIMIT))._feed(data)
                    == [(opcode, payload)]
                )


def test_the_fast_path_is_not_taken_inside_a_message_or_after_its_end():
    whole = f(TEXT, b"x")
    for before, code in ((f(TEXT, b"a", fin=False), 1002), (f(CLOSE), None), (f(PING, fin=False), 1002)):
        parser = FrameParser(FrameLimits(LIMIT))
        parser.feed(before)
        assert parser.feed(whole) == []
        assert (parser.error and parser.error.code) == code


def test_the_fast_path_is_not_taken_within_a_head():
    """After the first byte of a frame the rest of it looks like a whole frame of its own."""
    parser = FrameParser(FrameLimits(LIMIT))
    assert parser.feed(b"\x82") == []
    assert parser.feed(b"\x81\x80\x01\x01\x01\xff") == [(BINARY, b"\x7f")]


@pytest.mark.parametrize("end", [f(TEXT), f(CLOSE)], ids=["fault", "close"])
def test_nothing_is_held_after_the_end(end):
    parser = FrameParser(FrameLimits(LIMIT))
    parser.feed(f(TEXT, b"x" * 500, fin=False) + f(PING, b"x")[:3])
    assert held(parser) == 503
    parser.feed(f(PING, b"x")[3:] + end + b"x" * 100)
    assert held(parser) == 0


def test_a_fault_that_is_kept_holds_nothing():
    """As one that was raised would: its frames, and by them the parser and the connection."""
    parser = FrameParser(FrameLimits(LIMIT))
    parser.feed(f(TEXT, b"\xff"))
    assert (parser.error.code, parser.error.reason) == (1007, "invalid UTF-8")
    assert (parser.error.__traceback__, parser.error.__context__) == (None, None)


def test_a_small_limit_holds_for_small_frames():
    parser = FrameParser(FrameLimits(3))
    assert parser.feed(f(TEXT, b"abc")) == [(TEXT, b"abc")]
    assert parser.feed(f(TEXT, b"abcd")) == []
    assert parser.error.code == 1009


def test_an_unlimited_length_is_refused_before_anything_is_kept():
    parser = FrameParser(FrameLimits(LIMIT))
    assert parser.feed(b"\x81\xff" + (2**40).to_bytes(8, "big")) == []
    assert parser.error.code == 1009
    for _ in range(3):
        assert parser.feed(b"x" * 10_000) == []
    assert held(parser) == 0


def test_a_fault_is_found_in_the_head_without_the_payload():
    for head in (b"\xf1\x85", b"\x83\x85", b"\x81\x05", b"\x09\x85", b"\x89\xfe", b"\x80\x85"):
        parser = FrameParser(FrameLimits(LIMIT))
        parser.feed(head)
        assert parser.error.code == 1002, head.hex()


def test_bad_text_fails_with_its_fragment_not_at_the_end_of_the_message():
    parser = FrameParser(FrameLimits(LIMIT))
    assert parser.feed(f(TEXT, b"Hello \xf0\x9f", fin=False)) == []
    assert parser.error is None
    parser.feed(f(CONTINUATION, b"\x8c", fin=False))
    assert parser.error is None
    parser.feed(f(CONTINUATION, b"\xff", fin=False))
    assert parser.error.code == 1007


@pytest.mark.parametrize("start", [b"\xed\xa0\x80", b"\xf4\x90", b"\xe0\x80", b"\xf0\x80", b"\xc0", b"\xf5", b"\x80"])
def test_a_start_that_no_character_has_fails_at_once(start):
    parser = FrameParser(FrameLimits(LIMIT))
    parser.feed(f(TEXT, start, fin=False))
    assert parser.error.code == 1007


def test_a_message_in_single_bytes_costs_no_squares():
    """A frame of 60 kB in single bytes: each byte is looked at once, or nothing is linear."""
    parser = FrameParser(FrameLimits(65536))
    data = f(BINARY, b"x" * 60_000)
    parser.feed(data[:1])
    buffer = parser._tail
    for n in range(1, len(data) - 1):
        assert not parser.feed(data[n : n + 1])
        assert parser._tail is buffer, "kept by appending, not by copying"
    assert parser.feed(data[-1:]) == [(BINARY, b"x" * 60_000)]


def test_a_text_in_tiny_fragments_costs_no_squares():
    parser = FrameParser(FrameLimits(200_000))
    text = "né日🌄".encode() * 8000
    parser.feed(f(TEXT, b"", fin=False))
    for n in range(len(text)):
        assert not parser.feed(f(CONTINUATION, text[n : n + 1], fin=False))
        assert n - parser._checked < 4, "checked text is not checked again"
    assert parser.feed(f(CONTINUATION)) == [(TEXT, text)]


def test_many_frames_in_a_segment_are_read_in_one_go():
    parser = FrameParser(FrameLimits(LIMIT))
    segment = b"".join(f(TEXT, b"%d" % n) for n in range(5000)) + f(TEXT, b"tail")[:3]
    assert parser.feed(segment) == [(TEXT, b"%d" % n) for n in range(5000)]
    assert held(parser) == 3


@pytest.mark.parametrize(
    ("limits", "data", "cause"),
    [
        (FrameLimits(100), f(TEXT, b"x" * 101), "message_too_big"),
        (FrameLimits(100), f(TEXT, b"x" * 60, fin=False) + f(CONTINUATION, b"x" * 60), "message_too_big"),
        (FrameLimits(100, 50), f(TEXT, b"x" * 51), "frame_too_big"),
        (FrameLimits(1000, 50), f(TEXT, b"x" * 50, fin=False) + f(CONTINUATION, b"x" * 51), "frame_too_big"),
        (FrameLimits(100, 0, 3), f(TEXT, b"x", fin=False) + f(CONTINUATION, b"", fin=False) * 3, "too_many_fragments"),
    ],
)
def test_each_limit_has_its_cause(limits, data, cause):
    parser = FrameParser(limits)
    assert not parser.feed(data)
    assert (parser.error.code, parser.error.cause) == (1009, cause)


def test_as_many_fragments_as_are_allowed_make_a_message_again_and_again():
    parser = FrameParser(FrameLimits(100, 0, 3))
    whole = f(TEXT, b"a", fin=False) + f(CONTINUATION, b"b", fin=False) + f(PING) + f(CONTINUATION, b"c")
    for _ in range(3):
        assert parser.feed(whole) == [(PING, b""), (TEXT, b"abc")]
    assert parser.error is None


def test_errors_have_a_row_in_the_closing_table():
    for data in (frame(TEXT, b"x"), f(TEXT, b"\xff"), f(TEXT, b"x" * 2000)):
        parser = FrameParser(FrameLimits(LIMIT))
        parser.feed(data)
        assert parser.error.code in CLOSINGS
        assert len(parser.error.reason.encode()) <= 123
        framing.close_frame(parser.error.code, parser.error.reason)


# ------------------------------------------------------------------------------------------- properties

CONTROL = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
MESSAGE = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.just(BINARY), st.integers(0, 70_000).map(lambda n: b"z" * n)),
    CONTROL,
)


@st.composite
def conversations(draw):
    """Messages, and the bytes a client sends for them: fragmented anyhow, control frames between, each its own key."""
    sent, seen = [], []
    for opcode, payload in draw(st.lists(MESSAGE, max_size=6)):
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3))) if opcode < CLOSE else []
        pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        for n, piece in enumerate(pieces):
            if n and draw(st.booleans()):
                control = draw(CONTROL)
                sent.append(client_frame(*control, draw(st.binary(min_size=4, max_size=4))))
                seen.append(control)
            key = draw(st.binary(min_size=4, max_size=4))
            sent.append(client_frame(CONTINUATION if n else opcode, piece, key, fin=n == len(pieces) - 1))
        seen.append((opcode, payload))
    return b"".join(sent), seen


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


PLACES = st.lists(st.integers(0, 2**32), max_size=20)


@settings(deadline=None)
@given(conversations(), PLACES)
def test_what_clients_send_arrives_however_it_is_cut(conversation, places):
    data, wanted = conversation
    parser = FrameParser(FrameLimits(100_000))
    assert [message for chunk in cut(data, places) for message in parser.feed(chunk)] == wanted
    assert parser.error is None
    assert held(parser) == 0


HEADS = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(bytes)
RUBBISH = st.binary(max_size=60) | st.lists(
    st.one_of(st.builds(f, st.sampled_from([0, 1, 2, 8, 9, 10]), st.binary(max_size=20), st.booleans()), HEADS),
    max_size=8,
).map(b"".join)


@settings(deadline=None)
@given(RUBBISH, PLACES)
def test_any_bytes_mean_the_same_however_they_are_cut(data, places):
    def story(chunks):
        parser = FrameParser(FrameLimits(50))
        seen = [message for chunk in chunks for message in parser.feed(chunk)]
        return seen, parser.error and (parser.error.code, parser.error.reason)

    assert story(cut(data, places)) == story([data])


@settings(deadline=None)
@given(RUBBISH, PLACES)
def test_never_more_than_a_message_and_a_frame_are_held(data, places):
    parser = FrameParser(FrameLimits(50))
    for chunk in cut(data, places):
        parser.feed(chunk)
        assert held(parser) <= 50 + 14 + 125
