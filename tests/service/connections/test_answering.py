"""Failures become outcomes, and never tell of our inside."""

import pytest

from service.access.refusals import KeysUnavailable, TokenExpired
from service.broker.contract import BrokerUnavailable
from service.channels.namespaces import Namespace, Namespaces
from service.connections import questions as q
from service.connections.answering import answer, failed
from service.presence.contract import PresenceUnavailable
from service.protocol import errors
from service.protocol.errors import ClientMistake
from service.protocol.messages import ClientInfo


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (TokenExpired("exp is past", "expired"), q.BadToken("expired", "exp is past")),
        (KeysUnavailable("not for now"), q.Failed(errors.INTERNAL, "not for now")),
        (ClientMistake(errors.UNKNOWN_CHANNEL), q.Failed(errors.UNKNOWN_CHANNEL)),
        (BrokerUnavailable(), q.Failed(errors.INTERNAL, "broker unavailable")),
        (PresenceUnavailable("no"), q.Failed(errors.INTERNAL, "presence unavailable")),
        (KeyError("secret"), q.Failed(errors.INTERNAL, "KeyError: 'secret'")),
    ],
)
def test_failures_are_outcomes(failure, outcome):
    assert failed(failure) == outcome


async def test_what_is_at_hand_is_answered_at_once(node):
    history = answer(node.station, None, q.ReadHistory("nowhere:x", 1, None, False))
    assert history == q.Failed(errors.UNKNOWN_CHANNEL)


async def test_what_takes_time_is_awaited_and_its_failure_is_an_outcome(node, monkeypatch):
    async def later(*_args, **_more):
        raise BrokerUnavailable

    monkeypatch.setattr(node.hub, "history", later)
    assert await answer(node.station, None, q.ReadHistory("a", 1, None, False)) == q.Failed(
        errors.INTERNAL, "broker unavailable"
    )


async def test_a_binary_namespace_refuses_json_subscribers(make_node):
    """Else whoever publishes there could end their connections."""
    node = await make_node(
        channel={
            "namespaces": [{"name": "bin", "publication_data_format": "binary", "allow_subscribe_for_client": True}]
        }
    )
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "bin:a"}})
    assert (await peer.replies())[0]["error"]["code"] == errors.NOT_AVAILABLE.code


async def test_presence_is_told_as_it_is_now(node, monkeypatch):
    presence = Namespace(name="", presence=True)
    monkeypatch.setattr(node.hub.attending, "_namespaces", Namespaces(presence))
    info = ClientInfo(user="ann", client="1")
    node.hub.attending._presence.add("a", info)
    read = answer(node.station, None, q.ReadPresence("a"))
    node.hub.attending._presence.remove("a", "1")
    assert read == q.PresenceRead({"1": info}), "what happens in the same frame later does not change an answer"
    assert answer(node.station, None, q.CountPresence("a")) == q.PresenceCounted(0, 0)
