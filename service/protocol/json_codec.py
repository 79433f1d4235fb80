"""The JSON encoding: one message a line.

Text after an object and keys in another case are bad frames (Centrifugo takes both), unknown keys are ignored, of a
doubled key the last value counts.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from service.protocol.codec import BadFrame
from service.protocol.messages import Command, Message, Publication, Push, Reply
from service.protocol.payload import one_line
from service.protocol.tolerance import Refused, declared_form

_read = msgspec.json.Decoder(Command).decode
_write = msgspec.json.Encoder().encode


class _Pushed(Message):
    """A reply that is a push and nothing else: fewer fields to look at on the broadcast path."""

    push: Push


class JsonCodec:
    """``Codec`` for JSON. Payloads are JSON in UTF-8; how deep they may nest is the channel's affair."""

    name: Final = "json"
    binary: Final = False

    def decode(self, data: bytes, most: int = 0) -> list[Command]:
        """See ``Codec.decode``. One newline at the end is accepted."""
        if b"\n" not in data:
            return [_command(data, [])]
        commands: list[Command] = []
        lines = data.removesuffix(b"\n").split(b"\n")
        for line in lines[:most] if most else lines:
            commands.append(_command(line, commands))
        if len(commands) < len(lines):
            raise BadFrame("too many commands", commands)
        return commands

    def encode(self, replies: Sequence[Reply]) -> bytes:
        """See ``Codec.encode``. Without a newline at the end."""
        if len(replies) == 1:
            return one_line(_write(replies[0]))
        return b"\n".join([one_line(_write(reply)) for reply in replies])

    def encode_publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """See ``Codec.encode_publications``."""
        if len(publications) == 1:
            return one_line(_write(_Pushed(Push(channel, publications[0]))))
        return b"\n".join([one_line(_write(_Pushed(Push(channel, pub)))) for pub in publications])


def _command(line: bytes, before: list[Command]) -> Command:
    try:
        if not line.isascii():
            line.decode()  # payloads are passed on unread, and binary frames were not checked by the framing
        try:
            command = _read(line)
        except msgspec.DecodeError:
            command = _read(declared_form(line, Command))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refused) as error:
        raise BadFrame(str(error), before) from error
    if command.publish is not UNSET:
        command.publish.data = command.publish.data.copy()  # it lives on in the history, its frame should not
    return command
