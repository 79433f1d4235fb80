"""Numbers of the fields in Protobuf (Centrifuge protocol, client.proto): types and names are those of ``messages``.

Fields of the protocol that no message here declares (map subscriptions, compaction) are unknown, thus skipped.
"""

import typing
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, UnsetType

from service.protocol import messages as wire

VARINT: Final = 0  # how a value is written: a number in groups of seven bits
LENGTH: Final = 2  # or its length and its bytes

Struct = type[msgspec.Struct]

NUMBERS: Final[Mapping[Struct, Mapping[str, int]]] = {
    wire.ClientInfo: {"user": 1, "client": 2, "conn_info": 3, "chan_info": 4},
    wire.Publication: {"data": 4, "info": 5, "offset": 6, "tags": 7, "delta": 8, "epoch": 14, "version": 16},
    wire.Since: {"offset": 1, "epoch": 2},
    wire.Error: {"code": 1, "message": 2, "temporary": 3},
    wire.Empty: {},
    wire.Nothing: {},
    wire.FilterNode: {"op": 1, "key": 2, "cmp": 3, "val": 4, "vals": 5, "nodes": 6},
    wire.SubscribeRequest: {
        "channel": 1, "token": 2, "recover": 3, "epoch": 6, "offset": 7, "data": 8, "positioned": 9, "recoverable": 10,
        "join_leave": 11, "delta": 12, "tf": 13, "flag": 14, "type": 15,
    },
    wire.ConnectRequest: {"token": 1, "data": 2, "subs": 3, "name": 4, "version": 5, "headers": 6, "flag": 7},
    wire.UnsubscribeRequest: {"channel": 1},
    wire.PublishRequest: {"channel": 1, "data": 2},
    wire.PresenceRequest: {"channel": 1},
    wire.PresenceStatsRequest: {"channel": 1},
    wire.HistoryRequest: {"channel": 1, "limit": 7, "since": 8, "reverse": 9},
    wire.RPCRequest: {"data": 1, "method": 2},
    wire.SendRequest: {"data": 1},
    wire.RefreshRequest: {"token": 1},
    wire.SubRefreshRequest: {"channel": 1, "token": 2},
    wire.Command: {
        "id": 1, "connect": 4, "subscribe": 5, "unsubscribe": 6, "publish": 7, "presence": 8, "presence_stats": 9,
        "history": 10, "ping": 11, "send": 12, "rpc": 13, "refresh": 14, "sub_refresh": 15,
    },
    wire.EmulationRequest: {"node": 1, "session": 2, "data": 3},
    wire.SubscribeResult: {
        "expires": 1, "ttl": 2, "recoverable": 3, "epoch": 6, "publications": 7, "recovered": 8, "offset": 9,
        "positioned": 10, "data": 11, "was_recovering": 12, "delta": 13,
    },
    wire.ConnectResult: {
        "client": 1, "version": 2, "expires": 3, "ttl": 4, "data": 5, "subs": 6, "ping": 7, "pong": 8, "session": 9,
        "node": 10, "time": 11,
    },
    wire.PresenceResult: {"presence": 1},
    wire.PresenceStatsResult: {"num_clients": 1, "num_users": 2},
    wire.HistoryResult: {"publications": 1, "epoch": 2, "offset": 3},
    wire.RPCResult: {"data": 1},
    wire.RefreshResult: {"client": 1, "version": 2, "expires": 3, "ttl": 4},
    wire.SubRefreshResult: {"expires": 1, "ttl": 2},
    wire.Join: {"info": 1},
    wire.Leave: {"info": 1},
    wire.Unsubscribe: {"code": 2, "reason": 3},
    wire.Subscribe: {"recoverable": 1, "epoch": 4, "offset": 5, "positioned": 6, "data": 7},
    wire.Data: {"data": 1},
    wire.Connect: {
        "client": 1, "version": 2, "data": 3, "subs": 4, "expires": 5, "ttl": 6, "ping": 7, "pong": 8, "session": 9,
        "node": 10, "time": 11,
    },
    wire.Disconnect: {"code": 1, "reason": 2},
    wire.Refresh: {"expires": 1, "ttl": 2},
    wire.Push: {
        "channel": 2, "pub": 4, "join": 5, "leave": 6, "unsubscribe": 7, "message": 8, "subscribe": 9, "connect": 10,
        "disconnect": 11, "refresh": 12,
    },
    wire.Reply: {
        "id": 1, "error": 2, "push": 4, "connect": 5, "subscribe": 6, "unsubscribe": 7, "publish": 8, "presence": 9,
        "presence_stats": 10, "history": 11, "ping": 12, "rpc": 13, "refresh": 14, "sub_refresh": 15,
    },
}  # fmt: skip


class Kind(typing.NamedTuple):
    """What a field holds: ``of`` (str, bool, Raw, a message, or a type of whole numbers), one, many, or by name."""

    of: Any
    container: type | None = None  # list, dict (keys are strings), or None for one


class Field(typing.NamedTuple):
    """A field of a message."""

    name: str
    number: int
    kind: Kind


def fields(message: Struct) -> list[Field]:
    """The fields of ``message`` in the order of their declaration."""
    hints, numbers = typing.get_type_hints(message, include_extras=True), NUMBERS[message]
    return [Field(name, numbers[name], _kind(hints[name])) for name in message.__struct_fields__]


def is_message(of: Any) -> bool:
    """Whether a field holds messages."""
    return isinstance(of, type) and issubclass(of, msgspec.Struct)


def _kind(hint: Any) -> Kind:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, dict):
        return Kind(arguments[-1], origin)
    if origin is typing.Annotated or hint in (str, bool, int, Raw) or is_message(hint):
        return Kind(hint)
    return _kind(next(each for each in arguments if each not in (UnsetType, type(None))))
