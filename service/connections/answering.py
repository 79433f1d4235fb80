"""A session's questions, answered by the rooms below. What is at hand is answered at once, the rest by an errand."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import msgspec

from service.access.refusals import KeysUnavailable, TokenRefused
from service.access.tokens import ConnectionClaims, SubscriptionClaims
from service.broker.contract import BrokerUnavailable, History, HistoryFilter, Soon, then
from service.channels.hub import JoinRequest, Ticket
from service.channels.patches import Form
from service.connections import consulting
from service.connections import questions as q
from service.connections.consulting import Asker
from service.connections.station import Station
from service.presence.contract import PresenceUnavailable
from service.protocol import errors
from service.protocol.errors import ClientMistake
from service.protocol.messages import ConnectRequest


def answer(station: Station, asker: Asker, question: q.Question) -> Soon[q.Outcome]:
    """The outcome, or an awaitable of it. Never raises, and neither does the awaitable: failures are outcomes."""
    try:
        found = _ANSWERS[type(question)](station, asker, question)
    except Exception as failure:  # noqa: BLE001 - every failure is an outcome
        return _told(station, asker, question, failure)
    return _guarded(station, asker, question, found) if isinstance(found, Awaitable) else found


async def _guarded(station: Station, asker: Asker, question: q.Question, found: Awaitable[q.Outcome]) -> q.Outcome:
    try:
        return await found
    except Exception as failure:  # noqa: BLE001 - every failure is an outcome
        return _told(station, asker, question, failure)


def _told(station: Station, asker: Asker, question: q.Question, failure: Exception) -> q.Outcome:
    """The outcome; a token that does not count is told to the operator in words that the client does not get."""
    if isinstance(failure, TokenRefused | KeysUnavailable):
        kind = question.kind if isinstance(question, q.VerifyToken) else "connection"
        station.tokens.observe.token_refused(kind, failure.cause, str(failure), asker.id, asker.near or asker.link)
    return failed(failure)


def failed(failure: BaseException) -> q.Outcome:
    """What the client is told of an exception: nothing of our inside."""
    if isinstance(failure, TokenRefused):
        return q.BadToken(failure.reason, str(failure))
    if isinstance(failure, ClientMistake):
        return q.Failed(failure.error)
    if isinstance(failure, BrokerUnavailable):
        return q.Failed(errors.INTERNAL, "broker unavailable")
    if isinstance(failure, KeysUnavailable):
        return q.Failed(errors.INTERNAL, str(failure))
    if isinstance(failure, PresenceUnavailable):
        return q.Failed(errors.INTERNAL, "presence unavailable")
    return q.Failed(errors.INTERNAL, f"{type(failure).__name__}: {failure}")


def _greet(station: Station, asker: Asker, question: q.Greet) -> Soon[q.Outcome]:
    wall = station.wall()
    request, session = question.request, asker.session
    session.introduce(station.hooks.introduce(session.caller, request.headers))
    if request.token:
        claims = station.tokens.connection(request.token, wall)
        return then(claims, lambda known: _within_limit(station, q.Verified(known, wall)))
    if session.user:  # by its certificate
        return _within_limit(station, q.Verified(ConnectionClaims(user=session.user), wall))
    if station.hooks.on_connect:
        return _judged(station, asker, request)
    return q.Verified(None, wall)


async def _judged(station: Station, asker: Asker, request: ConnectRequest) -> q.Outcome:
    return _within_limit(station, await consulting.connect(station, asker, request))


def _within_limit(station: Station, outcome: q.Outcome) -> q.Outcome:
    claims = outcome.claims if isinstance(outcome, q.Verified) else None
    limit = station.settings.user_connection_limit
    if limit and claims is not None and claims.user and len(station.registry.of_user(claims.user)) >= limit:
        return msgspec.structs.replace(outcome, most=limit)
    return outcome


def _verify(station: Station, _asker: Asker, question: q.VerifyToken) -> Soon[q.Outcome]:
    wall = station.wall()

    def verified(claims: ConnectionClaims | SubscriptionClaims) -> q.Outcome:
        return q.Verified(claims, wall)

    if question.kind == "connection":
        return then(station.tokens.connection(question.token, wall), verified)
    return then(station.tokens.subscription(question.token, wall), verified)


def _join(station: Station, asker: Asker, question: q.Join) -> Soon[q.Outcome]:
    _speakable(station, asker, question.channel)
    request = JoinRequest(
        positioned=question.positioned,
        recoverable=question.recoverable,
        recover=question.recover,
        since=question.since,
        strict=question.strict,
        delta=_form(asker) if question.delta else "",
        filter=question.filter,
        attendance=question.attendance,
        told=question.told,
        who=question.who,
    )
    return then(station.hub.join(asker, question.channel, request), q.Prepared)


def _speakable(station: Station, asker: Asker, channel: str) -> None:
    """A payload that is not JSON would end a JSON connection: said now, not when somebody publishes one."""
    namespace = station.settings.session.namespaces.resolve(channel)
    if namespace.publication_data_format == "binary" and not asker.variant.codec.binary:
        raise ClientMistake(errors.NOT_AVAILABLE)


def _form(asker: Asker) -> Form:
    """How the asker's codec carries deltas."""
    return "bytes" if asker.variant.codec.binary else "text"


def _enter(_station: Station, _asker: Asker, question: q.Enter) -> q.Outcome:
    joined = [cast("Ticket", admission).enter() for admission in question.admissions]
    return q.Entered(
        tuple(
            q.Joined(
                recoverable=j.recoverable,
                positioned=j.positioned,
                epoch=j.epoch,
                offset=j.offset,
                recovered=j.recovered,
                was_recovering=j.was_recovering,
                publications=j.publications,
                delta=bool(j.delta),
            )
            for j in joined
        )
    )


def _publish(station: Station, _asker: Asker, question: q.Publish) -> Soon[q.Outcome]:
    how = question.how or _AS_SENT
    published = station.hub.publish(
        question.channel,
        bytes(question.data),
        info=question.info,
        via="client",
        tags=how.tags,
        idempotency_key=how.idempotency_key,
        skip_history=how.skip_history,
        version=how.version,
        version_epoch=how.version_epoch,
        delta=how.delta,
    )
    return then(published, lambda _: q.Done())


def _history(station: Station, asker: Asker, question: q.ReadHistory) -> Soon[q.Outcome]:
    _speakable(station, asker, question.channel)
    wanted = HistoryFilter(limit=question.limit, since=question.since, reverse=question.reverse)
    return then(station.hub.history(question.channel, wanted), _history_read)


def _history_read(history: History) -> q.Outcome:
    return q.HistoryRead(list(history.publications), history.position.offset, history.position.epoch)


def _call(station: Station, asker: Asker, question: q.Rpc) -> Soon[q.Outcome]:
    return station.calls.answer(asker, question.method, question.data)


def _read_presence(station: Station, _asker: Asker, question: q.ReadPresence) -> Soon[q.Outcome]:
    return then(station.hub.attending.present(question.channel), lambda clients: q.PresenceRead(dict(clients)))


def _count_presence(station: Station, _asker: Asker, question: q.CountPresence) -> Soon[q.Outcome]:
    counts = station.hub.attending.counts(question.channel)
    return then(counts, lambda counted: q.PresenceCounted(counted.clients, counted.users))


_AS_SENT: Final = q.Permitted()
_ANSWERS: dict[type, Callable[[Station, Asker, Any], Soon[q.Outcome]]] = {
    q.Greet: _greet,
    q.VerifyToken: _verify,
    q.MaySubscribe: consulting.subscribe,
    q.MayPublish: consulting.publish,
    q.MayGoOn: consulting.go_on,
    q.Join: _join,
    q.Enter: _enter,
    q.Publish: _publish,
    q.ReadHistory: _history,
    q.ReadPresence: _read_presence,
    q.CountPresence: _count_presence,
    q.Rpc: _call,
}
