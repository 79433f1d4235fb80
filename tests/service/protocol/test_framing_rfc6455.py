"""Every MUST of RFC 6455 for the frames of a server, a case each, listed by section.

A case is what a client sends, the messages that come of it, and the close code when the connection must fail. Each is
delivered whole, cut in two at every byte, and byte by byte. The handshake (section 4) and what the connection answers (pongs,
the echo of a close) are tested with the connection; here is all that bytes alone decide.
"""

from typing import NamedTuple

import pytest

from service.protocol.framing import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NO_CODE,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameLimits,
    FrameParser,
    accept_key,
    client_frame,
    close_frame,
    frame,
    parse_close,
    sendable,
)

LIMIT = 70_000
KEY = b"\x37\xfa\x21\x3d"


class Case(NamedTuple):
    section: str
    must: str
    sent: bytes
    seen: list[tuple[int, bytes]]
    code: int = 0


def f(opcode, payload=b"", fin=True, key=KEY):
    return client_frame(opcode, payload, key, fin=fin)


def raw(first, second, rest=b""):
    return bytes((first, second)) + rest


def unmasked(opcode, payload=b""):
    return frame(opcode, payload)


def close(code, reason=b""):
    return f(CLOSE, code.to_bytes(2, "big") + reason)


HELLO = (TEXT, b"Hello")
MARK = f(TEXT, b"Hello")  # a good message before or after


def sizes():
    """Section 5.2: the three forms of a length, at their borders."""
    for size in (0, 1, 124, 125, 126, 127, 128, 65535, 65536, LIMIT):
        for opcode, name in ((TEXT, "text"), (BINARY, "binary")):
            payload = b"*" * size
            yield Case("5.2 length", f"{name} of {size} bytes", f(opcode, payload) + MARK, [(opcode, payload), HELLO])


def reserved_bits():
    for bits in range(1, 8):
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG):
            sent = MARK + raw(0x80 | bits << 4 | opcode, 0x80, KEY)
            yield Case("5.2 RSV", f"bits {bits:03b} on opcode {opcode} fail the connection", sent, [HELLO], 1002)
        sent = f(TEXT, b"a", fin=False) + raw(0x80 | bits << 4, 0x80, KEY)
        yield Case("5.2 RSV", f"bits {bits:03b} on a continuation fail the connection", sent, [], 1002)


def reserved_opcodes():
    for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF):
        for size in (0, 5):
            sent = MARK + f(opcode, b"x" * size)
            yield Case("5.2 opcode", f"{opcode:#x} with {size} bytes fails the connection", sent, [HELLO], 1002)
        sent = f(TEXT, b"a", fin=False) + f(opcode)
        yield Case("5.2 opcode", f"{opcode:#x} inside a fragmented message", sent, [], 1002)


LENGTHS = [
    Case("5.2 length", "126 with 125 bytes is not minimal", raw(0x82, 0xFE, b"\x00\x7d" + KEY + b"*" * 125), [], 1002),
    Case("5.2 length", "126 with 0 bytes is not minimal", raw(0x82, 0xFE, b"\x00\x00" + KEY), [], 1002),
    Case("5.2 length", "127 with 126 bytes is not minimal", raw(0x82, 0xFF, (126).to_bytes(8, "big") + KEY), [], 1002),
    Case(
        "5.2 length", "127 with 65535 bytes is not minimal", raw(0x82, 0xFF, (65535).to_bytes(8, "big") + KEY), [], 1002
    ),
    Case(
        "5.2 length", "the highest bit must be 0", raw(0x82, 0xFF, (1 << 63 | 70000).to_bytes(8, "big") + KEY), [], 1002
    ),
    Case(
        "5.2 length",
        "an unmasked long frame fails by its mask bit",
        raw(0x82, 0x7F, (70000).to_bytes(8, "big")),
        [],
        1002,
    ),
]

MASKING = [
    Case("5.1 masking", "an unmasked text frame fails the connection", MARK + unmasked(TEXT, b"Hello"), [HELLO], 1002),
    Case("5.1 masking", "an unmasked empty frame fails the connection", unmasked(TEXT), [], 1002),
    Case("5.1 masking", "an unmasked binary frame fails the connection", unmasked(BINARY, b"\0" * 300), [], 1002),
    Case("5.1 masking", "an unmasked ping fails the connection", unmasked(PING, b"x"), [], 1002),
    Case("5.1 masking", "an unmasked pong fails the connection", unmasked(PONG), [], 1002),
    Case("5.1 masking", "an unmasked close fails the connection", unmasked(CLOSE, b"\x03\xe8"), [], 1002),
    Case("5.1 masking", "an unmasked continuation fails", f(TEXT, b"a", fin=False) + unmasked(CONTINUATION, b"b"), [], 1002),
    Case("5.3 masking", "the example of section 5.7", bytes.fromhex("818537fa213d7f9f4d5158"), [HELLO]),
    Case("5.3 masking", "every frame has a key of its own",
         f(TEXT, b"Hello", key=b"\0\0\0\0") + f(TEXT, b"Hello", key=b"\xff\xff\xff\xff") + f(TEXT, b"Hello", key=b"\1\2\3\4"),
         [HELLO, HELLO, HELLO]),
    Case("5.3 masking", "fragments have keys of their own",
         f(TEXT, b"Hel", fin=False, key=b"\1\2\3\4") + f(CONTINUATION, b"lo", key=b"\5\6\7\x08"), [HELLO]),
    Case("5.3 masking", "masked bytes may look like frames",
         f(BINARY, f(TEXT, b"in")) + MARK, [(BINARY, f(TEXT, b"in")), HELLO]),
    *(Case("5.3 masking", f"a payload of {n} bytes is unmasked from its first byte on",
           f(BINARY, bytes(range(1, n + 1))), [(BINARY, bytes(range(1, n + 1)))]) for n in range(1, 10)),
]  # fmt: skip

FRAGMENTS = [
    Case("5.4 fragments", "two fragments", f(TEXT, b"Hel", fin=False) + f(CONTINUATION, b"lo") + MARK, [HELLO, HELLO]),
    Case("5.4 fragments", "a binary message", f(BINARY, b"\xff", fin=False) + f(CONTINUATION, b"\xfe"), [(BINARY, b"\xff\xfe")]),
    Case("5.4 fragments", "a byte a fragment",
         f(TEXT, b"H", fin=False) + b"".join(f(CONTINUATION, b"ello"[n:n + 1], fin=False) for n in range(4)) + f(CONTINUATION),
         [HELLO]),
    Case("5.4 fragments", "empty fragments only", f(TEXT, fin=False) + f(CONTINUATION, fin=False) + f(CONTINUATION), [(TEXT, b"")]),
    Case("5.4 fragments", "empty ones at both ends", f(TEXT, fin=False) + f(CONTINUATION, b"Hello", fin=False) + f(CONTINUATION), [HELLO]),
    Case("5.4 fragments", "a long message of long fragments",
         f(BINARY, b"a" * 30000, fin=False) + f(CONTINUATION, b"b" * 30000), [(BINARY, b"a" * 30000 + b"b" * 30000)]),
    Case("5.4 fragments", "without an end there is no message", MARK + f(TEXT, b"Hel", fin=False) + f(CONTINUATION, b"lo", fin=False), [HELLO]),
    Case("5.4 fragments", "a ping between fragments comes first",
         f(TEXT, b"Hel", fin=False) + f(PING, b"?") + f(CONTINUATION, b"lo"), [(PING, b"?"), HELLO]),
    Case("5.4 fragments", "a pong between fragments comes first",
         f(TEXT, b"Hel", fin=False) + f(PONG, b"!") + f(CONTINUATION, b"lo"), [(PONG, b"!"), HELLO]),
    Case("5.4 fragments", "ten pings between fragments",
         f(TEXT, b"Hel", fin=False) + b"".join(f(PING, b"%d" % n) for n in range(10)) + f(CONTINUATION, b"lo"),
         [*((PING, b"%d" % n) for n in range(10)), HELLO]),
    Case("5.4 fragments", "a close between fragments ends all",
         f(TEXT, b"Hel", fin=False) + close(1000) + f(CONTINUATION, b"lo"), [(CLOSE, b"\x03\xe8")]),
    Case("5.4 fragments", "a continuation without a start fails", MARK + f(CONTINUATION, b"lo"), [HELLO], 1002),
    Case("5.4 fragments", "an unfinished continuation without a start fails", f(CONTINUATION, b"lo", fin=False), [], 1002),
    Case("5.4 fragments", "a continuation after the end fails",
         f(TEXT, b"Hel", fin=False) + f(CONTINUATION, b"lo") + f(CONTINUATION, b"!"), [HELLO], 1002),
    Case("5.4 fragments", "a continuation after a whole message fails", MARK + MARK + f(CONTINUATION), [HELLO, HELLO], 1002),
    Case("5.4 fragments", "a new text message inside one fails", f(TEXT, b"Hel", fin=False) + MARK, [], 1002),
    Case("5.4 fragments", "a new binary message inside one fails", f(TEXT, b"Hel", fin=False) + f(BINARY, b"x"), [], 1002),
    Case("5.4 fragments", "a second start inside one fails", f(BINARY, b"x", fin=False) + f(TEXT, b"Hel", fin=False), [], 1002),
    Case("5.4 fragments", "an empty message inside one fails", f(TEXT, fin=False) + f(TEXT), [], 1002),
]  # fmt: skip


def controls():
    for opcode, name in ((PING, "ping"), (PONG, "pong")):
        for size in (0, 1, 124, 125):
            payload = bytes(range(size))
            yield Case(
                "5.5 control",
                f"{name} of {size} bytes, any bytes",
                f(opcode, payload) + MARK,
                [(opcode, payload), HELLO],
            )
    for opcode, name in ((CLOSE, "close"), (PING, "ping"), (PONG, "pong")):
        for size in (126, 127, 65536):
            sent = MARK + f(opcode, b"\x03\xe8" + b"x" * (size - 2))
            yield Case("5.5 control", f"{name} of {size} bytes fails the connection", sent, [HELLO], 1002)
        for size in (0, 2):
            sent = MARK + f(opcode, b"\x03\xe8"[:size], fin=False) + f(CONTINUATION)
            yield Case("5.5 control", f"{name} of {size} bytes in fragments fails the connection", sent, [HELLO], 1002)


ENDS = [
    Case("5.5.1 close", "without a payload", MARK + f(CLOSE), [HELLO, (CLOSE, b"")]),
    Case("5.5.1 close", "with a code", close(1000), [(CLOSE, b"\x03\xe8")]),
    Case("5.5.1 close", "with a code and a reason", close(1001, b"bye"), [(CLOSE, b"\x03\xe9bye")]),
    Case("5.5.1 close", "with the longest reason", close(1000, b"x" * 123), [(CLOSE, b"\x03\xe8" + b"x" * 123)]),
    Case("5.5.1 close", "one byte fails the connection", f(CLOSE, b"\x03"), [], 1002),
    Case("5.5.1 close", "data after it is not processed", close(1000) + MARK, [(CLOSE, b"\x03\xe8")]),
    Case("5.5.1 close", "a ping after it is not processed", close(1000) + f(PING), [(CLOSE, b"\x03\xe8")]),
    Case("5.5.1 close", "a second one is not processed", close(1000) + close(1001), [(CLOSE, b"\x03\xe8")]),
    Case("5.5.1 close", "rubbish after it is no fault", close(1000) + b"\xff" * 20, [(CLOSE, b"\x03\xe8")]),
    Case("5.5.1 close", "a reason in many alphabets", close(1000, "né 日本 🌄".encode()), [(CLOSE, b"\x03\xe8" + "né 日本 🌄".encode())]),
    Case("5.5.1 close", "a reason that is not UTF-8 fails", close(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80"), [], 1007),
    Case("5.5.1 close", "a reason with a cut character fails", close(1000, b"\xce"), [], 1007),
    Case("7.1.7 failing", "nothing after the fault is processed", raw(0xF1, 0x80, KEY) + MARK + close(1000), [], 1002),
    Case("7.1.7 failing", "what came before the fault is", MARK + f(PING, b"p") + unmasked(TEXT), [HELLO, (PING, b"p")], 1002),
]  # fmt: skip

GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3501, 3999, 4000, 4999)
BAD_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)


def codes():
    for code in GOOD_CODES:
        yield Case("7.4 codes", f"{code} may be sent", close(code), [(CLOSE, code.to_bytes(2, "big"))])
    for code in BAD_CODES:
        yield Case("7.4 codes", f"{code} must not be sent", close(code), [], 1002)


GOOD_TEXT = {
    "Greek": "κόσμε".encode(),
    "first of 1, 2, 3, 4 bytes": "\x00\x80\u0800\U00010000".encode(),
    "last of 1, 2, 3, 4 bytes": "\x7f\u07ff\uffff\U0010ffff".encode(),
    "around the surrogates": "\ud7ff\ue000\ufffd".encode(),
    "noncharacters": "\ufffe\uffff\U0001fffe\U0010fffe\ufdd0".encode(),
    "byte order mark": b"\xef\xbb\xbf",
    "300 bytes in three alphabets": "aé日".encode() * 50,
}
BAD_TEXT = {
    "a surrogate": b"\xce\xba\xed\xa0\x80edited",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "a lone continuation": b"Hello\x80",
    "two lone continuations": b"\xbf\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "a cut two bytes": b"Hello\xc3",
    "a cut three bytes": b"Hello\xe6\x97",
    "a cut four bytes": b"Hello\xf0\x9f\x8c",
    "a cut character before ASCII": b"\xe6\x97Hello",
    "slash in two bytes": b"\xc0\xaf",
    "slash in three bytes": b"\xe0\x80\xaf",
    "slash in four bytes": b"\xf0\x80\x80\xaf",
    "null in two bytes": b"\xc0\x80",
    "the longest overlong": b"\xc1\xbf",
    "overlong three bytes": b"\xe0\x9f\xbf",
    "overlong four bytes": b"\xf0\x8f\xbf\xbf",
    "Latin-1": "é".encode("latin-1"),
}


def texts():
    for name, text in GOOD_TEXT.items():
        yield Case("5.6 text", f"{name} in a frame", f(TEXT, text) + MARK, [(TEXT, text), HELLO])
        for cut in range(1, min(len(text), 12)):
            sent = f(TEXT, text[:cut], fin=False) + f(PING) + f(CONTINUATION, text[cut:])
            yield Case(
                "5.6 text", f"{name} cut at {cut}: a fragment may end in a character", sent, [(PING, b""), (TEXT, text)]
            )
        pieces = [f(TEXT, fin=False), *(f(CONTINUATION, bytes((octet,)), fin=False) for octet in text), f(CONTINUATION)]
        yield Case("5.6 text", f"{name}, a byte a fragment", b"".join(pieces), [(TEXT, text)])
    for name, text in BAD_TEXT.items():
        yield Case("8.1 UTF-8", f"{name} fails the connection", MARK + f(TEXT, text), [HELLO], 1007)
        yield Case("5.6 binary", f"{name} is welcome in binary", f(BINARY, text), [(BINARY, text)])
        for cut in range(1, len(text)):
            sent = f(TEXT, text[:cut], fin=False) + f(CONTINUATION, text[cut:]) + MARK
            yield Case("8.1 UTF-8", f"{name} cut at {cut} fails the connection", sent, [], 1007)
        sent = f(TEXT, b"Hello ", fin=False) + f(CONTINUATION, text, fin=False) + f(CONTINUATION)
        yield Case("8.1 UTF-8", f"{name} in a middle fragment fails the connection", sent, [], 1007)


LIMITS = [
    Case("10.4 size", "a frame over the limit", MARK + f(TEXT, b"x" * (LIMIT + 1)), [HELLO], 1009),
    Case("10.4 size", "fragments over the limit together",
         f(TEXT, b"x" * LIMIT, fin=False) + f(CONTINUATION, b"x"), [], 1009),
    Case("10.4 size", "fragments up to the limit", f(TEXT, b"x" * LIMIT, fin=False) + f(CONTINUATION), [(TEXT, b"x" * LIMIT)]),
    Case("10.4 size", "a declared length over the limit fails before its payload", raw(0x81, 0xFF, (LIMIT + 1).to_bytes(8, "big")), [], 1009),
    Case("10.4 size", "the greatest length of all", raw(0x81, 0xFF, (2**63 - 1).to_bytes(8, "big")), [], 1009),
    Case("10.4 size", "control frames do not count",
         f(TEXT, b"x" * LIMIT, fin=False) + f(PING, b"y" * 125) + f(CONTINUATION), [(PING, b"y" * 125), (TEXT, b"x" * LIMIT)]),
]  # fmt: skip

CASES = [
    *sizes(), *reserved_bits(), *reserved_opcodes(), *LENGTHS, *MASKING, *FRAGMENTS, *controls(), *ENDS, *codes(), *texts(),
    *LIMITS,
]  # fmt: skip


def deliver(chunks):
    parser = FrameParser(FrameLimits(LIMIT))
    seen = [message for chunk in chunks for message in parser.feed(chunk)]
    return seen, parser.error.code if parser.error else 0


def name(case):
    return f"§{case.section}: {case.must}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_whole(case):
    assert deliver([case.sent]) == (case.seen, case.code)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_cut_in_two_at_every_byte(case):
    size = len(case.sent)
    places = range(1, size) if size < 1000 else (*range(1, 30), size // 2, *range(size - 30, size))
    for place in places:
        assert deliver([case.sent[:place], case.sent[place:]]) == (case.seen, case.code), f"cut at {place}"


@pytest.mark.parametrize("case", [case for case in CASES if len(case.sent) < 1000], ids=name)
def test_byte_by_byte(case):
    assert deliver([case.sent[n : n + 1] for n in range(len(case.sent))]) == (case.seen, case.code)


# --------------------------------------------------------------------------- section 5.1: what the server sends


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG])
def test_a_server_frame_is_final_unmasked_and_minimal(opcode, size):
    sent = frame(opcode, b"x" * size)
    assert sent[0] == 0x80 | opcode, "FIN, no reserved bit"
    assert not sent[1] & 0x80, "a server MUST NOT mask"
    head = 2 if size < 126 else 4 if size < 65536 else 10
    assert sent[head:] == b"x" * size
    assert sent[1] == {2: size, 4: 126, 10: 127}[head]
    assert head == 2 or int.from_bytes(sent[2:head], "big") == size


def test_the_examples_of_section_5_7():
    assert frame(TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")
    assert frame(PING, b"Hello") == bytes.fromhex("890548656c6c6f")
    assert client_frame(PONG, b"Hello", KEY) == bytes.fromhex("8a8537fa213d7f9f4d5158")
    assert frame(BINARY, b"x" * 256)[:4] == bytes.fromhex("827e0100")
    assert frame(BINARY, b"x" * 65536)[:10] == bytes.fromhex("827f0000000000010000")


# ------------------------------------------------------------------------------- sections 4.2.2, 7.1.5-7.4


def test_the_accept_key_of_section_4_2_2():
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("code", GOOD_CODES)
def test_a_close_frame_says_its_code(code):
    sent = close_frame(code, "bye")
    assert sent[:2] == bytes((0x88, 5))
    assert parse_close(sent[2:]) == (code, "bye")
    assert sendable(code)


@pytest.mark.parametrize("code", BAD_CODES)
def test_a_server_never_sends_a_reserved_code(code):
    assert not sendable(code)
    with pytest.raises(ValueError, match=str(code)):
        close_frame(code, "bye")


@pytest.mark.parametrize("character", ["x", "é", "日", "🌄"])
def test_a_long_reason_is_cut_between_characters(character):
    sent = close_frame(3001, character * 200)
    code, reason = parse_close(sent[2:])
    assert len(sent) <= 127
    assert (code, reason) == (3001, character * (123 // len(character.encode())))


def test_an_empty_close_has_no_code():
    assert parse_close(b"") == (NO_CODE, "")


@pytest.mark.parametrize(("payload", "code"), [(b"\x03", 1002), (b"\x03\xed", 1002), (b"\x03\xe8\xff", 1007)])
def test_a_bad_close_payload_fails(payload, code):
    with pytest.raises(FrameError) as caught:
        parse_close(payload)
    assert caught.value.code == code
