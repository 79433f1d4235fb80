"""All commands, and which of them a client means."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET

from service.connections.commands import asking, connecting, publishing, subscribing
from service.connections.questions import Effect
from service.connections.standing import Standing, Task
from service.protocol import messages as wire

_Handler = Callable[[Standing, int, Any, float], Task | list[Effect]]
COMMANDS: Final[Mapping[str, _Handler]] = MappingProxyType(
    {  # in the order of the schema: of several requests in one command the first counts
        "connect": connecting.connect,
        "subscribe": subscribing.subscribe,
        "unsubscribe": subscribing.unsubscribe,
        "publish": publishing.publish,
        "presence": asking.presence,
        "presence_stats": asking.presence_stats,
        "history": asking.history,
        "ping": asking.ping,
        "send": asking.send,
        "rpc": asking.rpc,
        "refresh": connecting.refresh,
        "sub_refresh": subscribing.sub_refresh,
    }
)


def request_of(command: wire.Command) -> tuple[str, Any]:
    """The first request that is set, and its name; "" when there is none."""
    for method in COMMANDS:
        request = getattr(command, method)
        if request is not UNSET:
            return method, request
    return "", None


def is_pong(command: wire.Command) -> bool:
    """Whether it is the empty command that answers a ping."""
    return not command.id and not request_of(command)[0]


def misuse(command: wire.Command, method: str, request: Any, *, greeting: bool) -> str:
    """What no SDK does, in a few words; "" when all is well."""
    if not method:
        return "a command without a request"
    if not command.id and method != "send":
        return f"{method} without an id"
    if method == "connect" and not greeting:
        return "a second connect"
    if getattr(request, "channel", None) == "":
        return f"{method} without a channel"
    return ""
