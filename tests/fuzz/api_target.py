"""Bodies of the server API: whatever stands there is answered, and what it publishes is read by everybody."""

import asyncio
import json

from service.api.api_messages import encode
from service.api.api_methods import METHODS, Call, Methods, Node
from service.api.api_reading import BadBody, read
from service.api.old_style import commands, method_of
from service.protocol.closing import may_return
from service.protocol.errors import ERRORS, ClientMistake
from service.protocol.payload import is_json
from tests.fuzz.dice import Dice
from tests.fuzz.listeners import CHANNELS, NAMESPACES, Listeners

NAMES = METHODS[:-2]
KEYS = (
    b"channel channel channel data data b64data channels skip_history tags idempotency_key delta version version_epoch "
    b"user client session info b64info expire_at recover_since override expired limit since reverse offset epoch pattern "
    b"whitelist disconnect code reason method params commands parallel presence value publish history rpc batch x Channel"
).split()
TEXTS = [b'"%s"' % channel.encode() for channel in CHANNELS]
VALUES = (
    *TEXTS,
    *TEXTS,
    *rb'null true false 0 1 -1 3 1.5 1e999 4294967296 18446744073709551616 "" "a" "ann" "*" "[" "e30=" "/w==" "!"'.split(),
    *rb'{} [] [1] {"a":"b"} {"a":1} ["a","kept:a"] ["a","nope:a",""] {"offset":1,"epoch":""} {"code":4000} "\ud83d"'.split(),
    b'{\n"a":\r1.0}',
    b'"\xc3\xa9\xe2\x80\xa8\\n\\r"',
    b"[" * 300 + b"]" * 300,
)
WORLD_LIVES = 2000  # inputs; then a new one, so that what was kept does not grow


class Recorder:
    """Stands for the connections: what it is told must be sayable to them."""

    clients, users = 3, 2

    def disconnect(self, user, closing, **chosen):
        assert closing.reconnect == may_return(closing.code)
        assert closing.code == 1000 or 3000 <= closing.code <= 4999
        return _named(user, chosen)

    def subscribe(self, user, channel, granted, **chosen):
        for payload in (granted.info, granted.data):
            assert not bytes(payload) or json.loads(bytes(payload)) is not ...
        return bool(_named(user, chosen))

    def refresh(self, user, **chosen):
        return _named(user, chosen)

    def unsubscribe(self, user, channel, unsubscribing, **chosen):
        return _named(user, chosen)


def _named(user, chosen):
    return len(user.encode()) + len(chosen.get("client", "").encode()) + 1


class World:
    """What the methods are called on, for a while."""

    def __init__(self) -> None:
        self.left = WORLD_LIVES
        self.listeners = Listeners()
        self.methods = Methods(self.listeners.hub, NAMESPACES, Recorder(), Node("uid", "name", "1"))


_loop = asyncio.new_event_loop()
_worlds: list[World] = []


def api(data: bytes) -> None:
    """Any body to any method is answered with a result, an error of the list or 400, and everybody reads what it published."""
    if not data:
        return
    dice, name = Dice(data[1:]), NAMES[data[0] % len(NAMES)]
    body = dice.rest() if dice.chance(8) else dice.object(KEYS, VALUES, 10)
    _in_order(body, dice)
    if not _worlds or not _worlds[0].left:
        _worlds[:] = [World()]
    world = _worlds[0]
    world.left -= 1
    try:
        asked = read(body, world.methods.kind(name))
        response = _loop.run_until_complete(world.methods.answer(name, asked, Call()))
    except BadBody as bad:
        assert str(bad)
        return
    finally:
        world.listeners.check()
    said = json.loads(encode(response.error or response.result))
    if response.error:
        assert said["code"] in ERRORS


def _in_order(body: bytes, dice: Dice) -> None:
    """The old style: methods and params, one behind another."""
    lines = b'{"id":7,"method":"%s","params":%s}' % (dice.pick(NAMES).encode(), body)
    found = 0
    try:
        for command in commands(lines + dice.pick((b"", b"\n", b"\n" + lines, lines))):
            assert method_of(command, NAMES) in {*NAMES, ""}
            found += 1
    except BadBody:
        return
    assert found >= 1


def published(data: bytes) -> None:
    """Whatever is published is refused, or everybody reads it as it is."""
    if not _worlds or not _worlds[0].left:
        _worlds[:] = [World()]
    world = _worlds[0]
    world.left -= 1
    dice = Dice(data)
    for _ in range(dice.throw() % 4 + 1):
        channel, payload = dice.pick(CHANNELS), dice.pick((dice.bytes, _json_of(dice), _json_of(dice)))(200)
        options = {"skip_history": dice.chance(8), "delta": dice.chance(4)}
        if dice.chance(4):
            options["tags"] = {dice.bytes(4).decode("utf-8", "replace"): dice.bytes(9).decode("utf-8", "replace")}
        try:
            world.listeners.hub.publish(channel, payload, **options)
        except ClientMistake:
            assert not is_json(payload) or channel.startswith("object:"), "it is JSON"
    world.listeners.check()


def _json_of(dice: Dice):
    return lambda most: dice.object(KEYS, VALUES, most % 9)
