"""The words on the wire: JSON as Centrifuge maps it, which is not canonical proto3 JSON."""

import msgspec
import pytest
from msgspec import Raw

from service.protocol import messages
from service.protocol.messages import (
    ClientInfo,
    Command,
    ConnectResult,
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
    Publication,
    SubscribeResult,
)

write = msgspec.json.encode

STRUCTS = [v for v in vars(messages).values() if isinstance(v, type) and issubclass(v, msgspec.Struct)]


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (ClientInfo("", ""), b'{"user":"","client":""}'),
        (PresenceResult({}), b'{"presence":{}}'),
        (PresenceStatsResult(0, 0), b'{"num_clients":0,"num_users":0}'),
        (HistoryResult([], "", 0), b'{"publications":[],"epoch":"","offset":0}'),
        (ConnectResult("c"), b'{"client":"c"}'),
        (SubscribeResult(), b"{}"),
        (Publication(), b"{}"),
        (Publication(Raw(b"{}"), offset=2**60), b'{"data":{},"offset":1152921504606846976}'),
    ],
)
def test_zero_values_are_left_out_but_for_those_clients_index(message, wanted):
    assert write(message) == wanted


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_messages_cost_the_collector_nothing(kind):
    assert kind.__struct_config__.gc is False


def test_every_request_is_read_strictly():
    seen = set()

    def walk(kind):
        if kind in seen:
            return
        seen.add(kind)
        assert kind.__struct_config__.forbid_unknown_fields, f"{kind.__name__} would hide keys in another case"
        for field in msgspec.structs.fields(kind):
            for inner in structs_of(field.type):
                walk(inner)

    walk(Command)
    assert len(seen) == 15


def structs_of(declared):
    if isinstance(declared, type) and issubclass(declared, msgspec.Struct):
        yield declared
    for argument in getattr(declared, "__args__", ()):
        yield from structs_of(argument)


def test_the_first_request_that_is_set_counts_so_their_order_is_part_of_the_protocol():
    assert [field.name for field in msgspec.structs.fields(Command)] == [
        "id", "connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "ping", "send",
        "rpc", "refresh", "sub_refresh",
    ]  # fmt: skip
