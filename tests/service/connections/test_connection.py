"""One socket from the 101 to its end, against raw bytes."""

import asyncio

import pytest

from service.connections.connection import client_name
from service.protocol import closing, framing
from service.protocol.closing import forced
from service.protocol.messages import ClientInfo
from tests.service.connections.conftest import fall_silent


def client_frame(opcode, payload, fin=True):
    return framing.client_frame(opcode, payload, b"mask", fin=fin)


async def test_frames_in_the_segment_of_the_upgrade_are_answered(node):
    early = framing.client_frame(framing.TEXT, b'{"id":1,"connect":{"token":"nonsense"}}', b"mask")
    peer = await node.peer(early=early)
    assert await peer.closed() == (3500, "invalid token")


async def test_a_ping_frame_is_answered_with_its_bytes(node):
    peer = await node.peer()
    peer.writer.write(framing.client_frame(framing.PING, b"hello", b"mask"))
    assert await peer.frame() == (framing.PONG, b"hello")


async def test_the_peers_close_is_echoed_and_the_socket_ends(node):
    peer = await node.greeted()
    peer.writer.write(framing.client_frame(framing.CLOSE, (4001).to_bytes(2) + b"bye", b"mask"))
    assert await peer.closed() == (4001, "")
    assert await peer.ended()


async def test_an_empty_close_is_answered_with_1000(node):
    peer = await node.greeted()
    peer.writer.write(framing.client_frame(framing.CLOSE, b"", b"mask"))
    assert (await peer.closed())[0] == 1000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (framing.frame(framing.TEXT, b"{}"), 1002),
        (framing.client_frame(framing.TEXT, b"\xff\xfe", b"mask"), 1007),
        (framing.client_frame(framing.TEXT, b"x" * 70_000, b"mask"), 1009),
        (framing.client_frame(framing.TEXT, b"no json", b"mask"), 3501),
        (framing.client_frame(framing.TEXT, b'{"id":1,"subscribe":{"channel":"a"}}', b"mask"), 3501),
    ],
    ids=["unmasked", "not UTF-8", "too big", "not JSON", "no connect"],
)
async def test_faults_have_their_code(node, data, code):
    peer = await node.peer()
    peer.writer.write(data)
    assert (await peer.closed())[0] == code


async def test_commands_before_a_malformed_one_are_answered(node):
    peer = await node.greeted()
    peer.writer.write(framing.client_frame(framing.TEXT, b'{"id":2,"subscribe":{"channel":"a"}}\n{{', b"mask"))
    assert (await peer.replies())[0]["id"] == 2
    assert (await peer.closed())[0] == 3501


async def test_the_close_lingers_until_the_peers_answer(node):
    """What the peer was still sending is read, so that no reset swallows the code."""
    peer = await node.greeted()
    node.station.registry.get(peer.client).close(closing.SHUTDOWN)
    for _ in range(50):
        peer.text({"id": 9, "publish": {"channel": "a", "data": "x" * 1000}})
    assert await peer.closed() == (3001, "shutdown")
    peer.writer.write(framing.client_frame(framing.CLOSE, (3001).to_bytes(2), b"mask"))
    assert await peer.ended()


async def test_a_peer_that_never_answers_a_close_is_dropped(make_node):
    node = await make_node()
    peer = await node.greeted()
    connection = node.station.registry.get(peer.client)
    object.__setattr__(node.station.settings, "linger", 0.1)
    connection.close(closing.SHUTDOWN)
    assert await peer.closed() == (3001, "shutdown")
    assert await peer.ended()


async def test_after_our_close_nothing_is_executed(node):
    peer, other = await node.greeted(), await node.greeted("bob")
    other.text({"id": 2, "subscribe": {"channel": "a"}})
    await other.replies()
    node.station.registry.get(peer.client).close(closing.SHUTDOWN)
    peer.text({"id": 2, "publish": {"channel": "a", "data": 1}})
    await peer.closed()
    other.text({"id": 3, "unsubscribe": {"channel": "a"}})
    assert (await other.replies())[0]["id"] == 3


@pytest.mark.parametrize("end", [forced(3000, ""), forced(4000, "x" * 124)], ids=["3000", "reason too long"])
async def test_a_code_that_cannot_be_said_drops_the_socket(node, end):
    peer = await node.greeted()
    node.station.registry.get(peer.client).close(end)
    assert await peer.ended()


async def test_a_silent_client_is_stale(make_node):
    node = await make_node(client={"stale_close_delay": "100ms"})
    peer = await node.peer()
    assert await peer.closed() == (3502, "stale")


async def test_pings_come_and_a_missing_pong_closes(make_node):
    node = await make_node(client={"ping_interval": "300ms", "pong_timeout": "200ms"})
    peer = await node.greeted()
    assert await peer.replies() == [{}]
    peer.text({})
    assert await peer.replies() == [{}]
    assert await peer.closed() == (3012, "no pong")


async def test_a_reader_that_stops_is_cut_by_bytes(make_node):
    node = await make_node(client={"queue_max_size": 100_000})
    slow, fast = await node.greeted("slow"), await node.greeted("fast")
    for peer in (slow, fast):
        peer.text({"id": 2, "subscribe": {"channel": "a"}})
        await peer.replies()
    payload = b'"' + b"x" * 10_000 + b'"'
    received = 0
    for _ in range(400):
        node.hub.publish("a", payload)
        opcode, _ = await fast.frame()
        received += opcode == framing.TEXT
        if len(node.station.registry) == 1:
            break
    assert len(node.station.registry) == 1, "the reader that stopped is still there"
    assert node.station.registry.of_user("fast")
    assert received
    await asyncio.sleep(0)
    assert not node.station.stalled
    assert node.station.sums.outbox_bytes == 0


async def test_a_reader_that_stops_is_cut_by_age(make_node):
    node = await make_node(websocket={"write_timeout": "200ms"})
    slow = await node.greeted("slow", narrow=True)
    slow.text({"id": 2, "subscribe": {"channel": "a"}})
    await slow.replies()
    slow.reader._transport.pause_reading()
    payload = b'"' + b"x" * 10_000 + b'"'
    while not node.station.stalled:
        node.hub.publish("a", payload)
        await asyncio.sleep(0)
    for _ in range(100):
        if not len(node.station.registry):
            break
        await asyncio.sleep(0.02)
    assert not len(node.station.registry)


@pytest.mark.parametrize("writes", [False, True], ids=["nothing more is sent", "more is sent"])
async def test_a_peer_that_acknowledges_nothing_is_the_kernels_verdict(make_node, monkeypatch, writes):
    """No ping is due for long and nothing waits in the outbox: only the kernel knows that nobody is there."""
    node = await make_node(
        http_server={"tcp_user_timeout": "400ms"}, websocket={"write_timeout": "300ms"}, client={"ping_interval": "0s"}
    )
    stories = []
    monkeypatch.setattr(node.station.observe, "closed", stories.append)
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    await peer.replies()
    fall_silent(peer.writer.get_extra_info("socket"))
    node.hub.publish("a", b"{}")
    for _ in range(250):
        if stories:
            break
        if writes:
            node.hub.publish("a", b"{}")
        await asyncio.sleep(0.02)
    (story,) = stories
    assert (story.code, story.cause, story.initiator) == (3008, "slow_kernel", "network")
    assert not len(node.station.registry)


async def closed_by(node, stories, data):
    """How the connection ends that gets these bytes."""
    peer = await node.peer()
    peer.writer.write(data)
    code, _ = await peer.closed()
    peer.writer.close()
    for _ in range(250):
        if stories:
            break
        await asyncio.sleep(0.02)
    return code, stories.pop().cause


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (client_frame(framing.TEXT, b"x" * 3_000), (1009, "message_too_big")),
        (client_frame(framing.TEXT, b"x" * 1_100), (1009, "frame_too_big")),
        (
            client_frame(framing.TEXT, b"", fin=False) + client_frame(0, b"", fin=False) * 4,
            (1009, "too_many_fragments"),
        ),
        (client_frame(framing.PING, b"") * 21, (3509, "control_flood")),
        (client_frame(framing.PING, b"") * 15 + client_frame(framing.PONG, b"") * 6, (3509, "control_flood")),
    ],
    ids=["message", "frame", "fragments", "pings", "pings and pongs"],
)
async def test_what_one_peer_may_send_is_bounded(make_node, monkeypatch, data, end):
    limits = {"message_size_limit": 2_000, "frame_size_limit": 1_000, "max_fragments": 3, "control_frame_rate": 5}
    node = await make_node(websocket=limits)
    stories = []
    monkeypatch.setattr(node.station.observe, "closed", stories.append)
    assert await closed_by(node, stories, data) == end


async def test_a_peer_that_pings_too_often_is_answered_less_before_it_is_closed(make_node):
    node = await make_node(websocket={"control_frame_rate": 5})
    peer = await node.peer()
    peer.writer.write(client_frame(framing.PING, b"") * 20)
    assert [await peer.frame() for _ in range(10)] == [(framing.PONG, b"")] * 10
    peer.text({"id": 1, "connect": {}})
    assert (await peer.closed())[0] == 3501


async def test_the_kernels_backlog_is_counted_and_forgotten(node):
    slow = await node.greeted("slow", narrow=True)
    slow.text({"id": 2, "subscribe": {"channel": "a"}})
    await slow.replies()
    slow.reader._transport.pause_reading()
    object.__setattr__(node.station.settings, "moved_again", 0.05)
    for _ in range(8):
        node.hub.publish("a", b'"' + b"x" * 60_000 + b'"')
        await asyncio.sleep(0)
    for _ in range(100):
        if node.station.sums.kernel_bytes:
            break
        connection = node.station.registry.get(slow.client)
        connection.visit(node.station.now(), 0.0)
        await asyncio.sleep(0.02)
    assert node.station.sums.kernel_bytes > 10_000
    # Four messages of 60 kB at most are in there, however small those are that others get.
    assert 0 < node.station.sums.kernel_messages <= 4
    slow.writer.transport.abort()
    for _ in range(100):
        if not node.station.registry.sockets:
            break
        await asyncio.sleep(0.02)
    assert (node.station.sums.kernel_bytes, node.station.sums.kernel_messages) == (0, 0)


async def test_hundreds_of_commands_behind_a_slow_question_are_answered_one_by_one(make_node, monkeypatch):
    """Not one inside another: that would be as deep as the peer likes."""
    history = {"name": "hist", "allow_history_for_client": True, "history_size": 5, "history_ttl": "60s"}
    node = await make_node(channel={"namespaces": [history]}, client={"commands_per_frame": 0})
    gate = asyncio.get_running_loop().create_future()
    quick = node.hub.history

    def slow_once(*arguments):
        monkeypatch.setattr(node.hub, "history", quick)

        async def wait():
            await gate
            return quick(*arguments)

        return wait()

    monkeypatch.setattr(node.hub, "history", slow_once)
    peer = await node.greeted()
    count = 1200
    peer.text(*({"id": n, "publish": {"channel": "a", "data": 1}} for n in range(2, 4)))
    seen = []
    while len(seen) < 2:
        seen += await peer.replies()
    lines = [{"id": n, "history": {"channel": "hist:a"}} for n in range(5, 5 + count)]
    peer.text({"id": 4, "history": {"channel": "hist:a", "limit": 1}}, *lines)
    await asyncio.sleep(0.05)
    gate.set_result(None)
    seen = []
    while len(seen) < count + 1:
        seen += await peer.replies()
    assert [m["id"] for m in seen] == list(range(4, 5 + count))


@pytest.mark.parametrize("how", ["dropped", "closed by the peer"])
async def test_an_answer_that_comes_too_late_leads_to_nothing(node, monkeypatch, how):
    """The socket went away while the broker was asked: nobody enters the channel for it."""
    really, heard = node.broker._broker.subscribe, asyncio.get_running_loop().create_future()

    async def hear(channel):
        await heard
        really(channel)

    monkeypatch.setattr(node.broker._broker, "subscribe", hear)
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    while not len(node.station.errands):
        await asyncio.sleep(0.01)
    if how == "dropped":
        peer.writer.transport.abort()
    else:
        peer.writer.write(framing.client_frame(framing.CLOSE, b"", b"mask"))
    while node.station.registry.sockets:
        await asyncio.sleep(0.01)
    heard.set_result(None)
    while len(node.station.errands):
        await asyncio.sleep(0.01)
    assert node.hub.channels() == {}


async def test_a_message_with_too_many_commands_is_a_bad_frame(make_node):
    node = await make_node(client={"commands_per_frame": 200})
    peer = await node.greeted()
    peer.text(*({"id": n, "history": {"channel": "a"}} for n in range(2, 203)))
    seen = []
    while len(seen) < 200:
        seen += await peer.replies()
    assert [reply["id"] for reply in seen] == list(range(2, 202))
    assert await peer.closed() == (3501, "bad request")


async def test_a_flood_of_commands_is_refused_then_closed(make_node):
    node = await make_node(client={"command_rate": 1, "command_burst": 130})
    peer = await node.greeted()
    peer.text(*({"id": n, "history": {"channel": "a"}} for n in range(2, 280)))
    codes = []
    while len(codes) < 260:
        codes += [reply["error"]["code"] for reply in await peer.replies()]
    assert codes == [108] * 130 + [111] * 130
    assert await peer.closed() == (3509, "too many errors")


async def test_a_thousand_questions_for_a_crowd_are_a_few_answers(make_node):
    """A frame of 40 KiB must not become a gigabyte of answers, nor seconds of the loop."""
    seen = {"name": "crowd", "presence": True, "allow_presence_for_client": True}
    node = await make_node(channel={"namespaces": [seen]})
    for number in range(5000):
        node.presence.add("crowd:a", ClientInfo(user="ann", client=str(number)))
    peer = await node.greeted()
    peer.text(*({"id": number, "presence": {"channel": "crowd:a"}} for number in range(2, 1002)))
    answers = []
    while len(answers) < 1000:
        answers += await peer.replies()
    assert 20 < sum("presence" in each for each in answers) < 30
    assert {each["error"]["code"] for each in answers if "error" in each} == {111}
    assert node.station.registry.get(peer.client) is not None


async def test_with_too_many_errands_a_command_is_refused(make_node, monkeypatch):
    never = asyncio.get_running_loop().create_future()
    node = await make_node()
    monkeypatch.setattr(node.station.errands, "_limit", 0)
    monkeypatch.setattr(node.station.calls, "hook", lambda *_: never)
    peer = await node.greeted()
    peer.text({"id": 2, "rpc": {"method": "slow"}})
    assert (await peer.replies())[0]["error"]["code"] == 111


def test_what_a_client_calls_itself_is_shortened():
    assert client_name("x" * 1000, "1" * 1000) == "x" * 32 + " " + "1" * 32
    assert client_name("js", "") == "js"


async def test_a_new_connection_closes_the_users_others_where_only_one_may_be(make_node):
    personal = {"enabled": True, "single_connection": True}
    node = await make_node(
        client={"subscribe_to_user_personal_channel": personal, "allow_anonymous_connect_without_token": True}
    )
    one, other = await node.greeted("ann"), await node.greeted("bob")
    two = await node.greeted("ann")
    assert await one.closed() == (3504, "connection limit")
    for peer in (two, other):
        peer.text({"id": 2, "unsubscribe": {"channel": "x"}})
        assert await peer.replies() == [{"id": 2, "unsubscribe": {}}]
    for _ in range(2):  # anonymous clients are many users
        peer = await node.peer()
        peer.text({"id": 1, "connect": {}})
        assert "connect" in (await peer.replies())[0]
    assert len(node.station.registry) == 4


async def test_personal_channels_alone_close_nobody(make_node):
    node = await make_node(client={"subscribe_to_user_personal_channel": {"enabled": True}})
    await node.greeted("ann")
    await node.greeted("ann")
    assert len(node.station.registry) == 2
