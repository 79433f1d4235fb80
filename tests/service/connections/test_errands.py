"""Errands: bounded, named, cancelled."""

import asyncio

from service.connections.errands import Errands


async def test_the_result_is_handed_over():
    heard = []
    errands = Errands()

    async def work():
        return 7

    task = errands.run("seven", work(), heard.append)
    assert task.get_name() == "seven"
    await task
    assert heard == [7]
    await asyncio.sleep(0)
    assert len(errands) == 0


async def test_an_exception_is_a_result():
    heard = []

    async def work():
        raise KeyError("no")

    await Errands().run("fails", work(), heard.append)
    assert isinstance(heard[0], KeyError)


async def test_over_the_limit_nothing_is_started():
    errands = Errands(limit=1)
    gate = asyncio.Event()

    async def work():
        await gate.wait()

    errands.run("first", work(), lambda _: None)
    assert errands.run("second", work(), lambda _: None) is None
    await errands.stop()
    assert len(errands) == 0


async def test_stop_cancels_what_is_under_way():
    errands = Errands()
    heard = []
    task = errands.run("endless", asyncio.Event().wait(), heard.append)
    await errands.stop()
    assert task.cancelled()
    assert not heard


async def test_what_runs_for_one_who_is_gone_is_cancelled():
    errands, ends = Errands(), []

    async def forever():
        await asyncio.Event().wait()

    owner = object()
    tasks = [errands.run("x", forever(), ends.append, owner) for _ in range(2)]
    other = errands.run("y", forever(), ends.append)
    errands.drop(owner)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    assert not other.done()
    assert (len(errands), errands._owned, ends) == (1, {}, [])
    await errands.stop()
