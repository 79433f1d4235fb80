"""Each channel: the call that its provider documents, and what its answers mean."""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts.pager.channels.dingtalk import DingTalk
from alerts.pager.channels.outcome import Answer, Later, Refused, Sent, Unreachable, by_status
from alerts.pager.channels.pagerduty import PagerDuty
from alerts.pager.channels.provider import Provider
from alerts.pager.channels.webhook import Webhook
from alerts.pager.channels.wecom import LONGEST_APP, LONGEST_ROBOT, WeComApp, WeComRobot
from alerts.pager.rota import Person
from tests.alerts.pager.notices import notice
from tests.alerts.pager.test_message import message

ADA = Person("ada", "Ada", "+8613800000001", "ada@example.com", "ada-at-work")
NOBODY = Person("ben", "Ben")
NOW = 1_700_000_000.25
ONE = [message(notice())]


@pytest.fixture
def file(tmp_path):
    def write(text):
        place = tmp_path / f"secret-{len(list(tmp_path.iterdir()))}"
        place.write_text(text + "\n")
        return str(place)

    return write


def answer(body=None, status=200, **headers):
    return Answer(status, headers, b"" if body is None else json.dumps(body).encode())


def body_of(call):
    return json.loads(call.body)


# ------------------------------------------------------------------------ DingTalk


def test_dingtalk_is_signed(file):
    url = "https://oapi.dingtalk.com/robot/send?access_token=abc"
    call = DingTalk("chat", file(url), file("SECkey")).call(ONE, ADA, NOW)
    asked = parse_qs(urlsplit(call.url).query)
    stamp = "1700000000250"
    wanted = base64.b64encode(hmac.new(b"SECkey", f"{stamp}\nSECkey".encode(), hashlib.sha256).digest()).decode()
    assert asked == {"access_token": ["abc"], "timestamp": [stamp], "sign": [wanted]}
    said = body_of(call)
    assert said["msgtype"] == "markdown"
    assert said["at"] == {"atMobiles": ["13800000001"], "isAtAll": False}, "a number of its own country, as it knows it"
    assert said["markdown"]["text"].endswith("@13800000001"), "a mention works only when it stands in the text"
    abroad = Person("dee", "Dee", "+85291234567")
    assert body_of(DingTalk("chat", file(url)).call(ONE, abroad, NOW))["at"]["atMobiles"] == ["+85291234567"]
    assert DingTalk("chat", file(url)).call(ONE, None, NOW).url == url


@pytest.mark.parametrize("make", [DingTalk, WeComRobot])
def test_http_200_with_a_code_is_a_refusal(make):
    channel = make("chat", "/nowhere")
    assert channel.verdict(answer({"errcode": 0, "errmsg": "ok"})) == Sent()
    too_often = {DingTalk: 130101, WeComRobot: 45009}[make]
    outcome = channel.verdict(answer({"errcode": too_often, "errmsg": "send too fast"}))
    assert isinstance(outcome, Later)
    assert outcome.seconds == {DingTalk: 600, WeComRobot: 60}[make], "DingTalk mutes its robot for ten minutes"
    assert channel.verdict(answer({"errcode": 310000, "errmsg": "sign not match"})) == Refused(
        "errcode 310000: sign not match"
    )
    assert isinstance(channel.verdict(answer({"hello": 1})), Later)
    assert isinstance(channel.verdict(answer(status=502)), Later)


# --------------------------------------------------------------------------- WeCom


def test_wecoms_robot_gets_markdown_that_fits(file):
    robot = WeComRobot("chat", file("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"))
    long = [message(*(notice(instance="é" * 400 + str(n)) for n in range(10)))]
    said = body_of(robot.call(long, ADA, NOW))
    assert said["msgtype"] == "markdown"
    assert len(said["markdown"]["content"].encode()) <= LONGEST_ROBOT
    assert said["markdown"]["content"].endswith("<@ada-at-work>")


def test_wecoms_application_asks_for_its_token_first_and_again_when_it_has_ended(file):
    app = WeComApp("wecom", "corp", 7, file("s3cret"), api="http://wecom")
    first = app.call(ONE, ADA, NOW)
    assert first.url == "http://wecom/cgi-bin/gettoken?corpid=corp&corpsecret=s3cret"
    assert first.method == "GET"
    assert app.verdict(answer({"errcode": 0, "access_token": "T1", "expires_in": 7200})) == Later(
        "first a new access token", 0.0
    )
    second = app.call(ONE, ADA, NOW)
    assert second.url == "http://wecom/cgi-bin/message/send?access_token=T1"
    said = body_of(second)
    assert (said["touser"], said["agentid"], said["msgtype"]) == ("ada-at-work", 7, "markdown")
    assert len(said["markdown"]["content"].encode()) <= LONGEST_APP
    assert app.verdict(answer({"errcode": 0, "errmsg": "ok"})) == Sent()
    assert "gettoken" in app.call(ONE, ADA, NOW + 7200 - 59).url, "old a minute before its end"
    app.verdict(answer({"errcode": 0, "access_token": "T2", "expires_in": 7200}))
    app.call(ONE, ADA, NOW + 7200)
    stale = app.verdict(answer({"errcode": 42001, "errmsg": "access_token expired"}))
    assert isinstance(stale, Later)
    assert not stale.seconds
    assert "gettoken" in app.call(ONE, ADA, NOW + 7201).url
    assert app.verdict(answer({"errcode": 40013, "errmsg": "invalid corpid"})) == Refused(
        "errcode 40013: invalid corpid"
    )
    assert "T2" not in repr(app)


def test_wecom_knows_a_user_or_says_so(file):
    app = WeComApp("wecom", "corp", 7, file("s3cret"))
    app.call(ONE, ADA, NOW)
    app.verdict(answer({"errcode": 0, "access_token": "T1", "expires_in": 7200}))
    app.call(ONE, ADA, NOW)
    assert app.verdict(answer({"errcode": 0, "invaliduser": "ada-at-work"})) == Refused(
        "WeCom knows no user ada-at-work"
    )
    with pytest.raises(Unreachable, match="Ben has no WeCom user id"):
        app.call(ONE, NOBODY, NOW)


# ------------------------------------------------------------------- SMS and telephone


def test_a_providers_body_is_a_template(file):
    body = {"to": ["{phone}"], "params": {"what": "{title}", "text": "{text}", "who": "{name}"}, "voice": True, "n": 3}
    sms = Provider("sms", "http://provider/send", body, file("t0ken"), longest=120)
    call = sms.call(ONE, ADA, NOW)
    said = body_of(call)
    assert call.headers["Authorization"] == "Bearer t0ken"
    assert (said["to"], said["voice"], said["n"], said["params"]["who"]) == ([ADA.phone], True, 3, "Ada")
    assert len(said["params"]["text"]) <= 120
    with pytest.raises(Unreachable, match="Ben has no phone in the rota"):
        sms.call(ONE, NOBODY, NOW)
    with pytest.raises(Unreachable, match="nobody has no phone"):
        sms.call(ONE, None, NOW)


def test_a_provider_that_says_no_with_http_200():
    sms = Provider("sms", "http://provider", {}, success={"Code": "OK"})
    assert sms.verdict(answer({"Code": "OK", "Message": "fine"})) == Sent()
    assert isinstance(sms.verdict(answer({"Code": "isv.BUSINESS_LIMIT_CONTROL"})), Refused)
    assert isinstance(sms.verdict(Answer(200, {}, b"<html>")), Refused)
    assert isinstance(sms.verdict(answer(status=401)), Refused)
    assert sms.verdict(answer(status=429, **{"Retry-After": "90"})) == Later("HTTP 429", 90.0)


def test_a_provider_that_is_busy_with_http_200_is_asked_again_soon():
    sms = Provider(
        "sms", "http://provider", {}, success={"Code": "OK"}, busy={"Code": ["LIMIT", "BUSY"], "retry": True}
    )
    for body in ({"Code": "BUSY"}, {"Code": "LIMIT", "retry": False}, {"Code": "?", "retry": True}):
        outcome = sms.verdict(answer(body))
        assert isinstance(outcome, Later), body
        assert outcome.seconds <= 5
    assert isinstance(sms.verdict(answer({"Code": "NO_SUCH_NUMBER"})), Refused)
    assert sms.verdict(answer({"Code": "OK", "retry": True})) == Sent()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("90", 90),
        ("0", 1),
        ("-5", 15),
        ("9" * 400, 15),
        ("99999", 3600),
        ("\u00b2", 15),
        ("soon", 15),
        ("", 15),
        ("Sat, 21 Nov 2026 12:00:40 GMT", 40),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 1),
        ("Sat, 99 Nov 2026 12:00:40 GMT", 15),
    ],
)
def test_what_asks_for_patience_gets_some_and_never_all(given, seconds):
    headers = {"Retry-After": given, "Date": "Sat, 21 Nov 2026 12:00:00 GMT"}
    assert by_status(Answer(503, headers, b"")) == Later("HTTP 503", float(seconds))


# ---------------------------------------------------------------- PagerDuty and others


def test_pagerdutys_incident_follows_the_case(file):
    duty = PagerDuty("pd", file("routing"))
    opened = body_of(duty.call(ONE, None, NOW))
    over = body_of(duty.call([message(notice(ends=1060), kind="over")], None, NOW))
    other = body_of(duty.call([message(notice(), case=8)], None, NOW))
    taken = body_of(duty.call([message(notice(), kind="acknowledged")], None, NOW))
    assert (opened["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert taken == {k: v for k, v in opened.items() if k not in ("payload", "links")} | {"event_action": "acknowledge"}
    assert opened["dedup_key"] == over["dedup_key"] != other["dedup_key"]
    assert opened["routing_key"] == "routing"
    assert opened["payload"]["severity"] == "critical"
    assert opened["payload"]["source"] == "heliograph:9000"
    assert [link["text"] for link in opened["links"]] == ["Runbook", "Board", "Pager"]
    odd = body_of(duty.call([message(notice(severity="page"))], None, NOW))
    assert odd["payload"]["severity"] == "error", "it takes four words only"
    assert duty.verdict(Answer(202, {}, b"")) == Sent()
    assert isinstance(duty.verdict(Answer(400, {}, b'{"message":"Event object is invalid"}')), Refused)


def test_a_webhook_is_signed(file):
    call = Webhook("ours", "http://there", file("key")).call(ONE, ADA, NOW)
    stamp, _, signature = call.headers["X-Heliograph-Signature"].partition(",v1=")
    wanted = hmac.new(b"key", b"1700000000." + call.body, hashlib.sha256).hexdigest()
    assert (stamp, signature) == ("t=1700000000", wanted)
    said = body_of(call)
    assert said["person"] == "ada"
    assert said["cases"][0]["title"] == ONE[0].title


@pytest.mark.parametrize("text", [None, ""])
def test_a_secret_that_is_missing_is_named_by_its_file(tmp_path, text):
    place = tmp_path / "key"
    if text is not None:
        place.write_text(text)
    with pytest.raises(Unreachable, match=r"DingTalk's robot: .*key (cannot be read|is empty)"):
        DingTalk("chat", str(place)).call(ONE, None, NOW)


def test_a_secret_can_be_changed_while_it_runs(file, tmp_path):
    place = file("https://one?x=1")
    chat = DingTalk("chat", place)
    assert chat.call(ONE, None, NOW).url == "https://one?x=1"
    (tmp_path / place.rsplit("/", 1)[1]).write_text("https://two?x=1")
    assert chat.call(ONE, None, NOW).url == "https://two?x=1"
