"""The Fossil delta format: whatever is made applies, garbage is refused, and looking costs what it may."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.channels.delta import EFFORT, LONGEST, BadDelta, Effort, apply, checksum, create

PIECES = [
    b"abc",
    b"0123456789abcdef" * 3,
    "é€😀".encode() * 5,
    b"\xff\x80\x80",
    b"zzzz",
    b"\n",
    b"x" * 40,
    b"\x80" * 30,
]
BYTES = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.binary(max_size=300))
TEXTS = st.lists(st.sampled_from(["abc", "ééé", "0123456789" * 3, "é€😀" * 5, "€" * 20, "ҀҀҀ", "рррр" * 9])).map(
    "".join
)


@settings(max_examples=600)
@given(BYTES, BYTES)
def test_what_is_made_applies_and_is_smaller(base, target):
    delta = create(base, target)
    if delta is not None:
        assert apply(base, delta) == target
        assert len(delta) < len(target)


@settings(max_examples=400)
@given(TEXTS, TEXTS)
def test_of_texts_it_is_a_text(base, target):
    delta = create(base.encode(), target.encode())
    if delta is not None:
        assert apply(base.encode(), delta.decode().encode()) == target.encode()


@settings(max_examples=600)
@given(BYTES, st.one_of(BYTES, st.text("0123~Az:@,;\n", max_size=40).map(str.encode)))
def test_garbage_is_refused_and_nothing_else_is_raised(base, garbage):
    try:
        assert checksum(apply(base, garbage)) >= 0
    except BadDelta:
        pass


@settings(max_examples=200)
@given(st.data())
def test_a_delta_that_was_touched_makes_nothing_else(data):
    base = b"The quick brown fox jumps over the lazy dog. " * 4
    target = base.replace(b"fox", b"cat", 1) + b"end"
    delta = bytearray(create(base, target))
    delta[data.draw(st.integers(0, len(delta) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        made = apply(base, bytes(delta))
    except BadDelta:
        return
    assert made == target or checksum(made) == checksum(target)


@pytest.mark.parametrize(
    ("base", "delta", "why"),
    [
        (b"abc", b"", "no number"),
        (b"abc", b"3 3@0,;", "no size"),
        (b"abc", b"3\n3@0,", "no number"),
        (b"abc", b"3\n3@0:", "a copy without an end"),
        (b"abc", b"3\n4@0,0;", "beyond the end"),
        (b"abc", b"3\n9:ab", "beyond the end"),
        (b"abc", b"2\n3@0,0;", "more than it says"),
        (b"abc", b"3\n3@0,0;", "not what it says"),
        (b"abc", b"3\n3@0,1wMZ0;x", "not what it says"),
        (b"abc", b"3\n3!0", "no such command"),
        (b"abc", b"zzzzzz\n0;", "no number"),
        (b"abc", b"~~~~\n0;", "no size"),
    ],
)
def test_refusals_say_what_is_wrong(base, delta, why):
    with pytest.raises(BadDelta, match=why):
        apply(base, delta)


def test_the_checksum_is_that_of_the_format():
    """Big-endian words, filled up with zeros, added modulo 2**32."""
    assert checksum(b"") == 0
    assert checksum(b"\x01") == 0x01000000
    assert checksum(b"\x00\x00\x00\x01\x00\x00\x00\x02\x05") == 0x05000003
    assert checksum(b"\xff\xff\xff\xff\x00\x00\x00\x01") == 0


def test_the_python_sdk_reads_it():
    from centrifuge.fossil import apply_delta  # noqa: PLC0415 - the reader of somebody else

    base = b"".join(b"line %d of a document that changes\n" % number for number in range(200))
    for old, new in ((b"line 7 ", b"line seven "), (b"line 100 of", b""), (b"line 199", b"the last")):
        target = base.replace(old, new)
        assert apply_delta(base, create(base, target)) == target
        base = target


def test_an_edit_in_two_places_is_two_literals():
    base = b'{"left":1,"text":"%s","right":1}' % (b"The quick brown fox jumps over the lazy dog" * 3)
    target = base.replace(b'"left":1', b'"left":2').replace(b'"right":1', b'"right":2')
    assert len(create(base, target)) < 40


def test_what_was_moved_is_copied():
    parts = [bytes([65 + number]) * 3 + b"%064d" % (number * 977) for number in range(20)]
    base, target = b"".join(parts), b"".join(reversed(parts))
    assert len(create(base, target)) < len(target) / 3


def test_the_same_again_is_one_copy():
    assert len(create(b"x" * 1000, b"x" * 1000)) < 20


@pytest.mark.parametrize(
    ("base", "target"),
    [
        (b"", b"x" * 100),
        (b"x" * 100, b"x" * 10),
        (b"a" * 100, b"b" * 100),
        (b"x" * (LONGEST + 1), b"x" * 100),
        (b"x" * 100, b"x" * (LONGEST + 1)),
    ],
)
def test_what_is_not_worth_it_is_none(base, target):
    assert create(base, target) is None


def test_looking_has_a_bound_that_many_share():
    base = bytes(range(256)) * 64
    foreign = bytes(byte ^ 0x55 for byte in base[::-1])
    effort = Effort()
    for _ in range(20):
        create(base, b"!" + foreign + b"?", effort)
    assert effort.left <= 0
    assert effort.left > -2 * len(base) // 16 - EFFORT, "it stops soon after"
    assert create(base, base + b"!", effort) is not None, "what takes no looking is found all the same"
