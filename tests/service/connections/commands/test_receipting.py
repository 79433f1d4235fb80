"""Receipts do not wait behind a command whose question is open."""

import pytest

from service.connections import questions as q
from service.connections.commands import receipting
from service.connections.pace import Pace
from service.connections.states import State
from service.protocol import closing, errors
from tests.service.connections.playbook import Playbook

CONFIRMED = {"offset": 7}


def publish(number):
    return {"id": number, "publish": {"channel": "pub:a", "data": 1}}


def receipt(number, method=receipting.METHOD):
    return {"id": number, "rpc": {"method": method, "data": {"channel": "rec:a", "offset": 7}}}


def busy(**changes):
    """A session that waits for the answer to a publish."""
    book = Playbook(answers=False, **changes).connected() >> publish(2) << ["ask Publish"]
    assert book.session.state is State.BUSY
    return book


def test_it_is_answered_at_once_and_the_others_in_their_order():
    book = busy() >> [publish(3), receipt(4), receipt(5, "other")] << ["ask Rpc"]
    book.answer(q.Called(q.msgspec.Raw(b'{"offset":7}')), which=1) << [{"id": 4, "rpc": {"data": CONFIRMED}}]
    assert book.session.state is State.BUSY
    book.answer(q.Done()) << [{"id": 2, "publish": {}}, "ask Publish"]
    book.answer(q.Done()) << [{"id": 3, "publish": {}}, "ask Rpc"]
    book.answer(q.Called()) << [{"id": 5, "rpc": {}}]
    assert book.session.state is State.READY


def test_its_answer_may_come_when_the_other_command_is_long_done():
    book = busy() >> receipt(4) << ["ask Rpc"]
    book.answer(q.Done()) << [{"id": 2, "publish": {}}]
    book.answer(q.Called()) << [{"id": 4, "rpc": {}}]


def test_the_highest_id_comes_back():
    book = busy() >> receipt(2**32 - 1) << ["ask Rpc"]
    book.answer(q.Called(), which=1) << [{"id": 2**32 - 1, "rpc": {}}]


def test_a_refused_one_is_an_error_and_leaves_the_other_alone():
    book = busy() >> receipt(4)
    error = {"code": 103, "message": "permission denied"}
    book.answer(q.Failed(errors.PERMISSION_DENIED), which=1) << [{"id": 4, "error": error}]
    book.answer(q.Done()) << [{"id": 2, "publish": {}}]


def test_a_close_closes_and_an_answer_after_it_leads_to_nothing():
    book = busy() >> [receipt(4), receipt(5)] << ["ask Rpc", "ask Rpc"]
    book.answer(q.Failed(closing.BAD_REQUEST), which=1) << ["close(3501)"]
    book.answer(q.Called(), which=1) << []


def test_they_count_as_commands():
    book = busy(pace=Pace(1.0, 2)) >> [receipt(3)]
    book >> receipt(4)
    assert book.effects[-1].message.error.code == 111
    book >> [receipt(number) for number in range(5, 9)]
    assert "close(3509)" in [f"close({e.closing.code})" for e in book.effects if isinstance(e, q.Close)]


@pytest.mark.parametrize(
    "command",
    [{"rpc": {"method": receipting.METHOD}}, {**receipt(3), "history": {"channel": "a"}}],
    ids=["no id", "two"],
)
def test_what_is_none_in_good_form_waits(command):
    busy() >> command << []


def test_before_the_connect_is_answered_they_wait():
    book = Playbook(answers=False) >> {"id": 1, "connect": {"token": "t"}} << ["ask Greet"]
    book >> receipt(2) << []
