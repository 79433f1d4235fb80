"""Pure: what a first start says on the terminal, so that the next command can be pasted."""

import json

_RULE = "─" * 72


def banner(public: str, internal: str, key: str, token: str, *, folder: str) -> str:
    """The quick start's text.

    Args:
        public: URL of the public port, without a slash at the end.
        internal: URL of the internal port, likewise.
        key: the API key.
        token: a connection token that is valid for an hour.
        folder: where key and secret are kept.

    """
    body = json.dumps({"channel": "news", "data": {"text": "hello"}})
    websocket = public.replace("http", "ws", 1) + "/connection/websocket"
    return "\n".join(
        [
            _RULE,
            "Heliograph, quick start: no configuration was given, the built-in one is used",
            "",
            f"  demo page   {public}/demo",
            f"  WebSocket   {websocket}",
            f"  server API  {public}/api",
            f"  metrics     {internal}/metrics",
            "",
            f"  API key     {key}",
            f"  a token     {token}",
            "              (user demo, valid for one hour)",
            "",
            "Publish something; whoever is subscribed to news receives it:",
            "",
            f"  curl -H 'X-API-Key: {key}' -d '{body}' {public}/api/publish",
            "",
            f"Key and secret are kept in {folder}. Save this configuration and go on from there:",
            "",
            "  .venv/bin/heliograph serve --print-config > config.yaml",
            _RULE,
        ]
    )
