"""Inputs in a shorter spelling, so that mutations of bytes stay close to JSON: words of the protocol, or dice for a composer."""

from collections.abc import Iterator, Sequence

WORDS = (
    r"""
{"id":1, {"id":2, {"id":4294967295, {"id":0, "id":3, "id":-1, "id":1.0, "ID":1, }} } ]} ] }}} {}
"connect":{ "subscribe":{ "unsubscribe":{ "publish":{ "presence":{ "presence_stats":{ "history":{ "ping":{} "send":{
"rpc":{ "refresh":{ "sub_refresh":{ "subscribe":null "subscribe":[ "Subscribe":{ "x":{ "x":[ "x":1
"channel":"a" "channel":"b:é" "channel":5 "channel":"" "CHANNEL":"a" "channel":null "token":"t" "token":null
"data":{ "data":[ "data":1 "data":"x" "data":null "data":1e999 "data":1.0 "data":12345678901234567890123 "data":
"recover":true "recover":1 "epoch":"e" "offset":1 "offset":-1 "offset":9223372036854775808 "offset":"1" "flag":1
"since":{"offset":1} "since":{ "limit":-1 "reverse":true "subs":{"a":{ "subs":{ "headers":{"a":"b"} "headers":{
"name":"n" "version":"v" "method":"m" "tf":{ "tf":{"nodes":[{ "nodes":[{ "nodes":[ "key":"k" "vals":["a"] "op":"not"
"delta":"fossil" "type":1 true false null 0 -0 1 1e5 "a" "a":1 "a":{ "a":[ [1,2] [[[[ ]]]] {"a":{"a":{"a":
"\ud83d\ude00" "\ud83d" "\u0000" "\n" "\\" "\"" \u \ " , : [ {
""".encode().split()
    + [b"\n", b"\r\n", b"\n\n", b" ", b"\t", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"]
    + [b"[" * 64, b"]" * 64, b'{"nodes":[' * 12, b"]}" * 12]
)


METHODS = (
    b"connect subscribe unsubscribe publish presence presence_stats history ping send rpc refresh sub_refresh".split()
)
FIELDS = (
    b"channel token epoch name version method delta recover reverse offset limit flag type data since subs tf".split()
)
OBJECTS = {*METHODS, b"since", b"tf", b"subs", b"headers"}
NATURAL = {
    b"id": b"7",
    b"recover": b"true",
    b"reverse": b"false",
    b"offset": b"3",
    b"limit": b"-1",
    b"flag": b"1",
    b"type": b"0",
}
KEYS = (*METHODS, *FIELDS, b"id", b"headers", b"nodes", b"vals", b"x", b"Id", b"CHANNEL", b"Since", b"y")
ATOMS = rb'null true 1 0 -1 1.5 1e999 18446744073709551616 "a" "\u0041" "\ud83d" "\n" [] {} [{}] "" [[1]]'.split()


def spelled(data: bytes) -> bytes:
    """What the input stands for: after a zero byte words, after a one byte a composition of JSON, else itself."""
    if data[:1] == b"\0":
        return b"".join(WORDS[(octet - 0x80) % len(WORDS)] if octet >= 0x80 else bytes((octet,)) for octet in data[1:])
    if data[:1] == b"\1":
        return composed(data[1:])
    return data


def composed(data: bytes) -> bytes:
    """Lines of valid JSON, each an object that is a command or nearly one; the bytes are the composer's dice."""
    dice = iter(data)
    lines = []
    while len(lines) < 8 and (first := next(dice, None)) is not None:
        lines.append(_object(dice, first % 4 + 1, 0, KEYS if first & 0x40 else (*METHODS, b"id", b"id", b"id")))
    return b"\n".join(lines)


def _object(dice: Iterator[int], count: int, depth: int, keys: Sequence[bytes] = KEYS) -> bytes:
    pairs = []
    for _ in range(count):
        key = keys[next(dice, 0) % len(keys)]
        pairs.append(b'"%s":%s' % (key, _value(dice, key, depth + 1)))
    return b"{" + b",".join(pairs) + b"}"


def _value(dice: Iterator[int], key: bytes, depth: int) -> bytes:
    roll = next(dice, 0)
    if roll >= 0xE0 or depth > 60:
        return ATOMS[roll % len(ATOMS)]
    if key == b"nodes" or roll >= 0xD0:
        return b"[" + b",".join(_object(dice, roll % 3, depth + 1) for _ in range(roll % 3)) + b"]"
    if key in OBJECTS:
        return _object(dice, roll % 4, depth)
    if key == b"data" and roll & 0x20:
        return b"[\n%s\n]" % _object(dice, roll % 3, depth + 1)
    return NATURAL.get(key, b'"\xc3\xa9"' if roll & 1 else b'"a"')


def in_words(text: bytes) -> bytes:
    """The other way round: an input that spells ``text``. For seeds of the corpus; the longest word counts."""
    ranked = sorted(range(len(WORDS)), key=lambda n: -len(WORDS[n]))
    out, at = bytearray(b"\0"), 0
    while at < len(text):
        word = next((n for n in ranked if text.startswith(WORDS[n], at)), None)
        assert word is not None or text[at] < 0x80, "no word spells this"
        out.append(text[at] if word is None else 0x80 + word)
        at += 1 if word is None else len(WORDS[word])
    return bytes(out)
