"""The table of causes: each with a case that speaks for it, ranked first; and plainly not known where nothing does."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.lab import causes
from service.lab.case import Case
from service.lab.causes import CAUSES, NEXT, UNKNOWN, rank
from service.protocol import closing

ROOT = Path(__file__).parents[3]
WHEN = 1_790_000_000.0


def ended(cause, code, **more):
    story = {
        "connection_id": "c1",
        "cause": cause,
        "code": code,
        "initiator": "server",
        "lifetime": 60.0,
        "ended": WHEN,
    }
    return {**story, **more}


def stall(seconds, before):
    return {"event": "loop.stalled", "seconds": seconds, "where": "service/x.py:7 f", "ended": WHEN - before}


def case(story=None, **facts):
    found = Case("c1", "connection", story=story or {}, ends=Counter())
    for name, value in facts.items():
        setattr(found, name, value)
    return found


def at(seconds):
    return datetime.fromtimestamp(WHEN + seconds, UTC).isoformat()


def line(event, seconds=0.0, **more):
    return {"event": event, "timestamp": at(seconds), "connection_id": "c1", **more}


NO_PONG = ended("no_pong", 3012, pongs=4, rtt=0.02)
HEALTHY = {"resending": 0, "unacknowledged": 0, "silence": 0.1, "rtt": 0.02}

CASES = {
    "loop_stalled": case(ended("client_closed", 1000), node=[stall(4.0, 2.0)]),
    "network_dead": case(NO_PONG, network={"resending": 4, "silence": 9.0, "unacknowledged": 4}),
    "client_frozen": case(NO_PONG, network=HEALTHY),
    "slow_client": case(ended("slow_bytes", 3008), verdict="client", network={"probes": 2}),
    "slow_network": case(ended("slow_age", 3008), verdict="network", network={"resent": 20, "rtt": 1.5}),
    "slow_us": case(ended("slow_age", 3008), verdict="us"),
    "socket_reset": case(ended("network_lost", 3000, reason="ECONNRESET")),
    "hung_up": case(ended("network_lost", 3000, reason="closed without a Close frame")),
    "process_died": case(lines=[line("connection.connected")], node=[line("service.started", 5)]),
    "alive_slow_client": case(live={"who": "client", "evidence": ["it does not read"], "age": 5}),
    "alive_slow_network": case(live={"who": "network", "evidence": ["lossy"], "age": 5}),
    "alive_slow_us": case(live={"who": "us", "evidence": ["bytes wait"], "age": 5, "unsent": 9}),
    "alive": case(live={"who": "nobody", "age": 5}),
    "internal_fault": case(ended("internal_error", 3004), lines=[line("internal.error", error="KeyError: 1")]),
    "greeting_refused": case(lines=[line("connection.refused", code=109)]),
    "message_failed": case(lines=[line("message.failed", code=100)]),
    "message_refused": case(lines=[line("message.refused", code=107)]),
    "message_late": case(lines=[line("message.late", seconds_=1.0)]),
    "message_published": case(lines=[line("message.published", channel="news", offset=3)]),
}


@pytest.mark.parametrize("name", [row.name for row in CAUSES])
def test_each_cause_is_named_first_where_it_is_the_one(name):
    first = rank(CASES[name])[0]
    assert first.cause == name
    assert first.evidence
    assert first.next


@pytest.mark.parametrize("cause", closing.CAUSES)
def test_each_close_cause_has_a_row_and_a_next_step(cause):
    (row,) = [each for each in rank(case(ended(cause, 3000))) if each.cause == cause]
    assert row.next


def test_next_steps_are_of_causes_that_exist():
    assert set(NEXT) <= set(closing.CAUSES)


def test_nothing_is_said_plainly():
    assert rank(case()) == [UNKNOWN]
    assert rank(case(lines=[line("heartbeat.late")])) == [UNKNOWN]


def test_names_are_one_list_without_doubles():
    names = [row.name for row in CAUSES]
    assert len(set(names)) == len(names)
    assert not set(names) & set(closing.CAUSES)
    assert set(CASES) == set(names)


def test_runbooks_are_there():
    runbooks = {row.runbook for row in CAUSES if row.runbook}
    assert runbooks
    assert all((ROOT / runbook).is_file() for runbook in runbooks)


@pytest.mark.parametrize(
    ("seconds", "before", "first"),
    [(4.0, 2.0, "loop_stalled"), (4.0, 60.0, "client_closed"), (0.4, 2.0, "client_closed")],
    ids=["long and near", "long ago", "short"],
)
def test_a_stall_counts_when_it_was_long_and_near(seconds, before, first):
    assert rank(case(ended("client_closed", 1000), node=[stall(seconds, before)]))[0].cause == first


def test_a_stall_that_was_excused_is_not_blamed_for_a_missing_pong():
    found = rank(case(NO_PONG, network=HEALTHY, node=[stall(1.5, 5.0)]))
    assert [each.cause for each in found][:2] == ["client_frozen", "no_pong"]
    assert "loop_stalled" in [each.cause for each in found]


def test_without_tcps_word_a_missing_pong_is_no_more_than_that():
    assert [each.cause for each in rank(case(NO_PONG))] == ["no_pong"]


def test_nobody_waits_for_us_when_nothing_waits():
    healthy = {"who": "us", "evidence": ["our own loop stood still", "nothing waits to be sent"], "age": 5, "unsent": 0}
    assert [each.cause for each in rank(case(live=healthy))] == ["alive"]


def test_who_left_because_its_greeting_was_refused_is_not_said_to_have_hung_up():
    left = ended("network_lost", 3000, reason="closed without a Close frame")
    refused = {"at": 0.1, "event": "greeting_refused", "code": 109}
    said = [line("token.refused", reason="exp is past")]
    first, second, *_ = rank(case(left, events=[refused], lines=said))
    assert (first.cause, second.cause) == ("greeting_refused", "hung_up")
    assert first.evidence == (
        "its connect command was answered with 109 (token expired)", "its token did not count: exp is past",
    )  # fmt: skip
    closed = case(ended("invalid_token", 3500), events=[{"event": "greeting_refused", "code": 3500}])
    assert rank(closed)[0].cause == "invalid_token"


def test_of_an_unknown_user_it_is_said_that_refused_ones_have_no_name():
    nobody = case()
    nobody.kind = "user"
    assert "/debug/ended" in rank(nobody)[0].next


def test_titles_are_one_sentence():
    (lost,) = [each for each in rank(case(ended("network_lost", 3000))) if each.cause == "network_lost"]
    assert lost.title == "The peer is gone"


def test_how_sure_it_is_has_three_words():
    assert {each.how_sure for name in CASES for each in rank(CASES[name])} == {"certain", "likely", "possible"}
    assert causes.UNKNOWN.weight == 0
