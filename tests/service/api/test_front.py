"""What a person sees at the front, and what those hear and leave behind who knock where nothing is."""

import pytest
from aiohttp import web

from observability.observers.door import SilentDoorObserver
from service.api.front import _ELSEWHERE, Front, FrontSettings
from service.settings.option import walk
from service.settings.options import ours

EVERYTHING = FrontSettings(websocket="/connection/websocket", api="/api", demo="/demo")


class Heard(SilentDoorObserver):
    def __init__(self):
        self.refusals = []

    def refused(self, cause, answer, listener="", address="", why=""):
        self.refusals.append((cause, answer, address, why))


@pytest.fixture
def front(aiohttp_client):
    async def made(settings=EVERYTHING):
        async def ok(_):
            return web.Response(text="ok")

        application, heard = web.Application(), Heard()
        application.router.add_post("/api/publish", ok)
        Front(settings, heard).add_routes(application.router)
        return await aiohttp_client(application), heard

    return made


async def test_it_says_what_is_here(front):
    client, heard = await front()
    answer = await client.get("/")
    assert (answer.status, answer.content_type) == (200, "text/plain")
    text = await answer.text()
    assert all(each in text for each in ("/demo", "/connection/websocket", "/api/<method>"))
    assert heard.refusals == []


async def test_it_says_nothing_of_what_is_switched_off(front):
    client, _ = await front(FrontSettings(demo="/demo"))
    text = await (await client.get("/")).text()
    assert "/api" not in text
    assert "websocket" not in text


async def test_without_the_demo_page_there_is_none(front):
    client, heard = await front(FrontSettings(websocket="/connection/websocket"))
    assert (await client.get("/")).status == 404
    assert heard.refusals == [("no_route", "404", "127.0.0.1", "/")]


async def test_who_knocks_where_nothing_is_is_counted_with_the_place(front):
    client, heard = await front()
    answer = await client.get("/ws" + "x" * 300)
    assert answer.status == 404
    assert await answer.text() == "404: nothing is here.\n"
    assert [(cause, status) for cause, status, *_ in heard.refusals] == [("no_route", "404")]
    assert heard.refusals[0][3] == "/ws" + "x" * 197


async def test_a_websocket_client_hears_where_it_should_knock(front):
    client, _ = await front()
    answer = await client.get("/ws", headers={"Upgrade": "websocket"})
    assert "WebSocket is at /connection/websocket" in await answer.text()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/connection/uni_sse", "This transport is switched off: uni_sse.enabled."),
        ("/emulation", "It comes with sse or http_stream, which are switched off."),
        ("/metrics", "Metrics are on the internal port."),
    ],
)
async def test_what_people_look_for_is_said_where_it_is(front, path, sentence):
    client, heard = await front()
    assert await (await client.get(path)).text() == f"404: nothing is here. {sentence}\n"
    assert heard.refusals[0][3] == path


def test_every_option_that_is_named_exists():
    named = {word.strip(".") for each in _ELSEWHERE.values() for word in each.split() if ".enabled" in word}
    assert named <= {path for path, _ in walk(ours())}


async def test_another_method_is_still_405(front):
    client, heard = await front()
    answer = await client.get("/api/publish")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert heard.refusals == []
