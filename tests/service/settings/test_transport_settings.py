"""Sections of a configuration -> transports."""

import json

import pytest

from service.config import load
from service.connections.opening import StreamSettings
from service.settings.mistakes import ConfigurationRefused


def loaded(tmp_path, **sections):
    file = tmp_path / "config.json"
    file.write_text(
        json.dumps({"client": {"token": {"hmac_secret_key": "x" * 32}}, "http_api": {"key": "k"}, **sections})
    )
    return load(file, {})


def test_all_are_off_until_they_are_switched_on(tmp_path):
    found = loaded(tmp_path).transports
    assert not list(found.streams())
    assert found.uni_websocket is None


def test_each_option_has_its_effect(tmp_path):
    found = loaded(
        tmp_path,
        sse={"enabled": True, "handler_prefix": "/events", "max_request_body_size": 100},
        emulation={"handler_prefix": "/say", "max_request_body_size": 200},
        uni_http_stream={"enabled": True},
        uni_websocket={
            "enabled": True,
            "handler_prefix": "/listen",
            "message_size_limit": 300,
            "disable_disconnect_push": True,
            "join_push_messages": True,
        },
    ).transports
    assert found.sse == StreamSettings("/events", 100)
    assert found.emulation == StreamSettings("/say", 200)
    assert found.uni_http_stream == StreamSettings("/connection/uni_http_stream", 65536)
    assert (found.http_stream, found.uni_sse) == (None, None)
    uni = found.uni_websocket
    assert (uni.path, uni.message_size_limit) == ("/listen", 300)
    assert uni.disable_disconnect_push
    assert uni.join_push_messages


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"sse": {"enabled": True, "handler_prefix": "/emulation"}}, "emulation.handler_prefix"),
        ({"uni_sse": {"enabled": True, "handler_prefix": "events"}}, "uni_sse.handler_prefix"),
        (
            {"uni_websocket": {"enabled": True, "compression": True, "compression_level": 10}},
            "uni_websocket.compression_level",
        ),
        ({"ssse": {"enabled": True}}, "did you mean sse?"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, sections, told):
    with pytest.raises(ConfigurationRefused) as refused:
        loaded(tmp_path, **sections)
    assert told in str(refused.value)
