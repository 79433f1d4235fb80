"""The Protobuf encoding: messages of client.proto, each behind its length.

Read and written by tables of our own. The protobuf library takes 35 ms to import and knows only its own classes, out of
which every message would have to be copied: 4.7 us a subscribe command against 5.6 here, 1.7 us a broadcast against 2.5
(JSON: 1.1). It also skips a known field of another type, where Centrifugo closes.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from service.protocol.codec import BadFrame
from service.protocol.messages import Command, Publication, Push, Reply
from service.protocol.protobuf_reading import Malformed, read_delimited, reader
from service.protocol.protobuf_schema import LENGTH, NUMBERS
from service.protocol.protobuf_writing import delimited, tag, writer

_read_command, _read_reply = reader(Command), reader(Reply)
_write_command, _write_reply, _write_publication = writer(Command), writer(Reply), writer(Publication)

_PUSH: Final = tag(NUMBERS[Reply]["push"], LENGTH)
_CHANNEL: Final = tag(NUMBERS[Push]["channel"], LENGTH)
_PUB: Final = tag(NUMBERS[Push]["pub"], LENGTH)


class ProtobufCodec:
    """``Codec`` for Protobuf. Payloads are bytes of any kind; whether a channel takes them is not asked here."""

    name: Final = "protobuf"
    binary: Final = True

    def decode(self, data: bytes, most: int = 0) -> list[Command]:
        """See ``Codec.decode``. A message of no length is a command without anything: a pong."""
        commands: list[Command] = []
        try:
            for message in _messages(data, most):
                commands.append(_read_command(message, 0))  # noqa: PERF401 - those before a fault are kept
        except UnicodeDecodeError as error:
            raise BadFrame("a string that is not UTF-8", commands) from error
        except Malformed as error:
            raise BadFrame(str(error), commands) from error
        return commands

    def encode(self, replies: Sequence[Reply]) -> bytes:
        """See ``Codec.encode``."""
        if len(replies) == 1:
            return delimited(_write_reply(replies[0]))
        return b"".join([delimited(_write_reply(reply)) for reply in replies])

    def encode_publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """See ``Codec.encode_publications``."""
        head = _CHANNEL + delimited(channel.encode()) + _PUB if channel else _PUB
        if len(publications) == 1:
            return _pushed(head, publications[0])
        return b"".join([_pushed(head, publication) for publication in publications])


def encode_commands(commands: Sequence[Command]) -> bytes:
    """A client's frame."""
    return b"".join([delimited(_write_command(command)) for command in commands])


def decode_replies(data: bytes) -> list[Reply]:
    """The replies of a server's frame, in order.

    Raises:
        ValueError: it does not decode.

    """
    return [_read_reply(message, 0) for message in _messages(data)]


def _messages(data: bytes, most: int = 0) -> Iterator[bytes]:
    if not data:
        raise Malformed("an empty frame")
    at = count = 0
    while at < len(data):
        if count == most != 0:
            raise Malformed("too many commands")
        message, at = read_delimited(data, at)
        yield message
        count += 1


def _pushed(head: bytes, publication: Publication) -> bytes:
    """A reply that is a push and nothing else: the one message that is written again and again."""
    return delimited(_PUSH + delimited(head + delimited(_write_publication(publication))))
