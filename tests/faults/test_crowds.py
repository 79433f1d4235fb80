"""Each crowd does to a real server what its name says."""

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
    async with crowds.crowd(lab, 30) as visitors:
        assert len(visitors) == 30
        await until_told(lambda: server.figure("heliograph_connections") >= 30)
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


async def test_who_is_refused_or_cut_is_away(lab):
    with pytest.raises(Away, match="unauthorized|invalid|token|disconnect|closed"):
        await Visitor.come(lab.port, "no token at all")
    with pytest.raises(Away):
        await Visitor.come(served.free_port(), "")
