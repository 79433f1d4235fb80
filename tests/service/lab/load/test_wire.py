"""The words of a simulated user."""

import json

import pytest
from msgspec import Raw

from service.lab.load import wire
from service.protocol.framing import FrameLimits, FrameParser


def test_replies_are_read_as_far_as_they_concern_us():
    lines = [
        {"id": 1, "connect": {"client": "c", "ping": 25}},
        {"id": 2, "subscribe": {"recoverable": True, "epoch": "e", "publications": [{"data": {"n": 1}, "offset": 1}]}},
        {"push": {"channel": "a", "pub": {"data": {"n": 2, "t": 1.5, "x": "x"}, "offset": 2}}},
        {},
    ]
    connect, subscribe, push, ping = wire.replies("\n".join(map(json.dumps, lines)).encode())
    assert connect.connect["ping"] == 25
    assert (subscribe.subscribe.epoch, subscribe.subscribe.publications[0].offset) == ("e", 1)
    assert wire.said(push.push.pub.data) == wire.Said(2, 1.5)
    assert (ping.id, ping.push) == (0, None)


def test_somebody_else_s_publication_is_none_of_ours():
    assert wire.said(Raw(b'"hello"')) is None
    assert wire.said(Raw(b'{"n":"x"}')) is None
    assert wire.said(Raw(b'{"text":"hello"}')).n == 0


def test_a_publication_has_its_number_its_time_and_its_size():
    parser = FrameParser(FrameLimits(10_000))
    ((_, payload),) = parser.feed(wire.publication(1000, "a", 3, 12.5, 500))
    publish = json.loads(payload)["publish"]
    assert (publish["channel"], publish["data"]["n"], publish["data"]["t"]) == ("a", 3, 12.5)
    assert 480 <= len(json.dumps(publish["data"])) <= 520


@pytest.mark.parametrize(("name", "frame"), wire.BAD_FRAMES)
def test_a_bad_frame_is_bad(name, frame):
    parser = FrameParser(FrameLimits(65_536))
    messages = parser.feed(frame)
    assert parser.error is not None or [payload for _, payload in messages] == [b"no JSON"], name


def test_the_upgrade_asks_for_json():
    head, accept = wire.request("example.org:80", "/ws?x=1")
    assert head.startswith(b"GET /ws?x=1 HTTP/1.1\r\nHost: example.org:80\r\n")
    assert len(accept) == 28
