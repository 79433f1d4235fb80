"""client.proto for the protobuf library, written down a second time, and abstract messages to and from its classes.

Nothing here knows how the service writes or reads: names, numbers and types are those of the protocol's documentation.
"""

import json

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SCHEMA = """
Error: code uint32 1, message string 2, temporary bool 3
ClientInfo: user string 1, client string 2, conn_info bytes 3, chan_info bytes 4
Publication: data bytes 4, info ClientInfo 5, offset uint64 6, tags map<string> 7, delta bool 8, time int64 9,
  channel string 10, key string 11, removed bool 12, score sint64 13, epoch string 14, prev_data bytes 15, version uint64 16
Join: info ClientInfo 1
Leave: info ClientInfo 1
Unsubscribe: code uint32 2, reason string 3
Subscribe: recoverable bool 1, epoch string 4, offset uint64 5, positioned bool 6, data bytes 7
Message: data bytes 1
Connect: client string 1, version string 2, data bytes 3, subs map<SubscribeResult> 4, expires bool 5, ttl uint32 6,
  ping uint32 7, pong bool 8, session string 9, node string 10, time int64 11
Disconnect: code uint32 1, reason string 2, reconnect bool 3
Refresh: expires bool 1, ttl uint32 2
Push: id int64 1, channel string 2, pub Publication 4, join Join 5, leave Leave 6, unsubscribe Unsubscribe 7,
  message Message 8, subscribe Subscribe 9, connect Connect 10, disconnect Disconnect 11, refresh Refresh 12
ConnectRequest: token string 1, data bytes 2, subs map<SubscribeRequest> 3, name string 4, version string 5,
  headers map<string> 6, flag int64 7
ConnectResult: client string 1, version string 2, expires bool 3, ttl uint32 4, data bytes 5, subs map<SubscribeResult> 6,
  ping uint32 7, pong bool 8, session string 9, node string 10, time int64 11
FilterNode: op string 1, key string 2, cmp string 3, val string 4, vals string* 5, nodes FilterNode* 6
SubscribeRequest: channel string 1, token string 2, recover bool 3, epoch string 6, offset uint64 7, data bytes 8,
  positioned bool 9, recoverable bool 10, join_leave bool 11, delta string 12, tf FilterNode 13, flag int64 14,
  type int32 15, phase int32 16, cursor string 17, limit int32 18, asc bool 19
SubscribeResult: expires bool 1, ttl uint32 2, recoverable bool 3, epoch string 6, publications Publication* 7,
  recovered bool 8, offset uint64 9, positioned bool 10, data bytes 11, was_recovering bool 12, delta bool 13, id int64 14
Empty:
Channel: channel string 1
PublishRequest: channel string 1, data bytes 2
PresenceResult: presence map<ClientInfo> 1
PresenceStatsResult: num_clients uint32 1, num_users uint32 2
StreamPosition: offset uint64 1, epoch string 2
HistoryRequest: channel string 1, limit int32 7, since StreamPosition 8, reverse bool 9
HistoryResult: publications Publication* 1, epoch string 2, offset uint64 3
RPCRequest: data bytes 1, method string 2
RefreshRequest: token string 1
RefreshResult: client string 1, version string 2, expires bool 3, ttl uint32 4
SubRefreshRequest: channel string 1, token string 2
SubRefreshResult: expires bool 1, ttl uint32 2
Command: id uint32 1, connect ConnectRequest 4, subscribe SubscribeRequest 5, unsubscribe Channel 6,
  publish PublishRequest 7, presence Channel 8, presence_stats Channel 9, history HistoryRequest 10, ping Empty 11,
  send Message 12, rpc RPCRequest 13, refresh RefreshRequest 14, sub_refresh SubRefreshRequest 15
Reply: id uint32 1, error Error 2, push Push 4, connect ConnectResult 5, subscribe SubscribeResult 6, unsubscribe Empty 7,
  publish Empty 8, presence PresenceResult 9, presence_stats PresenceStatsResult 10, history HistoryResult 11,
  ping Empty 12, rpc Message 13, refresh RefreshResult 14, sub_refresh SubRefreshResult 15
"""
NOT_HERE = ("phase", "cursor", "limit", "asc")  # of a subscription to a map
ALWAYS = {  # what JSON writes also when it is empty
    "ClientInfo": {"user": "", "client": ""},
    "PresenceResult": {"presence": {}},
    "PresenceStatsResult": {"num_clients": 0, "num_users": 0},
    "HistoryResult": {"publications": [], "epoch": "", "offset": 0},
}
_Field = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED


def _descriptor():
    file = descriptor_pb2.FileDescriptorProto(name="client.proto", package="centrifuge", syntax="proto3")
    for line in SCHEMA.replace(",\n", ",").strip().splitlines():
        name, _, listed = line.partition(":")
        message = file.message_type.add(name=name)
        for declared in filter(None, map(str.strip, listed.split(","))):
            _add(message, *declared.split())
    return file


def _add(message, name, kind, number):
    many = kind.endswith("*")
    if kind.startswith("map<"):
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add(entry, "key", "string", 1)
        _add(entry, "value", kind[4:-1], 2)
        kind, many = f"{message.name}.{entry.name}", True
    kind = kind.rstrip("*")
    if kind.islower():
        named = {"type": getattr(_Field, f"TYPE_{kind.upper()}")}
    else:
        named = {"type": _Field.TYPE_MESSAGE, "type_name": f".centrifuge.{kind}"}
    message.field.add(name=name, number=int(number), label=_MANY if many else _ONE, **named)


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_descriptor())


def library_class(name):
    """The protobuf library's class of a message."""
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"centrifuge.{name}"))


Command, Reply = library_class("Command"), library_class("Reply")


def filled(message, abstract):
    """The library's message, filled with an abstract one; payloads are written as JSON."""
    for name, value in abstract.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.type == _Field.TYPE_BYTES:
            setattr(message, name, value if isinstance(value, bytes) else json.dumps(value).encode())
        elif isinstance(value, dict):
            _fill_dict(getattr(message, name), field, value)
        elif isinstance(value, list):
            for each in value:
                filled(getattr(message, name).add(), each) if isinstance(each, dict) else getattr(message, name).append(
                    each
                )
        else:
            setattr(message, name, value)
    return message


def _fill_dict(part, field, value):
    if not field.message_type.GetOptions().map_entry:
        part.SetInParent()
        filled(part, value)
        return
    for key, each in value.items():
        if isinstance(each, dict):
            filled(part[key], each)
        else:
            part[key] = each


def abstract(message):
    """A message of the library in its abstract form; payloads are read as JSON where they are."""
    found = dict(ALWAYS.get(message.DESCRIPTOR.name, {}))
    for field, value in message.ListFields():
        found[field.name] = _value(field, value)
    return found


def _value(field, value):
    if field.type == _Field.TYPE_BYTES:
        return json.loads(value)
    if field.type != _Field.TYPE_MESSAGE:
        return list(value) if field.is_repeated else value
    if field.message_type.GetOptions().map_entry:
        return {key: abstract(each) if hasattr(each, "ListFields") else each for key, each in value.items()}
    return [abstract(each) for each in value] if field.is_repeated else abstract(value)


def same_command(ours, body):
    """Whether the library reads ``body`` as it reads ``ours``, fields that it does not know put aside.

    It takes a pair of a table for unknown altogether when there is an unknown field in it; Centrifugo does not.
    """
    ours, theirs = Command.FromString(ours), Command.FromString(body)
    theirs.DiscardUnknownFields()
    for each in [*([theirs.subscribe] if theirs.HasField("subscribe") else []), *theirs.connect.subs.values()]:
        for field in NOT_HERE:
            each.ClearField(field)
    if ours != theirs:
        for each in (ours.connect, theirs.connect):
            each.ClearField("headers")
            each.ClearField("subs")
    return ours == theirs


def delimited(body):
    """A message behind its length."""
    octets, size = bytearray(), len(body)
    while size > 0x7F:
        octets.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*octets, size)) + body


def parted(frame):
    """The messages of a frame."""
    messages, at = [], 0
    while at < len(frame):
        size = shift = 0
        while True:
            octet, at = frame[at], at + 1
            size |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                break
        assert at + size <= len(frame), "half a message"
        messages.append(frame[at : at + size])
        at += size
    return messages
