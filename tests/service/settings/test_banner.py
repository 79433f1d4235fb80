import json
import shlex

from service.settings.banner import banner

TEXT = banner("http://127.0.0.1:8000", "http://127.0.0.1:9000", "the-key", "the.to.ken", folder="/x/.heliograph")


def test_it_says_where_everything_is():
    for place in (
        "http://127.0.0.1:8000/demo",
        "ws://127.0.0.1:8000/connection/websocket",
        "http://127.0.0.1:8000/api",
        "http://127.0.0.1:9000/metrics",
        "the-key",
        "the.to.ken",
        "/x/.heliograph",
    ):
        assert place in TEXT


def test_the_curl_line_can_be_pasted():
    [line] = [line for line in TEXT.splitlines() if line.strip().startswith("curl")]
    words = shlex.split(line)
    assert words[:3] == ["curl", "-H", "X-API-Key: the-key"]
    assert json.loads(words[4]) == {"channel": "news", "data": {"text": "hello"}}
    assert words[-1] == "http://127.0.0.1:8000/api/publish"
