"""The words on the wire: one struct a message of the Centrifuge protocol v2, used by every codec.

Field names are the JSON keys. A field with a default is left out when it has that value; one without a default is
always written (Centrifuge protocol, client.proto). ``Raw`` fields carry JSON text untouched.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

Uint32 = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Uint64 = Annotated[int, Meta(ge=0, le=0x7FFFFFFFFFFFFFFF)]  # the wire has one bit more; no stream gets there
Int64 = Annotated[int, Meta(ge=-0x8000000000000000, le=0x7FFFFFFFFFFFFFFF)]
Int32 = Annotated[int, Meta(ge=-0x80000000, le=0x7FFFFFFF)]

EMPTY = Raw(b"")


class Message(msgspec.Struct, omit_defaults=True, gc=False):
    """The common shape: unset and default fields are not written."""


class Fixed(msgspec.Struct, omit_defaults=True, gc=False, frozen=True):
    """The same for messages that are shared and never change."""


class ClientInfo(Fixed, frozen=True):
    """Who published, joined or is present."""

    user: str
    client: str
    conn_info: Raw = EMPTY
    chan_info: Raw = EMPTY


class Publication(Message):
    """What a channel's subscribers receive. ``offset`` is 0 in a channel without history."""

    data: Raw = EMPTY
    info: ClientInfo | UnsetType = UNSET
    offset: Uint64 = 0
    tags: dict[str, str] | UnsetType = UNSET
    delta: bool = False
    epoch: str = ""
    version: Uint64 = 0


class StreamPosition(Fixed, frozen=True):
    """A place in a channel's stream: nothing is known between positions of different epochs."""

    offset: Uint64 = 0
    epoch: str = ""


class Error(Fixed, frozen=True):
    code: Uint32
    message: str = ""
    temporary: bool = False


class Empty(Fixed, frozen=True):
    """A message without fields; its key is written all the same."""


# ------------------------------------------------------------------ commands


class Request(Message, forbid_unknown_fields=True):
    """What a client sends. Keys that are not declared are the codec's affair: ignored, or refused as look-alikes."""


class Since(StreamPosition, frozen=True, forbid_unknown_fields=True):
    """A position as clients write it."""


class EmulationRequest(Request):
    """Commands of a stream's client, in a request of their own. In JSON ``data`` is a string with a frame in it."""

    node: str = ""
    session: str = ""
    data: Raw = EMPTY


class Nothing(Empty, frozen=True, forbid_unknown_fields=True):
    """A request without fields."""


class FilterNode(Request):
    """Tags filter: a tree of conditions on ``Publication.tags``."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: list[str] = msgspec.field(default_factory=list)
    nodes: list["FilterNode"] = msgspec.field(default_factory=list)


class SubscribeRequest(Request):
    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Uint64 = 0
    data: Raw = EMPTY
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: FilterNode | None = None
    flag: Int64 = 0
    type: Int32 = 0


class ConnectRequest(Request):
    token: str = ""
    data: Raw = EMPTY
    subs: dict[str, SubscribeRequest] | None = None
    name: str = ""
    version: str = ""
    headers: dict[str, str] | None = None
    flag: Int64 = 0


class UnsubscribeRequest(Request):
    channel: str = ""


class PublishRequest(Request):
    channel: str = ""
    data: Raw = EMPTY


class PresenceRequest(Request):
    channel: str = ""


class PresenceStatsRequest(Request):
    channel: str = ""


class HistoryRequest(Request):
    channel: str = ""
    limit: Int32 = 0
    since: Since | None = None
    reverse: bool = False


class RPCRequest(Request):
    data: Raw = EMPTY
    method: str = ""


class SendRequest(Request):
    data: Raw = EMPTY


class RefreshRequest(Request):
    token: str = ""


class SubRefreshRequest(Request):
    channel: str = ""
    token: str = ""


class Command(Request):
    """Client to server. Without ``id`` and ``send`` it is a pong. The first request that is set counts."""

    id: Uint32 = 0
    connect: ConnectRequest | UnsetType = UNSET
    subscribe: SubscribeRequest | UnsetType = UNSET
    unsubscribe: UnsubscribeRequest | UnsetType = UNSET
    publish: PublishRequest | UnsetType = UNSET
    presence: PresenceRequest | UnsetType = UNSET
    presence_stats: PresenceStatsRequest | UnsetType = UNSET
    history: HistoryRequest | UnsetType = UNSET
    ping: Nothing | UnsetType = UNSET
    send: SendRequest | UnsetType = UNSET
    rpc: RPCRequest | UnsetType = UNSET
    refresh: RefreshRequest | UnsetType = UNSET
    sub_refresh: SubRefreshRequest | UnsetType = UNSET


# ------------------------------------------------------------------- results


class SubscribeResult(Message):
    expires: bool = False
    ttl: Uint32 = 0
    recoverable: bool = False
    epoch: str = ""
    publications: list[Publication] = msgspec.field(default_factory=list)
    recovered: bool = False
    offset: Uint64 = 0
    positioned: bool = False
    data: Raw = EMPTY
    was_recovering: bool = False
    delta: bool = False


class ConnectResult(Message):
    client: str
    version: str = ""
    expires: bool = False
    ttl: Uint32 = 0
    data: Raw = EMPTY
    subs: dict[str, SubscribeResult] | UnsetType = UNSET
    ping: Uint32 = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class PresenceResult(Message):
    presence: dict[str, ClientInfo]


class PresenceStatsResult(Message):
    num_clients: Uint32
    num_users: Uint32


class HistoryResult(Message):
    publications: list[Publication]
    epoch: str
    offset: Uint64


class RPCResult(Message):
    data: Raw = EMPTY


class RefreshResult(Message):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: Uint32 = 0


class SubRefreshResult(Message):
    expires: bool = False
    ttl: Uint32 = 0


# -------------------------------------------------------------------- pushes


class Join(Message):
    info: ClientInfo


class Leave(Message):
    info: ClientInfo


class Unsubscribe(Message):
    code: Uint32 = 0
    reason: str = ""


class Subscribe(Message):
    """A server-side subscription was added."""

    recoverable: bool = False
    epoch: str = ""
    offset: Uint64 = 0
    positioned: bool = False
    data: Raw = EMPTY


class Data(Message):
    """A push without a channel."""

    data: Raw = EMPTY


class Connect(Message):
    """What the connect reply says, on unidirectional transports, which know no replies."""

    client: str = ""
    version: str = ""
    data: Raw = EMPTY
    subs: dict[str, SubscribeResult] | UnsetType = UNSET
    expires: bool = False
    ttl: Uint32 = 0
    ping: Uint32 = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class Disconnect(Message):
    """The end, where no Close frame can tell it."""

    code: Uint32 = 0
    reason: str = ""


class Refresh(Message):
    expires: bool = False
    ttl: Uint32 = 0


class Push(Message):
    """Server to client, unasked. One of the bodies is set."""

    channel: str = ""
    pub: Publication | UnsetType = UNSET
    join: Join | UnsetType = UNSET
    leave: Leave | UnsetType = UNSET
    unsubscribe: Unsubscribe | UnsetType = UNSET
    message: Data | UnsetType = UNSET
    subscribe: Subscribe | UnsetType = UNSET
    connect: Connect | UnsetType = UNSET
    disconnect: Disconnect | UnsetType = UNSET
    refresh: Refresh | UnsetType = UNSET


class Reply(Message):
    """Server to client: an answer (``id`` > 0), a push, or, with nothing set, a ping."""

    id: Uint32 = 0
    error: Error | UnsetType = UNSET
    push: Push | UnsetType = UNSET
    connect: ConnectResult | UnsetType = UNSET
    subscribe: SubscribeResult | UnsetType = UNSET
    unsubscribe: Empty | UnsetType = UNSET
    publish: Empty | UnsetType = UNSET
    presence: PresenceResult | UnsetType = UNSET
    presence_stats: PresenceStatsResult | UnsetType = UNSET
    history: HistoryResult | UnsetType = UNSET
    ping: Empty | UnsetType = UNSET
    rpc: RPCResult | UnsetType = UNSET
    refresh: RefreshResult | UnsetType = UNSET
    sub_refresh: SubRefreshResult | UnsetType = UNSET
