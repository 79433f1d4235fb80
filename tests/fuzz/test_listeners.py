"""No publication whatever closes another connection: whoever may listen, by any transport, reads what was published."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.protocol import streams
from service.protocol.errors import ClientMistake
from service.protocol.payload import is_json
from tests.fuzz.listeners import CHANNELS, Listeners

LISTENERS = Listeners()
NASTY = (
    b'{\r\n"a":\r1}',
    b'"\xe2\x80\xa8\xe2\x80\xa9"',
    rb'"\u0000\r\n\ud83d\ude00"',
    rb'"\ud83d"',
    b'"\xff"',
    b"\xef\xbb\xbf1",
    b"",
    b" ",
    b"NaN",
    b"1e999",
    b"12345678901234567890123456789.000",
    b"[" * 250 + b"]" * 250,
    b"[" * 5000 + b"]" * 5000,
    b"{} {}",
    b"data: {}\n\n",
    b"null",
    bytes(range(256)),
)
payloads = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(NASTY),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ).flatmap(
        lambda value: st.sampled_from(
            [json.dumps(value).encode(), json.dumps(value, indent=1, ensure_ascii=False).encode(errors="surrogatepass")]
        )
    ),
)


def taken(channel, payload):
    try:
        LISTENERS.hub.publish(channel, payload)
    except ClientMistake:
        return False
    return True


@given(st.lists(st.tuples(st.sampled_from(CHANNELS), payloads), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_everybody_reads_what_was_published(publications):
    for channel, payload in publications:
        wanted = channel == "binary:a" or is_json(payload)
        assert taken(channel, payload) == wanted or channel == "object:a"
    LISTENERS.check()


@pytest.mark.parametrize("payload", NASTY)
def test_what_is_nasty_is_refused_or_read(payload):
    for channel in CHANNELS:
        taken(channel, payload)
    LISTENERS.check()


def test_who_could_not_read_is_seen(monkeypatch):
    """The listeners themselves: without its treatment of CR an event stream is broken, and it shows."""
    monkeypatch.setattr(streams, "events", lambda payload: b"data: %b\n\n" % payload)
    listeners = Listeners()
    listeners.hub.publish("a", b'{\r"a":1}')
    with pytest.raises(AssertionError, match="a line that is no data"):
        listeners.check()
