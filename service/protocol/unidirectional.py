"""The JSON encoding of unidirectional transports: a bare connect request comes in, bare pushes go out.

To a session it is a codec like the others: the request is a connect command, the reply to it is the connect push. There
is no way to tell an error: the session closes instead.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from service.protocol.codec import BadFrame
from service.protocol.messages import Command, Connect, ConnectRequest, Message, Publication, Push, Reply
from service.protocol.payload import one_line
from service.protocol.tolerance import Refused, read

_write = msgspec.json.Encoder().encode
_PING: Final = b"{}"
_SPACE: Final = b" \t\r\n"
_ID: Final = 1  # of the connect command; nobody sees it


class UnidirectionalJson:
    """``Codec`` for unidirectional transports."""

    name: Final = "json"
    binary: Final = False

    def decode(self, data: bytes, most: int = 0) -> list[Command]:
        """The one command that a client may send: its connect request; ``null`` is one that says nothing."""
        del most
        try:
            request = ConnectRequest() if data.strip(_SPACE) == b"null" else read(data, ConnectRequest)
        except Refused as error:
            raise BadFrame(str(error)) from None
        return [Command(id=_ID, connect=request)]

    def encode(self, replies: Sequence[Reply]) -> bytes:
        """See ``Codec.encode``."""
        return b"\n".join([_message(reply) for reply in replies])

    def encode_publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """See ``Codec.encode_publications``."""
        return b"\n".join([one_line(_write(Push(channel, pub))) for pub in publications])


def _message(reply: Reply) -> bytes:
    if reply.push is not UNSET:
        return one_line(_write(reply.push))
    if reply.connect is not UNSET:
        return one_line(_write(Push(connect=_connect(reply.connect))))
    assert reply.error is UNSET, "an error has no way to a unidirectional client"
    return _PING


def _connect(result: Message) -> Connect:
    return Connect(**{name: getattr(result, name) for name in Connect.__struct_fields__})
