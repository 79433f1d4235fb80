"""Subscription tokens as the SDKs use them, unmodified: asked for, refreshed in time, refused, ended."""

import time

import pytest

from tests.e2e.served import Served, configuration, token
from tests.sdk.clients import EVERY_SDK

pytestmark = [pytest.mark.sdk, EVERY_SDK]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`closed:` allows nothing without a token."""
    settings = configuration()
    settings["channel"]["namespaces"].append({"name": "closed", "history_size": 9, "history_ttl": "60s"})
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


def ticket(channel, user="ada", lives=600.0, **claims):
    return token(user, lives, channel=channel, **claims)


async def entering(sdk, server, channel, tokens):
    await sdk.connect(server.url, token("ada"))
    await sdk.expect("connected")
    await sdk.subscribe(channel, tokens=tokens())  # the first one is asked for, too


@pytest.mark.parametrize("channel", ["closed:room", "$closed:private", "$private"])
@pytest.mark.slow
async def test_a_token_opens_what_is_closed(sdk, server, channel):
    await entering(sdk, server, channel, lambda: [ticket(channel)])
    await sdk.expect("subscribed", channel=channel)
    server.publish(channel, "in")
    assert (await sdk.expect("publication", channel=channel))["data"] == "in"


async def test_a_token_may_turn_recovery_on(sdk, server):
    override = {"force_recovery": {"value": True}}
    await entering(sdk, server, "closed:kept", lambda: [ticket("closed:kept", override=override)])
    assert (await sdk.expect("subscribed"))["recoverable"]


@pytest.mark.slow
async def test_a_subscription_lives_on_by_refreshing_its_token(sdk, server):
    now = time.time()
    await entering(sdk, server, "closed:long", lambda: [ticket("closed:long", lives=3), ticket("closed:long")])
    await sdk.expect("subscribed")
    await sdk.expect("token asked")
    while time.time() < now + 4.5:
        server.publish("closed:long", "still")
        await sdk.expect("publication")
    assert not [each for each in sdk.seen if each["event"] == "unsubscribed"]


async def test_who_has_no_new_token_is_out(sdk, server):
    await entering(sdk, server, "closed:short", lambda: [ticket("closed:short", lives=2)])
    await sdk.expect("subscribed")
    assert (await sdk.expect("unsubscribed"))["code"] == 1  # unauthorized: the SDK ends it by itself


async def test_a_token_for_another_channel_ends_the_connection(sdk, server):
    await entering(sdk, server, "closed:mine", lambda: [ticket("closed:yours")])
    assert (await sdk.expect("disconnected"))["code"] == 3500


async def test_a_forged_token_is_refused(sdk, server):
    await entering(sdk, server, "closed:mine", lambda: [ticket("closed:mine")[:-4] + "AAAA"])
    refused = await sdk.expect("unsubscribed")
    assert (refused["code"], refused["reason"]) == (103, "permission denied")
