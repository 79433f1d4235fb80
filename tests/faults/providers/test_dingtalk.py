"""DingTalk's robot refuses what DingTalk refuses."""

import base64
import hashlib
import hmac
import json

import pytest

from faults.providers.book import Book
from faults.providers.dingtalk import DingTalk

KEY, KIND = "SECkey", "application/json; charset=utf-8"
GOOD = {
    "msgtype": "markdown",
    "markdown": {"title": "Fire", "text": "### Fire\n\n@13800000001"},
    "at": {"atMobiles": ["13800000001"], "isAtAll": False},
}


class World:
    def __init__(self):
        self.now = 1_800_000_000.0
        self.book = Book(lambda: self.now)
        self.robot = DingTalk(self.book, token="T", key=KEY)

    def query(self, stamp=None, **changed):
        stamp = str(round(self.now * 1000)) if stamp is None else stamp
        digest = hmac.new(KEY.encode(), f"{stamp}\n{KEY}".encode(), hashlib.sha256).digest()
        return {"access_token": "T", "timestamp": stamp, "sign": base64.b64encode(digest).decode()} | changed

    def call(self, body=GOOD, kind=KIND, **query):
        return self.robot.answer(self.query(**query), kind, json.dumps(body).encode())


@pytest.fixture
def world():
    return World()


def test_what_is_right_is_taken(world):
    assert world.call() == {"errcode": 0, "errmsg": "ok"}
    (one,) = world.book.taken
    assert (one.to, one.text) == (("13800000001",), GOOD["markdown"]["text"])
    plain = {"msgtype": "markdown", "markdown": {"title": "Fire", "text": "Fire"}}
    assert world.call(plain)["errcode"] == 0


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"access_token": "U"}, "token is not exist"),
        ({"sign": "AAAA"}, "sign not match"),
        ({"sign": ""}, "sign not match"),
        ({"stamp": ""}, "invalid timestamp"),
        ({"stamp": str(round(1_800_000_000_000 - 3601_000))}, "invalid timestamp"),
        ({"stamp": str(round(1_800_000_000_000 + 3601_000))}, "invalid timestamp"),
        ({"stamp": "1800000000"}, "invalid timestamp"),
    ],
)
def test_who_does_not_sign_it_rightly_and_now_is_refused(world, query, why):
    assert world.call(**query)["errmsg"] == why
    assert not world.book.taken
    assert world.call(stamp=str(round((world.now - 3599) * 1000)))["errcode"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "msgtype": "html"},
        {**GOOD, "more": 1},
        {**GOOD, "markdown": {"title": "", "text": "x"}},
        {**GOOD, "markdown": {"text": "x"}},
        {**GOOD, "markdown": {"title": "x", "text": "nobody is mentioned"}},
        {**GOOD, "at": {"atMobiles": ["+8613800000001"], "isAtAll": False}},
        {**GOOD, "at": {"atMobiles": "13800000001"}},
        {**GOOD, "markdown": {"title": "x", "text": "@13800000001 " + "x" * 20_000}},
    ],
)
def test_what_is_not_in_its_form_is_refused(world, body):
    assert world.call(body)["errcode"] != 0
    assert not world.book.taken
    assert world.book.complaints


def test_the_twenty_first_of_a_minute_mutes_it_for_ten(world):
    assert [world.call()["errcode"] for _ in range(21)] == [0] * 20 + [130101]
    world.now += 599
    assert world.call()["errcode"] == 130101
    world.now += 1
    assert world.call()["errcode"] == 0


def test_it_is_busy_when_it_is_told_to(world):
    world.book.trouble_first("dingtalk", (-1, "system busy"))
    assert [world.call()["errcode"] for _ in range(2)] == [-1, 0]
    assert not world.book.complaints
