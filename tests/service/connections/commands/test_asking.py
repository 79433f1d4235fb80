"""history, presence, rpc, send and ping, as recorded from Centrifugo."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from service.connections import questions as q
from service.protocol import closing, errors
from service.protocol import messages as wire
from tests.service.connections.playbook import CLIENT, Playbook, token


def talk(**changes):
    return Playbook(**changes).connected()


def error(code, message):
    return {"id": 2, "error": {"code": code, "message": message}}


BAD = error(107, "bad request")
OFF = error(108, "not available")
DENIED = error(103, "permission denied")
UNKNOWN = error(102, "unknown channel")
NOTHING = {"id": 2, "history": {"publications": [], "epoch": "ep", "offset": 0}}


def history(channel="hist:x", **request):
    return {"id": 2, "history": {"channel": channel, **request}}


@pytest.mark.parametrize(
    ("channel", "effect"),
    [
        ("hist:x", NOTHING),
        ("hist:" + "x" * 300, NOTHING),
        ("open:x", OFF),
        ("histno:x", DENIED),
        ("histsub:x", DENIED),
        ("nope:x", UNKNOWN),
        ("hist:é", BAD),
        ("", "close(3501)"),
    ],
)
def test_where_a_client_may_read_history(channel, effect):
    talk() >> history(channel) << [effect]


def test_a_subscriber_may_read_where_subscribers_may():
    book = talk() >> {"id": 1, "subscribe": {"channel": "histsub:x"}}
    book >> history("histsub:x") << [NOTHING]


def test_anonymous_clients_read_nothing():
    talk(tokens={"t": token(user="")}) >> history() << [DENIED]


def asked(limit=None, most=300, **request):
    if limit is not None:
        request["limit"] = limit
    book = talk(answers=False, history_max_publication_limit=most) >> history(**request)
    (question,) = book.questions
    return question


@pytest.mark.parametrize(
    ("limit", "most", "capped"),
    [
        (None, 300, 0),
        (0, 300, 0),
        (5, 300, 5),
        (-1, 300, 300),
        (-2, 300, 300),
        (301, 300, 300),
        (-5, 0, -1),
        (999, 0, 999),
    ],
)
def test_the_limit_is_capped(limit, most, capped):
    assert asked(limit, most).limit == capped


def test_the_position_and_the_direction():
    question = asked(since={"offset": 4, "epoch": "e"}, reverse=True)
    assert (question.since.offset, question.since.epoch, question.reverse) == (4, "e", True)
    assert asked().since is None
    assert (asked(since={}).since.offset, asked(since={}).since.epoch) == (0, "")


def test_nothing_lies_before_offset_0():
    talk() >> history(since={"offset": 0, "epoch": "e"}, reverse=True) << [BAD]
    talk() >> history(reverse=True) << [NOTHING]


def test_the_first_publication_tells_the_epoch():
    book = talk(answers=False) >> history(limit=-1)
    kept = [wire.Publication(data=Raw(b"1"), offset=1), wire.Publication(data=Raw(b"2"), offset=2)]
    publications = [{"data": 1, "offset": 1, "epoch": "ep"}, {"data": 2, "offset": 2}]
    book.answer(q.HistoryRead(kept, 2, "ep"))
    book << [{"id": 2, "history": {"publications": publications, "epoch": "ep", "offset": 2}}]
    assert kept[0].epoch == ""


def test_a_wrong_epoch():
    book = talk()
    book.outcomes[q.ReadHistory] = q.Failed(errors.UNRECOVERABLE_POSITION)
    book >> history(since={"offset": 1, "epoch": "bad"}) << [error(112, "unrecoverable position")]


ANSWERS = {
    "presence": {"presence": {CLIENT: {"user": "alice", "client": CLIENT}}},
    "presence_stats": {"num_clients": 2, "num_users": 1},
}


@pytest.mark.parametrize("method", ["presence", "presence_stats"])
@pytest.mark.parametrize(
    ("channel", "effect"),
    [
        ("pres:x", None),
        ("pres:" + "x" * 300, None),
        ("presno:x", DENIED),
        ("pressub:x", DENIED),
        ("open:x", OFF),
        ("nope:x", UNKNOWN),
        ("pres:é", BAD),
        ("", "close(3501)"),
    ],
)
def test_where_a_client_may_see_presence(method, channel, effect):
    talk() >> {"id": 2, method: {"channel": channel}} << [effect or {"id": 2, method: ANSWERS[method]}]


@pytest.mark.parametrize("method", ["presence", "presence_stats"])
def test_a_subscriber_may_see_it_where_subscribers_may(method):
    book = talk() >> {"id": 1, "subscribe": {"channel": "pressub:x"}}
    book >> {"id": 2, method: {"channel": "pressub:x"}} << [{"id": 2, method: ANSWERS[method]}]


@pytest.mark.parametrize("method", ["presence", "presence_stats"])
def test_anonymous_clients_see_it_only_where_they_may(method):
    anonymous = talk(tokens={"t": token(user="")})
    anonymous >> {"id": 2, method: {"channel": "pres:x"}} << [DENIED]
    anonymous >> {"id": 2, method: {"channel": "presanon:x"}} << [{"id": 2, method: ANSWERS[method]}]


def test_a_store_that_fails_is_an_error_that_may_pass():
    book = talk()
    book.outcomes[q.ReadPresence] = q.Failed(errors.INTERNAL, "presence unavailable")
    book >> {"id": 2, "presence": {"channel": "pres:x"}}
    book << [{"id": 2, "error": {"code": 100, "message": "internal server error", "temporary": True}}]


@given(st.text(max_size=20))
def test_whoever_answers_calls_is_asked(method):
    book = talk(answers=False) >> {"id": 2, "rpc": {"method": method, "data": {"a": 1}}} << ["ask Rpc"]
    (question,) = book.questions
    assert (question.method, bytes(question.data)) == (method, b'{"a": 1}')
    book.answer(q.Called(Raw(b"[1]"))) << [{"id": 2, "rpc": {"data": [1]}}]


def test_a_call_that_gives_nothing_or_fails():
    book = talk(answers=False) >> [{"id": 2, "rpc": {"method": "a"}}, {"id": 3, "rpc": {"method": "b"}}]
    book.answer(q.Called()) << [{"id": 2, "rpc": {}}, "ask Rpc"]
    book.answer(q.Failed(errors.NOT_AVAILABLE)) << [{**OFF, "id": 3}]


def test_a_call_may_end_the_connection():
    book = talk(answers=False) >> {"id": 2, "rpc": {"method": "a"}}
    book.answer(q.Failed(closing.forced(4500, "enough"))) << ["close(4500)"]


@pytest.mark.parametrize("name", ["ping", "are you there"])
def test_the_built_in_call(name):
    book = talk(rpc_ping=name, answers=False)
    book >> {"id": 2, "rpc": {"method": name, "data": 1}} << [{"id": 2, "rpc": {}}]
    book >> {"id": 2, "rpc": {"method": "other"}} << ["ask Rpc"]


@pytest.mark.parametrize("changes", [{}, {"insecure": True}])
def test_send_is_not_available(changes):
    talk(**changes) >> {"send": {"data": {"a": 1}}} << ["close(3508)"]


def test_pings_are_the_servers():
    talk() >> {"id": 2, "ping": {}} << ["close(3501)"]
