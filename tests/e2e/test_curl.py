"""What the page on transports tells one to type is typed here: `curl -N` hears a channel with nothing else installed."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.served import Served, configuration, token

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "transports.md").read_text()
LINES = re.findall(r"^curl .*$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration(uni_sse__enabled=True, uni_http_stream__enabled=True)
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


@pytest.mark.parametrize("line", LINES, ids=["uni_http_stream", "uni_sse"])
def test_curl_hears_a_channel_and_its_end(server, line):
    words = shlex.split(line.replace("<token>", token("curl")).replace("127.0.0.1:8000", f"127.0.0.1:{server.port}"))
    with subprocess.Popen([words[0], "-sS", *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as curl:
        try:
            greeting = said(curl)
            assert list(greeting["connect"]["subs"]) == ["news"]
            server.publish("news", {"text": "by curl"})
            assert said(curl) == {"channel": "news", "pub": {"data": {"text": "by curl"}}}
            server.api("disconnect", user="curl")
            assert said(curl) == {"disconnect": {"code": 3503, "reason": "force disconnect"}}
            assert curl.wait(10) == 0, curl.stderr.read()
        finally:
            curl.kill()


def said(curl):
    """The next push, as a line or as an event."""
    for line in curl.stdout:
        if text := line.strip().removeprefix(b"data: "):
            return json.loads(text)
    raise AssertionError(curl.stderr.read())
