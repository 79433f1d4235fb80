"""The server API's requests and results. Zero values are left out of answers, except where a field has no default."""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from service.protocol.messages import (
    EMPTY,
    ClientInfo,
    Fixed,
    Int32,
    Int64,
    Message,
    Publication,
    StreamPosition,
    Uint32,
    Uint64,
)


class Request(Message, forbid_unknown_fields=True):
    """What a caller sends; unknown keys and nulls take the slower way of ``api_reading``."""


class PublishRequest(Request):
    channel: str = ""
    data: Raw = EMPTY
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str | None] | None = None
    idempotency_key: str = ""
    delta: bool = False
    version: Uint64 = 0
    version_epoch: str = ""


class BroadcastRequest(Request):
    channels: list[str | None] | None = None
    data: Raw = EMPTY
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str | None] | None = None
    idempotency_key: str = ""
    delta: bool = False
    version: Uint64 = 0
    version_epoch: str = ""


class ChannelRequest(Request):
    """``presence``, ``presence_stats``, ``history_remove``."""

    channel: str = ""


class HistoryRequest(Request):
    channel: str = ""
    limit: Int32 = 0
    since: StreamPosition | None = None
    reverse: bool = False


class ChannelsRequest(Request):
    pattern: str = ""


class ReceiptsRequest(Request):
    """Our own: who has confirmed this offset; 0: the newest one."""

    channel: str = ""
    offset: Uint64 = 0


class InfoRequest(Request):
    pass


class Disconnect(Request):
    code: Uint32 = 0
    reason: str = ""


class DisconnectRequest(Request):
    user: str = ""
    client: str = ""
    session: str = ""
    whitelist: list[str | None] | None = None
    disconnect: Disconnect | None = None


class UnsubscribeRequest(Request):
    user: str = ""
    channel: str = ""
    client: str = ""
    session: str = ""


class Flag(Request):
    """A wrapped bool: absent is another thing than false."""

    value: bool = False


class Override(Request):
    """How one subscription differs from its namespace; what is absent stays as it is there."""

    presence: Flag | None = None
    join_leave: Flag | None = None
    force_push_join_leave: Flag | None = None
    force_recovery: Flag | None = None
    force_positioning: Flag | None = None


class SubscribeRequest(Request):
    user: str = ""
    channel: str = ""
    client: str = ""
    session: str = ""
    info: Raw = EMPTY
    b64info: str = ""
    data: Raw = EMPTY
    b64data: str = ""
    expire_at: Int64 = 0
    recover_since: StreamPosition | None = None
    override: Override | None = None


class RefreshRequest(Request):
    user: str = ""
    client: str = ""
    session: str = ""
    expired: bool = False
    expire_at: Int64 = 0
    info: Raw = EMPTY


class RPCRequest(Request):
    method: str = ""
    params: Raw = EMPTY


class BatchRequest(Request):
    commands: list[dict[str, Raw] | None] | None = None
    parallel: bool = False


class OldStyleRequest(Request):
    """A command of ``POST /api``; ``method`` is a name or a number."""

    id: Uint32 = 0
    method: Raw = EMPTY
    params: Raw = EMPTY


class ApiError(Fixed, frozen=True):
    code: int
    message: str


class Done(Fixed, frozen=True):
    """Nothing to tell."""


class PublishResult(Message):
    offset: Uint64 = 0
    epoch: str = ""


class Response(Message):
    """One of the two is set."""

    error: ApiError | UnsetType = UNSET
    result: Any = UNSET


class OldStyleReply(Message):
    """The answer to a command of ``POST /api``."""

    id: int = 0
    error: ApiError | UnsetType = UNSET
    result: Any = UNSET


class BroadcastResult(Message):
    responses: list[Response]


class HistoryResult(Message):
    publications: list[Publication]
    epoch: str
    offset: Uint64


class ChannelInfo(Message):
    num_clients: int


class ReceiptsResult(Message):
    """``received`` of the ``subscribers`` here; ``users`` whose confirmation is kept, whether they are here or not."""

    offset: int
    subscribers: int
    confirming: int
    received: int
    users: int


class ChannelsResult(Message):
    channels: dict[str, ChannelInfo]


class PresenceResult(Message):
    presence: dict[str, ClientInfo]


class NodeInfo(Message):
    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_subs: int
    num_channels: int
    uptime: int = 0  # seconds


class InfoResult(Message):
    nodes: list[NodeInfo]


class BatchResult(Message):
    """``commands`` had none: ``{}``."""

    replies: list[dict[str, Any]] | UnsetType = UNSET


_encoder = msgspec.json.Encoder()


def encode(answer: object) -> bytes:
    """One answer as JSON."""
    return _encoder.encode(answer)
