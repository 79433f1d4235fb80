"""Each crowd does to a real server what its name says."""

import time

import pytest

from faults import crowds
from faults.visitor import Away, Visitor
from tests.e2e import served
from tests.e2e.served import Served
from tests.waiting import until_told


class Lab:
    """What crowds ask of a stack, from one server."""

    def __init__(self, server):
        self._server = server
        self.port = server.port

    def token(self, user):
        return served.token(user)

    def publish(self, channel, data):
        return self._server.publish(channel, data), ""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("crowds")) as running:
        yield running


@pytest.fixture
def lab(server):
    return Lab(server)


async def test_a_crowd_comes_and_goes(server, lab):
    async with crowds.crowd(lab, 30, a_second=1000.0):
        await until_told(lambda: server.figure("heliograph_connections") >= 30)
    await until_told(lambda: server.figure("heliograph_connections") == 0)


async def test_a_crowd_comes_as_slowly_as_it_is_told_to(lab):
    began = time.monotonic()
    async with crowds.crowd(lab, 4, a_second=20.0):
        assert time.monotonic() - began >= 0.2


async def test_a_crowd_that_does_not_listen_is_there(server, lab):
    async with crowds.crowd(lab, 3, a_second=1000.0, listens=False):
        await until_told(lambda: server.figure("heliograph_connections") >= 3)


async def test_stubborn_readers_are_cut_and_come_back(server, lab, monkeypatch):
    monkeypatch.setattr(crowds, "_STUBBORN", 0.3)
    before = server.figure("heliograph_greetings_total", result="connected")
    async with crowds.stubborn(lab, "stubborn", readers=2, size=1024, a_second=50.0):
        await until_told(lambda: server.figure("heliograph_greetings_total", result="connected") >= before + 4)


async def test_newcomers_go_on_coming(server, lab):
    before = server.figure("heliograph_greetings_total", result="connected")
    async with crowds.too_many(lab, 3, 50.0):
        await until_told(lambda: server.figure("heliograph_greetings_total", result="connected") >= before + 6)
    await until_told(lambda: server.figure("heliograph_connections") == 0)


async def test_strangers_are_refused(server, lab):
    async with crowds.strangers(lab, 50.0):
        await until_told(lambda: server.figure("heliograph_tokens_refused_total") >= 3)


async def test_a_storm_blows_again_and_again(server, lab):
    before = server.figure("heliograph_greetings_total", result="connected")
    async with crowds.storm(lab, 5, 0.1):
        await until_told(lambda: server.figure("heliograph_greetings_total", result="connected") >= before + 15)


async def test_readers_stay_behind(server, lab):
    async with crowds.behind(lab, "late", readers=2, lag=5, size=65536, a_second=50.0):
        await until_told(lambda: server.figure("heliograph_backlog_messages") > 4)


async def test_a_talker_hears_both_messages_of_each_breath(server, lab):
    def figures():
        return [
            server.figure("heliograph_publications_total", via="client"),
            server.figure("heliograph_messages_delivered_total"),
        ]

    before = figures()
    async with crowds.talker(lab, 50.0):
        await until_told(lambda: min(now - was for now, was in zip(figures(), before, strict=True)) >= 20)


async def test_who_is_refused_or_cut_is_away(lab):
    with pytest.raises(Away, match="unauthorized|invalid|token|disconnect|closed"):
        await Visitor.come(lab.port, "no token at all")
    with pytest.raises(Away):
        await Visitor.come(served.free_port(), "")
