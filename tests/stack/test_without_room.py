"""Queries that find something only where a server has no room: no memory for slow readers, no descriptors.

Runs last: who is sent away for want of room burns budgets, which remember it for minutes in which others want quiet.
"""

import asyncio
import contextlib

import pytest

from faults import crowds
from faults.running import until
from tests.stack.rare import LAST, RARE, every_question, found

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
QUESTIONS = every_question()
FULL = 1.2  # times as many descriptors are in use as there may be


@pytest.fixture(scope="module")
def narrow(running):
    running.load(on=True)
    asyncio.run(pressed(running))
    with running.ordered("files", FULL):
        until(lambda: running.figure("heliograph_refusals_total", cause="no_descriptors") > 1)
    return running


async def pressed(running):
    """Readers who take nothing hold more together than all may, none of them too much for one."""
    async with contextlib.AsyncExitStack() as readers:
        for number in range(14):  # a channel each: frames that many wait for are counted once
            each = crowds.behind(running, f"pressed-{number}", readers=1, lag=10**9, size=200 * 1024, a_second=2.0)
            await readers.enter_async_context(each)
        cut = "heliograph_connections_closed_total"
        await asyncio.to_thread(until, lambda: running.figure(cut, cause="memory_pressure"))


@pytest.mark.parametrize("where", [where for where, fault in RARE.items() if fault in LAST])
def test_a_rare_query_finds_something_where_there_is_no_room(narrow, where):
    assert found(narrow, QUESTIONS[where]) >= narrow.began - 1
