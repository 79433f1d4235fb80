"""What follows when the backend was asked whether a connection, or a subscription, goes on."""

from typing import Final

import msgspec

from service.access.tokens import ConnectionClaims, SubscriptionClaims
from service.connections.commands.ordering import taken_out
from service.connections.questions import BadToken, Changed, Effect, Outcome, Verified
from service.connections.renewals import CONNECTION
from service.connections.standing import Refused, Standing, lifetime
from service.protocol import closing

PATIENCE: Final = 60.0  # seconds until it is asked again when nobody could say; Centrifugo's figure


def renewed(client: Standing, what: str, outcome: Outcome, now: float) -> list[Effect]:
    """The backend answered, or did not.

    Raises:
        Refused: with the closing, the connection is over.

    """
    if isinstance(outcome, Verified):
        return _goes_on(client, what, outcome, now)
    if not isinstance(outcome, BadToken):  # nobody could say: an outage of the backend closes nothing
        client.renew(what, now + PATIENCE)
        return []
    return _over(client, what, outcome.why)


def _goes_on(client: Standing, what: str, verified: Verified, now: float) -> list[Effect]:
    claims = verified.claims
    assert claims is not None, "who goes on has a new time"
    if claims.expire_at <= verified.wall:
        return _over(client, what, "the backend named no time to come")
    if isinstance(claims, ConnectionClaims):
        client.expires(lifetime(claims.expire_at, verified.wall, now, client.settings.expired_close_delay))
        client.attach(claims.meta)
        if not claims.info or claims.info == client.info:
            return []
        client.info = claims.info
        return client.changed()
    return _subscription_goes_on(client, what, claims, verified.wall, now)


def _subscription_goes_on(
    client: Standing, channel: str, claims: SubscriptionClaims, wall: float, now: float
) -> list[Effect]:
    before = client.subscription(channel)
    if before is None:
        return []
    life = lifetime(claims.expire_at, wall, now, client.settings.expired_sub_close_delay)
    after = msgspec.structs.replace(before, expire_at=life.deadline, info=claims.granted.info or before.info)
    client.enter(channel, after)
    attendance = client.attendance(after, before)
    return [Changed(channel, attendance)] if attendance is not None and after.info != before.info else []


def _over(client: Standing, what: str, why: str) -> list[Effect]:
    if what == CONNECTION:
        raise Refused(closing.EXPIRED, why)
    subscription = client.subscription(what)
    if subscription is None:
        return []
    if subscription.server_side:
        raise Refused(closing.SUBSCRIPTION_EXPIRED, why)
    return taken_out(client, what, closing.SUBSCRIPTION_ENDED)
