"""publish, as recorded from Centrifugo."""

import pytest
from msgspec import Raw

from service.channels.namespaces import Namespace, Namespaces
from service.connections import questions as q
from service.protocol import errors
from service.protocol import messages as wire
from tests.service.connections.playbook import CLIENT, Playbook, channel_token, token

DENIED = {"id": 2, "error": {"code": 103, "message": "permission denied"}}
BAD = {"id": 2, "error": {"code": 107, "message": "bad request"}}
UNKNOWN = {"id": 2, "error": {"code": 102, "message": "unknown channel"}}
DONE = {"id": 2, "publish": {}}


def publish(channel, data='{"x":1}'):
    return {"id": 2, "publish": {"channel": channel, "data": data}}


@pytest.mark.parametrize(
    ("channel", "effect"),
    [
        ("pub:x", DONE),
        ("$pub:x", DONE),
        ("pub:" + "x" * 300, DONE),
        ("subpub:x", DENIED),
        ("x", DENIED),
        ("users:x#bob", DENIED),
        ("nope:x", UNKNOWN),
        ("pub:é", BAD),
        ("", "close(3501)"),
    ],
)
def test_where_a_client_may_publish(channel, effect):
    Playbook().connected() >> publish(channel) << [effect]


def test_a_subscriber_may_publish_where_subscribers_may():
    book = Playbook().connected() >> {"id": 1, "subscribe": {"channel": "subpub:x"}}
    book >> publish("subpub:x") << [DONE]
    book >> publish("subpub:y") << [DENIED]


def test_anonymous_clients():
    book = Playbook(tokens={"t": token(user="")}).connected()
    book >> publish("pub:x") << [DENIED]
    book >> publish("anon:x") << [DONE]


def test_insecure():
    book = Playbook(insecure=True).connected()
    book >> publish("x") << [DONE]
    book >> publish("nope:x") << [UNKNOWN]


def test_the_data_goes_on_untouched_with_who_published_it():
    tokens = {"t": token(info=Raw(b'{"c":1}')), "s": channel_token("pub:x", info=Raw(b'{"h":2}'))}
    book = Playbook(answers=False, tokens=tokens).connected()
    book >> {"id": 1, "subscribe": {"channel": "pub:x", "token": "s"}}
    book.answer(tokens["s"]).answer(q.Prepared(None)).answer(q.Entered((q.Joined(),)))
    book >> publish("pub:x", {"b": [1.0]})
    (question,) = book.questions
    assert bytes(question.data) == b'{"b": [1.0]}'
    assert question.info == wire.ClientInfo("alice", CLIENT, Raw(b'{"c":1}'), Raw(b'{"h":2}'))
    book.answer(q.Done()) << [DONE]


def test_absent_data_is_for_the_hub_to_refuse():
    book = Playbook(answers=False).connected() >> {"id": 2, "publish": {"channel": "pub:x"}}
    assert bytes(book.questions[0].data) == b""
    book.answer(q.Failed(errors.BAD_REQUEST)) << [BAD]


@pytest.mark.parametrize("request_", [{}, {"data": "x"}])
def test_bad_data_is_told_before_the_permission(request_):
    namespaces = Namespaces(Namespace(), [Namespace(name="object", publication_data_format="json_object")])
    book = Playbook(namespaces=namespaces).connected()
    book >> {"id": 2, "publish": {"channel": "object:x", **request_}} << [BAD]
    book >> {"id": 2, "publish": {"channel": "object:x", "data": {}}} << [DENIED]


def test_a_broker_that_does_not_answer():
    book = Playbook().connected()
    book.outcomes[q.Publish] = q.Failed(errors.INTERNAL, "broker unavailable")
    assert (book >> publish("pub:x")).why() == "broker unavailable"
