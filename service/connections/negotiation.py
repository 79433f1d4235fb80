"""Is this request a WebSocket upgrade that we accept, and which encoding does it speak (RFC 6455, section 4.2)."""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.protocol import deflate
from service.protocol.framing import accept_key

JSON, PROTOBUF = "centrifuge-json", "centrifuge-protobuf"

_PROXY = (
    "If a proxy stands in between, it stripped it: nginx needs 'proxy_http_version 1.1;', "
    "'proxy_set_header Upgrade $http_upgrade;' and 'proxy_set_header Connection \"upgrade\";'."
)


_KEY = re.compile("[A-Za-z0-9+/]{22}==")  # 16 bytes in base64


@dataclass(frozen=True, slots=True)
class NegotiationSettings:
    """Whom we talk to."""

    allowed_origins: tuple[str, ...] = ()  # patterns with *; a page of our own host is always allowed
    compression: bool = False  # permessage-deflate for those who offer it


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the 101 says."""

    headers: Mapping[str, str]
    subprotocol: str  # "" when none was offered that we know
    protobuf: bool = False  # the encoding; JSON otherwise
    compressed: bool = False  # long messages are, both ways


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer with a sentence that helps; ``reason`` is the word for counters and logs."""

    status: int
    reason: str
    sentence: str
    headers: Mapping[str, str]


def negotiate(
    method: str,
    version: tuple[int, int],
    headers: Mapping[str, str],
    query: Mapping[str, str],
    settings: NegotiationSettings,
) -> Accepted | Refusal:
    """Accept the upgrade or say what is missing and who may have taken it away.

    Args:
        method: HTTP method.
        version: HTTP version as (major, minor).
        headers: request headers, looked up in any case.
        query: the query's first value of each key.
        settings: allowed origins.

    """
    refusal = _not_an_upgrade(method, version, headers) or _bad_handshake(headers) or _foreign(headers, settings)
    if refusal is not None:
        return refusal
    subprotocol = choose_subprotocol(headers.get("Sec-WebSocket-Protocol", ""))
    answer = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_key(headers["Sec-WebSocket-Key"].strip()),
    }
    if subprotocol:
        answer["Sec-WebSocket-Protocol"] = subprotocol
    compressed = settings.compression and deflate.acceptable(headers.get("Sec-WebSocket-Extensions", ""))
    if compressed:
        answer["Sec-WebSocket-Extensions"] = deflate.ANSWER
    return Accepted(answer, subprotocol, subprotocol == PROTOBUF or _asks_protobuf(query), compressed)


def choose_subprotocol(offered: str) -> str:
    """The first one that we know, in the client's order; "" for none."""
    names = (name.strip() for name in offered.split(","))
    return next((name for name in names if name in (JSON, PROTOBUF)), "")


def _asks_protobuf(query: Mapping[str, str]) -> bool:
    """As Centrifugo has it: this counts also when the subprotocol says JSON."""
    return query.get("format") == "protobuf" or query.get("cf_protocol") == "protobuf"


def _not_an_upgrade(method: str, version: tuple[int, int], headers: Mapping[str, str]) -> Refusal | None:
    if method != "GET":
        return _refuse(400, "method", f"A WebSocket is opened with GET, not with {method[:16]}.")
    if version < (1, 1):
        return _refuse(400, "http_version", f"A WebSocket needs HTTP/1.1, this request came with HTTP/1.0. {_PROXY}")
    if not _names("websocket", headers.get("Upgrade", "")):
        return _refuse(400, "upgrade_header", f"The header 'Upgrade: websocket' is missing. {_PROXY}")
    if not _names("upgrade", headers.get("Connection", "")):
        return _refuse(400, "connection_header", f"The header 'Connection: Upgrade' is missing. {_PROXY}")
    return None


def _bad_handshake(headers: Mapping[str, str]) -> Refusal | None:
    version = headers.get("Sec-WebSocket-Version")
    if version is None:
        return _refuse(400, "version_header", f"The header 'Sec-WebSocket-Version: 13' is missing. {_PROXY}")
    if version.strip() != "13":
        return Refusal(
            426,
            "version",
            "This server speaks WebSocket version 13 (RFC 6455) only.\n",
            {"Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"},
        )
    key = headers.get("Sec-WebSocket-Key")
    if key is None:
        return _refuse(400, "key_header", f"The header 'Sec-WebSocket-Key' is missing. {_PROXY}")
    if _KEY.fullmatch(key.strip()) is None:
        return _refuse(400, "key", "The header 'Sec-WebSocket-Key' is not the base64 form of 16 bytes.")
    return None


def _foreign(headers: Mapping[str, str], settings: NegotiationSettings) -> Refusal | None:
    origin = headers.get("Origin")
    if origin is None or origin_allowed(origin, headers.get("Host", ""), settings.allowed_origins):
        return None
    return _refuse(
        403,
        "origin",
        "Pages of this origin may not connect. Add it to client.allowed_origins if it is yours.",
    )


def origin_allowed(origin: str, host: str, patterns: tuple[str, ...]) -> bool:
    """True for a page of our own host, or one that a pattern allows; letter case does not count."""
    origin = origin.lower()
    if urlsplit(origin).netloc == host.lower() != "":
        return True
    return any(fnmatch.fnmatchcase(origin, pattern.lower()) for pattern in patterns)


def _names(token: str, value: str) -> bool:
    """Whether a header's list holds the token, in any case; most lists hold nothing else."""
    value = value.lower()
    return value == token or token in (each.strip() for each in value.split(","))


def _refuse(status: int, reason: str, sentence: str) -> Refusal:
    return Refusal(status, reason, sentence + "\n", {})
