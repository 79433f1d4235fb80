"""The upgrade's chain: late and raising steps are skipped, refusals obeyed."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from service.connections.errands import Errands
from service.connections.guard import guarded, within


class Skips(list):
    def step_skipped(self, step, how):
        self.append((step, how))


async def handler(_request):
    return web.Response(status=299)


async def through(middleware, upgrade=True):
    skips, errands = Skips(), Errands()
    guard = guarded(middleware, lambda _: upgrade, errands, skips, budget=0.02)
    response = await asyncio.wait_for(guard(make_mocked_request("GET", "/ws"), handler), 1)
    for _ in range(3):
        await asyncio.sleep(0)
    await errands.stop()
    return response, skips


async def test_a_good_middleware_runs_before_and_after():
    seen = []

    async def good(request, handler):
        seen.append("before")
        response = await handler(request)
        seen.append(response.status)
        return response

    response, skips = await through(good)
    assert (response.status, seen, skips) == (299, ["before", 299], [])


async def test_a_sleeping_middleware_costs_its_budget():
    async def sleeper(request, handler):
        await asyncio.sleep(30)
        return await handler(request)

    response, skips = await through(sleeper)
    assert (response.status, skips) == (299, [("sleeper", "late")])


async def test_a_raising_middleware_is_skipped():
    async def broken(_request, _handler):
        raise KeyError("bug")

    response, skips = await through(broken)
    assert (response.status, skips) == (299, [("broken", "raised")])


async def test_one_that_raises_after_the_answer_changes_nothing():
    async def late_bug(request, handler):
        await handler(request)
        raise KeyError("bug")

    response, skips = await through(late_bug)
    assert (response.status, skips) == (299, [("late_bug", "raised")])


async def test_one_that_wraps_the_body_cannot_change_the_101():
    async def wrapper(request, handler):
        await handler(request)
        return web.Response(text="wrapped")

    response, skips = await through(wrapper)
    assert (response.status, skips) == (299, [])


async def test_a_refusal_is_obeyed():
    async def refuses(_request, _handler):
        return web.Response(status=403)

    response, _ = await through(refuses)
    assert response.status == 403


async def test_a_raised_refusal_is_obeyed():
    async def refuses(_request, _handler):
        raise web.HTTPUnauthorized

    with pytest.raises(web.HTTPUnauthorized):
        await through(refuses)


async def test_other_routes_are_not_touched():
    async def slow(request, handler):
        await asyncio.sleep(0.05)
        return await handler(request)

    response, skips = await through(slow, upgrade=False)
    assert (response.status, skips) == (299, [])


async def test_a_step_within_its_budget():
    skips, done = Skips(), []

    async def step():
        done.append(1)

    await within("step", step(), skips)
    await within("slow", asyncio.sleep(5), skips, budget=0.01)

    async def bug():
        raise ValueError

    await within("bug", bug(), skips)
    assert done == [1]
    assert skips == [("slow", "late"), ("bug", "raised")]
