"""A line: one budget, tries, breaker and bulkhead around each call."""

import asyncio

import pytest

from observability import names
from service.outside.bulkhead import BulkheadSettings
from service.outside.failures import OutsideFailed
from service.outside.line import Line, LineSettings
from service.outside.retry import RetrySettings

DOWN = OutsideFailed("unreachable", "no connection")
ILL = OutsideFailed("status", "status 500 instead of 200", 500)
STRICT = OutsideFailed("status", "status 404 instead of 200", 404)


class Backend:
    """Answers in order; an exception is raised, None stalls."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.limits = []

    async def __call__(self, limit):
        self.limits.append(limit)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await asyncio.sleep(3600)
        if isinstance(answer, Exception):
            raise answer
        return answer


def line(telemetry, **settings):
    return Line("hooks", "connect", LineSettings(**settings), telemetry.telemetry.outside, random=lambda: 0.0)


async def ask(line, telemetry, backend):
    call = telemetry.telemetry.outside.calling("hooks", "connect", "c-1")
    return await line.call(call, backend)


def ends(telemetry):
    values = telemetry.registry.values(names.OUTSIDE_CALLS)
    return {labels[2]: value for labels, value in values.items() if value}


async def test_an_answer_is_an_answer(telemetry):
    assert await ask(line(telemetry), telemetry, Backend("yes")) == "yes"
    assert ends(telemetry) == {"done": 1}


async def test_what_may_pass_is_asked_again(telemetry):
    backend = Backend(DOWN, OutsideFailed("status", "x", 503), "yes")
    assert await ask(line(telemetry), telemetry, backend) == "yes"
    assert ends(telemetry) == {"done": 1}
    assert telemetry.value(names.OUTSIDE_RETRIES, "hooks", "connect") == 2
    assert telemetry.span("hook.call").attributes["heliograph.outside.tries"] == 3


@pytest.mark.parametrize(("failure", "tries"), [(DOWN, 3), (ILL, 1), (STRICT, 1)])
async def test_the_rest_is_a_failure_after_its_tries(telemetry, failure, tries):
    backend = Backend(failure)
    with pytest.raises(OutsideFailed) as failed:
        await ask(line(telemetry), telemetry, backend)
    assert failed.value is failure
    assert len(backend.limits) == tries
    assert telemetry.line("outside.failed")["tries"] == tries


async def test_what_must_not_happen_twice_is_asked_once(telemetry):
    backend = Backend(DOWN, "yes")
    with pytest.raises(OutsideFailed):
        await ask(line(telemetry, retry=RetrySettings(tries=1)), telemetry, backend)
    assert backend.limits == [pytest.approx(1.0, abs=0.05)]


async def test_a_stalled_try_leaves_time_for_another_and_all_end_in_the_budget(telemetry):
    loop = asyncio.get_running_loop()
    began = loop.time()
    backend = Backend(None, "yes")
    assert await ask(line(telemetry, budget=0.5), telemetry, backend) == "yes"
    assert backend.limits[0] == pytest.approx(0.4)
    with pytest.raises(OutsideFailed) as failed:
        await ask(line(telemetry, budget=0.2), telemetry, Backend(None))
    assert failed.value.result == "timeout"
    assert loop.time() - began < 2


@pytest.mark.shows("breaker.opened", "breaker.closed", "heliograph_outside_breaker")
async def test_the_breaker_spares_an_ill_server_and_finds_it_well_again(telemetry):
    now = [100.0]
    fragile = Line("hooks", "connect", LineSettings(), telemetry.telemetry.outside, now=lambda: now[0])
    telemetry.registry.add_source(fragile.figures)
    backend = Backend(ILL)
    for _ in range(30):
        with pytest.raises(OutsideFailed):
            await ask(fragile, telemetry, backend)
    assert len(backend.limits) == 20
    assert ends(telemetry) == {"status": 20, "breaker_open": 10}
    assert telemetry.value(names.BREAKER_STATE, "hooks", "connect", "open") == 1
    now[0] += 5
    backend.answers = ["yes"]
    for _ in range(6):
        assert await ask(fragile, telemetry, backend) == "yes"
    assert telemetry.value(names.BREAKER_STATE, "hooks", "connect", "closed") == 1
    assert {"breaker.opened", "breaker.closed"} <= {each["event"] for each in telemetry.lines}


async def test_answers_in_good_health_never_open_it(telemetry):
    sturdy = line(telemetry)
    for _ in range(50):
        with pytest.raises(OutsideFailed) as failed:
            await ask(sturdy, telemetry, Backend(STRICT))
        assert failed.value.result == "status"


@pytest.mark.shows("heliograph_outside_running", "heliograph_outside_waiting")
async def test_a_full_line_refuses_at_once_and_who_waits_too_long_is_told(telemetry):
    narrow = line(telemetry, budget=0.3, bulkhead=BulkheadSettings(running=1, waiting=1))
    telemetry.registry.add_source(narrow.figures)
    calls = [asyncio.ensure_future(ask(narrow, telemetry, Backend(None))) for _ in range(2)]
    await asyncio.sleep(0)
    telemetry.look()
    with pytest.raises(OutsideFailed) as failed:
        await ask(narrow, telemetry, Backend("yes"))
    assert failed.value.result == "overloaded"
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [each.result for each in results] == ["timeout", "timeout"]
    assert await ask(narrow, telemetry, Backend("yes")) == "yes"


async def test_who_goes_away_leaves_nothing_behind(telemetry):
    patient = line(telemetry, budget=30.0, bulkhead=BulkheadSettings(running=1, waiting=1))
    calls = [asyncio.ensure_future(ask(patient, telemetry, Backend(None))) for _ in range(2)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert ends(telemetry) == {"abandoned": 2}
    assert await ask(patient, telemetry, Backend("yes")) == "yes"
