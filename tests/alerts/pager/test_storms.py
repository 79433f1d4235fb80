"""Many alerts at once: few messages that name what they combine, and a single page that is not held up by that."""

import time

import pytest
from aiohttp import web

from tests.alerts.pager.notices import notice
from tests.alerts.pager.offices import at, hook, settled, take, until
from tests.alerts.pager.providers import Provider

FINE = web.json_response
SMS = '{{type: sms, url: "{}", body: {{to: "{{phone}}", text: "{{text}}"}}}}'


def alerts(group, count):
    return [notice(f"Heliograph{group:03d}", instance=f"node-{number}") for number in range(count)]


async def test_a_single_page_is_there_within_two_seconds(office):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"gather: 1s\nchannels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}]}}"
        async with office(text, clock=time.time) as one:
            began = time.monotonic()
            take(one, notice())
            await provider.called(1)
            assert time.monotonic() - began < 2
            await settled(one)


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize(("groups", "each"), [(5, 100), (25, 20), (50, 10), (70, 7)])
async def test_five_hundred_alerts_are_five_messages_at_most(office, clock, tmp_path, groups, each, seconds):
    """However they are grouped, and also when Alertmanager's groups come over a minute; to each who is told."""
    async with Provider(lambda *_: FINE({"errcode": 0})) as chat, Provider(lambda *_: FINE({})) as sms:
        (tmp_path / "url").write_text(chat.url("/robot/send?access_token=T"))
        text = f"""
gather: 1s
channels: {{chat: {{type: dingtalk, url_file: {tmp_path / "url"}}}, sms: {SMS.format(sms.url())}}}
routes: {{critical: [{{to: [chat, sms]}}]}}"""
        async with office(text) as one:
            began = clock.now
            for number in range(groups):
                due = began + seconds * number / groups
                if due > clock.now:
                    await at(one, clock, due)
                take(one, *alerts(number, each), group=f"g{number}")
            for _ in range(70):
                await at(one, clock, clock.now + 1)
            assert not one.letters.waiting()
            assert len(one.inbox.firing()) == groups * each
    for calls in (chat.calls, sms.calls):
        assert 1 <= len(calls) <= 5
    if not seconds:
        (told,) = chat.calls
        assert told["markdown"]["title"].startswith(
            f"{groups} cases, {groups * each} alerts: {groups} firing (critical "
        )
        assert told["markdown"]["text"].endswith(
            f"[All cases](http://localhost:9099/)\n\n@{one.roster.on_duty().primary.phone}"
        )
        (text,) = (call["text"] for call in sms.calls)
        assert text.startswith(f"{groups} cases, ")
        assert text.endswith(" more http://localhost:9099/") or groups == 5
        assert len(text) <= 300


async def test_each_route_and_severity_goes_into_the_same_message(office, clock):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"""
gather: 1s
channels: {{hook: {hook(provider)}}}
routes: {{critical: [{{to: [hook]}}], warning: [{{to: [hook]}}]}}"""
        async with office(text) as one:
            for route in ("critical", "warning"):
                take(one, notice(severity=route), route=route)
            assert (one.letters.waiting(), one.letters.overdue(clock.now)) == (2, 0), "they gather, they are not late"
            await at(one, clock, clock.now + 1)
            await settled(one)
    assert [[case["severity"] for case in call["cases"]] for call in provider.calls] == [["critical", "warning"]]


async def test_a_steady_trickle_is_two_messages_a_minute(office, clock):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"gather: 1s\nchannels: {{hook: {hook(provider)}}}\nroutes: {{critical: [{{to: [hook]}}]}}"
        async with office(text) as one:
            for second in range(200):
                take(one, notice(), group=f"g{second}")
                await at(one, clock, clock.now + 1)
            assert len(provider.calls) <= 10
            latest = one.letters.of_case(165)[0]
            assert (latest.state, latest.sent_at - latest.written_at <= 31) == ("sent", True)
            await at(one, clock, clock.now + 30)
            clock.now += 300
            take(one, notice(), group="after some peace")
            await at(one, clock, clock.now + 1)
            await settled(one)


async def test_what_waits_for_a_mute_robot_goes_out_as_one_digest(office, clock, tmp_path):
    """A robot that was called too often takes nothing for ten minutes; each call in them would begin them anew."""
    muted = []

    def answers(_number, _body):
        if not muted:
            muted.append(clock.now)
        return FINE({"errcode": 130101, "errmsg": "too fast"} if clock.now < muted[0] + 600 else {"errcode": 0})

    async with Provider(answers) as chat:
        (tmp_path / "url").write_text(chat.url("/robot/send?access_token=T"))
        text = f"""
channels: {{chat: {{type: dingtalk, url_file: {tmp_path / "url"}}}}}
routes: {{critical: [{{to: [chat]}}]}}"""
        async with office(text) as one:
            take(one, notice(), group="g0")
            await until(lambda: one.letters.of_case(1)[0].why)
        async with office(text) as two:  # a restart forgets nothing
            for number in range(1, 60):
                clock.now += 10
                take(two, notice(), group=f"g{number}")
                await until(lambda: not two.post._news["chat"].is_set())
            assert len(chat.calls) == 1, "a robot that is mute is left alone"
            clock.now = muted[0] + 600
            two.post.wake()
            await settled(two)
    assert len(chat.calls) == 2
    assert chat.calls[1]["markdown"]["title"].startswith("60 cases, ")
