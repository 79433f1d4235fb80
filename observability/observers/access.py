"""Who may: tokens that did not count, key sets that came."""

from observability import names
from observability.observers.instruments import Instruments


class AccessObserver:
    """Tells of tokens and keys."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self._refused = instruments.registry.counter(names.TOKENS_REFUSED)

    def token_refused(self, kind: str, cause: str, says: str, connection_id: str = "") -> None:
        """A token did not count.

        Args:
            kind: ``connection`` or ``subscription``.
            cause: from the closed list.
            says: a sentence that shows nothing of the token.
            connection_id: whose it was.

        """
        self._refused.by[kind, cause].value += 1
        self._all.tell(names.TOKEN_REFUSED, kind=kind, cause=cause, reason=says, connection_id=connection_id)

    def keys_fetched(self, keys: int) -> None:
        """A key set came."""
        self._all.tell(names.KEYS_FETCHED, count=keys)


class SilentAccessObserver(AccessObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def token_refused(self, kind: str, cause: str, says: str, connection_id: str = "") -> None:
        pass

    def keys_fetched(self, keys: int) -> None:
        pass
