"""The table of the other transports' options."""

from service.connections.opening import StreamSettings
from service.connections.transports import TransportSettings, UniWebSocketSettings
from service.settings.option import Option, walk
from service.settings.options import ours
from service.settings.transport_options import TRANSPORT_SECTIONS


def default(section, name):
    option = dict(walk(ours()))[f"{section}.{name}"]
    assert isinstance(option, Option)
    return option.default


def test_defaults_are_those_of_the_rooms():
    assert default("emulation", "handler_prefix") == TransportSettings().emulation.path
    assert default("uni_websocket", "handler_prefix") == UniWebSocketSettings().path
    assert default("uni_websocket", "message_size_limit") == UniWebSocketSettings().message_size_limit
    for section in ("sse", "http_stream", "uni_sse", "uni_http_stream", "emulation"):
        assert default(section, "max_request_body_size") == StreamSettings("").max_request_body_size


def test_all_are_off():
    assert not [name for name, _ in TRANSPORT_SECTIONS if name != "emulation" and default(name, "enabled")]
