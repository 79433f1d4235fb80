"""Which transports are there."""

from observability.observers.door import SilentDoorObserver
from observability.observers.emulation import SilentEmulationObserver
from observability.observers.upgrade import SilentUpgradeObserver
from service.connections.opening import StreamSettings
from service.connections.transports import Transports, TransportSettings, UniWebSocketSettings
from service.protocol.json_codec import JsonCodec


def transports(**on):
    silent = SilentUpgradeObserver(), SilentDoorObserver(), SilentEmulationObserver()
    return Transports(TransportSettings(**on), [JsonCodec()], *silent)


def test_what_is_off_costs_nothing():
    off = transports()
    assert (off.variants(), off.paths()) == ([], set())


def test_each_that_is_on_has_its_bytes_and_its_path():
    found = transports(
        sse=StreamSettings("/s"), uni_http_stream=StreamSettings("/u"), uni_websocket=UniWebSocketSettings()
    )
    assert [variant.name for variant in found.variants()] == [
        "sse/json/chunked",
        "sse/json/plain",
        "uni_http_stream/json/chunked",
        "uni_http_stream/json/plain",
        "uni_websocket/json",
    ]
    assert found.paths() == {"/s", "/u", "/connection/uni_websocket"}
