"""Pure: what requests of the server API mean: payloads, what a subscription is granted, how a connection is closed."""

import base64
import binascii

from msgspec import Raw

from service.access.tokens import Granted
from service.api import api_messages as api
from service.protocol import errors
from service.protocol.closing import FORCE_DISCONNECT, Closing, forced
from service.protocol.errors import ClientMistake
from service.protocol.messages import EMPTY
from service.protocol.payload import is_json


def payload_of(data: bytes, b64data: str) -> bytes:
    """The bytes to publish; base64 wins over what stands beside it."""
    if not b64data:
        return bytes(data)
    try:
        return base64.b64decode(b64data, validate=True)
    except (binascii.Error, ValueError):
        raise ClientMistake(errors.BAD_REQUEST) from None


def granted_of(asked: api.SubscribeRequest) -> Granted:
    override = asked.override or api.Override()
    return Granted(
        info=_json(asked.info, asked.b64info),
        data=_json(asked.data, asked.b64data),
        presence=_value(override.presence),
        join_leave=_value(override.join_leave),
        force_push_join_leave=_value(override.force_push_join_leave),
        force_recovery=_value(override.force_recovery),
        force_positioning=_value(override.force_positioning),
    )


def _value(flag: api.Flag | None) -> bool | None:
    return None if flag is None else flag.value


def _json(data: Raw, b64data: str) -> Raw:
    """A payload for clients of both encodings: what is no JSON would end the connections of those who read JSON."""
    if b64data:
        decoded = payload_of(data, b64data)
        if not is_json(decoded):
            raise ClientMistake(errors.BAD_REQUEST)
        return Raw(decoded)
    return data.copy() if data else EMPTY


def closing_of(wanted: api.Disconnect | None) -> Closing:
    """The closing that the caller wants. Codes that a close frame cannot carry are refused, unlike in Centrifugo.

    A reason that none can carry is not: the socket is dropped without a frame then, as there.
    """
    if wanted is None:
        return FORCE_DISCONNECT
    if wanted.code != 1000 and not 3000 <= wanted.code <= 4999:
        raise ClientMistake(errors.BAD_REQUEST)
    return forced(wanted.code, wanted.reason)
