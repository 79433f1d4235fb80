"""Answers of the backend become outcomes. Whole conversations: tests/e2e/test_hooks.py."""

from types import SimpleNamespace

import pytest
from msgspec import Raw

from service.access.hook_messages import (
    ConnectResult,
    Nonsense,
    PublishResult,
    RefreshResult,
    Refusal,
    RpcResult,
    SubscribeResult,
)
from service.channels.namespaces import Namespaces
from service.connections import consulting
from service.connections import questions as q
from service.outside.failures import OutsideFailed
from service.protocol import errors
from service.protocol.errors import ReplyError
from service.protocol.messages import ConnectRequest

NO = ReplyError(1000, "no")


class Hooks:
    """Answers every question alike."""

    def __init__(self, answer):
        self.answer = answer
        self.clients = []

    def __getattr__(self, kind):
        async def ask(client, *arguments):
            self.clients.append(client)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return ask


def station(answer):
    session = SimpleNamespace(namespaces=Namespaces())
    return SimpleNamespace(hooks=Hooks(answer), wall=lambda: 5.0, settings=SimpleNamespace(session=session))


ASKER = SimpleNamespace(
    id="c-1",
    variant=SimpleNamespace(codec=SimpleNamespace(name="json")),
    session=SimpleNamespace(user="alice", caller=None),
    near=None,
)
ASK = {
    "connect": lambda s: consulting.connect(s, ASKER, ConnectRequest()),
    "subscribe": lambda s: consulting.subscribe(s, ASKER, q.MaySubscribe("a", Raw())),
    "publish": lambda s: consulting.publish(s, ASKER, q.MayPublish("a", Raw())),
    "rpc": lambda s: consulting.call(s, ASKER, "m", Raw()),
}
GO_ON = [q.MayGoOn(""), q.MayGoOn("a")]


@pytest.mark.parametrize("kind", ASK)
@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Refusal(NO), q.Failed(NO, "the backend refused with code 1000")),
        (OutsideFailed("timeout", "nothing"), q.Failed(errors.INTERNAL, "hook: nothing")),
        (Nonsense("not JSON"), q.Failed(errors.BAD_REQUEST, "not JSON")),
    ],
)
async def test_failures(kind, failure, outcome):
    assert await ASK[kind](station(failure)) == outcome


async def test_connect():
    node = station(ConnectResult(user="bob", expire_at=9, channels=["x"], data=Raw(b"1"), meta=Raw(b"{}")))
    outcome = await ASK["connect"](node)
    assert (outcome.claims.user, outcome.claims.expire_at, list(outcome.claims.subs)) == ("bob", 9, ["x"])
    assert (outcome.by_hook, bytes(outcome.data), outcome.wall) == (True, b"1", 5.0)
    assert node.hooks.clients[0].user is None
    assert await ASK["connect"](station(None)) == q.Verified(None, 5.0)


async def test_subscribe():
    outcome = await ASK["subscribe"](station(SubscribeResult(expire_at=9, info=Raw(b"1"))))
    assert (outcome.claims.channel, outcome.claims.expire_at, outcome.by_hook) == ("a", 9, True)
    assert bytes(outcome.claims.granted.info) == b"1"


async def test_publish_and_rpc():
    result = PublishResult(data=Raw(b"2"), tags={"a": "b"}, skip_history=True, idempotency_key="k", version=3)
    outcome = await ASK["publish"](station(result))
    assert (outcome.tags, outcome.skip_history, outcome.idempotency_key, outcome.version) == ({"a": "b"}, True, "k", 3)
    assert await ASK["rpc"](station(RpcResult(data=Raw(b"7")))) == q.Called(Raw(b"7"))


@pytest.mark.parametrize("question", GO_ON)
@pytest.mark.parametrize("answer", [None, RefreshResult(expired=True), Refusal(NO)])
async def test_no_is_no(question, answer):
    assert isinstance(await consulting.go_on(station(answer), ASKER, question), q.BadToken)


@pytest.mark.parametrize("question", GO_ON)
async def test_it_goes_on(question):
    outcome = await consulting.go_on(station(RefreshResult(expire_at=9, info=Raw(b"1"))), ASKER, question)
    claims = outcome.claims
    assert (claims.user, claims.expire_at) == ("alice", 9)
    assert bytes(claims.granted.info if question.channel else claims.info) == b"1"


@pytest.mark.parametrize("question", GO_ON)
async def test_nobody_can_say(question):
    outcome = await consulting.go_on(station(OutsideFailed("timeout", "x")), ASKER, question)
    assert isinstance(outcome, q.Failed)
