"""Bytes on the wire: frames, both encodings, deltas."""

import json

from msgspec import UNSET, Raw

from service.channels.delta import BadDelta, apply, create
from service.protocol.codec import BadFrame
from service.protocol.framing import CLOSE, TEXT, FrameLimits, FrameParser, client_frame, frame, parse_close
from service.protocol.json_codec import JsonCodec
from service.protocol.messages import Publication, Reply, RPCResult
from service.protocol.payload import is_json, one_line, too_deep
from service.protocol.protobuf_codec import ProtobufCodec, encode_commands
from service.protocol.protobuf_reading import read_delimited
from tests.contracts import client_proto
from tests.fuzz.words import spelled

CODEC, PROTOBUF = JsonCodec(), ProtobufCodec()
HEADER, CONTROL = 14, 125
FAULTS = {1002, 1007, 1009}


def framing(data: bytes) -> None:
    """However bytes are cut, they mean the same; limits hold; what was read can be written again."""
    if len(data) < 2:
        return
    limit, step, inflated, data = data[0] * 2, data[1] % 16 + 1, data[1] >= 0x80, data[2:]
    pieces = [data[n : n + step] for n in range(0, len(data), step)]
    seen, error = _read([data], limit, inflated)
    assert (seen, error) == _read(pieces, limit, inflated), "depends on the cut"
    for opcode, payload in seen:
        assert len(payload) <= (CONTROL if opcode >= CLOSE else limit), "over the limit"
        assert type(payload) is bytes
        if opcode == TEXT:
            payload.decode()
        if opcode == CLOSE:
            parse_close(payload)
        frame(opcode, payload)
    again = b"".join(client_frame(opcode, payload, b"\x01\x80\x00\xff") for opcode, payload in seen)
    assert _read([again], limit) == (seen, 0), "cannot be written again"


def _read(chunks, limit, inflated=False):
    parser = FrameParser(FrameLimits(limit, inflated=limit * inflated))
    seen = []
    for chunk in chunks:
        before = parser.error
        messages = parser.feed(chunk)
        assert not (before and messages), "messages after the fault"
        seen.extend(messages)
        held = len(parser._tail or b"") + len(parser._parts or b"")
        assert held <= limit + HEADER + max(limit, CONTROL), "holds too much"
    code = parser.error.code if parser.error else 0
    assert not code or code in FAULTS
    return seen, code


def json_codec(data: bytes) -> None:
    """Commands or a bad frame; what was published reaches subscribers as one line of JSON with the same value."""
    data = spelled(data)
    try:
        commands = CODEC.decode(data)
    except BadFrame as bad:
        commands = bad.commands
    else:
        assert commands, "a frame without commands"
    lines = data.split(b"\n")
    assert len(commands) <= len(lines)
    for command in commands:
        if command.publish is not UNSET and bytes(command.publish.data):
            _published(bytes(command.publish.data))
        for text in _texts(command):
            text.encode()
    _payload(data)


def protobuf_codec(data: bytes) -> None:
    """Commands or a bad frame; what was read is what the protobuf library reads, and can be written again."""
    try:
        commands = PROTOBUF.decode(data)
    except BadFrame as bad:
        commands = bad.commands
    else:
        assert commands, "a frame without commands"
    for command, message in zip(commands, _messages(data), strict=False):
        [ours] = client_proto.parted(encode_commands([command]))
        assert client_proto.same_command(ours, message), "read otherwise than by the library"
        for text in _texts(command):
            text.encode()
    if commands:
        assert PROTOBUF.decode(encode_commands(commands)) == commands, "cannot be written again"


def _messages(data):
    """The messages of a frame up to the first fault."""
    at = 0
    while at < len(data):
        try:
            message, at = read_delimited(data, at)
        except ValueError:
            return
        yield message


def _texts(command):
    """Names that go to other clients, logs and keys of the broker."""
    for request in (command.subscribe, command.publish, command.history, command.unsubscribe):
        if request is not UNSET:
            yield request.channel


def _published(payload: bytes) -> None:
    assert is_json(payload) or too_deep(payload), "not JSON for other clients"
    one, two = CODEC.encode_publications("é", [Publication(Raw(payload))]), b""
    assert b"\n" not in one, "two lines"
    two = CODEC.encode([Reply(), Reply(id=1, rpc=RPCResult(Raw(payload)))])
    assert two.count(b"\n") == 1
    value = _loaded(payload)
    assert repr(_loaded(one)["push"]["pub"]["data"]) == repr(value)
    assert repr(_loaded(two.split(b"\n")[1])["rpc"]["data"]) == repr(value)


def _payload(data: bytes) -> None:
    """The door of the HTTP API: what passes is what other parsers read, and nothing else passes but depth and halves."""
    try:
        value = _loaded(data)
    except (ValueError, RecursionError):
        assert not is_json(data), "JSON to us alone"
        return
    if is_json(data):
        assert not too_deep(data)
        assert repr(_loaded(one_line(data))) == repr(value)
    else:
        assert too_deep(data) or b"\\u" in data, "JSON to everybody else"


def _loaded(data: bytes):
    return json.loads(data.decode(), parse_constant=_no_constant, parse_int=str, parse_float=str)


def _no_constant(name):
    raise ValueError(name)


def delta(data: bytes) -> None:
    """What is made applies and is smaller; of texts it is a text; what is no delta is refused, nothing else raised."""
    cut = data[0] if data else 0
    base, target = data[1 : cut + 1] * 3, data[cut + 1 :]
    for old, new in ((base, target), (target, base), (base, base + target), (target + base, base + target)):
        made = create(old, new)
        if made is not None:
            assert len(made) < len(new), "longer than what it stands for"
            assert apply(old, made) == new, "another target"
            if _is_text(old) and _is_text(new):
                assert _is_text(made), "a character was cut"
    try:
        apply(base, target)
    except BadDelta:
        pass


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def planted(data: bytes) -> None:
    """Not a target: a fault that blind guessing does not find in a lifetime. It shows that the fuzzer is guided and told."""
    if data[:1] == b"h" and data[1:2] == b"e" and data[2:3] == b"l" and data[3:4] == b"i" and data[4:5] == b"o":
        raise ZeroDivisionError("the planted fault")
