"""subscribe, sub_refresh and unsubscribe, as recorded from Centrifugo."""

import pytest
from msgspec import Raw

from service.connections import questions as q
from service.connections.standing import Subscription
from service.protocol import closing, errors
from service.protocol import messages as wire
from tests.service.connections.playbook import CLIENT, WALL, Playbook, channel_token, shown, token

INTERNAL = {"code": 100, "message": "internal server error", "temporary": True}
DENIED = {"code": 103, "message": "permission denied"}
BAD = {"code": 107, "message": "bad request"}
POSITION = {"epoch": "ep", "positioned": True}
RECOVERABLE = {"recoverable": True, **POSITION}


def talk(**changes):
    return Playbook(**changes).connected()


def subscribe(channel="open:x", **request):
    return {"id": 2, "subscribe": {"channel": channel, **request}}


def subscribed(**result):
    return {"id": 2, "subscribe": result}


def refused(error):
    return {"id": 2, "error": error}


def with_token(outcome, **changes):
    return talk(tokens={"s": outcome}, **changes)


# ------------------------------------------------------------------------------- who may


def test_allowed_by_the_namespace():
    book = talk() >> subscribe() << [subscribed()]
    assert book.session.channels == ["open:x"]


@pytest.mark.parametrize(
    ("channel", "effect"),
    [
        ("x", refused(DENIED)),
        ("nope:x", refused({"code": 102, "message": "unknown channel"})),
        ("$open:x", refused(DENIED)),
        ("users:x", refused(DENIED)),
        ("users:x#alice", subscribed()),
        ("users:x#bob,alice", subscribed()),
        ("users:x#bob#alice", subscribed()),
        ("users:x#bob", refused(DENIED)),
        ("users:x#alic", refused(DENIED)),
        ("open:", subscribed()),
        ("open:a:b", subscribed()),
        ("open:a b /*?%", subscribed()),
        ("open:é", refused(BAD)),
        ("regex:ABC", refused(BAD)),
        ("regex:abc", subscribed()),
        ("", "close(3501)"),
    ],
)
def test_names(channel, effect):
    talk() >> subscribe(channel) << [effect]


def test_anonymous_clients():
    book = talk(tokens={"t": token(user="")})
    book >> subscribe("open:x") << [refused(DENIED)]
    book >> subscribe("anon:x") << [subscribed()]
    book >> subscribe("users:x#") << [refused(DENIED)]


def test_insecure_lets_everybody_in_but_not_everywhere():
    book = talk(insecure=True)
    book >> subscribe("x") << [subscribed()]
    book >> subscribe("nope:x") << [refused({"code": 102, "message": "unknown channel"})]
    book >> subscribe("$rec:x") << [refused(DENIED)]


def test_a_refusal_says_why():
    assert "token" in (talk() >> subscribe("$open:x")).why()


def test_twice():
    book = talk() >> subscribe()
    book >> subscribe() << [refused({"code": 105, "message": "already subscribed"})]


def test_too_many_channels():
    book = talk(channel_limit=2)
    book >> subscribe("open:1") << [subscribed()]
    book >> subscribe("open:2") << [subscribed()]
    book >> subscribe("open:3") << [refused({"code": 106, "message": "limit exceeded"})]
    book >> {"id": 3, "unsubscribe": {"channel": "open:1"}}
    book >> subscribe("open:3") << [subscribed()]


def test_a_name_may_be_so_long():
    book = talk(channel_max_length=40)
    book >> subscribe("open:" + "x" * 36) << [refused(BAD)]
    book >> subscribe("open:" + "x" * 35) << [subscribed()]
    talk(channel_max_length=0) >> subscribe("open:" + "x" * 1000) << [subscribed()]


def test_only_stream_subscriptions_exist():
    talk() >> subscribe(type=1) << [refused(DENIED)]
    talk() >> subscribe("nope:x", type=1) << [refused({"code": 102, "message": "unknown channel"})]
    talk() >> subscribe("nope:x", type=4, delta="xyz") << [refused({"code": 108, "message": "not available"})]


def test_an_unknown_delta_type_is_told_before_anything_else():
    book = talk() >> subscribe() << [subscribed()]
    book >> subscribe(delta="xyz") << ["close(3501)"]
    talk() >> subscribe("nope:x", delta="xyz") << ["close(3501)"]


def test_delta_and_tags_filter():
    talk() >> subscribe(delta="fossil") << [subscribed()]
    talk() >> subscribe(delta="xyz") << ["close(3501)"]
    talk() >> subscribe(tf={"key": "a", "cmp": "eq", "val": "1"}) << [refused(BAD)]
    talk() >> subscribe("users:a", tf={"key": "a", "cmp": "eq", "val": "1"}) << [refused(DENIED)]
    talk() >> subscribe("tagged:a", tf={"key": "a", "cmp": "eq", "val": "1"}) << [subscribed()]
    talk() >> subscribe("tagged:a", tf={"key": "a", "cmp": "eq"}) << [refused(BAD)]


def test_a_tags_filter_has_a_limit():
    many = {"op": "or", "nodes": [{"key": "a", "cmp": "in", "vals": [str(n) for n in range(62)]}]}
    talk() >> subscribe("tagged:a", tf=many) << [subscribed()]
    many["nodes"][0]["vals"].append("x")
    talk() >> subscribe("tagged:a", tf=many) << [refused(BAD)]
    talk(tags_filter_limit=0) >> subscribe("tagged:a", tf=many) << [subscribed()]


@pytest.mark.parametrize("flag", [1, 1024, -1])
def test_unknown_flags_do_no_harm(flag):
    talk() >> subscribe(flag=flag, data={"a": 1}) << [subscribed()]


# ---------------------------------------------------------------------- positions and recovery


def asked(**request):
    book = talk(answers=False) >> subscribe(**request)
    (join,) = book.questions
    return join


@pytest.mark.parametrize(
    ("channel", "request_", "result"),
    [
        ("hist:x", {"positioned": True}, POSITION),
        ("posopt:x", {"positioned": True}, POSITION),
        ("histno:x", {"positioned": True}, {}),
        ("recopt:x", {"recoverable": True}, RECOVERABLE),
        ("histno:x", {"recoverable": True}, {}),
        ("open:x", {"recoverable": True}, {}),
        ("recopt:x", {}, {}),
        ("pos:x", {}, POSITION),
        ("rec:x", {}, RECOVERABLE),
        ("histno:x", {"recover": True}, {"was_recovering": True}),
    ],
)
def test_what_is_forced_or_asked_for_and_allowed(channel, request_, result):
    talk() >> subscribe(channel, **request_) << [subscribed(**result)]


def test_the_position_is_asked_about():
    join = asked(channel="rec:x", recover=True, offset=2**62, epoch="e", flag=3)
    assert (join.recover, join.since.offset, join.since.epoch, join.strict) == (True, 2**62, "e", True)
    assert not asked(channel="rec:x", flag=1).strict


def test_recovered_publications_and_the_epoch_of_the_first():
    book = talk(answers=False) >> subscribe("rec:x", recover=True)
    book.answer(q.Prepared(None))
    first, second = (wire.Publication(data=Raw(b"%d" % n), offset=n) for n in (1, 2))
    book.answer(q.Entered((q.Joined(recovered=True, epoch="ep", publications=(first, second)),)))
    publications = [{"data": 1, "offset": 1, "epoch": "ep"}, {"data": 2, "offset": 2}]
    book << [subscribed(recovered=True, epoch="ep", publications=publications)]
    assert first.epoch == ""


def test_an_unrecoverable_position():
    book = talk()
    book.outcomes[q.Enter] = q.Failed(errors.UNRECOVERABLE_POSITION)
    book >> subscribe("rec:x", recover=True, flag=2) << [refused({"code": 112, "message": "unrecoverable position"})]
    assert book.session.channels == []
    book.outcomes.clear()
    book >> subscribe("rec:x") << [subscribed(**RECOVERABLE)]


def test_a_broker_that_does_not_answer():
    book = talk()
    book.outcomes[q.Join] = q.Failed(errors.INTERNAL, "broker unavailable")
    assert (book >> subscribe()).why() == "broker unavailable"
    book << [refused(INTERNAL)]


# -------------------------------------------------------------------------------- by token


@pytest.mark.parametrize("channel", ["x", "$open:x", "users:x#bob", "histno:x"])
def test_a_token_opens_any_channel(channel):
    with_token(channel_token(channel)) >> subscribe(channel, token="s") << [subscribed()]


def test_expiry_info_and_data_of_the_token():
    book = with_token(channel_token("x", expire_at=WALL + 77, info=Raw(b"[1]"), data=Raw(b'{"hello":[1]}')))
    book >> subscribe("x", token="s") << [subscribed(expires=True, ttl=77, data={"hello": [1]})]
    assert book.session.client_info("x") == wire.ClientInfo("alice", CLIENT, chan_info=Raw(b"[1]"))


@pytest.mark.parametrize(
    ("override", "channel", "result"),
    [
        ({"force_recovery": True}, "histno:x", RECOVERABLE),
        ({"force_positioning": True}, "histno:x", POSITION),
        ({"force_recovery": False}, "rec:x", {}),
    ],
)
def test_overrides_of_the_token(override, channel, result):
    with_token(channel_token(channel, **override)) >> subscribe(channel, token="s") << [subscribed(**result)]


@pytest.mark.parametrize(
    ("outcome", "effect"),
    [
        (q.BadToken("expired"), refused({"code": 109, "message": "token expired"})),
        (q.BadToken("invalid"), refused(DENIED)),
        (q.BadToken("bad_info"), refused(DENIED)),
        (q.Failed(errors.INTERNAL), refused(INTERNAL)),
        (channel_token("y"), "close(3500)"),
        (channel_token("x", user="bob"), "close(3500)"),
        (channel_token("x", user=""), "close(3500)"),
        (channel_token("x", client="nobody"), "close(3500)"),
        (channel_token("x", client=CLIENT), subscribed()),
        (channel_token("nope:x"), refused({"code": 102, "message": "unknown channel"})),
        (channel_token("x", expire_at=WALL - 3), refused({"code": 110, "message": "expired"})),
    ],
)
def test_tokens_that_do_not_do(outcome, effect):
    with_token(outcome) >> subscribe("x", token="s") << [effect]


# --------------------------------------------------------------------------- end of subscription


def test_a_subscription_ends_after_its_grace():
    book = with_token(channel_token("x", expire_at=WALL + 2), expired_sub_close_delay=1)
    book.session.heartbeat = None
    book >> subscribe("x", token="s")
    book >> subscribe("open:y")
    book >> 2.9 << []
    push = {"push": {"channel": "x", "unsubscribe": {"code": 2501, "reason": "subscription expired"}}}
    book >> 0.1 << ["left x 2501", push]
    assert book.session.channels == ["open:y"]
    book >> 1e6 << []


def test_sub_refresh_prolongs():
    book = with_token(channel_token("x", expire_at=WALL + 2))
    book >> subscribe("x", token="s")
    book.tokens["s"] = channel_token("x", expire_at=WALL + 600, info=Raw(b"2"))
    refresh = {"id": 3, "sub_refresh": {"channel": "x", "token": "s"}}
    book >> refresh << [{"id": 3, "sub_refresh": {"expires": True, "ttl": 600}}]
    assert bytes(book.session.client_info("x").chan_info) == b"2"
    book.session.heartbeat = None
    book >> 620 << []
    book.tokens["s"] = channel_token("x")
    book >> refresh << [{"id": 3, "sub_refresh": {}}]
    book >> 1e6 << []


def test_sub_refresh_gives_a_plain_subscription_an_end():
    book = with_token(channel_token("open:x", expire_at=WALL + 2)) >> subscribe()
    book >> {"id": 3, "sub_refresh": {"channel": "open:x", "token": "s"}}
    book << [{"id": 3, "sub_refresh": {"expires": True, "ttl": 2}}]
    assert book.session.subscription_deadline == 27


@pytest.mark.parametrize(
    ("outcome", "effect"),
    [
        (q.BadToken("invalid"), "close(3500)"),
        (q.BadToken("bad_info"), "close(3500)"),
        (q.BadToken("expired"), {"id": 3, "error": {"code": 109, "message": "token expired"}}),
        (channel_token("other"), "close(3500)"),
        (channel_token("open:x", user="bob"), "close(3500)"),
        (channel_token("open:x", expire_at=WALL - 1), {"id": 3, "error": {"code": 110, "message": "expired"}}),
    ],
)
def test_sub_refresh_with_a_token_that_does_not_do(outcome, effect):
    """An expired token is an error here; Centrifugo takes it and lets the subscription live for ever."""
    book = with_token(outcome) >> subscribe()
    book >> {"id": 3, "sub_refresh": {"channel": "open:x", "token": "s"}} << [effect]


def test_sub_refresh_of_what_cannot_be_refreshed():
    book = with_token(channel_token("open:x")).does([])
    book >> {"id": 3, "sub_refresh": {"channel": "open:x", "token": "s"}} << [{"id": 3, "error": DENIED}]
    book >> subscribe()
    book >> {"id": 3, "sub_refresh": {"channel": "open:x"}} << [{"id": 3, "error": BAD}]
    book >> {"id": 3, "sub_refresh": {"channel": ""}} << ["close(3501)"]
    served = talk(personal_channel=True)
    served >> {"id": 3, "sub_refresh": {"channel": "#alice", "token": "s"}} << ["close(3501)"]


# -------------------------------------------------------------------------------- unsubscribe


def test_unsubscribe():
    book = talk() >> subscribe()
    book >> {"id": 3, "unsubscribe": {"channel": "open:x"}} << ["left open:x 0", {"id": 3, "unsubscribe": {}}]
    assert book.session.subscriptions is None


@pytest.mark.parametrize("channel", ["open:x", "nope:x", "é"])
def test_unsubscribe_from_a_channel_not_subscribed(channel):
    talk() >> {"id": 3, "unsubscribe": {"channel": channel}} << [{"id": 3, "unsubscribe": {}}]


def test_unsubscribe_from_a_server_side_channel():
    book = talk(personal_channel=True)
    book >> {"id": 3, "unsubscribe": {"channel": "#alice"}} << ["left #alice 0", {"id": 3, "unsubscribe": {}}]


def test_unsubscribe_without_a_channel():
    talk() >> {"id": 3, "unsubscribe": {}} << ["close(3501)"]


# ----------------------------------------------------------------------------- the server's doing

PUSH = {"push": {"channel": "open:x", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}}


def test_the_server_unsubscribes():
    book = talk() >> subscribe()
    book.does(book.session.unsubscribe("open:x", closing.UNSUBSCRIBED_BY_SERVER)) << ["left open:x 2000", PUSH]
    book.does(book.session.unsubscribe("open:x", closing.UNSUBSCRIBED_BY_SERVER)) << [PUSH]
    book >> subscribe() << [subscribed()]


def test_the_server_unsubscribes_before_the_client_is_in():
    book = talk(answers=False) >> subscribe()
    assert book.session.unsubscribe("open:x", closing.UNSUBSCRIBED_BY_SERVER) == []
    book.answer(q.Prepared(None))
    book.answer(q.Entered((q.Joined(),))) << [subscribed(), "left open:x 2000", PUSH]


def test_the_server_unsubscribes_nobody_before_the_greeting():
    book = Playbook()
    assert book.session.unsubscribe("open:x", closing.UNSUBSCRIBED_BY_SERVER) == []


def test_a_lost_position():
    book = talk(personal_channel=True) >> subscribe("pos:x")
    push = {"push": {"channel": "pos:x", "unsubscribe": {"code": 2500, "reason": "insufficient state"}}}
    book.does(book.session.lost_position("pos:x")) << ["left pos:x 2500", push]
    assert book.session.lost_position("pos:x") == []
    assert [shown(e) for e in book.session.lost_position("#alice")] == ["close(3010)"]


# ------------------------------------------------------------------ presence, join and leave


def attending(book):
    """What was asked last: present, announced, and told of others."""
    question = next(each for each in reversed(book.questions) if isinstance(each, q.Join))
    how = question.attendance
    return (how is not None and how.present, how is not None and how.announced, question.told)


@pytest.mark.parametrize(
    ("channel", "asked", "how"),
    [
        ("open:x", True, (False, False, False)),
        ("pres:x", True, (True, False, False)),
        ("jl:x", False, (False, True, True)),
        ("jlopt:x", False, (True, True, False)),
        ("jlopt:x", True, (True, True, True)),
        ("jlno:x", True, (False, True, False)),
    ],
)
def test_the_namespace_says_who_is_seen_and_who_is_told(channel, asked, how):
    book = talk() >> subscribe(channel, join_leave=asked) << [subscribed()]
    assert attending(book) == how
    book >> {"id": 3, "unsubscribe": {"channel": channel}}
    left = book.effects[0].attendance
    assert (left is not None and left.present, left is not None and left.announced) == how[:2]


def test_a_token_says_otherwise():
    granted = {"presence": False, "join_leave": False, "force_push_join_leave": True, "info": Raw(b"[1]")}
    book = with_token(channel_token("jlopt:x", **granted)) >> subscribe("jlopt:x", token="s")
    assert attending(book) == (False, False, True)
    granted = {"presence": True, "join_leave": True, "force_push_join_leave": True, "info": Raw(b"[1]")}
    book = with_token(channel_token("open:x", **granted)) >> subscribe("open:x", token="s")
    assert attending(book) == (True, True, True)
    (join,) = [each for each in book.questions if isinstance(each, q.Join)]
    assert (join.attendance.info.user, bytes(join.attendance.info.chan_info)) == ("alice", b"[1]")


def test_sub_refresh_tells_others_the_new_info_and_changes_nothing_else():
    book = with_token(channel_token("jlopt:x", info=Raw(b"1"))) >> subscribe("jlopt:x", token="s")
    book.tokens["r"] = channel_token("jlopt:x", info=Raw(b"2"), presence=False, join_leave=False)
    refresh = {"id": 3, "sub_refresh": {"channel": "jlopt:x", "token": "r"}}
    book >> refresh
    assert bytes(book.effects[0].attendance.info.chan_info) == b"2"
    book << ["changed jlopt:x", {"id": 3, "sub_refresh": {}}]
    book >> refresh << [{"id": 3, "sub_refresh": {}}]
    kept = book.session.subscription("jlopt:x")
    assert (kept.present, kept.announced) == (True, True)


def test_a_subscription_that_a_backend_took_over_meanwhile_is_not_refreshed():
    book = Playbook(answers=False, tokens={"s": channel_token("open:x", expire_at=WALL + 5)}).connected()
    book >> {"id": 2, "subscribe": {"channel": "open:x"}}
    book.answer(q.Prepared(None))
    book.answer(q.Entered((q.Joined(),)))
    book >> {"id": 3, "sub_refresh": {"channel": "open:x", "token": "s"}} << ["ask VerifyToken"]
    taken_over = Subscription(server_side=True)
    book.session.enter("open:x", taken_over)
    book.answer(book.tokens["s"])
    assert book.session.subscription("open:x") is taken_over
