"""Letters on disk: which go together, in which order, and which are kept."""

import json

import pytest

from alerts.pager import letters as room
from alerts.pager.alert import read
from alerts.pager.calls import Calls
from alerts.pager.cases import Cases
from alerts.pager.letters import Letters
from alerts.pager.settings import read as settings_of
from tests.alerts.pager.notices import notice, notification
from tests.alerts.pager.test_message import message

NOW = 1_800_000_000.0


@pytest.fixture
def letters(store):
    return Letters(store, Calls(store), window=0, single=["duty"])


def write(letters, count, channel="chat", person="ada", first=1, now=NOW):
    for case in range(first, first + count):
        letters.write(message(notice(), case=case), channel, person, now)


def cases(found):
    return [letter.case for letter in found]


def test_whoever_waits_for_longest_is_called_first_with_all_that_is_for_them(letters):
    write(letters, 1, now=NOW + 2)
    write(letters, 2, person="ben", first=2, now=NOW + 1)
    assert letters.next("chat", NOW) == []
    assert cases(letters.next("chat", NOW + 2)) == [2, 3]
    assert letters.next_due("chat") == NOW + 1
    letters.failed(letters.next("chat", NOW + 2), "later", NOW + 60, NOW)
    assert cases(letters.next("chat", NOW + 2)) == [1], "one person's trouble is not another's"
    assert letters.next_due("sms") == float("inf")


def test_however_many_wait_none_is_left_behind(letters, monkeypatch):
    monkeypatch.setattr(room, "TOGETHER", 20)
    write(letters, 45)
    seen = []
    for _ in range(3):
        found = letters.next("chat", NOW)
        seen += cases(found)
        letters.failed(found, "later", NOW + 60, NOW)
    assert set(seen) == set(range(1, 46))
    assert letters.next("chat", NOW) == []
    assert letters.next_due("chat") == NOW + 60


def test_what_is_refused_is_tried_by_halves_and_apart_from_what_is_new(letters):
    write(letters, 5)
    letters.refused(letters.next("chat", NOW), "no", NOW)
    write(letters, 1, first=6)
    assert cases(letters.next("chat", NOW)) == [6]
    letters.sent(letters.next("chat", NOW), NOW)
    assert cases(letters.next("chat", NOW)) == [1, 2, 3, 4, 5], "a success is a reason to try again"
    letters.refused(letters.next("chat", NOW), "no", NOW)
    assert letters.next("chat", NOW + 4) == []
    for half in ([1, 2, 3], [4, 5]):
        found = letters.next("chat", NOW + 5)
        assert cases(found) == half
        letters.refused(found, "no", NOW + 5)
    single = letters.of_case(5)
    letters.refused(single, "no", NOW + 10)
    assert letters.of_case(5)[0].due_at == NOW + 10 + room.REFUSED_AGAIN
    assert letters.waiting() == 5


def test_what_is_hopeless_waits_for_its_own_time(letters, store):
    write(letters, 2)
    for _ in range(room._HOPELESS):
        letters.refused(letters.of_case(1), "no", NOW)
    letters.refused(letters.of_case(2), "no", NOW)
    write(letters, 1, first=3)
    letters.sent(letters.of_case(3), NOW)
    assert cases(letters.next("chat", NOW)) == [2]


def test_letters_of_a_case_go_in_their_order_where_they_go_alone(letters):
    for kind in ("firing", "acknowledged", "over"):
        letters.write(message(notice(), kind=kind, case=1), "duty", "", NOW)
    write(letters, 1, "duty", "", first=2)
    order = []
    for _ in range(2):
        (letter,) = letters.next("duty", NOW)
        order.append((letter.case, letter.message.kind))
        letters.failed([letter], "later", NOW + 15, NOW)
    assert order == [(1, "firing"), (2, "firing")]
    assert letters.next_due("duty") == NOW + 15, "what waits for its turn is not due"
    while found := letters.next("duty", NOW + 15):
        order.append((found[0].case, found[0].message.kind))
        letters.sent(found, NOW)
    assert order[2:] == [(1, "firing"), (1, "acknowledged"), (1, "over"), (2, "firing")]


def test_late_is_what_a_provider_has_not_taken_not_what_gathers(store):
    letters = Letters(store, Calls(store), window=1)
    write(letters, 1)
    assert (letters.waiting(), letters.overdue(NOW), letters.overdue(NOW + 1)) == (1, 0, 1)
    letters.failed(letters.next("chat", NOW + 1), "later", NOW + 100, NOW)
    assert letters.overdue(NOW + 2) == 1


def test_after_a_day_it_is_given_up(letters):
    write(letters, 3)
    found = letters.next("chat", NOW)
    assert letters.failed(found, "later", NOW + 5, NOW + room.GIVEN_UP) == 0
    assert letters.refused(found, "no", NOW + room.GIVEN_UP + 1) == 3
    assert {letters.of_case(case)[0].state for case in (1, 2, 3)} == {"given_up"}


def test_whoever_was_told_of_an_open_case_hears_of_its_end_however_many_letters_there_were(store, letters, monkeypatch):
    monkeypatch.setattr(room, "KEPT", 10)
    settings = settings_of("""
channels: {chat: {type: webhook, url: "http://there"}}
routes: {critical: [{to: [chat]}]}""")
    cases = Cases(store, letters, settings.routes, lambda *_: ("",), settings.address)

    def take(group, *alerts):
        body = {**notification(*alerts), "groupKey": group}
        cases.take("critical", read(json.dumps(body).encode()), NOW)

    take("long", notice())
    for number in range(50):
        take(f"g{number}", notice())
        take(f"g{number}", notice(ends=1060))
        letters.sent(letters.next("chat", NOW), NOW)
    assert len(letters.of_case(2)) == 0, "a case that is over may be forgotten"
    assert letters.channels_of(1) == [("chat", "")]
    take("long", notice(ends=1060))
    assert letters.next("chat", NOW)[-1].message.kind == "over"
