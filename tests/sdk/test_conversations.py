"""What an application does with an SDK, done with each, unmodified."""

import asyncio

import pytest

from tests.e2e.served import token
from tests.e2e.wire import Wire
from tests.sdk.clients import EVERY_SDK, Refused

pytestmark = [pytest.mark.sdk, EVERY_SDK]
MESSAGE = {"text": "Grüße, 世界 🌍", "nested": [1, None, {"a": "b\nc"}]}


async def published(server, channel, data, **params):
    return await asyncio.to_thread(server.publish, channel, data, **params)


async def subscribed(sdk, server, channel, url=None):
    await sdk.connect(url or server.url, token("ada"))
    await sdk.expect("connected")
    await sdk.subscribe(channel)
    return await sdk.expect("subscribed", channel=channel)


async def test_a_subscriber_receives_what_a_backend_publishes(sdk, server):
    await subscribed(sdk, server, "news")
    await published(server, "news", MESSAGE)
    assert (await sdk.expect("publication", channel="news"))["data"] == MESSAGE


async def test_a_subscriber_receives_what_a_client_publishes(sdk, server):
    await subscribed(sdk, server, "chat")
    await sdk.publish("chat", MESSAGE)
    assert (await sdk.expect("publication", channel="chat"))["data"] == MESSAGE


async def test_tags_arrive(sdk, server):
    await subscribed(sdk, server, "tagged")
    await published(server, "tagged", 1, tags={"kind": "test"})
    assert (await sdk.expect("publication", channel="tagged"))["tags"]["kind"] == "test"


async def test_order_is_kept(sdk, server):
    await subscribed(sdk, server, "stream:order")
    for number in range(50):
        await published(server, "stream:order", number)
    numbers = [(await sdk.expect("publication", channel="stream:order"))["data"] for _ in range(50)]
    assert numbers == list(range(50))


async def test_history_is_read(sdk, server):
    for number in range(3):
        result = await published(server, f"stream:history-{sdk.name}", number)
    await subscribed(sdk, server, f"stream:history-{sdk.name}")
    found = await sdk.history(f"stream:history-{sdk.name}", 10)
    assert [one["data"] for one in found["publications"]] == [0, 1, 2]
    assert (found["offset"], found["epoch"]) == (3, result["epoch"])


async def test_a_new_subscriber_learns_its_position(sdk, server):
    channel = f"stream:position-{sdk.name}"
    result = await published(server, channel, "first")
    found = await subscribed(sdk, server, channel)
    assert found["recoverable"]
    assert found["positioned"]
    assert found["streamPosition"] == {"offset": 1, "epoch": result["epoch"]}


async def test_what_was_missed_is_recovered_after_the_socket_was_killed(sdk, server):
    channel = f"stream:recovery-{sdk.name}"
    async with Wire(server.port) as wire:
        await subscribed(sdk, server, channel, wire.url)
        await published(server, channel, "before")
        await sdk.expect("publication", channel=channel, data="before")
        assert wire.cut() == 1
        for number in range(5):
            await published(server, channel, number)
        again = await sdk.expect("subscribed", channel=channel)
        assert again["wasRecovering"]
        assert again["recovered"]
        await published(server, channel, "after")
        await sdk.expect("publication", channel=channel, data="after")
        assert [one["data"] for one in sdk.publications(channel)] == ["before", 0, 1, 2, 3, 4, "after"]
        await sdk.disconnect()


async def test_nothing_comes_after_unsubscribe(sdk, server):
    await subscribed(sdk, server, "left")
    await sdk.unsubscribe("left")
    await sdk.expect("unsubscribed", channel="left", code=0)
    await sdk.subscribe("stays")
    await sdk.expect("subscribed", channel="stays")
    await published(server, "left", "late")
    await published(server, "stays", "on time")
    await sdk.expect("publication", channel="stays", data="on time")
    assert sdk.publications("left") == []


async def test_a_client_that_unsubscribed_may_subscribe_again(sdk, server):
    await subscribed(sdk, server, "again")
    await sdk.unsubscribe("again")
    await sdk.expect("unsubscribed", channel="again")
    await sdk.subscribe("again")
    await sdk.expect("subscribed", channel="again")
    await published(server, "again", "here")
    await sdk.expect("publication", channel="again", data="here")


async def test_the_personal_channel_needs_no_subscribe(sdk, server):
    user = f"grace-{sdk.name}"
    await sdk.connect(server.url, token(user))
    await sdk.expect("subscribed", channel=f"#{user}", server=True)
    await published(server, f"#{user}", "for you")
    await sdk.expect("publication", channel=f"#{user}", data="for you")


@pytest.mark.slow
async def test_a_connection_lives_on_by_refreshing_its_token(sdk, server):
    await sdk.connect(server.url, token("ada", 2), tokens=[token("ada", 3600)])
    await sdk.expect("connected")
    await sdk.expect("token asked")
    await sdk.subscribe("refreshed")
    await sdk.expect("subscribed")
    assert [one["event"] for one in sdk.seen].count("connected") == 1


async def test_an_expired_token_is_replaced_at_connect(sdk, server):
    await sdk.connect(server.url, token("ada", -60), tokens=[token("ada")])
    await sdk.expect("token asked")
    await sdk.expect("connected")


@pytest.mark.parametrize(
    ("with_token", "code"), [("nonsense", 3500), ("", 3501)], ids=["a token that is none", "no token"]
)
async def test_a_client_without_credentials_is_sent_away_for_good(sdk, server, with_token, code):
    await sdk.connect(server.url, with_token)
    assert (await sdk.expect("disconnected"))["code"] == code


async def test_a_channel_of_an_unknown_namespace_is_refused(sdk, server):
    await sdk.connect(server.url, token("ada"))
    await sdk.expect("connected")
    await sdk.subscribe("nowhere:x")
    assert (await sdk.expect("unsubscribed", channel="nowhere:x"))["code"] == 102


async def test_a_channel_that_allows_nothing_is_refused(sdk, server):
    await sdk.connect(server.url, token("ada"))
    await sdk.expect("connected")
    await sdk.subscribe("quiet:x")
    assert (await sdk.expect("unsubscribed", channel="quiet:x"))["code"] == 103
    with pytest.raises(Refused) as refused:
        await sdk.publish("quiet:x", 1)
    assert refused.value.code == 103


async def test_history_that_is_off_is_not_available(sdk, server):
    await subscribed(sdk, server, "forgetful")
    with pytest.raises(Refused) as refused:
        await sdk.history("forgetful", 1)
    assert refused.value.code == 108


async def test_a_call_nobody_answers_is_not_available(sdk, server):
    await subscribed(sdk, server, "rpc")
    with pytest.raises(Refused) as refused:
        await sdk.rpc("nothing", {})
    assert refused.value.code in {104, 108}


async def test_the_backend_disconnects_a_user_for_good(sdk, server):
    user = f"eve-{sdk.name}"
    await sdk.connect(server.url, token(user))
    await sdk.expect("connected")
    await asyncio.to_thread(server.api, "disconnect", user=user)
    assert (await sdk.expect("disconnected"))["code"] == 3503


async def test_the_backend_unsubscribes_a_user(sdk, server):
    user, channel = f"bob-{sdk.name}", "thrown-out"
    await sdk.connect(server.url, token(user))
    await sdk.expect("connected")
    await sdk.subscribe(channel)
    await sdk.expect("subscribed", channel=channel)
    await asyncio.to_thread(server.api, "unsubscribe", user=user, channel=channel)
    assert (await sdk.expect("unsubscribed", channel=channel))["code"] == 2000
