"""WeCom's robot and application refuse what WeCom refuses."""

import json

import pytest

from faults.providers.book import Book
from faults.providers.wecom import LIFE, App, Robot

KIND = "application/json; charset=utf-8"
USERS = frozenset({"ada", "ben"})
ASK = {"corpid": "ww1", "corpsecret": "s3cret"}


class World:
    def __init__(self):
        self.now = 1_800_000_000.0
        self.book = Book(lambda: self.now)
        self.robot = Robot(self.book, key="K", users=USERS)
        self.app = App(self.book, corp="ww1", key="s3cret", agent=7, users=USERS)

    def group(self, content="Fire <@ada>", key="K", **changed):
        body = {"msgtype": "markdown", "markdown": {"content": content}, **changed}
        return self.robot.answer({"key": key}, KIND, json.dumps(body).encode())["errcode"]

    def token(self):
        return self.app.token("GET", ASK)["access_token"]

    def send(self, token, content="Fire", **changed):
        body = {"touser": "ada", "msgtype": "markdown", "agentid": 7, "markdown": {"content": content}, **changed}
        return self.app.answer({"access_token": token}, KIND, json.dumps(body).encode())


@pytest.fixture
def world():
    return World()


def test_the_group_hears_what_is_right(world):
    assert world.group() == 0
    assert world.book.taken[0].to == ("ada",)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"key": "L"}, 93000),
        ({"content": "x" * 4097}, 40058),
        ({"content": "é" * 2049}, 40058),
        ({"content": ""}, 40058),
        ({"content": "<@eve>"}, 40031),
        ({"msgtype": "html"}, 40008),
        ({"more": 1}, 47001),
    ],
)
def test_the_group_hears_nothing_else(world, what, code):
    assert world.group(**what) == code
    assert not world.book.taken


def test_the_robot_takes_twenty_a_minute(world):
    assert [world.group() for _ in range(21)] == [0] * 20 + [45009]
    world.now += 60
    assert world.group() == 0


def test_a_token_is_asked_for_with_get_and_is_the_same_until_it_ends(world):
    assert world.app.token("POST", ASK)["errcode"] == 43001
    assert world.app.token("GET", {**ASK, "corpid": "ww2"})["errcode"] == 40013
    assert world.app.token("GET", {**ASK, "corpsecret": "guess"})["errcode"] == 40001
    first = world.app.token("GET", ASK)
    assert (first["errcode"], first["expires_in"]) == (0, 7200)
    world.now += 10
    assert world.app.token("GET", ASK) == first | {"expires_in": 7190}
    world.now += LIFE
    assert world.token() != first["access_token"]
    assert world.app.given == 2


def test_without_a_good_token_nothing_is_sent(world):
    token = world.token()
    assert world.send(token)["errcode"] == 0
    assert world.book.taken[0].to == ("ada",)
    assert world.send("")["errcode"] == 41001
    assert world.send("guess")["errcode"] == 40014
    world.app.end_tokens()
    assert world.send(token)["errcode"] == 42001
    assert world.send(world.token())["errcode"] == 0


def test_a_token_ends_early_when_it_is_told_to(world):
    token = world.token()
    world.book.trouble_first("wecom_app", (42001, "access_token expired"))
    world.book.trouble_first("wecom_tokens", (-1, "system busy"))
    assert [world.send(token)["errcode"] for _ in range(2)] == [42001, 42001]
    assert world.app.token("GET", ASK)["errcode"] == -1
    assert world.send(world.token())["errcode"] == 0


def test_a_message_is_in_its_form_and_for_somebody(world):
    token = world.token()
    assert world.send(token, agentid=8)["errcode"] == 40056
    assert world.send(token, content="x" * 2049)["errcode"] == 40058
    assert world.send(token, more=1)["errcode"] == 47001
    assert world.send(token, touser="eve")["errcode"] == 81013
    assert not world.book.taken
    assert world.send(token, touser="ada|eve") == {"errcode": 0, "errmsg": "ok", "invaliduser": "eve", "msgid": "m1"}
