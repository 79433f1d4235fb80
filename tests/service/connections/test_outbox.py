"""The outbox: order, bounds, and frames that go out whole."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from service.connections.outbox import Outbox, OutboxSettings


class Batch:
    def __init__(self, messages, conflates=""):
        self.messages = messages
        self.conflates = conflates


ONE = Batch(1)


def test_frames_come_out_in_order_many_in_one_write():
    outbox = Outbox(OutboxSettings())
    for i in range(3):
        assert outbox.offer(b"%d" % i, Batch(i), 10.0 + i) is None
    assert (len(outbox), outbox.size, outbox.messages) == (3, 3, 3)
    data, batches = outbox.take(100)
    assert data == b"012"
    assert [(batch.messages, since) for batch, since in batches] == [(0, 10.0), (1, 11.0), (2, 12.0)]
    assert (len(outbox), outbox.size, outbox.messages) == (0, 0, 0)


def test_a_write_keeps_its_limit_but_takes_at_least_one_frame():
    outbox = Outbox(OutboxSettings())
    for data in (b"x" * 50, b"y" * 30, b"z" * 30):
        outbox.offer(data, ONE, 0)
    assert len(outbox.take(10)[0]) == 50
    assert outbox.take(59)[0] == b"y" * 30
    assert outbox.take(59)[0] == b"z" * 30
    assert outbox.take(59) == (b"", [])


def test_it_is_bounded_in_bytes():
    outbox = Outbox(OutboxSettings(max_bytes=10))
    assert outbox.offer(b"x" * 10, ONE, 0) is None
    assert outbox.offer(b"y", ONE, 0) == "bytes"
    assert (len(outbox), outbox.size) == (1, 10)
    assert Outbox(OutboxSettings(max_bytes=10)).offer(b"x" * 11, ONE, 0) == "bytes"


def test_it_is_bounded_in_age():
    outbox = Outbox(OutboxSettings(max_age=5))
    assert (outbox.deadline(), outbox.oldest(), outbox.overdue(1e9)) == (inf, inf, None)
    outbox.offer(b"x", ONE, 100)
    assert outbox.offer(b"y", ONE, 104.9) is None
    assert (outbox.deadline(), outbox.overdue(104.9)) == (105, None)
    assert outbox.overdue(105) == "age"
    assert outbox.offer(b"z", ONE, 105) == "age"
    outbox.take(1)
    assert (outbox.oldest(), outbox.overdue(105)) == (104.9, None)


def test_frames_are_shared_and_not_copied():
    data = b"x" * 1000
    outbox = Outbox(OutboxSettings())
    outbox.offer(data, ONE, 0)
    assert outbox.take(10)[0] is data


@given(
    st.lists(st.one_of(st.binary(min_size=1, max_size=40), st.integers(1, 100)), max_size=80),
    st.integers(20, 200),
)
def test_no_byte_is_lost_doubled_or_moved(happenings, max_bytes):
    """Offers (bytes) and takes (limits) in any order."""
    outbox = Outbox(OutboxSettings(max_bytes=max_bytes))
    kept: list[bytes] = []
    out: list[bytes] = []
    for now, happening in enumerate(happenings):
        if isinstance(happening, bytes):
            verdict = outbox.offer(happening, ONE, 0)
            waiting = sum(map(len, kept)) - sum(map(len, out))
            assert (verdict == "bytes") == (waiting + len(happening) > max_bytes), now
            if verdict is None:
                kept.append(happening)
        else:
            data, batches = outbox.take(happening)
            out.append(data)
            assert len(data) <= happening or len(batches) == 1
        assert outbox.size == sum(map(len, kept)) - sum(map(len, out))
        assert outbox.size <= max_bytes
    while len(outbox):
        out.append(outbox.take(64)[0])
    assert b"".join(out) == b"".join(kept)
    assert (outbox.size, outbox.messages) == (0, 0)


# ------------------------------------------------------------------------- the newest is enough


def test_a_newer_frame_of_a_channel_takes_the_place_of_the_one_before():
    outbox = Outbox(OutboxSettings())
    outbox.offer(b"a1", Batch(1, "a"), 1.0)
    outbox.offer(b"own", ONE, 2.0)
    outbox.offer(b"b1", Batch(1, "b"), 3.0)
    size, batch = outbox.displace("a")
    assert (size, batch.conflates) == (2, "a")
    assert outbox.oldest() == 2.0
    outbox.offer(b"a2", Batch(1, "a"), 4.0)
    assert (len(outbox), outbox.size, outbox.messages) == (3, 7, 3)
    assert outbox.take(100)[0] == b"ownb1a2"
    assert outbox.displace("a") is None
    assert (len(outbox), outbox.size, outbox.oldest()) == (0, 0, inf)


def test_what_is_displaced_leaves_nothing():
    outbox = Outbox(OutboxSettings(max_bytes=100))
    outbox.offer(b"own", ONE, 0.0)
    for n in range(10_000):
        outbox.displace("a")
        assert outbox.offer(b"%05d" % n, Batch(1, "a"), 0.0) is None
    assert len(outbox._frames) < 100
    assert (len(outbox), outbox.size, outbox.messages) == (2, 8, 2)
    assert outbox.take(100)[0] == b"own09999"


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.booleans()), max_size=120))
def test_own_frames_come_whole_and_in_order_and_of_each_channel_the_newest(steps):
    outbox, sent, out = Outbox(OutboxSettings()), [], []
    for n, (channel, drain) in enumerate(steps):
        if channel:
            outbox.displace(channel)
        outbox.offer(b"%s%d;" % (channel.encode(), n), Batch(1, channel), 0.0)
        sent.append((channel, n))
        if drain:
            out += outbox.take(20)[0].decode().split(";")[:-1]
    while len(outbox):
        out += outbox.take(20)[0].decode().split(";")[:-1]
    assert [text for text in out if text[0].isdigit()] == [str(n) for channel, n in sent if not channel]
    for channel in "ab":
        got = [int(text[1:]) for text in out if text[0] == channel]
        assert got == sorted(got)
        assert got[-1:] == [n for each, n in sent if each == channel][-1:]
    assert (outbox.size, outbox.messages, len(outbox)) == (0, 0, 0)
