"""Requests beside the WebSocket: bodies of emulation and streams, a URL's first command, PROXY headers, tags filters."""

import ipaddress
import json
import math
import socket
import struct
from decimal import Decimal

import msgspec

from service.channels.tags_filter import BadFilter, TagsFilter
from service.connections.emulation import read_json, read_protobuf
from service.connections.proxy_protocol import MOST, SIGNATURE, BadHeader, read
from service.protocol.codec import BadFrame
from service.protocol.json_codec import JsonCodec
from service.protocol.messages import Connect, FilterNode, Reply
from service.protocol.protobuf_codec import ProtobufCodec
from service.protocol.tolerance import Refused
from service.protocol.unidirectional import UnidirectionalJson
from tests.fuzz.dice import Dice
from tests.fuzz.words import spelled

CODECS = {False: JsonCodec(), True: ProtobufCodec()}
UNI = UnidirectionalJson()
ENVELOPE = b"session node data Session x".split()
COMMANDS = (
    rb'"{}" "{\"id\":1,\"rpc\":{\"method\":\"a\"}}" "{\"id\":2,\"publish\":{\"channel\":\"a\",\"data\":1}}\n{\"id\":3}" "\ud83d" ""'
    rb' "{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":\"\u00e9\ud83d\ude00\"}}" "\u0000" "\n\n" null 1 {} ["a"] "a" true'
).split()
CONNECT = b"token data subs name version headers flag channel recover offset epoch x Token".split()
CONNECT_VALUES = (
    rb'"" "t" {} null {"a":{}} {"a":{"recover":true,"offset":1}} {"a":"b"} 1 -1 true [] "\ud83d" 1e999'.split()
)


def emulation(data: bytes) -> None:
    """A body is a request of two names that can be looked up, or refused; its commands are read like any others."""
    if not data:
        return
    dice, binary = Dice(data[1:]), bool(data[0] & 1)
    body = dice.rest() if binary or data[0] & 2 else dice.object(ENVELOPE, COMMANDS, 4)
    try:
        asked = (read_protobuf if binary else read_json)(body)
    except Refused:
        return
    assert isinstance(hash((asked.session, asked.node)), int)
    assert asked.session.encode() + asked.node.encode() or True
    if not binary:
        plain = json.loads(body)
        assert asked.session == _mended(plain.get("session")), "another session"
        assert asked.node == _mended(plain.get("node")), "another node"
    commands(bytes(asked.data), binary=binary)


def _mended(text: str | None) -> str:
    """Half of a surrogate pair is no character: it is read as the replacement character."""
    return (text or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def commands(data: bytes, *, binary: bool) -> None:
    """Whatever stands there is commands or a bad frame."""
    try:
        found = CODECS[binary].decode(data, 16)
    except BadFrame as bad:
        found = bad.commands
    assert len(found) <= 16, "more than may be"


def stream(data: bytes) -> None:
    """The first words of a stream: a command for one that can talk, a bare connect request for one that listens."""
    if not data:
        return
    dice = Dice(data[1:])
    if data[0] & 1:
        body = dice.object(CONNECT, CONNECT_VALUES, 5)
    else:
        body = spelled(dice.rest())
    as_in_a_url = body.decode("utf-8", "surrogateescape").encode(errors="replace")
    for given in (body, as_in_a_url):
        commands(given, binary=False)
        commands(given, binary=True)
        _listener(given)


def _listener(body: bytes) -> None:
    try:
        [command] = UNI.decode(body)
    except BadFrame:
        return
    plain = json.loads(body) or {}  # null is a request without anything, as in Centrifugo
    token = plain.get("token") or ""
    assert command.connect.token == _mended(token) or "\\u" in body.decode(), "another token"
    said = UNI.encode([Reply(connect=Connect(client="c", version=command.connect.name))])
    assert b"\n" not in said
    json.loads(said)


def proxy_protocol(data: bytes) -> None:
    """A header is read alike however it comes, has an address or none, and never makes us wait for ever."""
    data = _header(data)
    whole = _told(data)
    for end in {len(data) // 3, len(data) // 2, max(0, len(data) - 1)}:
        part = _told(data[:end])
        assert part in (None, whole), "depends on how much has come"
    if whole is None:
        assert len(data) < MOST, "waits for more than anybody sends"
    elif isinstance(whole, tuple):
        assert len(SIGNATURE) < whole.size <= len(data)
        assert not whole.address or ipaddress.ip_address(whole.address), "no address"


def _header(data: bytes) -> bytes:
    """Most inputs begin as a header does."""
    if not data or data[0] >= 0x40:
        return data
    dice, kind = Dice(data[1:]), data[0] % 3
    if kind == 0:
        words = [dice.pick((b"TCP4", b"TCP6", b"UNKNOWN", b"TCP", b""))]
        words += [dice.pick((b"1.2.3.4", b"::1", b"1.2.3", b"80", b"65536", b"x", b"::ffff:1.2.3.4")) for _ in range(4)]
        return b"PROXY " + b" ".join(words) + dice.pick((b"\r\n", b"\n", b"", b"\r\nGET /")) + dice.rest()
    if kind == 1:
        rest = dice.bytes(60)
        said = dice.pick((len(rest), len(rest), len(rest) + 1, 0, 12, 0xFFFF))
        head = struct.pack(
            "!BBH", dice.pick((0x21, 0x20, 0x11, 0x22, 0x2F)), dice.pick((0x11, 0x21, 0x31, 0, 0xFF)), said
        )
        return SIGNATURE + head + rest + dice.rest()
    address = dice.pick(("10.0.0.1", "255.255.255.255"))
    body = socket.inet_aton(address) * 2 + struct.pack("!HH", 1, 2)
    return SIGNATURE + struct.pack("!BBH", 0x21, 0x11, len(body)) + body + dice.rest()


def _told(data: bytes):
    try:
        return read(data)
    except BadHeader:
        return "bad"


COMPARES = ("eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "gt", "gte", "lt", "lte", "", "EQ", "re")
TEXTS = ("", "a", "b", "ab", "1", "2", "-1.5", "1e5", "nan", "Infinity", "٣", "é", "9" * 30, "0.1", "+7", " 1")


def tags_filter(data: bytes) -> None:
    """A filter says yes or no to any tags, as its definition says; or it is none, or too large."""
    dice = Dice(data)
    plain = _node(dice, 0)
    largest = dice.throw() % 40
    tags = {dice.pick(TEXTS): dice.pick(TEXTS) for _ in range(dice.throw() % 4)}
    node = msgspec.convert(plain, FilterNode)
    try:
        made = TagsFilter(node, largest)
    except BadFilter:
        return
    assert not largest or _count(plain) <= largest, "too large"
    assert made.takes(tags) is _wanted(plain, tags), "says otherwise"
    assert made == TagsFilter(msgspec.json.decode(msgspec.json.encode(node), type=FilterNode), 0)


def _node(dice: Dice, depth: int) -> dict:
    node = {}
    if dice.throw() % 3 == 0:
        node["op"] = dice.pick(("and", "or", "not", "", "xor"))
        if depth < 20:
            node["nodes"] = [_node(dice, depth + 1) for _ in range(dice.throw() % 4)]
        if dice.throw() % 8:
            return node
    node["key"] = dice.pick(TEXTS)
    node["cmp"] = dice.pick(COMPARES)
    if node["cmp"] in ("in", "nin") or dice.throw() % 16 == 0:
        node["vals"] = [dice.pick(TEXTS) for _ in range(dice.throw() % 4)]
    elif node["cmp"] not in ("ex", "nex") or dice.throw() % 16 == 0:
        node["val"] = dice.pick(TEXTS)
    return node


def _count(node: dict) -> int:
    return 1 + len(node.get("vals", ())) + sum(map(_count, node.get("nodes", ())))


def _wanted(node: dict, tags: dict) -> bool:
    """By the definition, as plainly as can be."""
    op, below = node.get("op", ""), node.get("nodes", [])
    if op:
        found = [_wanted(each, tags) for each in below]
        return all(found) if op == "and" else any(found) if op == "or" else not found[0]
    has, tag, value = node["key"] in tags, tags.get(node["key"], ""), node.get("val", "")
    match node["cmp"]:
        case "eq" | "sw" | "ew" | "ct":
            compared = {"eq": tag == value, "sw": tag.startswith(value), "ew": tag.endswith(value), "ct": value in tag}
            return has and compared[node["cmp"]]
        case "neq":
            return not (has and tag == value)
        case "in":
            return tag in node["vals"]
        case "nin":
            return tag not in node["vals"]
        case "ex":
            return has
        case "nex":
            return not has
    left, right = _plain_number(tag), _plain_number(value)
    if math.nan in (left, right):
        return False
    return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[node["cmp"]]


def _plain_number(text: str):
    """Digits, at most one point between them, at most one sign before them."""
    whole, _, fraction = text.removeprefix("-" if text[:1] == "-" else "+").partition(".")
    digits = set("0123456789")
    if not whole or not set(whole + fraction) <= digits or ("." in text and not fraction):
        return math.nan
    return Decimal(text)
