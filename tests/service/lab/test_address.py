import pytest

from service.lab.address import websocket


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/connection/websocket"),
        ("https://push.example.com/", "wss://push.example.com/connection/websocket"),
        ("wss://push.example.com/elsewhere", "wss://push.example.com/elsewhere"),
    ],
)
def test_a_server_has_its_websocket_at_the_usual_place(server, found):
    assert websocket(server) == found
