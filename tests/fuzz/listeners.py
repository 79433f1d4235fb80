"""A channel's listeners, one of each kind of client, and what each reads by a parser that is not ours.

Whatever is published, everybody who may listen reads all of it: nothing that a client would close its connection for.
"""

import json

from observability.observers.channels import SilentChannelsObserver
from service.broker.memory_broker import MemoryBroker
from service.channels.delta import apply
from service.channels.hub import Hub, JoinRequest
from service.channels.namespaces import Namespace, Namespaces
from service.connections import manners
from service.connections.stream_variants import StreamVariant, UniWebSocketVariant
from service.connections.variants import Variant
from service.protocol import streams
from service.protocol.json_codec import JsonCodec
from service.protocol.protobuf_codec import ProtobufCodec
from service.protocol.unidirectional import UnidirectionalJson
from tests.contracts import client_proto
from tests.service.channels.world import Loop

KEPT = {"history_size": 5, "history_ttl": 60.0, "history_meta_ttl": 600.0}
NAMESPACES = Namespaces(
    Namespace(),
    [
        Namespace(name="kept", **KEPT),
        Namespace(name="delta", delta_publish=True, **KEPT),
        Namespace(name="object", publication_data_format="json_object"),
        Namespace(name="binary", publication_data_format="binary", delta_publish=True, **KEPT),
    ],
)
CHANNELS = ("a", "kept:a", "delta:a", "object:a", "binary:a")


def _kinds():
    """Every variant that clients have, with the parser of that kind of client."""
    both, one_way = JsonCodec(), UnidirectionalJson()
    return {
        Variant(both): (_text_frames, _replies),
        Variant(ProtobufCodec()): (_binary_frames, _messages),
        StreamVariant(both, manners.SSE, streams.events, chunked=True): (_chunks, _events),
        StreamVariant(both, manners.HTTP_STREAM, streams.lines, chunked=False): (_bare, _lines),
        StreamVariant(ProtobufCodec(), manners.HTTP_STREAM, streams.as_it_is, chunked=True): (_chunks, _messages),
        StreamVariant(one_way, manners.UNI_SSE, streams.events, chunked=False): (_bare, _events),
        StreamVariant(one_way, manners.UNI_HTTP_STREAM, streams.lines, chunked=True): (_chunks, _lines),
        UniWebSocketVariant(one_way): (_text_frames, _replies),
    }


class Listener:
    """A member that reads what it is sent, and applies deltas."""

    def __init__(self, variant, parsers, delta):
        self.variant = variant
        self.delta = delta
        self.got = []
        self._cut, self._parse = parsers
        self._base = b""

    def read(self, data: bytes) -> None:
        for payload in self._cut(data):
            for said in self._parse(payload):
                self._take(said)

    def _take(self, said) -> None:
        if not isinstance(said, dict):
            self._publication(said.push.pub.data, patch=said.push.pub.delta)
            return
        publication = said.get("push", said)["pub"]
        data = publication["data"]
        if self.delta:
            self._publication(data.encode(), patch=publication.get("delta", False))
        else:
            self.got.append(data)

    def _publication(self, data: bytes, *, patch: bool) -> None:
        if self.delta:
            data = self._base = apply(self._base, data) if patch else data
        self.got.append(data if self.variant.codec.binary else _loaded(data))


class Listeners:
    """Publish, and see that everybody reads it. Who may read JSON only has no place in a binary channel."""

    def __init__(self) -> None:
        self.loop = Loop()
        kinds = _kinds()
        self.broker = MemoryBroker(self.loop, now=self.loop.wall)
        self.hub = Hub(
            NAMESPACES,
            self.broker,
            {variant: variant.publications for variant in kinds},
            self._send,
            SilentChannelsObserver(),
            loop=self.loop,
            now=self.loop.wall,
            clock=self.loop.time,
        )
        self.hub.on_insufficient = _nobody_is_told
        self.broker.start(self._deliver, self.hub.removed)
        self.members = {channel: self._listen(channel, kinds) for channel in CHANNELS}
        self.published = {channel: [] for channel in CHANNELS}

    def check(self) -> None:
        """Everybody has read what was published since the last time, and nothing else."""
        self.loop.run()
        assert not self.loop.faults, self.loop.faults
        for channel, members in self.members.items():
            sent, self.published[channel] = self.published[channel], []
            for member in members:
                wanted = sent if member.variant.codec.binary else [_loaded(data) for data in sent]
                got, member.got = member.got, []
                assert repr(got) == repr(wanted), (channel, member.variant.name, member.delta)

    def _deliver(self, channel, entry):
        if channel in self.published:
            self.published[channel].append(bytes(entry.publication.data))
        self.hub.deliver(channel, entry)

    def _listen(self, channel, kinds):
        members = []
        for variant, parsers in kinds.items():
            if channel.startswith("binary:") and not variant.codec.binary:
                continue
            forms = ("", "bytes" if variant.codec.binary else "text")
            for form in forms if channel.startswith(("delta:", "binary:")) else forms[:1]:
                member = Listener(variant, parsers, form)
                self.hub.join(member, channel, JoinRequest(positioned=True, delta=form)).enter()
                members.append(member)
        return members

    def _send(self, members, data, flight):
        for member in members:
            member.read(data)
        return len(members)


def _nobody_is_told(member, channel):
    raise AssertionError(f"the position in {channel} is lost: {member}")


def _loaded(data):
    return json.loads(data.decode(), parse_constant=_no_constant, parse_int=str, parse_float=str)


def _no_constant(name):
    raise ValueError(name)


def _frames(data, wanted):
    """Payloads of WebSocket frames of a server."""
    at = 0
    while at < len(data):
        opcode, size = data[at], data[at + 1]
        assert opcode == 0x80 | wanted, "another kind of frame, or a part of one"
        at += 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[at : at + width]), at + width
        yield data[at : at + size]
        at += size
    assert at == len(data), "half a frame"


def _text_frames(data):
    return _frames(data, 1)


def _binary_frames(data):
    return _frames(data, 2)


def _chunks(data):
    at = 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        size = int(data[at:end], 16)
        assert size, "the end of the body"
        assert data[end + 2 + size : end + 4 + size] == b"\r\n"
        yield data[end + 2 : end + 2 + size]
        at = end + 4 + size


def _bare(data):
    yield data


def _replies(payload):
    return [_loaded(line) for line in payload.split(b"\n")]


def _lines(payload):
    assert payload.endswith(b"\n")
    return _replies(payload[:-1])


def _events(payload):
    """As browsers read them: a line ends at CR, LF or both; an event at an empty one."""
    text = payload.decode()
    assert text.endswith("\n\n")
    said = []
    for event in text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n\n").split("\n\n"):
        assert event.startswith("data: ")
        assert "\n" not in event, "a line that is no data"
        said.append(_loaded(event.removeprefix("data: ").encode()))
    return said


def _messages(payload):
    return [client_proto.Reply.FromString(part) for part in client_proto.parted(payload)]
