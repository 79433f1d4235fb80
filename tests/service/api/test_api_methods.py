import asyncio
import base64
import json

import pytest
from msgspec import Raw

from service.access.tokens import Granted
from service.api import api_messages as api
from service.api.api_methods import METHODS, Call, Methods, Node
from service.api.api_reading import BadBody, read
from service.channels.attending import Attendance
from service.protocol.messages import ClientInfo, StreamPosition
from tests.service.api.rooms import FakeConnections, FakeHub, namespaces


class Asked:
    """The methods with stand-ins behind them."""

    def __init__(self, **options):
        known = namespaces()
        self.hub = FakeHub(known, **options)
        self.connections = FakeConnections()
        self.methods = Methods(self.hub, known, self.connections, Node("uid", "name", "1.2.3"))
        self.call = Call("00-" + "1" * 32 + "-" + "2" * 16 + "-01")

    async def __call__(self, method, /, **request):
        asked = read(json.dumps(request).encode(), self.methods.kind(method))
        response = await self.methods.answer(method, asked, self.call)
        said = json.loads(api.encode(response))
        return said["error"]["code"] if "error" in said else said["result"]


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def ask(request):
    return Asked(later=request.param)


async def test_a_publication_reaches_the_hub_with_all_that_it_says(ask):
    said = await ask(
        "publish",
        channel="hist:a",
        data={"n": 1},
        tags={"a": "b"},
        idempotency_key="k",
        skip_history=True,
        version=3,
        version_epoch="v",
        delta=True,
    )
    assert said == {"offset": 1, "epoch": "epoch"}
    [(channel, data, options)] = ask.hub.published
    assert (channel, json.loads(data)) == ("hist:a", {"n": 1})
    assert options == {
        "tags": {"a": "b"},
        "parent": ask.call.parent,
        "via": "api",
        "idempotency_key": "k",
        "skip_history": True,
        "version": 3,
        "version_epoch": "v",
        "delta": True,
    }


async def test_without_history_there_is_nothing_to_tell(ask):
    assert await ask("publish", channel="open:a", data=0) == {}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"data": {}}, 107),
        ({"channel": "open:a"}, 107),
        ({"channel": "open:a", "b64data": "%%%"}, 107),
        ({"channel": "nope:a", "data": {}}, 102),
        ({"channel": "nope:a"}, 102),
        ({"channel": "nope:a", "b64data": "%%%"}, 107),
    ],
)
async def test_publications_that_are_refused(ask, request_, code):
    assert await ask("publish", **request_) == code
    assert ask.hub.published == []


async def test_base64_wins_over_data(ask):
    await ask("publish", channel="open:a", data={}, b64data=base64.b64encode(b"\x00bin").decode())
    assert ask.hub.published[0][1] == b"\x00bin"


async def test_a_broken_broker_is_our_fault(ask):
    ask.hub.broken = True
    assert await ask("publish", channel="open:a", data={}) == 100
    assert await ask("history", channel="hist:a") == 100
    assert await ask("broadcast", channels=["open:a"], data={}) == {
        "responses": [{"error": {"code": 100, "message": "internal server error"}}]
    }


async def test_a_broadcast_answers_for_each_channel(ask):
    said = await ask("broadcast", channels=["open:a", "", "nope:b", "hist:c"], data={"b": 1})
    assert said["responses"] == [
        {"result": {}},
        {"error": {"code": 107, "message": "bad request"}},
        {"error": {"code": 102, "message": "unknown channel"}},
        {"result": {"offset": 1, "epoch": "epoch"}},
    ]


async def test_a_broadcast_takes_channels_and_data(ask):
    assert await ask("broadcast", channels=[], data={}) == 107
    assert await ask("broadcast", data={}) == 107
    said = await ask("broadcast", channels=["open:a", "nope:b"])
    assert [response["error"]["code"] for response in said["responses"]] == [107, 102]


async def test_a_broadcast_whose_base64_is_none_is_refused_as_a_whole(ask):
    assert await ask("broadcast", channels=["open:a", "", "nope:b"], b64data="%%%") == 107
    assert ask.hub.published == []


async def test_a_binary_namespace_takes_publications_without_data(ask):
    assert await ask("publish", channel="hist:a") == {"offset": 1, "epoch": "epoch"}
    assert (await ask("broadcast", channels=["hist:a", "open:a"]))["responses"] == [
        {"result": {"offset": 2, "epoch": "epoch"}},
        {"error": {"code": 107, "message": "bad request"}},
    ]
    kept = (await ask("history", channel="hist:a", limit=9))["publications"]
    assert [(each["offset"], "data" in each) for each in kept] == [(1, False), (2, False)]


async def test_a_long_broadcast_lets_the_loop_turn(ask):
    said = await ask("broadcast", channels=[f"open:{n}" for n in range(200)], data=1)
    assert len(said["responses"]) == 200


async def test_nulls_within_lists_and_tags_are_empty_texts(ask):
    await ask("publish", channel="open:a", data=1, tags={"a": None, "b": "c"})
    assert ask.hub.published[0][2]["tags"] == {"a": "", "b": "c"}
    said = await ask("broadcast", channels=[None, "open:a"], data=1)
    assert [response.get("error", {}).get("code") for response in said["responses"]] == [107, None]
    await ask("disconnect", user="u", whitelist=[None, "c"])
    assert ask.connections.disconnected[-1][-1] == ("", "c")


async def test_history(ask):
    await ask("publish", channel="hist:a", data={"n": 1}, tags={"t": "x"})
    said = await ask("history", channel="hist:a", limit=5, since={"offset": 0, "epoch": "epoch"})
    assert said == {
        "publications": [{"data": {"n": 1}, "offset": 1, "tags": {"t": "x"}}],
        "epoch": "epoch",
        "offset": 1,
    }
    assert (ask.hub.wanted.limit, ask.hub.wanted.since.epoch, ask.hub.wanted.reverse) == (5, "epoch", False)


async def test_bytes_that_are_no_json_cannot_be_told_in_json(ask):
    await ask("publish", channel="hist:a", b64data=base64.b64encode(b"\x00bin").decode())
    assert await ask("history", channel="hist:a", limit=1) == 100
    assert await ask("history", channel="hist:a", limit=0) == {"publications": [], "epoch": "epoch", "offset": 1}


async def test_histories_that_are_refused(ask):
    assert await ask("history") == 107
    assert await ask("history", channel="nope:a") == 102
    assert await ask("history", channel="open:a", limit=1) == 108
    assert await ask("history", channel="hist:a", reverse=True, since={"offset": 0, "epoch": "e"}) == 100


async def test_history_is_removed(ask):
    assert await ask("history_remove", channel="hist:a") == {}
    assert ask.hub.removed == ["hist:a"]
    assert await ask("history_remove") == 107
    assert await ask("history_remove", channel="nope:a") == 102


async def test_channels(ask):
    assert await ask("channels", pattern="open:1") == {"channels": {"open:1": {"num_clients": 2}}}
    assert await ask("channels", pattern="zzz") == {"channels": {}}


async def test_receipts(ask):
    told = {"offset": 7, "subscribers": 5, "confirming": 4, "received": 3, "users": 2}
    assert await ask("receipts", channel="kept:a", offset=7) == told
    assert await ask("receipts", channel="kept:a") == {**told, "offset": 9}
    assert await ask("receipts", channel="open:a") == 108
    assert await ask("receipts", channel="nope:a") == 102
    assert await ask("receipts") == 107


async def test_info(ask):
    [node] = (await ask("info"))["nodes"]
    assert (node["uid"], node["name"], node["version"]) == ("uid", "name", "1.2.3")
    assert [node[f"num_{what}"] for what in ("clients", "users", "subs", "channels")] == [3, 2, 5, 1]


async def test_disconnect(ask):
    assert await ask("disconnect", user="u") == {}
    await ask("disconnect", user="u", client="c", whitelist=["w"], disconnect={"code": 4001, "reason": "go"})
    await ask("disconnect", user="u", disconnect={"code": 4002})
    assert ask.connections.disconnected == [
        ("u", 3503, "force disconnect", "", ()),
        ("u", 4001, "go", "c", ("w",)),
        ("u", 4002, "", "", ()),
    ]


@pytest.mark.parametrize("disconnect", [{"code": 999}, {"code": 5000}, {"reason": "x"}, {"code": 1006}])
async def test_a_close_frame_cannot_say_everything(ask, disconnect):
    assert await ask("disconnect", user="u", disconnect=disconnect) == 107
    assert ask.connections.disconnected == []


async def test_unsubscribe(ask):
    assert await ask("unsubscribe", user="u", channel="a", client="c") == {}
    assert await ask("unsubscribe", user="u") == {}
    assert await ask("unsubscribe", user="u", channel="nope:a") == 102
    assert ask.connections.unsubscribed == [("u", "a", 2000, "c"), ("u", "", 2000, "")]


async def test_subscribe(ask):
    assert await ask("subscribe", user="u", channel="open:a") == {}
    override = {"force_recovery": {"value": True}, "presence": {"value": False}, "join_leave": {}}
    await ask(
        "subscribe",
        user="u",
        channel="hist:a",
        client="c",
        session="s",
        info={"i": 1},
        b64data=base64.b64encode(b'{"d":2}').decode(),
        data={"other": 1},
        expire_at=17,
        recover_since={"offset": 3, "epoch": "e"},
        override=override,
    )
    plain, full = ask.connections.subscribed
    assert plain == ("u", "open:a", Granted(), 0, None, "", "")
    user, channel, granted, expire_at, since, client, session = full
    assert (user, channel, expire_at, since, client, session) == ("u", "hist:a", 17, StreamPosition(3, "e"), "c", "s")
    assert (bytes(granted.info), bytes(granted.data)) == (b'{"i": 1}', b'{"d":2}')
    assert (granted.force_recovery, granted.presence, granted.join_leave) == (True, False, False)
    assert (granted.force_positioning, granted.force_push_join_leave) == (None, None)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"user": "u"}, 107),
        ({"channel": "nope:a"}, 102),
        ({"channel": "open:a", "b64data": "%%%"}, 107),
        ({"channel": "open:a", "b64info": base64.b64encode(b"{no json").decode()}, 107),
    ],
)
async def test_subscriptions_that_are_refused(ask, request_, code):
    assert await ask("subscribe", **request_) == code
    assert ask.connections.subscribed == []


async def test_a_subscription_that_did_not_work_is_an_internal_error(ask):
    ask.connections.works = False
    assert await ask("subscribe", user="u", channel="open:a") == 100


async def test_refresh(ask):
    assert await ask("refresh", user="u") == {}
    await ask("refresh", user="u", client="c", session="s", expired=True, expire_at=17, info={"i": 1})
    assert ask.connections.refreshed == [("u", False, 0, b"", "", ""), ("u", True, 17, b'{"i": 1}', "c", "s")]


@pytest.mark.parametrize("method", ["presence", "presence_stats"])
async def test_presence_that_is_off(ask, method):
    assert await ask(method) == 107
    assert await ask(method, channel="nope:a") == 102
    assert await ask(method, channel="open:a") == 108


async def test_presence(ask):
    assert await ask("presence", channel="pres:a") == {"presence": {}}
    assert await ask("presence_stats", channel="pres:a") == {"num_clients": 0, "num_users": 0}
    for client in ("c1", "c2"):
        info = ClientInfo(user="ann", client=client, chan_info=Raw(b"[1]"))
        ask.hub.attending.came("pres:a", Attendance(info, present=True))
    told = {client: {"user": "ann", "client": client, "chan_info": [1]} for client in ("c1", "c2")}
    assert await ask("presence", channel="pres:a") == {"presence": told}
    assert await ask("presence_stats", channel="pres:a") == {"num_clients": 2, "num_users": 1}


@pytest.mark.parametrize("method", ["presence", "presence_stats"])
async def test_presence_that_cannot_be_read(ask, method):
    ask.hub.presence.broken = True
    assert await ask(method, channel="pres:a") == 100


async def test_nobody_answers_an_rpc(ask):
    assert await ask("rpc") == 107
    assert await ask("rpc", method="x", params={}) == 104


@pytest.mark.parametrize("parallel", [False, True])
async def test_a_batch_answers_for_each_command(ask, parallel):
    said = await ask(
        "batch",
        commands=[
            {"publish": {"channel": "hist:a", "data": 1}},
            {"presence_stats": {"channel": "x"}, "publish": {"channel": "hist:a", "data": 2}},
            {"history": {"channel": "nope:a"}},
            {"foo": {}},
            {},
            {"batch": {"commands": []}},
            {"publish": None, "history_remove": {"channel": "hist:a"}, "presence": {"channel": "hist:a"}},
            None,
        ],
        parallel=parallel,
    )
    not_found = {"error": {"code": 104, "message": "not found"}}
    assert said["replies"] == [
        {"publish": {"offset": 1, "epoch": "epoch"}},
        {"publish": {"offset": 2, "epoch": "epoch"}},
        {"error": {"code": 102, "message": "unknown channel"}},
        not_found,
        not_found,
        not_found,
        {"history_remove": {}},
        {"error": {"code": 107, "message": "bad request"}},
    ]
    assert await ask("batch") == {}


class Turns:
    """How many calls of the hub are under way at a time."""

    def __init__(self, ask):
        self.running = self.most = 0
        self.publish, ask.hub.publish = ask.hub.publish, self

    def __call__(self, *arguments, **options):
        async def slowly():
            self.running += 1
            self.most = max(self.most, self.running)
            await asyncio.sleep(0)
            self.running -= 1
            published = self.publish(*arguments, **options)
            return await published if hasattr(published, "__await__") else published

        return slowly()


@pytest.mark.parametrize(("parallel", "most"), [(False, 1), (True, 64)])
async def test_a_parallel_batch_does_not_wait_for_each(ask, parallel, most):
    turns = Turns(ask)
    commands = [{"publish": {"channel": f"hist:{number}", "data": number}} for number in range(100)]
    said = await ask("batch", commands=commands, parallel=parallel)
    assert turns.most == most
    assert said["replies"] == [{"publish": {"offset": 1, "epoch": "epoch"}}] * 100


async def test_a_broadcast_does_not_wait_for_each_channel(ask):
    turns = Turns(ask)
    said = await ask("broadcast", channels=[f"hist:{number}" for number in range(100)], data=1)
    assert turns.most == 64
    assert said["responses"] == [{"result": {"offset": 1, "epoch": "epoch"}}] * 100


async def test_a_malformed_command_spoils_the_batch_before_anything_is_done(ask):
    with pytest.raises(BadBody):
        await ask("batch", commands=[{"publish": {"channel": "open:a", "data": 1}}, {"publish": {"channel": 5}}])
    assert ask.hub.published == []


async def test_the_first_sampled_trace_is_remembered(ask):
    await ask("publish", channel="open:a", data=1)
    assert ask.call.traceparent is None
    ask.hub.traceparent = "00-a"
    await ask("broadcast", channels=["open:a"], data=1)
    ask.hub.traceparent = "00-b"
    await ask("publish", channel="open:a", data=1)
    assert ask.call.traceparent == "00-a"


def test_the_table_and_the_labels_agree(ask):
    assert all(name in ask.methods for name in METHODS[:-2])
    assert METHODS[-2:] == ("old_style", "unknown")
