"""Letters on their way: limits, refusals, retries, restarts, escalation; against providers over real sockets."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.pager import letters as letters_room
from alerts.pager.alert import read
from alerts.pager.office import Office
from alerts.pager.settings import read as settings_of
from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification
from tests.alerts.pager.providers import Provider, Smtp

ROTA = """
people:
  ada: {phone: "+100", mail: ada@example.com}
  ben: {phone: "+200", mail: ben@example.com}
rotation: {every: week, order: [ada, ben]}
"""
FINE = web.json_response


class Clock:
    """Wall time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def office(tmp_path, clock):
    """Offices over one file, one after the other; ``office(text)`` runs it."""
    (tmp_path / "rota.yml").write_text(ROTA)

    @asynccontextmanager
    async def run(text):
        store = Store(tmp_path / "inbox.sqlite3")
        one = Office(store, settings_of(text), tmp_path / "rota.yml", clock=clock)
        carrying = asyncio.ensure_future(one.post.run())  # noqa: TID251 - cancelled below
        try:
            yield one
        finally:
            carrying.cancel()
            await asyncio.wait((carrying,))
            assert carrying.cancelled(), carrying
            store.close()

    return run


def take(office, *alerts, route="critical", group="g"):
    body = {**notification(*alerts), "groupKey": group}
    told = office.take(route, read(json.dumps(body).encode()))
    office.post.wake()
    return told


async def settled(office, waiting=0):
    async with asyncio.timeout(10):
        while office.letters.waiting() != waiting:
            await asyncio.sleep(0.01)


def hook(provider, **more):
    options = "".join(f", {name}: {value}" for name, value in more.items())
    return f'{{type: webhook, url: "{provider.url()}"{options}}}'


async def test_a_case_is_told_and_its_end_too(office):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"channels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}]}}"
        async with office(text) as one:
            assert take(one, notice()) == "firing"
            await provider.called(1)
            assert take(one, notice()) is None, "a second try of Alertmanager"
            assert take(one, notice(ends=1060)) == "over"
            await provider.called(2)
            await settled(one)
    kinds = [call["cases"][0]["kind"] for call in provider.calls]
    assert kinds == ["firing", "over"]


async def test_five_hundred_alerts_are_a_handful_of_messages(office):
    """Groups of one alert each, all at once: what waits for the same channel goes out together."""
    async with Provider(lambda *_: FINE({"errcode": 0})) as provider:
        text = f"channels: {{chat: {hook(provider, limit=5)}}}\nroutes: {{critical: [{{to: [chat]}}]}}"
        async with office(text) as one:
            for number in range(5):
                take(one, *(notice(instance=str(n)) for n in range(100)), group=f"g{number}")
            await settled(one)
            assert len(one.inbox.firing()) == 100
    assert 1 <= len(provider.calls) <= 5
    assert sum(len(call["cases"]) for call in provider.calls) == 5


async def test_a_providers_limit_is_kept_and_what_waited_goes_out_together(office, clock):
    async with Provider(lambda *_: FINE({"errcode": 0})) as provider:
        text = f"channels: {{chat: {hook(provider, limit=3)}}}\nroutes: {{critical: [{{to: [chat]}}]}}"
        async with office(text) as one:
            for number in range(3):
                take(one, notice(), group=f"g{number}")
                await provider.called(number + 1)
                await settled(one)
            for number in range(3, 13):
                take(one, notice(), group=f"g{number}")
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert len(provider.calls) == 3, "the minute's calls are made"
            clock.now += 61
            one.post.wake()
            await settled(one)
    assert len(provider.calls) == 4
    assert len(provider.calls[-1]["cases"]) == 10


async def test_a_limit_counts_across_a_restart(office):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"channels: {{chat: {hook(provider, limit=1)}}}\nroutes: {{critical: [{{to: [chat]}}]}}"
        async with office(text) as one:
            take(one, notice(), group="a")
            await settled(one)
        async with office(text) as two:
            take(two, notice(), group="b")
            for _ in range(10):
                await asyncio.sleep(0.01)
            assert len(provider.calls) == 1


async def test_http_200_with_an_errcode_is_tried_again(office, clock, tmp_path):
    (tmp_path / "url").write_text("")

    def answers(number, _body):
        return FINE({"errcode": 130101, "errmsg": "send too fast"} if number == 1 else {"errcode": 0})

    async with Provider(answers) as provider:
        (tmp_path / "url").write_text(provider.url("/robot/send?access_token=T"))
        (tmp_path / "key").write_text("SEC")
        text = f"""
channels: {{chat: {{type: dingtalk, url_file: {tmp_path / "url"}, secret_file: {tmp_path / "key"}}}}}
routes: {{critical: [{{to: [chat]}}]}}"""
        async with office(text) as one:
            take(one, notice())
            await provider.called(1)
            async with asyncio.timeout(10):
                while not (letter := one.letters.of_case(1)[0]).why:
                    await asyncio.sleep(0.01)
            assert (letter.why, letter.due_at - clock.now) == ("errcode 130101: send too fast", 60)
            clock.now += 60
            one.post.wake()
            await settled(one)
            metrics = one.figures.render(
                firing=0, acknowledged=0, unacknowledged=0, waiting=0, rota_wrong=False
            ).decode()
    assert provider.queries[1]["timestamp"] > provider.queries[0]["timestamp"], "signed anew"
    assert 'pager_channel_calls_total{channel="chat",result="later"} 1.0' in metrics
    assert 'pager_channel_calls_total{channel="chat",result="sent"} 1.0' in metrics


async def test_a_provider_that_is_away_loses_nothing_not_even_over_a_restart(office, clock):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"channels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}]}}"
        away = 'channels: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}\nroutes: {critical: [{to: [hook]}]}'
        async with office(away) as one:
            take(one, notice())
            async with asyncio.timeout(10):
                while not one.letters.of_case(1)[0].tries:
                    await asyncio.sleep(0.01)
            assert one.letters.of_case(1)[0].why.startswith("no answer: ClientConnector")
        clock.now += 10
        async with office(text) as two:
            await provider.called(1)
            await settled(two)
    assert [case["kind"] for case in provider.calls[0]["cases"]] == ["firing"]


async def test_a_slow_provider_holds_up_nobody_else(office):
    gate = asyncio.Event()

    async def wait(_request):
        await gate.wait()
        return FINE({})

    stuck = web.Application()
    stuck.router.add_post("/", wait)
    async with Provider(lambda *_: FINE({})) as quick, TestServer(stuck) as slow:
        text = f"""
channels:
  slow: {{type: webhook, url: "{slow.make_url("/")}"}}
  quick: {hook(quick)}
routes: {{critical: [{{to: [slow, quick]}}]}}"""
        async with office(text) as one:
            take(one, notice())
            await quick.called(1)
            assert one.letters.waiting() >= 1
            gate.set()
            await settled(one)


async def test_nobody_acknowledges_and_it_goes_on(office, clock):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"""
channels:
  chat: {hook(provider)}
  phone: {{type: phone, url: "{provider.url("/call")}", body: {{to: "{{phone}}"}}}}
routes:
  critical:
    - {{to: [chat]}}
    - {{after: 5m, to: [phone]}}
    - {{after: 15m, to: [phone], whom: secondary}}
    - {{after: 30m, to: [phone], whom: everybody}}"""
        async with office(text) as one:
            duty = one.roster.on_duty()
            take(one, notice())
            await provider.called(1)
            for minutes, calls in ((5, 2), (15, 3), (30, 5)):
                clock.now = 1_800_000_000.0 + 60 * minutes
                one.post.wake()
                await provider.called(calls)
            await settled(one)
    called = [call["to"] for call in provider.calls[1:]]
    assert called[:2] == [duty.primary.phone, duty.secondary.phone]
    assert sorted(called[2:]) == ["+100", "+200"]


async def test_an_acknowledged_case_goes_no_further(office, clock):
    async with Provider(lambda *_: FINE({})) as provider:
        text = (
            f"channels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}, {{after: 5m, to: [hook]}}]}}"
        )
        async with office(text) as one:
            take(one, notice())
            await provider.called(1)
            assert one.cases.acknowledge(1, "Ada", clock.now).acknowledged_by == "Ada"
            assert one.cases.acknowledge(1, "Ben", clock.now + 1).acknowledged_by == "Ada", "the first one counts"
            assert one.cases.acknowledge(7, "Ben", clock.now) is None
            clock.now += 3600
            assert one.cases.tick(clock.now) == 0
            assert take(one, notice()) is None, "no reminder either"
            assert take(one, notice(ends=clock.now)) == "over"
            await provider.called(2)
            await settled(one)


async def test_a_person_without_what_the_channel_needs_is_told_on_the_case(office):
    text = """
channels: {wecom: {type: wecom_app, corp_id: c, agent_id: 1, secret_file: /nowhere}}
routes: {critical: [{to: [wecom]}]}"""
    async with office(text) as one:
        take(one, notice())
        async with asyncio.timeout(10):
            while not (letter := one.letters.of_case(1)[0]).why:
                await asyncio.sleep(0.01)
        assert "has no WeCom user id in the rota" in letter.why
        assert letter.state == "waiting"


async def test_after_a_day_a_letter_is_given_up_and_counted(office, clock):
    text = 'channels: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}\nroutes: {critical: [{to: [hook]}]}'
    async with office(text) as one:
        take(one, notice())
        async with asyncio.timeout(10):
            while not one.letters.of_case(1)[0].tries:
                await asyncio.sleep(0.01)
        clock.now += letters_room.GIVEN_UP + 1
        one.post.wake()
        await settled(one)
        assert one.letters.of_case(1)[0].state == "given_up"
        metrics = one.figures.render(firing=0, acknowledged=0, unacknowledged=0, waiting=0, rota_wrong=False).decode()
    assert 'pager_letters_given_up_total{channel="hook"} 1.0' in metrics


async def test_mail_goes_to_whoever_is_on_duty(office, clock):
    async with Smtp([b"451 later, please"]) as smtp:
        text = f"""
channels: {{mail: {{type: mail, host: 127.0.0.1, port: {smtp.port}, tls: none, sender: "Pager <pager@example.com>"}}}}
routes: {{latency: [{{to: [mail]}}]}}"""
        async with office(text) as one:
            duty = one.roster.on_duty()
            take(one, notice("HeliographDeliveryLatencyP99"), route="latency")
            async with asyncio.timeout(10):
                while not (letter := one.letters.of_case(1)[0]).why:
                    await asyncio.sleep(0.01)
            assert letter.why == "the mail server says 451 later, please"
            clock.now += 60
            one.post.wake()
            await smtp.delivered(1)
            await settled(one)
    assert smtp.to[-1].upper() == f"RCPT TO:<{duty.primary.mail}>".upper()
    (letter,) = smtp.letters
    assert "Subject: [FIRING] critical: HeliographDeliveryLatencyP99" in letter
    assert "Auto-Submitted: auto-generated" in letter


@pytest.mark.parametrize(
    ("fault", "result"),
    [([b"550 no such user"], "the mail server says 550 no such user"), ("away", "the mail server: ")],
)
async def test_mail_that_is_refused_is_told(office, fault, result):
    async with Smtp(fault if fault != "away" else None) as smtp:
        port = smtp.port if fault != "away" else 9
        text = f"""
channels: {{mail: {{type: mail, host: 127.0.0.1, port: {port}, tls: none, sender: a@b, to: [ops@example.com]}}}}
routes: {{critical: [{{to: [mail]}}]}}"""
        async with office(text) as one:
            take(one, notice())
            async with asyncio.timeout(10):
                while not (letter := one.letters.of_case(1)[0]).why:
                    await asyncio.sleep(0.01)
    assert letter.why.startswith(result)
    assert letter.state == "waiting"


async def test_an_unknown_route_is_kept_and_counted(office):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"channels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}]}}"
        async with office(text) as one:
            assert take(one, notice(), route="crtical") == "firing"
            assert len(one.inbox.firing()) == 1
            assert one.letters.waiting() == 0
