"""Who answers the RPCs of clients: this server for names of its own, the backend's hook for all others."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec import Raw

from service.broker.contract import Soon, then
from service.connections import questions as q
from service.protocol import errors
from service.protocol.errors import ClientMistake, ReplyError

OURS: Final = "heliograph."  # no backend is asked for methods that begin so

Handler: TypeAlias = Callable[[Any, Raw], Soon[Raw]]
"""(connection, data) -> what the reply carries. Raises ``ClientMistake`` for an error reply."""
Hook: TypeAlias = Callable[[Any, str, Raw], Soon[q.Outcome]]
"""(connection, method, data) -> ``Called`` or ``Failed``."""


class Calls:
    """The methods that clients may call, beside the built-in ping."""

    __slots__ = ("_handlers", "_without_hook", "hook")

    def __init__(self, without_hook: ReplyError = errors.NOT_AVAILABLE) -> None:
        """``without_hook``: what callers are told as long as there is no hook."""
        self._handlers: dict[str, Handler] = {}
        self._without_hook = without_hook
        self.hook: Hook | None = None  # asks the backend

    def register(self, method: str, handler: Handler) -> None:
        """Answer a method of our own; its name begins with ``heliograph.``."""
        assert method.startswith(OURS), f"{method} does not begin with {OURS}"
        assert method not in self._handlers, f"{method} was registered twice"
        self._handlers[method] = handler

    def answer(self, caller: Any, method: str, data: Raw) -> Soon[q.Outcome]:
        """What the call gave.

        Raises:
            ClientMistake: METHOD_NOT_FOUND, or NOT_AVAILABLE where nobody answers calls at all.

        """
        handler = self._handlers.get(method)
        if handler is not None:
            return then(handler(caller, data), q.Called)
        if method.startswith(OURS):
            raise ClientMistake(errors.METHOD_NOT_FOUND)
        if self.hook is None:
            raise ClientMistake(self._without_hook)
        return self.hook(caller, method, data)
