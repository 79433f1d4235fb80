"""The server API through `cent`, unmodified: every method that this server has, and a client of either SDK that sees it."""

import time

import cent
import pytest

from tests.e2e.served import KEY, token

pytestmark = pytest.mark.sdk
HERE = {
    "publish", "broadcast", "subscribe", "unsubscribe", "disconnect", "refresh", "presence", "presence_stats", "history",
    "history_remove", "channels", "info", "batch",
}  # fmt: skip
ELSEWHERE = {  # Centrifugo PRO alone has them
    "connections", "update_user_status", "get_user_status", "delete_user_status", "block_user", "unblock_user",
    "revoke_token", "invalidate_user_tokens", "device_register", "device_update", "device_remove", "device_list",
    "device_topic_list", "device_topic_update", "user_topic_list", "user_topic_update", "send_push_notification",
    "update_push_status", "cancel_push",
}  # fmt: skip


@pytest.fixture
async def backend(server):
    client = cent.AsyncClient(f"http://127.0.0.1:{server.port}/api", KEY)
    yield client
    await client.close()


async def connected(sdk, server, user, **claims):
    await sdk.connect(server.url, token(user, **claims))
    return await sdk.expect("connected")


def code(refused):
    return refused.value.code


def test_these_are_all_methods_of_cent():
    methods = {name for name in dir(cent.AsyncClient) if not name.startswith("_")} - {"close"}
    assert methods == HERE | ELSEWHERE
    assert not HERE & ELSEWHERE


async def test_publish_and_broadcast(sdk, server, backend):
    name = sdk.name
    await connected(sdk, server, f"cent-{name}")
    await sdk.subscribe(f"stream:cent-{name}")
    await sdk.expect("subscribed")
    first = await backend.publish(cent.PublishRequest(channel=f"stream:cent-{name}", data={"n": 1}, tags={"a": "b"}))
    assert (first.offset, bool(first.epoch)) == (1, True)
    seen = await sdk.expect("publication")
    assert (seen["data"], seen["tags"]["a"]) == ({"n": 1}, "b")
    channels = [f"stream:cent-{name}", "nope:x", "cent"]
    several = await backend.broadcast(cent.BroadcastRequest(channels=channels, data={"n": 2}))
    assert [each.error and each.error.code for each in several.responses] == [None, 102, None]
    assert [each.result and each.result.offset for each in several.responses] == [2, None, 0]
    assert (await sdk.expect("publication"))["data"] == {"n": 2}
    with pytest.raises(cent.CentApiResponseError) as refused:
        await backend.publish(cent.PublishRequest(channel="nope:x", data=1))
    assert code(refused) == 102


async def test_history_and_its_removal(server, backend):
    channel = "stream:cent-history"
    for number in range(3):
        await backend.publish(cent.PublishRequest(channel=channel, data=number))
    kept = await backend.history(cent.HistoryRequest(channel=channel, limit=2, reverse=True))
    assert ([each.data for each in kept.publications], kept.offset) == ([2, 1], 3)
    since = cent.StreamPosition(offset=1, epoch=kept.epoch)
    assert [
        each.offset
        for each in (await backend.history(cent.HistoryRequest(channel=channel, limit=9, since=since))).publications
    ] == [2, 3]
    await backend.history_remove(cent.HistoryRemoveRequest(channel=channel))
    kept = await backend.history(cent.HistoryRequest(channel=channel, limit=9))
    assert (kept.publications, kept.offset) == ([], 3)


async def test_subscribe_and_unsubscribe(sdk, server, backend):
    user = f"taken-{sdk.name}"
    channel = f"stream:{user}"
    for number in range(3):
        position = await backend.publish(cent.PublishRequest(channel=channel, data=number))
    await connected(sdk, server, user)
    await backend.subscribe(
        cent.SubscribeRequest(
            user=user, channel=channel, data={"d": 1}, info={"i": 1}, expire_at=int(time.time()) + 600,
            recover_since=cent.StreamPosition(offset=1, epoch=position.epoch),
            override=cent.ChannelOptionsOverride(force_recovery=cent.BoolValue(value=True)),
        )
    )  # fmt: skip
    assert (await sdk.expect("subscribed", channel=channel))["server"]
    missed = [await sdk.expect("publication", channel=channel) for _ in range(2)]
    assert [each["data"] for each in missed] == [1, 2]
    await backend.publish(cent.PublishRequest(channel=channel, data="live"))
    assert (await sdk.expect("publication", channel=channel))["data"] == "live"
    assert (await backend.channels(cent.ChannelsRequest(pattern=channel))).channels[channel].num_clients == 1
    await backend.unsubscribe(cent.UnsubscribeRequest(user=user, channel=channel))
    await sdk.expect("unsubscribed", channel=channel)
    assert channel not in (await backend.channels(cent.ChannelsRequest())).channels


async def test_what_a_server_side_subscriber_missed_comes_after_a_reconnect(sdk, server, backend):
    """The position goes out in the connect request, and what came meanwhile back with its reply."""
    user = f"away-{sdk.name}"
    channel = f"stream:{user}"
    claims = {"channels": [channel]}
    await sdk.connect(server.url, token(user, **claims), [token(user, **claims)] * 3)
    await sdk.expect("subscribed", channel=channel)
    await backend.publish(cent.PublishRequest(channel=channel, data="before"))
    await sdk.expect("publication", channel=channel, data="before")
    batch = [
        cent.DisconnectRequest(user=user, disconnect=cent.Disconnect(code=3011, reason="force reconnect")),
        *(cent.PublishRequest(channel=channel, data=number) for number in range(3)),
    ]
    await backend.batch(cent.BatchRequest(requests=batch))
    again = await sdk.expect("subscribed", channel=channel)
    assert again["recovered"]
    assert [(await sdk.expect("publication", channel=channel))["data"] for _ in range(3)] == [0, 1, 2]


async def test_refresh_and_disconnect(sdk, server, backend):
    user = f"sent-away-{sdk.name}"
    client = (await connected(sdk, server, user))["client"]
    await backend.refresh(cent.RefreshRequest(user=user, client=client, expire_at=int(time.time()) + 600))
    await backend.disconnect(cent.DisconnectRequest(user=user, whitelist=[client]))
    await sdk.subscribe("still-here")
    await sdk.expect("subscribed")
    await backend.disconnect(cent.DisconnectRequest(user=user, disconnect=cent.Disconnect(code=4500, reason="go")))
    gone = await sdk.expect("disconnected")
    assert (gone["code"], gone["reason"]) == (4500, "go")


async def test_info_and_presence(server, backend):
    (node,) = (await backend.info(cent.InfoRequest())).nodes
    assert (node.num_clients, bool(node.uid), bool(node.name)) == (0, True, True)
    for ask, request in (("presence", cent.PresenceRequest), ("presence_stats", cent.PresenceStatsRequest)):
        with pytest.raises(cent.CentApiResponseError) as refused:
            await getattr(backend, ask)(request(channel="quiet:x"))
        assert code(refused) == 108


@pytest.mark.parametrize("parallel", [False, True])
async def test_batch(server, backend, parallel):
    channel = f"stream:batch-{parallel}"
    commands = [cent.PublishRequest(channel=channel, data=number) for number in range(20)]
    said = await backend.batch(cent.BatchRequest(requests=[*commands, cent.ChannelsRequest()], parallel=parallel))
    assert sorted(each.offset for each in said.replies[:20]) == list(range(1, 21))
    assert said.replies[20].channels == {}
    with pytest.raises(KeyError):  # its parser cannot say an error of one command
        await backend.batch(cent.BatchRequest(requests=[cent.PublishRequest(channel="nope:x", data=1)]))


async def test_a_wrong_key(server):
    stranger = cent.AsyncClient(f"http://127.0.0.1:{server.port}/api", "wrong")
    with pytest.raises(cent.CentUnauthorizedError):
        await stranger.info(cent.InfoRequest())
    await stranger.close()


async def test_what_only_centrifugo_pro_has(server, backend):
    with pytest.raises(cent.CentTransportError) as refused:
        await backend.connections(cent.ConnectionsRequest(user="x", expression=""))
    assert refused.value.status_code == 404
