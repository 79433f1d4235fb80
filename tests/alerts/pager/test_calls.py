"""Calls and pauses of providers: each counts, restarts and odd clocks included."""

import pytest

from alerts.pager.calls import LONGEST_PAUSE, Calls

NOW = 1_800_000_000.0


@pytest.fixture
def calls(store):
    return Calls(store)


def test_a_minute_has_room_for_as_many_calls_as_the_limit_says(calls):
    for second in range(3):
        assert calls.free_at("chat", 3, NOW + second) == NOW + second
        calls.begin("chat", "ada", NOW + second)
    assert calls.free_at("chat", 3, NOW + 10) == NOW + 61, "when the first one is out of the minute"
    assert calls.free_at("chat", 3, NOW + 61) == NOW + 61
    assert calls.free_at("chat", 4, NOW + 10) == calls.free_at("chat", 0, NOW + 10) == NOW + 10
    assert calls.free_at("sms", 1, NOW) == NOW, "another one's calls"


def test_calls_are_known_by_who_was_called(calls):
    calls.begin("chat", "ada", NOW)
    calls.begin("chat", "ben", NOW + 1)
    number = calls.begin("chat", "ada", NOW + 2)
    assert calls.made("chat", "ada", NOW - 1) == 2
    assert calls.made("chat", "ada", NOW + 1) == 1
    calls.forget(number)
    assert calls.made("chat", "ada", NOW + 1) == 0
    calls.begin("chat", "ada", NOW + 7200)
    assert calls.made("chat", "ada", 0) == 1, "old ones are forgotten"


def test_pauses_grow_until_there_is_an_answer(calls, store):
    assert [calls.failed("chat", 0, NOW) - NOW for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    assert Calls(store).free_at("chat", 0, NOW) == NOW + 60, "a restart forgets none"
    assert calls.free_at("sms", 0, NOW) == NOW
    calls.answered("chat")
    assert calls.free_at("chat", 0, NOW) == NOW
    assert calls.failed("chat", 600, NOW) == NOW + 600
    assert calls.failed("chat", 10**9, NOW) == NOW + LONGEST_PAUSE


def test_a_clock_that_is_put_back_silences_no_channel(calls):
    calls.begin("chat", "", NOW)
    calls.failed("chat", 600, NOW)
    earlier = NOW - 10**8
    assert calls.free_at("chat", 1, earlier) <= earlier + LONGEST_PAUSE
    calls.answered("chat")
    assert calls.free_at("chat", 1, earlier) == earlier + 61
