"""Codec and framing of the other transports."""

import msgspec
import pytest

from service.connections.manners import HTTP_STREAM, SSE
from service.connections.stream_variants import StreamVariant, UniWebSocketVariant
from service.protocol import closing, framing, streams
from service.protocol import messages as wire
from service.protocol.json_codec import JsonCodec
from service.protocol.unidirectional import UnidirectionalJson
from tests.service.connections.test_variants import payloads

TWO = [wire.Publication(data=msgspec.Raw(b"%d" % n)) for n in (1, 2)]
PUSHES = [b'{"push":{"channel":"c","pub":{"data":1}}}', b'{"push":{"channel":"c","pub":{"data":2}}}']


@pytest.mark.parametrize(
    ("manner", "form", "expected"),
    [
        (SSE, streams.events, b"data: %b\n\ndata: %b\n\n" % tuple(PUSHES)),
        (HTTP_STREAM, streams.lines, b"%b\n%b\n" % tuple(PUSHES)),
    ],
)
def test_a_batch_is_one_write_with_or_without_a_chunk_around(manner, form, expected):
    plain = StreamVariant(JsonCodec(), manner, form, chunked=False)
    chunked = StreamVariant(JsonCodec(), manner, form, chunked=True)
    assert plain.publications("c", TWO) == expected
    assert chunked.publications("c", TWO) == b"%x\r\n%b\r\n" % (len(expected), expected)
    assert plain.name != chunked.name


def test_the_last_words_end_a_chunked_body():
    told = StreamVariant(JsonCodec(), SSE, streams.events, chunked=True).goodbye(closing.NO_PONG)
    assert told.endswith(b"\r\n0\r\n\r\n")
    assert b'data: {"push":{"disconnect":{"code":3012,"reason":"no pong"}}}\n\n' in told
    assert (
        not StreamVariant(JsonCodec(), SSE, streams.events, chunked=False)
        .goodbye(closing.NO_PONG)
        .endswith(b"0\r\n\r\n")
    )


def test_a_listener_gets_a_frame_for_each_push_unless_it_wants_them_joined():
    assert payloads(UniWebSocketVariant(UnidirectionalJson()).publications("c", TWO)) == [
        b'{"channel":"c","pub":{"data":1}}',
        b'{"channel":"c","pub":{"data":2}}',
    ]
    (joined,) = payloads(UniWebSocketVariant(UnidirectionalJson(), joined=True).publications("c", TWO))
    assert joined.count(b"\n") == 1


def test_a_listener_is_pinged_both_ways():
    variant = UniWebSocketVariant(UnidirectionalJson())
    assert variant.native_ping == framing.frame(framing.TEXT, b"{}") + framing.frame(framing.PING, b"")


def test_faults_of_the_wire_are_told_by_the_close_frame_alone():
    variant = UniWebSocketVariant(UnidirectionalJson())
    for fault in (closing.MESSAGE_TOO_BIG, closing.BAD_FRAME):
        assert variant.goodbye(fault) == framing.close_frame(fault.code, fault.reason)
    assert variant.goodbye(closing.STALE) != framing.close_frame(3502, "stale")
    silent = UniWebSocketVariant(UnidirectionalJson(), silent=True)
    assert silent.goodbye(closing.STALE) == framing.close_frame(3502, "stale")


def test_a_backends_1000_is_pushed_as_every_code_of_a_backend():
    told = UniWebSocketVariant(UnidirectionalJson()).goodbye(closing.forced(1000, "bye"))
    assert told.endswith(framing.close_frame(1000, "bye"))
    assert b'{"disconnect":{"code":1000,"reason":"bye"}}' in told


def test_what_no_close_frame_can_say():
    listener, mute = UniWebSocketVariant(UnidirectionalJson()), UniWebSocketVariant(UnidirectionalJson(), silent=True)
    dropped, wordy = closing.forced(3000, ""), closing.forced(4000, "y" * 124)
    assert [listener.goodbye(dropped), mute.goodbye(dropped), mute.goodbye(wordy)] == [None] * 3
    assert len(payloads(listener.goodbye(wordy))) == 1
    chunked = StreamVariant(JsonCodec(), SSE, streams.events, chunked=True)
    plain = StreamVariant(JsonCodec(), SSE, streams.events, chunked=False)
    assert [chunked.goodbye(dropped), plain.goodbye(dropped)] == [b"0\r\n\r\n", b""]
