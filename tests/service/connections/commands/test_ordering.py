"""What a backend orders for one client, as recorded from Centrifugo."""

import json

import pytest
from msgspec import Raw

from service.access.tokens import Granted
from service.connections import questions as q
from service.connections.commands.ordering import Orders, Refreshing, Subscribing
from service.protocol import closing, errors
from service.protocol import messages as wire
from tests.service.connections.playbook import WALL, Playbook, channel_token, command, token

TAKEN_OUT = {"push": {"channel": "open:x", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}}
PUSHED = {"push": {"channel": "open:x", "subscribe": {}}}


class Backend:
    """Orders, and what it was told about them."""

    def __init__(self, **changes):
        self.book = Playbook(**changes).connected()
        self.told = []

    def subscribe(self, channel="open:x", **order):
        return self.book.does(
            self.book.session.subscribe(Subscribing(channel, WALL, self.told.append, **order), self.book.now)
        )

    def unsubscribe(self, channel="open:x"):
        return self.book.does(self.book.session.unsubscribe(channel, closing.UNSUBSCRIBED_BY_SERVER))

    def refresh(self, **order):
        return self.book.does(self.book.session.refresh(Refreshing(WALL, **order), self.book.now))


@pytest.fixture
def backend():
    return Backend()


def joins(backend):
    return [question for question in backend.book.questions if isinstance(question, q.Join)]


# -------------------------------------------------------------------------------- subscribe


def test_the_client_is_told_and_the_backend_too(backend):
    backend.subscribe() << [PUSHED]
    assert backend.told == [True]
    subscription = backend.book.session.subscription("open:x")
    assert subscription.server_side
    assert not subscription.by_token


def test_no_option_has_to_allow_it(backend):
    backend.subscribe("personal:x") << [{"push": {"channel": "personal:x", "subscribe": {}}}]


def test_data_goes_to_the_client_and_info_to_the_others(backend):
    backend.subscribe(granted=Granted(data=Raw(b'{"d":1}'), info=Raw(b'{"i":2}')))
    backend.book << [{"push": {"channel": "open:x", "subscribe": {"data": {"d": 1}}}}]
    assert bytes(backend.book.session.client_info("open:x").chan_info) == b'{"i":2}'


def test_the_namespace_says_whether_it_recovers_and_the_backend_may_override(backend):
    for channel, granted in [
        ("rec:x", {}),
        ("histno:x", {"force_recovery": True}),
        ("rec:y", {"force_recovery": False}),
        ("pos:x", {}),
        ("recopt:x", {}),
    ]:
        backend.subscribe(channel, granted=Granted(**granted))
    assert [(join.channel, join.recoverable, join.positioned) for join in joins(backend)] == [
        ("rec:x", True, False),
        ("histno:x", True, False),
        ("rec:y", False, False),
        ("pos:x", False, True),
        ("recopt:x", False, False),
    ]


def publication(offset):
    return wire.Publication(data=Raw(b"%d" % offset), offset=offset)


def entered(**joined):
    return q.Entered((q.Joined(recoverable=True, positioned=True, epoch="ep", **joined),))


def test_what_the_client_missed_comes_behind_the_push(backend):
    """Centrifugo tells the position asked for and goes on at the top: a gap that nobody sees."""
    missed = [publication(1), publication(2)]
    backend.book.outcomes[q.Enter] = entered(recovered=True, offset=0, was_recovering=True, publications=missed)
    backend.subscribe("rec:x", since=wire.StreamPosition(0, "ep"))
    (join,) = joins(backend)
    assert (join.recover, join.since) == (True, wire.StreamPosition(0, "ep"))
    backend.book << [
        {"push": {"channel": "rec:x", "subscribe": {"recoverable": True, "epoch": "ep", "positioned": True}}},
        {"push": {"channel": "rec:x", "pub": {"data": 1, "offset": 1, "epoch": "ep"}}},
        {"push": {"channel": "rec:x", "pub": {"data": 2, "offset": 2}}},
    ]


def test_what_cannot_be_recovered_begins_at_the_top(backend):
    backend.book.outcomes[q.Enter] = entered(recovered=False, offset=9, was_recovering=True)
    backend.subscribe("rec:x", since=wire.StreamPosition(1, "old"))
    (effect,) = backend.book.effects
    assert effect.message.subscribe.offset == 9


def test_nothing_comes_unasked(backend):
    """With auto_cache_recover the hub offers the newest publication."""
    backend.book.outcomes[q.Enter] = entered(recovered=True, was_recovering=True, publications=[publication(7)])
    backend.subscribe("rec:x")
    (effect,) = backend.book.effects
    assert effect.message.subscribe.offset == 7


def test_a_subscription_of_the_client_becomes_one_of_the_server(backend):
    backend.book >> {"id": 2, "subscribe": {"channel": "open:x"}}
    backend.subscribe() << [PUSHED]
    backend.subscribe() << [PUSHED]
    assert backend.told == [True, True]
    assert backend.book.session.subscription("open:x").server_side


def test_beyond_the_limit_the_connection_ends():
    backend = Backend(channel_limit=1)
    backend.subscribe()
    backend.subscribe("open:y") << ["close(3505)"]
    assert backend.told == [True, True]


def test_it_ends_in_its_time(backend):
    backend.subscribe(expire_at=WALL + 5)
    backend.book >> 5 + 24.9
    assert not backend.book.session.closing
    backend.book >> 0.2
    backend.book << ["close(3006)"]


@pytest.mark.parametrize("expire_at", [WALL - 1, WALL, 1])
def test_an_end_that_is_past_is_a_failure(backend, expire_at):
    backend.subscribe(expire_at=expire_at) << []
    assert backend.told == [False]
    assert not backend.book.session.closing


@pytest.mark.parametrize(
    "failure", [q.Failed(errors.INTERNAL), q.Failed(closing.INTERNAL_ERROR), q.Failed(errors.NOT_AVAILABLE)]
)
def test_a_failure_is_the_backend_s_to_know_and_leaves_the_client_alone(backend, failure):
    backend.book.outcomes[q.Join] = failure
    backend.subscribe() << []
    assert backend.told == [False]
    assert backend.book.session.channels == []
    assert not backend.book.session.closing


# ------------------------------------------------------------------ when answers take time


def test_orders_wait_for_each_other_but_not_for_commands():
    backend = Backend(answers=False)
    backend.book >> {"id": 2, "rpc": {"method": "slow"}} << ["ask Rpc"]
    backend.subscribe() << ["ask Join"]
    backend.subscribe("open:y") << []
    backend.book >> {"id": 3, "rpc": {"method": "next"}} << []
    backend.book.answer(q.Prepared(None), which=1) << ["ask Enter"]
    backend.book.answer(q.Entered((q.Joined(),)), which=1) << [PUSHED, "ask Join"]
    assert backend.told == [True]
    backend.book.answer(q.Called()) << [{"id": 2, "rpc": {}}, "ask Rpc"]


def test_out_again_waits_until_in():
    backend = Backend(answers=False)
    backend.subscribe("open:y") << ["ask Join"]
    backend.subscribe()
    backend.unsubscribe() << []
    backend.unsubscribe("open:z") << [{"push": {**TAKEN_OUT["push"], "channel": "open:z"}}]
    backend.book.answer(q.Failed(errors.INTERNAL)) << ["ask Join"]
    backend.book.answer(q.Prepared(None)) << ["ask Enter"]
    backend.book.answer(q.Entered((q.Joined(),))) << [PUSHED, "left open:x 2000", TAKEN_OUT]
    assert backend.told == [False, True]
    assert backend.book.session.channels == []


def test_a_client_that_goes_away_is_no_failure():
    backend = Backend(answers=False)
    backend.subscribe() << ["ask Join"]
    backend.subscribe("open:y")
    (ask,) = backend.book.asked
    backend.book.does(backend.book.session.close(closing.SHUTDOWN)) << ["close(3001)"]
    assert backend.told == [True, True]
    assert backend.book.session.done(ask.ticket, q.Prepared(None), 0.0) == []
    backend.subscribe() << []
    assert backend.told == [True, True, True]


def test_tickets_of_orders_and_commands_are_not_mixed_up():
    backend = Backend(answers=False)
    backend.subscribe() << ["ask Join"]
    (ask,) = backend.book.asked
    assert backend.book.session.done(ask.ticket + 1, q.Prepared(None), 0.0) == []
    assert ask.ticket > 0xFFFF
    assert Orders(backend.book.session).done(ask.ticket, q.Prepared(None), 0.0) == []


def test_nothing_is_kept_of_an_order_that_is_done(backend):
    backend.subscribe()
    assert backend.book.session._orders is None


# ---------------------------------------------------------------------------------- refresh


def refresh_push(**said):
    return [{"push": {"refresh": said}}]


def test_another_end(backend):
    backend.refresh(expire_at=WALL + 100) << refresh_push(expires=True, ttl=100)
    assert backend.book.session.deadline == 125.0
    backend.refresh() << refresh_push()
    assert backend.book.session.deadline == float("inf")
    backend.refresh(expire_at=-5) << refresh_push()
    backend.refresh(expire_at=WALL + 10**9) << refresh_push(expires=True, ttl=365 * 24 * 3600)


@pytest.mark.parametrize("order", [{"expired": True}, {"expire_at": WALL}, {"expire_at": 1}])
def test_the_end_has_come(backend, order):
    backend.refresh(**order) << ["close(3005)"]


def test_info_counts_with_an_end_only(backend):
    backend.refresh(expire_at=WALL + 9, info=Raw(b'{"v":2}'))
    assert bytes(backend.book.session.client_info("open:x").conn_info) == b'{"v":2}'
    backend.refresh(info=Raw(b'{"v":3}'))
    assert json.loads(bytes(backend.book.session.info)) == {"v": 2}


def test_nobody_is_refreshed_before_the_greeting():
    book = Playbook(answers=False)
    assert book.session.refresh(Refreshing(WALL, expired=True), 0.0) == []
    assert book.session.receive(command({"id": 1, "connect": {"token": "t"}}), 0.0)


def test_a_refresh_does_not_wait_for_a_call():
    backend = Backend(answers=False)
    backend.book >> {"id": 2, "rpc": {"method": "slow"}}
    backend.refresh(expired=True) << ["close(3005)"]


# ------------------------------------------------------------------- beside the client's own


def test_the_client_may_leave_and_come_back_by_itself(backend):
    backend.subscribe()
    backend.book >> {"id": 2, "unsubscribe": {"channel": "open:x"}} << ["left open:x 0", {"id": 2, "unsubscribe": {}}]
    backend.book >> {"id": 3, "subscribe": {"channel": "open:x"}} << [{"id": 3, "subscribe": {}}]


def test_the_client_cannot_refresh_it(backend):
    backend.book.tokens["s"] = channel_token("open:x")
    backend.subscribe()
    backend.book >> {"id": 2, "sub_refresh": {"channel": "open:x", "token": "s"}} << ["close(3501)"]


def test_a_refreshed_token_need_not_name_it(backend):
    backend.subscribe()
    backend.book.tokens["new"] = token()
    backend.book >> {"id": 2, "refresh": {"token": "new"}} << [{"id": 2, "refresh": {}}]


def test_its_lost_position_ends_the_connection(backend):
    backend.subscribe("pos:x")
    backend.book.does(backend.book.session.lost_position("pos:x")) << ["close(3010)"]


# ------------------------------------------------------------------ presence, join and leave


def test_a_backend_says_who_is_seen_and_told(backend):
    overridden = Granted(presence=True, join_leave=True, force_push_join_leave=True, info=Raw(b"[1]"))
    backend.subscribe("jl:x")
    backend.subscribe("open:x", granted=overridden)
    plain, other = joins(backend)
    assert (plain.attendance.present, plain.attendance.announced, plain.told) == (False, True, True)
    assert (other.attendance.present, other.attendance.announced, other.told) == (True, True, True)
    assert bytes(other.attendance.info.chan_info) == b"[1]"


def test_who_is_subscribed_again_is_not_counted_twice_and_stays_present(backend):
    backend.subscribe("pres:x")
    backend.subscribe("pres:x", granted=Granted(presence=False))
    first, again = joins(backend)
    assert (first.attendance.present, first.attendance.again) == (True, False)
    assert (again.attendance.present, again.attendance.again) == (True, True)
    backend.unsubscribe("pres:x")
    assert backend.book.effects[0].attendance.present


def test_refresh_with_other_info_tells_others(backend):
    backend.subscribe("pres:x")
    backend.refresh(expire_at=WALL + 60, info=Raw(b"[2]"))
    changed = backend.book.effects[0]
    assert (changed.channel, bytes(changed.attendance.info.conn_info)) == ("pres:x", b"[2]")
