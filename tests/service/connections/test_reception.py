"""A place, the head, the takeover: for all transports alike."""

import asyncio

from service.connections.admission import Verdict
from tests.service.connections.streaming import ON, opened, sse, until


async def test_without_room_to_be_told_so_the_answer_is_503(make_node):
    node = await make_node(**ON)
    entrance = node.station.entrance
    entrance.knock = lambda _address: Verdict(0.0, "connection_limit")
    entrance.turned_away = lambda by: by < 0
    try:
        for path in ("/connection/sse?cf_connect=%7B%7D", "/connection/uni_sse"):
            answer = await opened(node, "GET", path, headers=["Origin: https://app.example.com"])
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    finally:
        del entrance.knock, entrance.turned_away


async def test_places_are_given_back_when_streams_end(make_node):
    node = await make_node(**ON)
    given = []
    entrance = node.station.entrance
    left = entrance.left
    entrance.left = lambda address: (given.append(address), left(address))
    bodies = [await sse(node) for _ in range(3)]
    for body in bodies:
        await body.message()
        body.writer.close()
    await until(lambda: len(given) == 3)
    await asyncio.sleep(0)
    assert not node.station.registry.sockets
    del entrance.left
