"""All providers at their doors."""

import json
import ssl
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.providers.town import SECRETS, Town
from tests.service.connections.authority import Authority


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path_factory.mktemp("town")).issue())
    with Town(context, users=frozenset({"ada"})) as town:
        yield town


def post(url, body, **headers):
    kind = {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), kind | headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_each_has_its_door_and_knows_strangers(town, tmp_path):
    secrets = town.secrets(tmp_path / "secrets")
    assert {file.name for file in secrets.iterdir()} == SECRETS.keys() | {"dingtalk_url", "wecom_url"}
    robot = (secrets / "dingtalk_url").read_text().strip()
    assert post(robot, {})[1]["errcode"] == 310000
    group = (secrets / "wecom_url").read_text().strip()
    assert post(group, {"msgtype": "markdown", "markdown": {"content": "Fire"}}) == (
        200,
        {"errcode": 0, "errmsg": "ok"},
    )
    assert post(town.url("/cgi-bin/gettoken"), {})[1]["errcode"] == 43001
    assert post(town.url("/cgi-bin/message/send"), {})[1]["errcode"] == 41001
    assert post(town.url("/v2/enqueue"), {})[0] == 400
    assert post(town.url("/v1/messages"), {})[0] == 401
    assert post(town.url("/v1/calls"), {})[0] == 401
    assert post(town.url("/alerts"), {})[0] == 401


def test_an_answer_is_held_back_while_it_is_told_to_and_the_message_is_there(town):
    say = {"to": "+8613800000001", "text": "Fire"}
    with ThreadPoolExecutor(1) as beside:
        with town.book.held("sms"):
            who = f"Bearer {SECRETS['sms_token']}"
            answer = beside.submit(post, town.url("/v1/messages"), say, Authorization=who)
            town.book.until(lambda book: [one for one in book.taken if one.provider == "sms"])
            time.sleep(0.05)
            assert not answer.done()
        assert answer.result(5) == (200, {"code": "OK"})
