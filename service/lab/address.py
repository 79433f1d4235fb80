"""Where the WebSocket of a server is, as long as its configuration does not say otherwise."""

from typing import Final

PATH: Final = "/connection/websocket"


def websocket(server: str) -> str:
    """Of a server at ``http://…`` or ``https://…``; the address of a WebSocket stays as it is."""
    if server.startswith("ws"):
        return server
    return server.replace("http", "ws", 1).rstrip("/") + PATH
