"""The session as a machine: states, waiting commands, pings, time, and what an idle one costs."""

import gc
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from service.connections import questions as q
from service.connections.heartbeat import HeartbeatSettings
from service.connections.pace import Pace
from service.connections.states import State
from service.protocol import closing, errors
from service.protocol import messages as wire
from service.protocol.messages import EMPTY
from tests.service.connections.playbook import CLIENT, Playbook, command, shown, token

CONNECT = {"id": 1, "connect": {"token": "t"}}
WELCOME = {"id": 1, "connect": {"client": CLIENT, "version": "1.0", "ping": 25, "pong": True}}
OFF = {"code": 108, "message": "not available"}


def talk(**changes):
    return Playbook(**changes).connected()


def at_once(number):
    """A command that asks nothing: nobody keeps a history there."""
    return {"id": number, "history": {"channel": "open:x"}}


def answered(number):
    return {"id": number, "error": OFF}


def publish(number):
    return {"id": number, "publish": {"channel": "pub:x", "data": number}}


def published(number):
    return {"id": number, "publish": {}}


# ----------------------------------------------------------------------------------- states


def test_the_states_of_a_greeting():
    book = Playbook(answers=False)
    states = [book.session.state]
    book >> CONNECT
    states.append(book.session.state)
    book.answer(token())
    assert [*states, book.session.state] == [State.GREETING, State.CHECKING, State.READY]


@pytest.mark.parametrize(
    "first",
    [
        {"id": 1, "history": {"channel": "hist:x"}},
        {"id": 1, "subscribe": {"channel": "open:x"}},
        {"id": 1, "ping": {}},
        {"id": 1, "presence": {"channel": "x"}},
        {"id": 1, "refresh": {"token": "x"}},
        {"id": 1, "rpc": {"method": "x"}},
        {"send": {"data": {}}},
        {"connect": {"token": "t"}},
        {"id": 1},
        {},
    ],
)
def test_the_first_command_must_be_connect(first):
    Playbook() >> first << ["close(3501)"]


def test_a_second_connect():
    talk() >> CONNECT << ["close(3501)"]
    Playbook() >> [CONNECT, CONNECT] << ["connected 'alice'", WELCOME, "close(3501)"]


def test_connect_and_subscribes_in_one_frame():
    """What centrifuge-js sends; the subscribes wait for the answer to connect."""
    frame = [
        CONNECT,
        *({"id": n, "subscribe": {"channel": c}} for n, c in ((2, "open:x"), (3, "nope:x"), (4, "rec:x"))),
    ]
    replies = [
        {"id": 2, "subscribe": {}},
        {"id": 3, "error": {"code": 102, "message": "unknown channel"}},
        {"id": 4, "subscribe": {"recoverable": True, "epoch": "ep", "positioned": True}},
    ]
    Playbook() >> frame << ["connected 'alice'", WELCOME, *replies]
    book = Playbook(answers=False) >> frame << ["ask Greet"]
    book.answer(token()) << ["connected 'alice'", WELCOME, "ask Join"]
    book.answer(q.Prepared(None)) << ["ask Enter"]
    book.answer(q.Entered((q.Joined(),))) << [*replies[:2], "ask Join"]


@pytest.mark.parametrize("mistake", [{"id": 2}, {"subscribe": {"channel": "open:x"}}, {"id": 0, "rpc": {}}])
def test_commands_that_no_sdk_sends(mistake):
    talk() >> mistake << ["close(3501)"]


def test_of_two_requests_in_a_command_the_first_of_the_schema_counts():
    two = {"id": 2, "unsubscribe": {"channel": "open:x"}, "subscribe": {"channel": "open:x"}}
    talk() >> two << [{"id": 2, "subscribe": {}}]


def test_an_error_does_not_stop_the_rest_of_the_frame():
    (
        talk()
        >> [publish(2), {"id": 3, "publish": {"channel": "x", "data": 1}}, publish(4)]
        << [
            published(2),
            {"id": 3, "error": {"code": 103, "message": "permission denied"}},
            published(4),
        ]
    )


def test_after_a_close_nothing_is_said():
    book = talk() >> [{"id": 2, "ping": {}}, publish(3)] << ["close(3501)"]
    book >> publish(4) << []
    book >> 1000 << []
    assert book.session.close(closing.SHUTDOWN) == []
    assert book.session.malformed() == []
    assert book.session.native_pong(0) == []
    assert book.session.unsubscribe("open:x", closing.UNSUBSCRIBED_BY_SERVER) == []


def test_somebody_else_closes():
    book = talk(answers=False) >> [publish(2), publish(3)]
    (ask,) = book.asked
    book.does(book.session.close(closing.SHUTDOWN, "leaving")) << ["close(3001)"]
    assert book.session.done(ask.ticket, q.Done(), 0) == []
    assert book.session.closing


# ------------------------------------------------------------------------- waiting commands


def test_commands_wait_while_a_question_is_open():
    book = talk(answers=False) >> [publish(2), at_once(3), publish(4), at_once(5)] << ["ask Publish"]
    book.answer(q.Done()) << [published(2), answered(3), "ask Publish"]
    book.answer(q.Done()) << [published(4), answered(5)]
    assert book.session.state is State.READY


def test_reading_pauses_and_resumes():
    book = talk(answers=False, inbox_commands=4) >> publish(2) << ["ask Publish"]
    book >> [publish(n) for n in range(3, 9)] << ["pause"]
    book.answer(q.Done()) << [published(2), "ask Publish"]
    for number in range(3, 5):
        book.answer(q.Done()) << [published(number), "ask Publish"]
    book.answer(q.Done()) << [published(5), "ask Publish", "resume"]


def test_a_refused_greeting_reads_on():
    """The peer's close must be seen."""
    book = Playbook(answers=False, inbox_commands=1) >> [CONNECT, at_once(2), at_once(3)] << ["ask Greet", "pause"]
    book.answer(q.BadToken("expired")) << [{"id": 1, "error": {"code": 109, "message": "token expired"}}, "resume"]


def test_what_is_no_command_closes_after_the_commands_before_it():
    book = talk(answers=False) >> [publish(2), publish(3)]
    assert book.session.malformed() == []
    book >> publish(4)
    book.answer(q.Done()) << [published(2), "ask Publish"]
    book.answer(q.Done()) << [published(3), "close(3501)"]
    idle = talk()
    idle.does(idle.session.malformed()) << ["close(3501)"]


def test_tickets_are_not_mixed_up():
    book = talk(answers=False) >> publish(2)
    (ask,) = book.asked
    assert book.session.done(ask.ticket + 1, q.Done(), 0) == []
    assert book.session.done(ask.ticket - 1, q.Done(), 0) == []
    book.answer(q.Done()) << [published(2)]
    assert book.session.done(ask.ticket, q.Done(), 0) == []


def test_tickets_stay_small():
    book = talk(pace=Pace(0))
    for number in range(70_000):
        book.session.receive(command(publish(2)) if number == 0 else CACHED, 0.0)
        book.session.done(book.session._work.first, q.Done(), 0.0)
    assert book.session._ticket <= 0xFFFF


CACHED = command(publish(2))


@settings(max_examples=60)
@given(st.data())
def test_answers_come_in_the_order_of_the_commands(data):
    """Whatever is asked and whenever it is answered."""
    book = talk(answers=False, inbox_commands=5)
    said, number = [], 2
    for _ in range(data.draw(st.integers(1, 40))):
        if book.asked and data.draw(st.booleans()):
            book.answer(q.Done())
        else:
            book >> (publish(number) if data.draw(st.booleans()) else at_once(number))
            number += 1
        said += [shown(effect) for effect in book.effects]
        waiting = len(book.session._inbox or ())
        assert len(book.asked) == (book.session.state is State.BUSY)
        assert waiting == 0 or book.session.state is State.BUSY
        assert (said.count("pause") > said.count("resume")) or waiting <= 5
    while book.asked:
        said += [shown(effect) for effect in book.answer(q.Done()).effects]
    assert [each["id"] for each in said if isinstance(each, dict)] == list(range(2, number))
    assert said.count("pause") == said.count("resume")
    assert book.session._inbox is None


SAYINGS = st.sampled_from(
    [
        {},
        CONNECT,
        {"id": 2, "connect": {}},
        publish(3),
        publish(4),
        at_once(5),
        {"send": {}},
        {"id": 6, "subscribe": {"channel": "open:x"}},
        {"id": 7, "subscribe": {"channel": "x", "token": "s"}},
        {"id": 8, "unsubscribe": {"channel": "open:x"}},
        {"id": 9, "refresh": {"token": "t"}},
        {"id": 10, "history": {"channel": "hist:x", "limit": -1}},
        {"id": 11, "ping": {}},
        {"id": 12, "rpc": {"method": "x"}},
    ]
)
OUTCOMES: dict[Any, Any] = {
    q.Greet: st.sampled_from([token(), q.BadToken("expired"), q.BadToken("invalid")]),
    q.VerifyToken: st.sampled_from([q.BadToken("expired"), q.BadToken("invalid"), q.BadToken("bad_info")]),
    q.Join: st.just(q.Prepared(None)),
    q.Enter: st.just(q.Entered((q.Joined(),))),
    q.Publish: st.just(q.Done()),
    q.ReadHistory: st.just(q.HistoryRead([], 0, "ep")),
    q.Rpc: st.sampled_from([q.Called(), q.Failed(errors.NOT_AVAILABLE)]),
}


@settings(max_examples=200)
@given(st.data())
def test_nothing_a_client_does_makes_it_raise(data):
    """Any commands, answers, failures and times in any order: one close at most, and nothing after it."""
    book = Playbook(answers=False)
    said = []
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(["say", "answer", "wait", "malformed"]))
        if step == "say":
            book >> data.draw(SAYINGS)
        elif step == "answer" and book.asked:
            usual = OUTCOMES[type(book.questions[0])]
            book.answer(data.draw(st.one_of(usual, st.just(q.Failed(closing.INTERNAL_ERROR, "x")))))
        elif step == "wait":
            book.wait(data.draw(st.floats(0, 30)))
        elif step == "malformed" and data.draw(st.integers(0, 9)) == 0:
            book.does(book.session.malformed())
        else:
            book.does([])
        said += book.effects
    closes = [effect for effect in said if isinstance(effect, q.Close)]
    assert len(closes) == book.session.closing
    assert not closes or said[-1] is closes[0]


# ------------------------------------------------------------------------------------- pings


QUICK = {"heartbeat": HeartbeatSettings(interval=2, timeout=1)}


def test_a_client_that_answers_its_pings():
    book = talk(**QUICK) >> 2 << ["ping"]
    sent = book.session.heartbeat._sent[0]
    book >> {} << [f"ponged {2 - sent:g}"]
    book >> 1.5
    assert not book.session.closing


def test_a_client_that_does_not():
    book = talk(**QUICK) >> 3.1
    book << ["ping", "missed 1", "close(3012)"]


def test_a_command_is_no_pong():
    book = talk(**QUICK) >> 2 << ["ping"]
    book >> at_once(2) << [answered(2)]
    book >> 1.1 << ["missed 1", "close(3012)"]


def test_pongs_are_counted():
    talk() >> {} << ["close(3501)"]
    book = talk(**QUICK) >> 2
    book >> {}
    book >> {} << ["close(3501)"]
    twice = talk(**QUICK) >> 2
    twice >> [{}, {}]
    assert shown(twice.effects[-1]) == "close(3501)"


def test_pong_and_command_may_share_a_frame():
    book = talk(**QUICK) >> 2
    book >> [{}, at_once(7)]
    assert [shown(effect) for effect in book.effects[1:]] == [answered(7)]


def test_a_pong_goes_before_commands_that_wait():
    book = talk(answers=False, **QUICK) >> 2
    book >> [publish(2), publish(3), {}]
    assert [type(effect) for effect in book.effects] == [q.Ask, q.Ponged]


def test_a_pong_during_the_greeting_waits_for_its_end():
    book = Playbook(answers=False) >> [CONNECT, {}] << ["ask Greet"]
    book.answer(token()) << ["connected 'alice'", WELCOME, "close(3501)"]


def test_a_late_pong_is_called_late():
    book = talk(heartbeat=HeartbeatSettings(interval=10, timeout=2, misses=3)) >> 10 << ["ping"]
    book >> 2 << ["missed 1"]
    book >> {}
    assert book.effects[0].late


def test_several_pings_are_open_when_several_misses_are_forgiven():
    book = talk(heartbeat=HeartbeatSettings(interval=10, timeout=8, misses=3)) >> 24
    assert book.session.heartbeat.open == 2
    book >> [{}] * book.session.heartbeat.open
    assert all(isinstance(effect, q.Ponged) for effect in book.effects)
    book >> {} << ["close(3501)"]


def test_our_own_stall_disconnects_nobody():
    book = talk(**QUICK) >> 2 << ["ping"]
    book.wait(1.2, stall=1.5)
    assert not book.session.closing
    book >> {}
    assert shown(book.effects[0]).startswith("ponged")


def test_native_pings():
    book = talk(native_pings=True, **QUICK) >> 2 << ["ping"]
    assert [type(effect) for effect in book.session.native_pong(2.0)] == [q.Ponged]
    assert book.session.native_pong(2.0) == []
    book >> {} << ["close(3501)"]


def test_a_native_pong_of_a_client_with_pings_of_its_own_is_nothing():
    book = talk(**QUICK) >> 2
    assert book.session.native_pong(2.0) == []
    assert book.session.heartbeat.open == 1


# -------------------------------------------------------------------------------------- time


def test_a_silent_client_is_stale():
    book = Playbook(stale_close_delay=1)
    assert book.session.next_deadline() == 1
    book >> 0.9 << []
    book >> 0.1 << ["close(3502)"]
    assert book.effects == []


def test_a_token_that_takes_too_long_to_check():
    book = Playbook(answers=False) >> CONNECT << ["ask Greet"]
    book >> 10 << ["close(3502)"]
    assert book.session.done(0, token(), 11) == []


def test_without_pings_and_expiry_there_is_no_deadline():
    book = talk(heartbeat=HeartbeatSettings(interval=0))
    assert book.session.next_deadline() == float("inf")


def test_the_earliest_deadline_counts():
    book = talk(tokens={"t": token(expire_at=1_700_000_003)}, expired_close_delay=1)
    assert book.session.next_deadline() == 4
    book >> 4 << ["close(3005)"]


# ------------------------------------------------------------------------------------ memory


def cost(session):
    """Bytes of a session and what it alone holds; the id is the connection's, classes, settings and constants are shared."""
    heartbeat = session.heartbeat
    mine = [session, heartbeat, session.user, heartbeat._due, session.deadline]
    mine += [session.subscriptions, session._work, session._inbox]
    assert (session.info, heartbeat._sent) == (EMPTY, ())
    seen = {id(each): each for each in mine if each is not None}
    return sum(sys.getsizeof(each) for each in seen.values())


def test_an_idle_session_is_small():
    book = talk(tokens={"t": token(user="user-12345")}) >> 25
    book >> {}
    assert cost(book.session) <= 350


def test_a_session_makes_no_cycles():
    """Also one that closes while a question is open."""
    gc.collect()
    gc.disable()
    try:
        for end in (lambda s: s.close(closing.SHUTDOWN), lambda s: s.receive(command({"id": 3, "ping": {}}), 0)):
            book = talk(answers=False) >> [{"id": 2, "subscribe": {"channel": "open:x"}}]
            end(book.session)
            book.session.close(closing.SHUTDOWN)
            book = None
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---------------------------------------------------------------------------------------- pace


BUSY = {"code": 111, "message": "too many requests", "temporary": True}


def test_commands_beyond_the_pace_are_refused_and_cost_nothing_else():
    book = talk(pace=Pace(10, 2)) >> [publish(2), publish(3), publish(4)]
    book << [published(2), published(3), {"id": 4, "error": BUSY}]
    assert len(book.asked) == 2
    book >> 0.2
    book >> publish(5) << [published(5)]


def test_who_goes_on_in_spite_of_the_errors_is_closed():
    book = talk(pace=Pace(10, 2)) >> [publish(number) for number in range(2, 8)]
    book << [published(2), published(3), {"id": 4, "error": BUSY}, {"id": 5, "error": BUSY}, "close(3509)"]


def test_pongs_and_the_greeting_are_not_counted():
    book = Playbook(pace=Pace(10, 1), **QUICK) >> [CONNECT, publish(2)]
    assert shown(book.effects[-1]) == published(2)
    book >> 2
    book >> [{}, publish(3)]
    assert shown(book.effects[-1]) == published(3)


def test_what_waited_is_counted_when_its_turn_comes():
    book = talk(answers=False, pace=Pace(10, 2)) >> [publish(2), publish(3), publish(4)] << ["ask Publish"]
    book.answer(q.Done()) << [published(2), "ask Publish"]
    book.answer(q.Done()) << [published(3), {"id": 4, "error": BUSY}]


def test_an_answer_that_carries_much_counts_as_many_commands():
    crowd = {str(number): wire.ClientInfo(user="ann", client=str(number)) for number in range(640)}
    book = talk(pace=Pace(10, 20))
    book.outcomes[q.ReadPresence] = q.PresenceRead(crowd)
    book >> [{"id": number, "presence": {"channel": "pres:a"}} for number in range(2, 5)]
    answers = [effect.message for effect in book.effects]
    assert [answer.error for answer in answers[:2]] == [UNSET, UNSET]
    assert answers[2].error.code == 111
    book >> 2
    book >> publish(5) << [published(5)]


def test_there_need_not_be_a_pace():
    book = talk(pace=Pace(0)) >> [publish(number) for number in range(2, 5000)]
    assert shown(book.effects[-1]) == published(4999)
