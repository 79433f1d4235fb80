"""What a session knows of its client: lifetimes, subscriptions and their ends."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from service.access.tokens import Granted
from service.channels.attending import Attendance
from service.channels.namespaces import Namespace
from service.connections import questions as q
from service.connections.standing import (
    ENDLESS,
    Refused,
    Standing,
    Subscription,
    expected,
    lifetime,
    namespace_of,
    subscription,
)
from service.protocol import errors
from service.protocol import messages as wire
from tests.service.connections.playbook import CLIENT, settings

CLIENT_SIDE = Subscription()


def standing():
    return Standing(CLIENT, settings(), 100.0, native_pings=False)


def test_a_newcomer_has_time_for_its_greeting_and_no_subscriptions():
    client = standing()
    assert (client.deadline, client.user, client.channels, client.subscriptions) == (110.0, "", [], None)
    assert client.subscription("x") is None
    assert not client.leave("x")


def test_entering_and_leaving():
    client = standing()
    client.enter("a", CLIENT_SIDE)
    client.enter("b", Subscription(expire_at=120.0))
    assert (client.channels, client.subscription_deadline) == (["a", "b"], 120.0)
    assert client.leave("b")
    assert not client.leave("b")
    assert client.leave("a")
    assert (client.subscriptions, client.subscription_deadline) == (None, inf)


@given(st.dictionaries(st.text(max_size=3), st.one_of(st.just(inf), st.floats(0, 100)), max_size=8), st.floats(0, 120))
def test_ended_subscriptions_are_found_and_none_other(ends, now):
    client = standing()
    for channel, end in ends.items():
        client.enter(channel, Subscription(expire_at=end))
    over = dict(client.ended(now))
    assert set(over) == {channel for channel, end in ends.items() if end <= now}
    if over:
        assert client.subscription_deadline == min((end for end in ends.values() if end > now), default=inf)


def test_who_publishes():
    client = standing()
    client.user, client.info = "alice", Raw(b"1")
    client.enter("a", Subscription(info=Raw(b"2")))
    assert [bytes(client.client_info(channel).chan_info) for channel in "ab"] == [b"2", b""]
    assert (client.client_info("b").user, bytes(client.client_info("b").conn_info)) == ("alice", b"1")


@given(st.integers(1, 2**62), st.floats(1, 2**32), st.floats(0, 1e7), st.floats(0, 100), st.integers(0, 1))
def test_a_lifetime_ends_after_its_grace(expire_at, wall, now, grace, least):
    year = 365 * 24 * 3600
    if expire_at < int(wall) + least:
        with pytest.raises(Refused) as refusal:
            lifetime(expire_at, wall, now, grace, least=least)
        assert refusal.value.failure is errors.EXPIRED
        return
    life = lifetime(expire_at, wall, now, grace, least=least)
    assert life.expires
    assert 0 <= life.ttl <= year
    assert life.ttl == year or life.ttl == expire_at - int(wall)
    assert now + grace - 1 <= life.deadline <= now + grace + year + 0.001


def test_0_never_ends():
    assert lifetime(0, 1.0, 2.0, 3.0) is ENDLESS


def test_an_outcome_of_the_wrong_kind_is_a_fault_of_ours():
    assert expected(q.Done(), q.Done) == q.Done()
    with pytest.raises(Refused):
        expected(q.Failed(errors.INTERNAL, "x"), q.Done)
    with pytest.raises(AssertionError):
        expected(q.Prepared(None), q.Done)


@pytest.mark.parametrize(
    ("channel", "limit", "refusal"),
    [
        ("open:x", 1024, None),
        ("open:" + "x" * 1019, 1024, None),
        ("open:" + "x" * 1020, 1024, errors.BAD_REQUEST),
        ("open:" + "x" * 5000, 0, None),
        ("open:é", 1024, errors.BAD_REQUEST),
    ],
)
def test_names_that_clients_may_use(channel, limit, refusal):
    client = Standing(CLIENT, settings(channel_name_limit=limit), 0.0, native_pings=False)
    if refusal is None:
        assert namespace_of(client, channel).name == "open"
        return
    with pytest.raises(Refused) as refused:
        namespace_of(client, channel)
    assert refused.value.failure is refusal


PRESENT = Namespace(name="p", presence=True)
BOTH = Namespace(name="b", presence=True, join_leave=True)


def test_plain_subscriptions_are_shared():
    assert subscription(PRESENT, Granted()) is subscription(PRESENT, Granted())
    assert subscription(PRESENT, Granted(), server_side=True) is not subscription(PRESENT, Granted())
    assert subscription(Namespace(), Granted()) == CLIENT_SIDE
    made = subscription(BOTH, Granted(info=Raw(b"1"), presence=False), expire_at=9.0, by_token=True, server_side=True)
    assert made == Subscription(
        server_side=True, by_token=True, expire_at=9.0, info=Raw(b"1"), present=False, announced=True
    )


def test_who_was_present_and_announced_stays_so():
    before = subscription(BOTH, Granted())
    after = subscription(Namespace(), Granted(), server_side=True, before=before)
    assert (after.present, after.announced) == (True, True)


def test_what_others_learn():
    client = standing()
    client.user, client.info = "alice", Raw(b"1")
    assert client.attendance(CLIENT_SIDE) is None
    known = client.attendance(subscription(BOTH, Granted(info=Raw(b"2"))))
    info = wire.ClientInfo(user="alice", client=CLIENT, conn_info=Raw(b"1"), chan_info=Raw(b"2"))
    assert known == Attendance(info, present=True, announced=True)
    assert client.attendance(subscription(PRESENT, Granted()), known).again
    assert not client.attendance(subscription(PRESENT, Granted()), CLIENT_SIDE).again


def test_leaving_tells_what_others_knew_once():
    client = standing()
    client.enter("p", subscription(PRESENT, Granted()))
    client.enter("x", CLIENT_SIDE)
    assert [(channel, found is not None) for channel, found in client.attendances()] == [("p", True), ("x", False)]
    (left,) = client.left("p", 2000, "gone")
    assert (left.channel, left.code, left.reason, left.attendance.present) == ("p", 2000, "gone", True)
    assert client.left("p") == []
    assert client.left("x") == [q.Left("x", 0, "")]


def test_a_change_concerns_those_channels_where_it_is_present():
    client = standing()
    for name, of in (("p", PRESENT), ("b", BOTH), ("j", Namespace(name="j", join_leave=True))):
        client.enter(name, subscription(of, Granted()))
    client.info = Raw(b"[7]")
    assert [(effect.channel, bytes(effect.attendance.info.conn_info)) for effect in client.changed()] == [
        ("p", b"[7]"),
        ("b", b"[7]"),
    ]
