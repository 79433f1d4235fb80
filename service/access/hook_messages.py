"""Pure: what hooks send and what they get, as Centrifugo's proxy protocol has it. Answers are read strictly by type."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw

from service.access.refusals import BadInfo
from service.access.tokens import ChannelWords, Granted, granted
from service.protocol.closing import LONGEST_REASON, Closing, by_hook
from service.protocol.errors import ReplyError
from service.protocol.messages import EMPTY
from service.protocol.payload import is_json
from service.protocol.tolerance import Refused, declared_form

R = TypeVar("R")

_MOST_CODE: Final = 2**16 - 1
_LAST_SECOND: Final = 2**42  # Unix time, far beyond any calendar


class Nonsense(ValueError):  # noqa: N818 - says what it is
    """An answer that cannot be followed. The text is for the log and shows nothing of the answer's values."""


class Refusal(Exception):  # noqa: N818 - says what happened
    """The backend says no, in its own words."""

    def __init__(self, verdict: ReplyError | Closing) -> None:
        super().__init__(f"the backend refused with code {verdict.code}")
        self.verdict = verdict


# ------------------------------------------------------------------------------- questions


class Asked(msgspec.Struct, omit_defaults=True):
    """The body of a question: common fields first, then those of the kinds."""

    client: str
    transport: str
    protocol: str
    encoding: str
    user: str | None = None  # None: not known yet (connect)
    name: str = ""
    version: str = ""
    channel: str = ""
    method: str = ""
    channels: list[str] = []
    data: Raw | None = None
    b64data: str = ""
    meta: Raw | None = None

    def with_data(self, data: Raw, *, binary: bool) -> None:
        """Take the client's payload, as JSON or in base64.

        Raises:
            Nonsense: it is no JSON, and the hook is not for anything else.

        """
        if binary:
            self.b64data = base64.b64encode(data).decode()
        elif data:
            if not is_json(bytes(data)):
                raise Nonsense("the client's payload is not JSON: such a hook takes binary_encoding")
            self.data = data


def encoded(asked: Asked) -> bytes:
    """The body."""
    return msgspec.json.encode(asked)


# --------------------------------------------------------------------------------- answers


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    temporary: bool = False


class _Disconnect(msgspec.Struct):
    code: int = 0
    reason: str = ""


class Answer(msgspec.Struct, Generic[R]):
    """The body of an answer: at most one of them counts, in this order: disconnect, error, result."""

    result: R | None = None
    error: _Error | None = None
    disconnect: _Disconnect | None = None


class ConnectResult(msgspec.Struct):
    """Who the client is."""

    user: str = ""
    expire_at: int = 0
    info: Raw = EMPTY
    b64info: str = ""
    data: Raw = EMPTY
    b64data: str = ""
    channels: list[str] = msgspec.field(default_factory=list)
    subs: dict[str, ChannelWords | None] = msgspec.field(default_factory=dict)
    meta: Raw = EMPTY

    def server_side(self) -> Mapping[str, Granted]:
        """The server-side channels; what ``subs`` says goes before ``channels``.

        Raises:
            Nonsense: a payload is not what it should be.

        """
        subs = {name: allowed(said or ChannelWords()) for name, said in self.subs.items()}
        return {**dict.fromkeys(self.channels, Granted()), **subs}


class SubscribeResult(ChannelWords):
    """The subscription is allowed."""

    expire_at: int = 0


class RefreshResult(msgspec.Struct):
    """How long it goes on, for connections and subscriptions."""

    expired: bool = False
    expire_at: int = 0
    info: Raw = EMPTY
    b64info: str = ""
    meta: Raw = EMPTY


class PublishResult(msgspec.Struct):
    """The publication is allowed, perhaps changed."""

    data: Raw = EMPTY
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str | None] | None = None
    idempotency_key: str = ""
    delta: bool = False
    version: int = 0
    version_epoch: str = ""


class RpcResult(msgspec.Struct):
    """What the call gave."""

    data: Raw = EMPTY
    b64data: str = ""


DECODERS: Final[Mapping[str, "msgspec.json.Decoder[Any]"]] = {
    "connect": msgspec.json.Decoder(Answer[ConnectResult]),
    "refresh": msgspec.json.Decoder(Answer[RefreshResult]),
    "subscribe": msgspec.json.Decoder(Answer[SubscribeResult]),
    "sub_refresh": msgspec.json.Decoder(Answer[RefreshResult]),
    "publish": msgspec.json.Decoder(Answer[PublishResult]),
    "rpc": msgspec.json.Decoder(Answer[RpcResult]),
}


def read(kind: str, body: bytes, *, for_json: bool) -> Any:
    """The result of an answer, its payloads taken out of base64; None when it has none.

    Args:
        kind: of the hook.
        body: of the answer.
        for_json: the client speaks JSON and so can take no other payload.

    Raises:
        Nonsense: it is no such answer.
        Refusal: it says no.

    """
    try:
        body.decode()  # raw values would let bad UTF-8 through, and one day close somebody's connection
        answer = _answer(DECODERS[kind], body)
    except msgspec.ValidationError as wrong:  # names the field and the types, never the value
        raise Nonsense(f"the answer has a field of the wrong type: {wrong}") from None
    except Refused as wrong:
        raise Nonsense(f"in the answer {wrong}") from None
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise Nonsense("the answer is not JSON") from None
    if answer.disconnect is not None:
        raise Refusal(_closing(answer.disconnect.code, answer.disconnect.reason))
    if answer.error is not None:
        raise Refusal(_error(answer.error))
    if answer.result is not None:
        _sound(answer.result, for_json=for_json)
    return answer.result


def _answer(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    """Most languages write null for what they have not; it is as if it were not there."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        return decoder.decode(declared_form(body, decoder.type))


def payload(b64: str, plain: Raw) -> Raw:
    """The payload given as base64, else the plain one.

    Raises:
        Nonsense: it is not base64, or JSON that not every client can read.

    """
    if not b64:
        if plain and not is_json(bytes(plain)):
            raise Nonsense("a payload of the answer nests too deep or holds half a character")
        return plain.copy() if plain else EMPTY
    try:
        return Raw(base64.b64decode(b64, validate=True))
    except (binascii.Error, ValueError):
        raise Nonsense("a b64 field is not base64") from None


def allowed(said: ChannelWords) -> Granted:
    """What the answer says about a channel.

    Raises:
        Nonsense: a payload is not what it should be.

    """
    for plain in (said.info, said.data):
        payload("", plain)
    try:
        return granted(said)
    except BadInfo as bad:
        raise Nonsense(f"a b64 field of the answer is {bad}") from None


def info_of(b64: str, plain: Raw) -> Raw:
    """The info, which everybody in a channel may get to see and so has to be JSON.

    Raises:
        Nonsense: it is not.

    """
    info = payload(b64, plain)
    if info and not is_json(bytes(info)):
        raise Nonsense("the answer's b64info is not JSON")
    return info


def _sound(result: Any, *, for_json: bool) -> None:
    """Numbers within their bounds, payloads that can be sent on."""
    if not 0 <= getattr(result, "expire_at", 0) <= _LAST_SECOND:
        raise Nonsense("the answer's expire_at is no Unix time in seconds")
    if not 0 <= getattr(result, "version", 0) < 2**63:
        raise Nonsense("the answer's version is out of bounds")
    if isinstance(result, SubscribeResult):
        allowed(result)
        return
    if isinstance(result, ConnectResult):
        result.server_side()
    if isinstance(result, ConnectResult | RefreshResult):
        result.info, result.b64info = info_of(result.b64info, result.info), ""
        payload("", result.meta)
    if isinstance(result, ConnectResult | PublishResult | RpcResult):
        result.data, result.b64data = payload(result.b64data, result.data), ""
        if for_json and result.data and not isinstance(result, PublishResult) and not is_json(bytes(result.data)):
            raise Nonsense("the answer's b64data is not JSON, and the client takes nothing else")


def _error(error: _Error) -> ReplyError:
    if not 0 < error.code <= _MOST_CODE:
        raise Nonsense(f"the answer's error has no code of 1 to {_MOST_CODE}")
    return ReplyError(error.code, error.message, error.temporary)


def _closing(code: int, reason: str) -> Closing:
    """The codes that WebSocket leaves to applications and SDKs understand."""
    if not 3000 <= code <= 4999:
        raise Nonsense("the answer's disconnect code is not one of 3000 to 4999")
    if len(reason.encode()) > LONGEST_REASON:
        raise Nonsense(f"the answer's disconnect reason is longer than {LONGEST_REASON} bytes")
    return by_hook(code, reason)
