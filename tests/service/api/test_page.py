import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from service.access.tokens import Tokens, TokenSettings
from service.api import page as page_module
from service.api.page import Page, PageSettings

NOW = 1_800_000_000.0
TOKENS = TokenSettings(hmac_secret_key="a-secret-that-is-long-enough-for-hs256")
STATIC = Path(page_module.__file__).parent.parent / "static" / "demo"


class Transport:
    def __init__(self, peer):
        self.peer = peer

    def get_extra_info(self, name, default=None):
        return self.peer if name == "peername" else default

    def is_closing(self):
        return False


def asked(peer=("127.0.0.1", 1), **headers):
    headers = {"Host": "127.0.0.1:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return make_mocked_request("POST", "/demo/token", headers=headers, transport=Transport(peer))


def page(tokens=TOKENS):
    return Page(PageSettings(), tokens, lambda: NOW)


async def token(request, tokens=TOKENS):
    answer = await page(tokens).token(request)
    return answer.status, json.loads(answer.body)


@pytest.fixture
async def client(aiohttp_client):
    application = web.Application()
    Page(PageSettings(traces_url="http://j:1/", traced=True, websocket="/ws"), TOKENS).add_routes(application.router)
    return await aiohttp_client(application)


async def test_the_page_and_its_files(client):
    for path, kind in (
        ("/demo", "text/html"),
        ("/demo/demo.js", "text/javascript"),
        ("/demo/centrifuge-lite.js", "text/javascript"),
        ("/demo/heliograph.js", "text/javascript"),
        ("/demo/heliograph_client.py", "text/x-python"),
        ("/demo/socket-worker.js", "text/javascript"),
        ("/demo/demo.css", "text/css"),
        ("/demo/mark.svg", "image/svg+xml"),
    ):
        answer = await client.get(path)
        assert answer.status == 200
        assert answer.content_type == kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/demo/none.js", "/demo/index.html", "/demo/..%2fpage.py", "/demo/%2e%2e/x"):
        assert (await client.get(path)).status == 404


async def test_the_page_may_load_nothing_from_elsewhere(client):
    policy = (await client.get("/demo")).headers["Content-Security-Policy"]
    host = f"{client.host}:{client.port}"
    assert "default-src 'none'" in policy
    assert f"connect-src 'self' ws://{host} wss://{host};" in policy
    assert "unsafe" not in policy
    odd = await client.get("/demo", headers={"Host": "a;script-src *"})
    assert "script-src *" not in odd.headers["Content-Security-Policy"]


def test_no_file_names_another_place():
    """Nothing is fetched from anywhere but here, and no script or style stands in the page itself."""
    for file in STATIC.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?|wss?):/?/[\w$]", text.replace("^https?:", "")), file.name
    index = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", index)


async def test_the_page_learns_where_things_are(client):
    told = await (await client.get("/demo/config")).json()
    assert told == {"websocket": "/ws", "traces": "http://j:1", "traced": True}


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        (("127.0.0.1", 1), "127.0.0.1:8000"),
        (("127.0.0.9", 1), "localhost:8000"),
        (("::1", 1, 0, 0), "[::1]:8000"),
        (("::ffff:127.0.0.1", 1, 0, 0), "LOCALHOST"),
    ],
)
async def test_who_sits_here_gets_a_token_for_an_hour(peer, host):
    status, told = await token(asked(peer, Host=host))
    assert status == 200
    claims = Tokens(TOKENS).connection(told["token"], NOW)
    assert claims.user == told["user"]
    assert claims.user.startswith("demo-")
    assert claims.expire_at == NOW + 3600


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (asked(("10.0.0.7", 1)), "this machine only"),
        (asked(None), "this machine only"),
        (asked(X_Forwarded_For="127.0.0.1"), "proxy"),
        (asked(Forwarded="for=127.0.0.1"), "proxy"),
        (asked(X_Real_IP="127.0.0.1"), "proxy"),
        (asked(Via="1.1 x"), "proxy"),
        (asked(Host="evil.example.com:8000"), "localhost only"),
        (asked(Host="127.0.0.1.evil.example.com"), "localhost only"),
        (asked(Sec_Fetch_Site="cross-site"), "our own page"),
        (asked(Sec_Fetch_Site="same-site"), "our own page"),
    ],
)
async def test_nobody_else_does(request_, says):
    status, told = await token(request_)
    assert status == 403
    assert says in told["error"]


async def test_without_a_secret_there_is_no_token():
    status, told = await token(asked(), TokenSettings())
    assert status == 503
    assert "hmac_secret_key" in told["error"]


async def test_a_get_makes_no_token(client):
    assert (await client.get("/demo/token")).status == 404
