"""Pure: bodies of ``POST /api``, the way of calling from before each method had its path.

Commands one behind another, with spaces or lines between them or none. Each is carried out before the next one is
read, as in Centrifugo: what stands before a broken one has happened.
"""

import json
from collections.abc import Container, Iterator
from typing import Final

from service.api.api_messages import InfoRequest, OldStyleRequest
from service.api.api_reading import BadBody, read
from service.protocol.messages import Message

_NUMBERED: Final = (
    "publish",
    "broadcast",
    "unsubscribe",
    "disconnect",
    "presence",
    "presence_stats",
    "history",
    "history_remove",
    "channels",
    "info",
    "rpc",
    "subscribe",
    "refresh",
)
_NAMED: Final = (
    "connections update_user_status get_user_status delete_user_status block_user unblock_user revoke_token "
    "invalidate_user_tokens device_register device_update device_remove device_list device_topic_list "
    "device_topic_update user_topic_list user_topic_update send_push_notification update_push_status cancel_push "
    "map_publish map_remove map_read_state map_read_stream map_stats map_clear shared_poll_publish"
)
_ELSEWHERE: Final = frozenset(_NAMED.split(" "))  # Centrifugo knows them, in this or in its other edition
_SPACE: Final = " \t\r\n"
_end_of_value = json.JSONDecoder(parse_int=len, parse_float=len).raw_decode  # only where it ends is asked


def commands(body: bytes) -> Iterator[OldStyleRequest]:
    """One after another; a body of spaces has none.

    Raises:
        BadBody: the next one is none.

    """
    if not body:
        raise BadBody("no command")
    try:
        text = body.decode()
    except UnicodeDecodeError as fault:
        raise BadBody(str(fault)) from None
    at = _past_spaces(text, 0)
    while at < len(text):
        try:
            _, end = _end_of_value(text, at)
        except (ValueError, RecursionError) as fault:
            raise BadBody(str(fault)) from None
        yield read(text[at:end].encode(), OldStyleRequest)
        at = _past_spaces(text, end)


def method_of(command: OldStyleRequest, ours: Container[str]) -> str:
    """The method by its name in any case, or by its number; without one it is publish, and "" is one that is not here.

    Raises:
        BadBody: nobody knows the name.

    """
    said = bytes(command.method).decode() or "0"
    if not said.startswith('"'):
        return _numbered(said)
    name = said[1:-1].lower()
    if name in ours and name != "batch":
        return name
    if name in _ELSEWHERE:
        return ""
    raise BadBody("no such method")


def request_of(command: OldStyleRequest, kind: type[Message]) -> Message:
    """What the method is asked.

    Raises:
        BadBody: ``params`` are missing, or no such request.

    """
    return InfoRequest() if kind is InfoRequest else read(bytes(command.params), kind)


def _numbered(said: str) -> str:
    try:
        number = int(said)
    except ValueError:
        raise BadBody("a method is a name or a number") from None
    return _NUMBERED[number] if 0 <= number < len(_NUMBERED) else ""


def _past_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
