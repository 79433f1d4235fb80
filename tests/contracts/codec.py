"""One suite for every codec: subclass ``CodecContract``, give it the codec and the client's half of its encoding.

The vectors are messages in their abstract form, dicts with the protocol's names; payloads stand as the values they encode.
"""

import sys

import msgspec
import pytest
from msgspec import UNSET, Raw

from service.protocol.codec import MESSAGES_PER_FRAME, BadFrame
from service.protocol.messages import (
    ClientInfo,
    ConnectResult,
    Data,
    Disconnect,
    Empty,
    Error,
    HistoryResult,
    Join,
    Leave,
    PresenceResult,
    PresenceStatsResult,
    Publication,
    Push,
    Refresh,
    RefreshResult,
    Reply,
    RPCResult,
    SubRefreshResult,
    Subscribe,
    SubscribeResult,
    Unsubscribe,
)

ALICE = ClientInfo("alice", "c1", conn_info=Raw(b'{"name":"A"}'))
ALICE_THERE = {"user": "alice", "client": "c1", "conn_info": {"name": "A"}}
NOBODY = ClientInfo("", "c2")
NOBODY_THERE = {"user": "", "client": "c2"}

COMMANDS = [
    {},
    {"id": 1, "connect": {}},
    {"id": 1, "connect": {"token": "t", "data": {"a": [1, None]}, "name": "js", "version": "1", "headers": {"h": "v"}}},
    {"id": 1, "connect": {"subs": {"a": {"recover": True, "epoch": "e", "offset": 7}, "b": {}}, "flag": 1}},
    {"id": 2, "subscribe": {"channel": "ns:é", "token": "t", "data": "x", "positioned": True, "recoverable": True}},
    {"id": 2, "subscribe": {"channel": "a", "join_leave": True, "delta": "fossil", "flag": 3, "type": 1}},
    {"id": 2, "subscribe": {"channel": "a", "recover": True, "offset": 2**53 + 1, "epoch": "_"}},
    {"id": 2, "subscribe": {"channel": "a", "tf": {"op": "and", "nodes": [{"key": "k", "cmp": "in", "vals": ["1"]}]}}},
    {"id": 3, "unsubscribe": {"channel": "a"}},
    {"id": 4, "publish": {"channel": "a", "data": {"text": "é \u2028 \n"}}},
    {"id": 5, "presence": {"channel": "a"}},
    {"id": 5, "presence_stats": {"channel": "a"}},
    {"id": 6, "history": {"channel": "a"}},
    {"id": 6, "history": {"channel": "a", "limit": -1, "since": {"offset": 5, "epoch": "e"}, "reverse": True}},
    {"id": 7, "ping": {}},
    {"send": {"data": 1}},
    {"id": 8, "rpc": {"method": "m", "data": [1]}},
    {"id": 9, "refresh": {"token": "t"}},
    {"id": 9, "sub_refresh": {"channel": "a", "token": "t"}},
    {"id": 2**32 - 1},
    {"subscribe": {"channel": "without id"}},
]

REPLIES = [
    (Reply(), {}),
    (Reply(id=1, error=Error(100, "internal server error", True)),
     {"id": 1, "error": {"code": 100, "message": "internal server error", "temporary": True}}),
    (Reply(id=1, error=Error(103, "permission denied")), {"id": 1, "error": {"code": 103, "message": "permission denied"}}),
    (Reply(id=1, connect=ConnectResult(client="c1")), {"id": 1, "connect": {"client": "c1"}}),
    (Reply(id=1, connect=ConnectResult("c1", "1 X", True, 60, Raw(b'{"a":1}'), {"s": SubscribeResult(offset=3)}, 25, True, time=9)),
     {"id": 1, "connect": {"client": "c1", "version": "1 X", "expires": True, "ttl": 60, "data": {"a": 1},
                           "subs": {"s": {"offset": 3}}, "ping": 25, "pong": True, "time": 9}}),
    (Reply(id=2, subscribe=SubscribeResult()), {"id": 2, "subscribe": {}}),
    (Reply(id=2, subscribe=SubscribeResult(recoverable=True, positioned=True, epoch="e", offset=2**53 + 1, recovered=True,
                                           was_recovering=True, publications=[Publication(Raw(b"1"), offset=1, epoch="e")])),
     {"id": 2, "subscribe": {"recoverable": True, "positioned": True, "epoch": "e", "offset": 2**53 + 1, "recovered": True,
                             "was_recovering": True, "publications": [{"data": 1, "offset": 1, "epoch": "e"}]}}),
    (Reply(id=2, subscribe=SubscribeResult(expires=True, ttl=5, data=Raw(b"null"), delta=True)),
     {"id": 2, "subscribe": {"expires": True, "ttl": 5, "data": None, "delta": True}}),
    (Reply(id=3, unsubscribe=Empty()), {"id": 3, "unsubscribe": {}}),
    (Reply(id=4, publish=Empty()), {"id": 4, "publish": {}}),
    (Reply(id=5, presence=PresenceResult({})), {"id": 5, "presence": {"presence": {}}}),
    (Reply(id=5, presence=PresenceResult({"c1": ALICE, "c2": NOBODY})),
     {"id": 5, "presence": {"presence": {"c1": ALICE_THERE, "c2": NOBODY_THERE}}}),
    (Reply(id=5, presence_stats=PresenceStatsResult(0, 0)), {"id": 5, "presence_stats": {"num_clients": 0, "num_users": 0}}),
    (Reply(id=6, history=HistoryResult([], "", 0)), {"id": 6, "history": {"publications": [], "epoch": "", "offset": 0}}),
    (Reply(id=6, history=HistoryResult([Publication(Raw(b"{}"), offset=4)], "e", 4)),
     {"id": 6, "history": {"publications": [{"data": {}, "offset": 4}], "epoch": "e", "offset": 4}}),
    (Reply(id=8, rpc=RPCResult(Raw(b'"x"'))), {"id": 8, "rpc": {"data": "x"}}),
    (Reply(id=8, rpc=RPCResult()), {"id": 8, "rpc": {}}),
    (Reply(id=9, refresh=RefreshResult()), {"id": 9, "refresh": {}}),
    (Reply(id=9, refresh=RefreshResult("c1", "v", True, 60)),
     {"id": 9, "refresh": {"client": "c1", "version": "v", "expires": True, "ttl": 60}}),
    (Reply(id=9, sub_refresh=SubRefreshResult(True, 60)), {"id": 9, "sub_refresh": {"expires": True, "ttl": 60}}),
    (Reply(push=Push("a", pub=Publication(Raw(b'{"x":1.5}'), ALICE, 7, {"k": "v"}, version=3))),
     {"push": {"channel": "a", "pub": {"data": {"x": 1.5}, "info": ALICE_THERE, "offset": 7, "tags": {"k": "v"}, "version": 3}}}),
    (Reply(push=Push("a", pub=Publication(Raw(b'"patch"'), offset=8, delta=True))),
     {"push": {"channel": "a", "pub": {"data": "patch", "offset": 8, "delta": True}}}),
    (Reply(push=Push("a", join=Join(ALICE))), {"push": {"channel": "a", "join": {"info": ALICE_THERE}}}),
    (Reply(push=Push("a", leave=Leave(NOBODY))), {"push": {"channel": "a", "leave": {"info": NOBODY_THERE}}}),
    (Reply(push=Push("a", unsubscribe=Unsubscribe(2500, "insufficient state"))),
     {"push": {"channel": "a", "unsubscribe": {"code": 2500, "reason": "insufficient state"}}}),
    (Reply(push=Push("", unsubscribe=Unsubscribe(2000, "server unsubscribe"))),
     {"push": {"unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}}),
    (Reply(push=Push("a", subscribe=Subscribe(True, "e", 3, True, Raw(b"[]")))),
     {"push": {"channel": "a", "subscribe": {"recoverable": True, "epoch": "e", "offset": 3, "positioned": True, "data": []}}}),
    (Reply(push=Push(message=Data(Raw(b"1")))), {"push": {"message": {"data": 1}}}),
    (Reply(push=Push(disconnect=Disconnect(3001, "shutdown"))), {"push": {"disconnect": {"code": 3001, "reason": "shutdown"}}}),
    (Reply(push=Push(refresh=Refresh(True, 60))), {"push": {"refresh": {"expires": True, "ttl": 60}}}),
    (Reply(push=Push(refresh=Refresh())), {"push": {"refresh": {}}}),
]  # fmt: skip


def abstract(message):
    """A decoded message as a dict of what is set, payloads as the values they encode."""
    if isinstance(message, Raw):
        return msgspec.json.decode(message)
    if isinstance(message, msgspec.Struct):
        defaults = message.__struct_config__.omit_defaults
        fields = {f.encode_name: (getattr(message, f.name), f) for f in msgspec.structs.fields(message)}
        return {k: abstract(v) for k, (v, f) in fields.items() if not (defaults and _unset(v, f))}
    if isinstance(message, dict):
        return {key: abstract(value) for key, value in message.items()}
    if isinstance(message, list):
        return [abstract(value) for value in message]
    return message


def _unset(value, field):
    if value is UNSET or (isinstance(value, Raw) and not bytes(value)):
        return True
    return value == (field.default_factory() if field.default is msgspec.NODEFAULT else field.default)


class CodecContract:
    """The promises of ``service.protocol.codec.Codec``."""

    codec = None

    def write(self, commands):
        """A client's frame with these abstract commands."""
        raise NotImplementedError

    def read(self, frame):
        """The abstract replies of a server's frame."""
        raise NotImplementedError

    def bad(self):
        """Bytes that are no command."""
        raise NotImplementedError

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda c: next((k for k in c if k != "id"), "bare"))
    def test_a_command_is_read_whole(self, command):
        [seen] = self.codec.decode(self.write([command]))
        assert abstract(seen) == command

    @pytest.mark.parametrize(("reply", "wanted"), REPLIES)
    def test_a_reply_is_written_whole(self, reply, wanted):
        assert self.read(self.codec.encode([reply])) == [wanted]

    def test_commands_of_a_frame_come_in_order(self):
        seen = self.codec.decode(self.write(COMMANDS * 3))
        assert [abstract(command) for command in seen] == COMMANDS * 3

    def test_replies_of_a_frame_come_in_order(self):
        frame = self.codec.encode([reply for reply, _ in REPLIES])
        assert self.read(frame) == [wanted for _, wanted in REPLIES]

    @pytest.mark.parametrize("count", [1, 2, MESSAGES_PER_FRAME])
    def test_a_broadcast_is_a_push_a_publication(self, count):
        publications = [Publication(Raw(b'{"n":%d}' % n), offset=n) for n in range(1, count + 1)]
        assert self.read(self.codec.encode_publications("ns:é", publications)) == [
            {"push": {"channel": "ns:é", "pub": {"data": {"n": n}, "offset": n}}} for n in range(1, count + 1)
        ]

    def test_a_broadcast_is_what_the_same_pushes_are(self):
        publications = [Publication(Raw(b'"a\\nb"'), ALICE, 1, {"k": "v"}), Publication(Raw(b"[1,\n2]"), epoch="e")]
        pushes = [Reply(push=Push("ch", pub=each)) for each in publications]
        assert self.codec.encode_publications("ch", publications) == self.codec.encode(pushes)

    def test_no_more_commands_are_read_than_wanted(self):
        frame = self.write(COMMANDS * 2)
        assert len(self.codec.decode(frame, len(COMMANDS) * 2)) == len(COMMANDS) * 2
        with pytest.raises(BadFrame) as caught:
            self.codec.decode(frame, len(COMMANDS))
        assert [abstract(command) for command in caught.value.commands] == COMMANDS

    def test_an_empty_frame_is_bad(self):
        with pytest.raises(BadFrame) as caught:
            self.codec.decode(b"")
        assert caught.value.commands == []

    def test_every_bad_command_is_told(self):
        for bad in self.bad():
            with pytest.raises(BadFrame):
                self.codec.decode(bad)

    def test_what_stands_before_a_bad_command_is_kept(self):
        good = [{"id": 2, "subscribe": {"channel": "a"}}, {"id": 3, "unsubscribe": {"channel": "a"}}]
        for bad in self.bad():
            with pytest.raises(BadFrame) as caught:
                self.codec.decode(self.join(self.write(good), bad))
            assert [abstract(command) for command in caught.value.commands] == good

    def test_a_published_payload_does_not_keep_its_frame(self):
        frame = self.write([{"id": 1, "publish": {"channel": "a" * 5000, "data": 12345678}}])
        references = sys.getrefcount(frame)
        [command] = self.codec.decode(frame)
        assert sys.getrefcount(frame) == references
        assert bytes(command.publish.data) == b"12345678"

    def test_a_payload_passes_byte_for_byte(self):
        payload = '{"b" : 1.0,"a":1e3,"é":"\\u00e9<&>","n":12345678901234567890123}'.encode()
        [command] = self.codec.decode(self.publish("a", payload))
        assert bytes(command.publish.data) == payload
        assert payload in self.codec.encode_publications("a", [Publication(command.publish.data)])

    def test_numbers_of_64_bits_survive(self):
        [command] = self.codec.decode(self.write([{"id": 1, "subscribe": {"channel": "a", "offset": 2**63 - 1}}]))
        assert command.subscribe.offset == 2**63 - 1
        frame = self.codec.encode([Reply(id=1, subscribe=SubscribeResult(offset=2**63 - 1))])
        assert self.read(frame) == [{"id": 1, "subscribe": {"offset": 2**63 - 1}}]
