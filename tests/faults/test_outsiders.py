"""Whom the lab's server and pager talk to."""

import time

import pytest

from alerts.pager.channels.dingtalk import signature
from faults.outsiders import KEY, TOKEN, Outsiders

SAID = {"msgtype": "markdown", "markdown": {"title": "Fire", "text": "Fire"}}


@pytest.fixture
async def asked(aiohttp_client, tmp_path):
    client = await aiohttp_client(Outsiders(tmp_path).application())
    return client, tmp_path


async def chat(client, key=KEY):
    signed = signature(key, round(time.time() * 1000))
    answer = await client.post(f"/chat?access_token={TOKEN}{signed}", json=SAID)
    return (await answer.json())["errcode"]


async def test_in_order_they_take_everything(asked):
    client, _ = asked
    assert (await (await client.post("/hook", json={})).json()) == {"result": {"data": {}}}
    assert await chat(client) == 0
    assert await chat(client, "another key") == 310000
    assert (await client.post("/webhook", json={})).status == 204
    assert (await (await client.get("/health")).json()) == {"told": 2}


async def test_each_fails_as_it_is_ordered(asked):
    client, orders = asked
    (orders / "chat-limit").write_text("1")
    (orders / "provider-refuses").write_text("1.0")
    answers = [await chat(client) for _ in range(3)]
    assert answers == [0, 130101, 130101]
    assert (await client.post("/webhook", json={})).status == 503
    (orders / "provider-refuses").unlink()
    assert (await client.post("/webhook", json={})).status == 204
