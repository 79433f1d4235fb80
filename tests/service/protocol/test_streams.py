"""Events, lines and chunks."""

from hypothesis import given
from hypothesis import strategies as st

from service.protocol import streams


def test_each_message_is_an_event_of_its_own():
    assert streams.events(b"{}") == b"data: {}\n\n"
    assert streams.events(b'{"a":1}\n{"b":2}') == b'data: {"a":1}\n\ndata: {"b":2}\n\n'


def test_a_raw_carriage_return_ends_no_event():
    """Browsers end a line of an event stream at CR, too; in a JSON payload it stands between tokens only."""
    assert streams.events(b'{"a":\r1}\n{\r}') == b'data: {"a":1}\n\ndata: {}\n\n'


def test_lines_end_with_a_newline():
    assert streams.lines(b"{}\n{}") == b"{}\n{}\n"
    assert streams.as_it_is(b"\x00") == b"\x00"


@given(st.lists(st.binary(min_size=1, max_size=5000), max_size=4))
def test_chunks_can_be_put_together_again(parts):
    body, found = b"".join(map(streams.chunk, parts)) + streams.LAST_CHUNK, []
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        found.append(body[:length])
        assert body[length : length + 2] == b"\r\n"
        body = body[length + 2 :]
        if not length:
            break
    assert (found[:-1], body) == (parts, b"")
