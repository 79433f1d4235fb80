"""Letters on their way: limits, refusals, retries, restarts, escalation; against providers over real sockets."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.pager import letters as letters_room
from tests.alerts.pager.notices import notice
from tests.alerts.pager.offices import hook, settled, take, until
from tests.alerts.pager.providers import Provider, Smtp

FINE = web.json_response


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
            assert (letter.why, letter.due_at - clock.now) == ("errcode 130101: send too fast", 600), (
                "a robot that was called too often is mute for ten minutes"
            )
            clock.now += 600
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


async def test_alerts_of_a_group_end_one_by_one_and_only_the_last_end_is_told(office, clock):
    """Each of these comes as Alertmanager sends it; whoever sleeps is not called because things get better."""
    nodes = [notice(instance=f"node-{number}") for number in range(4)]
    async with Provider(lambda *_: FINE({})) as provider:
        text = (
            f"channels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}, {{after: 9m, to: [hook]}}]}}"
        )
        async with office(text) as one:
            take(one, *nodes)
            for over in range(1, 4):
                clock.now += 61
                ended = [notice(instance=f"node-{number}", ends=1060) for number in range(over)]
                assert take(one, *ended, *nodes[over:]) is None
                clock.now += 5
                assert take(one, *ended, *nodes[over:]) is None, "its second try"
            (case,) = one.cases.open()
            assert [line.instance for line in one.cases.message(case).lines] == ["node-3"], "the page has what is left"
            assert take(one, nodes[0], nodes[3]) == "news", "one of them is back"
            clock.now += 1800
            assert take(one, nodes[0], nodes[3]) == "reminder"
            one.post.wake()
            await settled(one)
            assert take(one, *(notice(instance=f"node-{number}", ends=1060) for number in range(4))) == "over"
            await settled(one)
    kinds = [case["kind"] for call in provider.calls for case in call["cases"]]
    assert [kind for kind in kinds if kind != "escalation"] == ["firing", "news", "reminder", "over"]


def duty(provider, tmp_path):
    (tmp_path / "routing").write_text("K")
    return f'{{type: pagerduty, routing_key_file: {tmp_path / "routing"}, url: "{provider.url()}"}}'


async def test_pagerduty_hears_of_an_acknowledgement_and_persons_do_not(office, clock, tmp_path):
    async with Provider(lambda *_: FINE({}, status=202)) as pagerduty, Provider(lambda *_: FINE({})) as provider:
        text = f"""
channels:
  duty: {duty(pagerduty, tmp_path)}
  own: {hook(provider)}
  sms: {{type: sms, url: "{provider.url("/sms")}", body: {{to: "{{phone}}"}}}}
routes: {{critical: [{{to: [duty, own, sms]}}]}}"""
        async with office(text) as one:
            take(one, notice())
            await settled(one)
            one.cases.acknowledge(1, "Ada", clock.now)
            one.cases.acknowledge(1, "Ben", clock.now)
            one.post.wake()
            await settled(one)
            take(one, notice(ends=1060))
            await settled(one)
            one.cases.acknowledge(1, "Chi", clock.now)
            assert not one.letters.waiting(), "a case that is over"
    assert [call["event_action"] for call in pagerduty.calls] == ["trigger", "acknowledge", "resolve"]
    assert len({call["dedup_key"] for call in pagerduty.calls}) == 1
    told = [call["cases"][0] for call in provider.calls if "cases" in call]
    assert [(each["kind"], each["by"]) for each in told] == [("firing", ""), ("acknowledged", "Ada"), ("over", "")]
    assert sum("to" in call for call in provider.calls) == 2


async def test_an_incident_hears_its_events_in_their_order(office, clock, tmp_path):
    """Else one whose first event was late would be open for ever."""
    async with Provider(lambda number, _: FINE({}, status=(400, 503, 202)[min(number, 3) - 1])) as pagerduty:
        text = f"channels: {{duty: {duty(pagerduty, tmp_path)}}}\nroutes: {{critical: [{{to: [duty]}}]}}"
        async with office(text) as one:
            take(one, notice())
            await until(lambda: one.letters.of_case(1)[0].why)
            one.cases.acknowledge(1, "Ada", clock.now)
            take(one, notice(ends=1060))
            take(one, notice(), group="another")
            await pagerduty.called(2)
            await until(lambda: one.letters.of_case(2)[0].why)
            clock.now += 15
            one.post.wake()
            await settled(one)  # the provider's first yes is a reason to try again what it refused
    keys = [call["dedup_key"] for call in pagerduty.calls]
    assert keys[1] == keys[2] != keys[0]
    assert [c["event_action"] for c in pagerduty.calls if c["dedup_key"] == keys[0]] == [
        "trigger",
        "trigger",
        "acknowledge",
        "resolve",
    ]


async def test_a_pager_that_stops_hears_the_answers_of_its_calls(office):
    """What a provider has taken is not told again after the restart."""
    gate = asyncio.Event()
    asked = []

    async def wait(_request):
        asked.append(1)
        await gate.wait()
        return FINE({})

    slow = web.Application()
    slow.router.add_post("/", wait)
    async with TestServer(slow) as server:
        text = f'channels: {{h: {{type: webhook, url: "{server.make_url("/")}"}}}}\nroutes: {{critical: [{{to: [h]}}]}}'
        async with office(text) as one:
            take(one, notice())
            await until(lambda: asked)
            one.post.stop()
            take(one, notice(), group="not any more")
            gate.set()
            await settled(one, 1)
        async with office(text) as two:
            await settled(two)
    assert len(asked) == 2


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
