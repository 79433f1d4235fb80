"""Who may: tokens that did not count, key sets that came."""

from observability import names, span_names
from observability.observers.instruments import Instruments
from observability.tracing import Link


class AccessObserver:
    """Tells of tokens and keys."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self._refused = instruments.registry.counter(names.TOKENS_REFUSED)

    def token_refused(
        self, kind: str, cause: str, says: str, connection_id: str = "", near: Link | None = None
    ) -> None:
        """A token did not count.

        Args:
            kind: ``connection`` or ``subscription``.
            cause: from the closed list.
            says: a sentence that shows nothing of the token.
            connection_id: whose it was.
            near: the span of its upgrade, or of its connect, where that was sampled.

        """
        self._refused.by[kind, cause].value += 1
        link = self._trace(kind, cause, says, connection_id, near)
        self._all.tell(names.TOKEN_REFUSED, link, kind=kind, cause=cause, reason=says, connection_id=connection_id)

    def _trace(self, kind: str, cause: str, says: str, connection_id: str, near: Link | None) -> Link | None:
        tracer = self._all.refusal_tracer()
        if tracer is None:
            return None
        link = tracer.begin()
        tracer.ended(
            span_names.TOKEN_SPAN,
            link,
            0.0,
            {"heliograph.connection.id": connection_id, "heliograph.token.kind": kind},
            links=() if near is None else (near,),
            error=cause,
            happened=(names.TOKEN_REFUSED, {"heliograph.refusal.cause": cause, "heliograph.refusal.reason": says}),
        )
        return link

    def keys_fetched(self, keys: int) -> None:
        """A key set came."""
        self._all.tell(names.KEYS_FETCHED, count=keys)


class SilentAccessObserver(AccessObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def token_refused(
        self, kind: str, cause: str, says: str, connection_id: str = "", near: Link | None = None
    ) -> None:
        pass

    def keys_fetched(self, keys: int) -> None:
        pass
