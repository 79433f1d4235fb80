"""Pure: bodies of the server API -> requests. Strict where Centrifugo is: text after the object, wrong types."""

import functools
from typing import Any, TypeVar

import msgspec

from service.protocol.messages import Message
from service.protocol.tolerance import Refused, declared_form

M = TypeVar("M", bound=Message)


class BadBody(Exception):  # noqa: N818 - says what is bad
    """A body that is no request; the text says why."""

    status = 400
    title = "Bad Request"


class TooSlow(BadBody):
    """A body that did not come in time."""

    status = 408
    title = "Request Timeout"


class TooLong(BadBody):
    """A body beyond the limit."""

    status = 413
    title = "Request Entity Too Large"


class Packed(BadBody):
    """A compressed body: what it would take is not known before it is unpacked."""

    status = 415
    title = "Unsupported Media Type"


def read(body: bytes, kind: type[M]) -> M:
    """One request. ``null`` is a request that says nothing.

    Raises:
        BadBody: not JSON, wrong types, text after it, or a key in another case.

    """
    if body.strip() == b"null":
        return kind()
    try:
        if not body.isascii():
            body.decode()
        try:
            decoded: M = _decoder(kind).decode(body)
        except msgspec.ValidationError:  # a key that nobody knows, or null somewhere
            decoded = _decoder(kind).decode(declared_form(body, kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refused) as error:
        raise BadBody(str(error) or "not JSON") from None
    return decoded


@functools.cache
def _decoder(kind: type[Message]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
