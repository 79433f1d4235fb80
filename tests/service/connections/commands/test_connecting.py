"""connect and refresh, as recorded from Centrifugo."""

import msgspec
import pytest
from msgspec import Raw

from service.access.tokens import Granted
from service.connections import questions as q
from service.connections.heartbeat import HeartbeatSettings
from service.protocol import closing, errors
from tests.service.connections.playbook import CLIENT, WALL, Playbook, token

CONNECT = {"id": 1, "connect": {"token": "t"}}
WELCOME = {"client": CLIENT, "version": "1.0", "ping": 25, "pong": True}
EXPIRED = {"id": 1, "error": {"code": 109, "message": "token expired"}}


def welcome(**more):
    return {"id": 1, "connect": {**WELCOME, **more}}


def talk(outcome=None, **changes):
    return Playbook(tokens={"t": outcome} if outcome else None, **changes)


# ------------------------------------------------------------------------------ who is it


def test_a_good_token():
    talk() >> CONNECT << ["connected 'alice'", welcome()]


def test_the_question_carries_the_whole_request():
    book = talk(answers=False) >> {"id": 1, "connect": {"token": "t", "name": "js", "version": "5"}}
    assert [(g.request.token, g.request.name) for g in book.questions] == [("t", "js")]
    book.answer(token())
    assert book.effects[0] == q.Connected("alice", "js", "5")


def test_no_token():
    book = talk() >> {"id": 1, "connect": {}}
    assert book.effects[0].closing.cause == "no_credentials"
    book << ["close(3501)"]


@pytest.mark.parametrize("setting", ["allow_anonymous_connect_without_token", "insecure"])
def test_no_token_where_that_is_allowed(setting):
    talk(**{setting: True}) >> {"id": 1, "connect": {}} << ["connected ''", welcome()]


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        ("invalid", "close(3500)"),
        ("expired", EXPIRED),
        ("bad_info", {"id": 1, "error": {"code": 100, "message": "internal server error", "temporary": True}}),
    ],
)
def test_a_bad_token(reason, effect):
    talk(q.BadToken(reason)) >> CONNECT << [effect]


def test_the_refusal_says_why():
    assert (talk(q.BadToken("expired", "exp is past")) >> CONNECT).why() == "token expired: exp is past"


def test_another_failure():
    (
        talk(q.Failed(errors.INTERNAL))
        >> CONNECT
        << [{"id": 1, "error": {"code": 100, "message": "internal server error", "temporary": True}}]
    )
    talk(q.Failed(closing.INTERNAL_ERROR, "a fault")) >> CONNECT << ["close(3004)"]


def full(**claims):
    """Of a user who has as many connections as one may have."""
    return msgspec.structs.replace(token(**claims), most=2)


def test_a_user_with_enough_connections():
    book = talk(full()) >> CONNECT
    assert book.why() == "the user has 2 connections"
    book << ["close(3504)"]


@pytest.mark.parametrize(
    ("claims", "effect"),
    [
        ({"user": ""}, "close(3507)"),
        ({"subs": {"nope:a": Granted()}}, {"id": 1, "error": {"code": 102, "message": "unknown channel"}}),
        ({"subs": {"open:a": Granted(), "open:b": Granted()}}, "close(3505)"),
        ({"expire_at": WALL - 1}, "close(3504)"),
    ],
)
def test_what_a_token_asks_for_is_judged_before_the_users_other_connections_and_its_end_after_them(claims, effect):
    talk(full(**claims), disallow_anonymous_connection_tokens=True, channel_limit=1) >> CONNECT << [effect]


def test_a_token_without_a_user_is_anonymous():
    talk(token(user="")) >> CONNECT << ["connected ''", welcome()]
    talk(token(user=""), disallow_anonymous_connection_tokens=True) >> CONNECT << ["close(3507)"]


def test_after_an_error_the_session_is_deaf_until_it_is_stale():
    book = talk(q.BadToken("expired"), stale_close_delay=1) >> CONNECT << [EXPIRED]
    book >> {"id": 2, "subscribe": {"channel": "open:x"}} << []
    book >> CONNECT << []
    book >> {} << []
    book >> 0.9 << []
    book >> 0.1 << ["close(3502)"]


def test_commands_of_the_same_frame_are_dropped_after_an_error():
    subscribe = {"id": 2, "subscribe": {"channel": "open:x"}}
    talk(q.BadToken("expired")) >> [CONNECT, subscribe] << [EXPIRED]
    talk(q.BadToken("invalid")) >> [CONNECT, subscribe] << ["close(3500)"]
    book = talk(answers=False) >> [CONNECT, subscribe]
    book.answer(q.BadToken("expired")) << [EXPIRED]


# ------------------------------------------------------------------------------- lifetime


def test_expiry_is_told_and_kept():
    book = talk(token(expire_at=WALL + 100)) >> CONNECT << ["connected 'alice'", welcome(expires=True, ttl=100)]
    book.session.heartbeat = None
    book >> 124 << []
    book >> 1 << ["close(3005)"]


def test_expire_at_in_the_past():
    talk(token(expire_at=WALL - 1)) >> CONNECT << [{"id": 1, "error": {"code": 110, "message": "expired"}}]
    talk(token(expire_at=WALL)) >> CONNECT << ["connected 'alice'", welcome(expires=True)]


def test_a_lifetime_is_a_year_at_most():
    year = 365 * 24 * 3600
    book = talk(token(expire_at=2**60)) >> CONNECT << ["connected 'alice'", welcome(expires=True, ttl=year)]
    assert book.session.deadline == year + 25


def test_insecure_connections_do_not_expire():
    book = talk(token(expire_at=WALL + 1), insecure=True) >> CONNECT << ["connected 'alice'", welcome()]
    book.session.heartbeat = None
    book >> 1000 << []


def test_insecure_connections_expire_once_they_are_refreshed():
    book = Playbook(tokens={"new": token(expire_at=WALL + 100)}, insecure=True).connected()
    book >> {"id": 2, "refresh": {"token": "new"}} << [{"id": 2, "refresh": {"expires": True, "ttl": 100}}]
    assert book.session.deadline == 125


# --------------------------------------------------------------------------------- the rest


def test_server_time_where_it_is_wanted():
    talk(connect_include_server_time=True) >> CONNECT << ["connected 'alice'", welcome(time=WALL * 1000)]


def test_pings_that_the_client_does_not_know_of():
    plain = {"id": 1, "connect": {"client": CLIENT, "version": "1.0"}}
    talk(native_pings=True) >> CONNECT << ["connected 'alice'", plain]
    book = talk(heartbeat=HeartbeatSettings(interval=0)) >> CONNECT << ["connected 'alice'", plain]
    assert book.session.heartbeat is None


def test_the_announced_interval_is_whole_seconds():
    talk(heartbeat=HeartbeatSettings(interval=0.4, timeout=0.2)) >> CONNECT << ["connected 'alice'", welcome(ping=1)]


# ----------------------------------------------------------------------- server-side channels


def with_subs(subs, **changes):
    return talk(token(subs={channel: Granted() for channel in subs}), **changes)


def test_the_personal_channel():
    changes = {"personal_channel": True, "personal_channel_namespace": "personal"}
    talk(**changes) >> CONNECT << ["connected 'alice'", welcome(subs={"personal:#alice": {}})]
    talk(token(user=""), **changes) >> CONNECT << ["connected ''", welcome()]
    talk(personal_channel=True) >> CONNECT << ["connected 'alice'", welcome(subs={"#alice": {}})]
    nowhere = talk(personal_channel=True, personal_channel_namespace="nope")
    nowhere >> CONNECT << [{"id": 1, "error": {"code": 102, "message": "unknown channel"}}]


def test_channels_of_the_token_need_no_permission():
    book = with_subs(["closed", "$open:private"]) >> CONNECT
    book << ["connected 'alice'", welcome(subs={"closed": {}, "$open:private": {}})]
    assert book.session.channels == ["closed", "$open:private"]


def test_all_channels_are_prepared_at_a_time_and_entered_together():
    book = with_subs(["open:a", "open:b"], answers=False) >> CONNECT << ["ask Greet"]
    book.answer(book.tokens["t"]) << ["ask Join", "ask Join"]
    book.answer(q.Prepared("b"), which=1) << []
    book.answer(q.Prepared("a")) << ["ask Enter"]
    assert book.questions == [q.Enter(("a", "b"))]
    book.answer(q.Entered((q.Joined(), q.Joined(epoch="ep", positioned=True))))
    book << ["connected 'alice'", welcome(subs={"open:a": {}, "open:b": {"epoch": "ep", "positioned": True}})]


def test_an_unknown_namespace_in_the_token():
    with_subs(["nope:x"]) >> CONNECT << [{"id": 1, "error": {"code": 102, "message": "unknown channel"}}]


def test_info_data_and_override_of_the_token():
    granted = Granted(info=Raw(b'{"i":1}'), data=Raw(b'{"d":2}'), force_recovery=True)
    book = talk(token(subs={"histno:x": granted, "rec:y": Granted(force_recovery=False)})) >> CONNECT
    recoverable = {"recoverable": True, "positioned": True, "epoch": "ep", "data": {"d": 2}}
    book << ["connected 'alice'", welcome(subs={"histno:x": recoverable, "rec:y": {}})]
    assert bytes(book.session.client_info("histno:x").chan_info) == b'{"i":1}'


def test_more_channels_than_a_connection_may_have():
    with_subs(["open:1", "open:2", "open:3", "open:4"], channel_limit=3) >> CONNECT << ["close(3505)"]
    with_subs(["open:1", "open:2", "open:3"], channel_limit=3) >> CONNECT
    with_subs([f"open:{n}" for n in range(300)], channel_limit=0) >> CONNECT


def test_a_channel_that_cannot_be_prepared_fails_the_greeting():
    book = with_subs(["open:a"])
    book.outcomes[q.Join] = q.Failed(errors.INTERNAL)
    book >> CONNECT << [{"id": 1, "error": {"code": 100, "message": "internal server error", "temporary": True}}]


def test_channels_that_were_entered_are_known_when_the_rest_fails():
    book = with_subs(["open:a"])
    book.outcomes[q.Enter] = q.Failed(errors.INTERNAL)
    book >> CONNECT << ["close(3004)"]
    assert book.session.channels == ["open:a"]


def ask(**subs):
    return {"id": 1, "connect": {"token": "t", "subs": subs}}


def test_positions_of_server_side_channels_are_recovered():
    book = with_subs(["rec:x"], answers=False)
    book >> ask(**{"rec:x": {"recover": True, "offset": 7, "epoch": "e"}})
    book.answer(book.tokens["t"])
    (join,) = book.questions
    assert (join.recover, join.since.offset, join.since.epoch, join.recoverable) == (True, 7, "e", True)


def test_asked_channels_are_given_if_the_client_might_subscribe():
    asked: dict[str, dict[str, str]] = {
        "open:x": {},
        "closed": {},
        "$open:y": {},
        "users:#alice": {},
        "users:#bob": {},
        "open:é": {},
    }
    book = talk() >> ask(**asked)
    book << ["connected 'alice'", welcome(subs={"open:x": {}, "users:#alice": {}})]


def test_a_token_in_an_asked_channel_does_not_count():
    talk() >> ask(closed={"token": "x"}) << ["connected 'alice'", welcome()]


def test_anonymous_clients_are_given_what_anonymous_may_have():
    book = talk(token(user="")) >> ask(**{"open:x": {}, "anon:x": {}, "users:#": {}})
    book << ["connected ''", welcome(subs={"anon:x": {}})]


def test_an_unknown_namespace_asked_for():
    talk() >> ask(**{"nope:x": {}}) << ["close(3501)"]


# --------------------------------------------------------------------------------- refresh


def refreshing(outcome, first=None, **changes):
    book = Playbook(tokens={"t": first or token(), "new": outcome}, **changes).connected()
    return book >> {"id": 2, "refresh": {"token": "new"}}


def test_refresh():
    book = refreshing(token(expire_at=WALL + 600), first=token(expire_at=WALL + 2))
    book << [{"id": 2, "refresh": {"expires": True, "ttl": 600}}]
    assert book.session.deadline == 625


def test_refresh_to_a_token_without_end():
    book = refreshing(token(), first=token(expire_at=WALL + 2)) << [{"id": 2, "refresh": {}}]
    assert book.session.deadline == float("inf")


def test_refresh_makes_a_connection_expire():
    refreshing(token(expire_at=WALL + 50)) << [{"id": 2, "refresh": {"expires": True, "ttl": 50}}]


@pytest.mark.parametrize(
    ("outcome", "effect"),
    [
        (q.BadToken("expired"), "close(3005)"),
        (q.BadToken("invalid"), "close(3500)"),
        (
            q.BadToken("bad_info"),
            {"id": 2, "error": {"code": 100, "message": "internal server error", "temporary": True}},
        ),
        (
            q.Failed(errors.INTERNAL),
            {"id": 2, "error": {"code": 100, "message": "internal server error", "temporary": True}},
        ),
        (token(user="bob"), "close(3500)"),
        (token(expire_at=WALL - 5), {"id": 2, "error": {"code": 110, "message": "expired"}}),
        (token(subs={"open:x": Granted()}), "close(3010)"),
        (token(subs={"nope:x": Granted()}), {"id": 2, "error": {"code": 102, "message": "unknown channel"}}),
    ],
)
def test_refresh_with_a_token_that_does_not_do(outcome, effect):
    refreshing(outcome) << [effect]


def test_refresh_without_a_token():
    Playbook().connected() >> {"id": 2, "refresh": {}} << ["close(3501)"]


def test_refresh_must_name_the_same_channels():
    named = token(subs={"open:x": Granted()})
    refreshing(named, first=named) << [{"id": 2, "refresh": {}}]
    refreshing(token(), first=named) << ["close(3010)"]


def test_channels_beside_the_token_do_not_matter_to_refresh():
    book = Playbook(personal_channel=True, tokens={"new": token()}).connected()
    book >> {"id": 2, "subscribe": {"channel": "open:x"}}
    book >> {"id": 3, "refresh": {"token": "new"}} << [{"id": 3, "refresh": {}}]


def test_new_info_counts_at_once():
    book = refreshing(token(info=Raw(b'{"v":2}')), first=token(info=Raw(b'{"v":1}')))
    assert bytes(book.session.client_info("x").conn_info) == b'{"v":2}'
    book = refreshing(token(), first=token(info=Raw(b'{"v":1}')))
    assert bytes(book.session.client_info("x").conn_info) == b'{"v":1}'


@pytest.mark.parametrize(
    ("user", "most", "enters"), [("é" * 127, 255, True), ("é" * 128, 255, False), ("a" * 999, 0, True)]
)
def test_a_user_id_has_a_longest_length(user, most, enters):
    book = Playbook(tokens={"t": token(user=user)}, user_id_max_length=most) >> CONNECT
    assert isinstance(book.effects[-1], q.Reply) == enters
    if not enters:
        book << ["close(3500)"]


def test_a_channel_asked_for_with_connect_has_a_longest_name_too():
    channels = {"open:" + "x" * 1019: {}, "open:" + "x" * 1020: {}}
    book = Playbook(answers=False) >> {"id": 1, "connect": {"token": "t", "subs": channels}}
    book.answer(token())
    assert [join.channel for join in book.questions] == ["open:" + "x" * 1019]


def test_the_longest_name_of_a_subscribe_is_none_for_connect():
    book = Playbook(answers=False, channel_max_length=40) >> {
        "id": 1,
        "connect": {"token": "t", "subs": {"open:" + "x" * 99: {}}},
    }
    book.answer(token())
    assert [join.channel for join in book.questions] == ["open:" + "x" * 99]


def test_a_channel_without_a_name_is_left_out():
    book = Playbook(insecure=True) >> {"id": 1, "connect": {"token": "t", "subs": {"": {}}}}
    book << ["connected 'alice'", welcome()]
    assert book.session.channels == []


# ------------------------------------------------------------------ presence, join and leave


def test_server_side_channels_are_attended_as_their_namespaces_and_claims_say():
    subs = {"jl:x": Granted(info=Raw(b'{"i":1}')), "open:x": Granted(presence=True), "pub:x": Granted()}
    book = Playbook(tokens={"t": token(info=Raw(b"7"), subs=subs)}) >> {"id": 1, "connect": {"token": "t"}}
    joins = {each.channel: each for each in book.questions if isinstance(each, q.Join)}
    info = joins["jl:x"].attendance.info
    assert (info.user, info.client, bytes(info.conn_info), bytes(info.chan_info)) == ("alice", CLIENT, b"7", b'{"i":1}')
    assert (joins["jl:x"].attendance.announced, joins["jl:x"].told) == (True, True)
    assert (joins["open:x"].attendance.present, joins["open:x"].told) == (True, False)
    assert joins["pub:x"].attendance is None
    assert [channel for channel, how in book.session.attendances() if how is not None] == ["jl:x", "open:x"]


def test_refresh_with_other_info_tells_others():
    book = Playbook().connected() >> {"id": 2, "subscribe": {"channel": "pres:x"}}
    book.tokens["r"] = token(info=Raw(b'{"n":2}'))
    book >> {"id": 3, "refresh": {"token": "r"}}
    assert bytes(book.effects[0].attendance.info.conn_info) == b'{"n":2}'
    book << ["changed pres:x", {"id": 3, "refresh": {}}]
    book >> {"id": 4, "refresh": {"token": "r"}} << [{"id": 4, "refresh": {}}]
