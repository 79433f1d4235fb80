"""Connections and subscriptions that the backend prolongs, or does not."""

from dataclasses import replace

import pytest
from msgspec import Raw

from service.access.tokens import ConnectionClaims, Granted, SubscriptionClaims
from service.channels.namespaces import Namespace, Namespaces
from service.connections import questions as q
from service.connections.heartbeat import HeartbeatSettings
from service.connections.questions import MayGoOn
from service.protocol import closing, errors
from tests.service.connections.playbook import WALL, Playbook, token

HOOKED = Namespaces(
    Namespace(),
    [
        Namespace(
            name="sub", subscribe_proxy_enabled=True, sub_refresh_proxy_enabled=True, allow_subscribe_for_client=True
        )
    ],
)
NO = q.BadToken("expired", "the backend does not prolong it")
NOBODY = q.Failed(errors.INTERNAL, "hook: timeout")


def talk(expire_at=WALL + 10, **changes):
    changes["heartbeat"] = HeartbeatSettings(interval=0)
    book = Playbook(answers=False, tokens={"t": token(expire_at=expire_at)}, refresh_hook=True, **changes)
    book.session.settings = replace(book.session.settings, namespaces=HOOKED)
    return book.connected()


def until(expire_at, **more):
    return q.Verified(ConnectionClaims("alice", expire_at, **more), WALL + 10)


def quiet(book):
    return [effect for effect in book.effects if not isinstance(effect, q.SendPing | q.PingMissed)]


def test_the_client_is_not_told_when_its_connection_ends():
    book = Playbook(tokens={"t": token(expire_at=WALL + 10)}, refresh_hook=True)
    book >> {"id": 1, "connect": {"token": "t"}}
    (reply,) = [effect.message.connect for effect in book.effects if isinstance(effect, q.Reply)]
    assert (reply.expires, reply.ttl) == (False, 0)


def test_the_backend_is_asked_when_the_time_is_over_and_prolongs():
    book = talk() >> 10
    assert book.questions == [MayGoOn("")]
    book.answer(until(WALL + 20, info=Raw(b'{"a":1}')))
    assert quiet(book) == []
    assert bytes(book.session.info) == b'{"a":1}'
    book >> 9
    assert book.questions == []
    book >> 1
    assert book.questions == [MayGoOn("")]


@pytest.mark.parametrize("answer", [NO, until(0), until(WALL + 10)])
def test_no_is_the_end(answer):
    book = talk() >> 10
    book.answer(answer)
    book << ["close(3005)"]


def test_an_outage_of_the_backend_closes_nothing():
    book = talk() >> 10
    book.answer(NOBODY)
    assert quiet(book) == []
    book >> 59
    assert book.questions == []
    book >> 1
    assert book.questions == [MayGoOn("")]


def test_commands_go_on_while_the_backend_thinks():
    book = talk() >> 10
    book >> {"id": 2, "unsubscribe": {"channel": "x"}} << [{"id": 2, "unsubscribe": {}}]
    book.answer(until(WALL + 20))


def test_a_closed_session_hears_no_answer():
    book = talk() >> 10
    book.session.close(closing.SHUTDOWN)
    book.answer(NO)
    assert book.effects == []


def subscribed(book, expire_at=WALL + 10):
    book >> {"id": 2, "subscribe": {"channel": "sub:a"}}
    assert book.questions == [q.MaySubscribe("sub:a", Raw())]
    claims = SubscriptionClaims("alice", "sub:a", expire_at=expire_at, granted=Granted(info=Raw(b"1")))
    book.answer(q.Verified(claims, WALL, by_hook=True))
    book.answer(q.Prepared("admission"))
    book.answer(q.Entered((q.Joined(),)))
    book << [{"id": 2, "subscribe": {}}]
    return book


def test_a_subscription_is_prolonged():
    book = subscribed(talk(0)) >> 10
    assert book.questions == [MayGoOn("sub:a")]
    book.answer(q.Verified(SubscriptionClaims("alice", "sub:a", expire_at=WALL + 20), WALL + 10))
    assert quiet(book) == []
    assert bytes(book.session.subscription("sub:a").info) == b"1"
    book >> 10
    assert book.questions == [MayGoOn("sub:a")]


def test_a_subscription_that_is_not_prolonged_ends():
    book = subscribed(talk(0)) >> 10
    book.answer(NO)
    book << [
        "left sub:a 2501",
        {"push": {"channel": "sub:a", "unsubscribe": {"code": 2501, "reason": "subscription expired"}}},
    ]


def test_who_unsubscribes_is_not_asked_about():
    book = subscribed(talk(0)) >> 9
    book >> {"id": 3, "unsubscribe": {"channel": "sub:a"}}
    book >> 20
    assert book.questions == []


def test_an_answer_about_a_subscription_that_ended_meanwhile_is_nothing():
    book = subscribed(talk(0)) >> 10
    book >> {"id": 3, "unsubscribe": {"channel": "sub:a"}}
    book.answer(NO)
    assert book.effects == []


def test_no_client_prolongs_what_the_backend_prolongs():
    book = subscribed(talk(0))
    book >> {"id": 3, "sub_refresh": {"channel": "sub:a", "token": "x"}} << ["close(3501)"]
    talk() >> {"id": 2, "refresh": {"token": "t"}} << ["close(3501)"]
