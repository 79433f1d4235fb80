"""The bulkhead."""

import asyncio

import pytest

from service.outside.bulkhead import Bulkhead, BulkheadSettings, Overloaded


async def test_so_many_at_a_time_first_come_first_served():
    bulkhead, order = Bulkhead(BulkheadSettings(running=2, waiting=10)), []

    async def guest(name):
        await bulkhead.enter()
        order.append(name)
        await asyncio.sleep(0)
        assert bulkhead.running <= 2
        bulkhead.leave()

    await asyncio.gather(*(guest(n) for n in range(10)))
    assert order == list(range(10))
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)


async def test_a_full_queue_refuses_at_once():
    bulkhead = Bulkhead(BulkheadSettings(running=1, waiting=1))
    await bulkhead.enter()
    waiting = asyncio.ensure_future(bulkhead.enter())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await bulkhead.enter()
    bulkhead.leave()
    await waiting
    bulkhead.leave()
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)


async def test_who_goes_away_keeps_no_place():
    bulkhead = Bulkhead(BulkheadSettings(running=1, waiting=5))
    await bulkhead.enter()
    first, second = (asyncio.ensure_future(bulkhead.enter()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    assert bulkhead.waiting == 1
    bulkhead.leave()
    second.cancel()  # in the very moment in which the place comes
    await asyncio.gather(first, second, return_exceptions=True)
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)


async def test_one_that_was_cancelled_and_not_yet_gone_is_passed_over():
    bulkhead = Bulkhead(BulkheadSettings(running=1, waiting=5))
    await bulkhead.enter()
    first, second = (asyncio.ensure_future(bulkhead.enter()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    bulkhead.leave()
    await second
    bulkhead.leave()
    await asyncio.gather(first, return_exceptions=True)
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)
