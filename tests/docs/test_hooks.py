"""The pages on authentication and hooks do what they say: their configurations load, their programs run."""

import json
import re
from pathlib import Path

import pytest
from aiohttp import web

from service.access.token_settings import TokenSettings
from service.access.tokens import Tokens
from service.config import load
from tests.service.connections.authority import Authority
from tests.service.connections.conftest import CONFIG, Node, merged

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def configured(tmp_path, said):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(merged(CONFIG, said)))
    return load(file, {})


@pytest.mark.parametrize("page", ["authentication.md", "hooks.md"])
def test_configurations_load(tmp_path, page):
    authority = Authority(tmp_path)
    for block in blocks(page, "json"):
        assert configured(tmp_path, json.loads(block.replace("/etc/heliograph/backend-ca.pem", str(authority.file))))


def test_the_token_counts():
    (program,) = blocks("authentication.md", "python")
    made = {}
    exec(program, made)
    claims = Tokens(TokenSettings("the secret of client.token, 32 bytes or more")).connection(made["token"], 0)
    assert (claims.user, list(claims.subs), bytes(claims.info)) == ("ann", ["news"], b'{"name":"Ann"}')


async def test_the_backend_of_the_page_is_one(tmp_path):
    (program,) = blocks("hooks.md", "python")
    made = {}
    exec(program, made)
    runner = web.AppRunner(made["app"])
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    said = blocks("hooks.md", "json")[0]
    node = Node(configured(tmp_path, json.loads(said.replace(":3000/", f":{port}/"))))
    node.peers = []
    node.port = (await node.start())[0].port
    try:
        stranger = await node.peer("Cookie: session=x")
        stranger.text({"id": 1, "connect": {}})
        assert await stranger.closed() == (4501, "unauthorized")
        peer = await node.peer("Cookie: session=ann's")
        peer.text({"id": 1, "connect": {}})
        (reply,) = await peer.replies()
        assert list(reply["connect"]["subs"]) == ["news"]
        peer.text({"id": 2, "publish": {"channel": "news", "data": {"text": " hello "}}})
        seen = [*await peer.replies(), *await peer.replies()]
        assert [each["push"]["pub"]["data"] for each in seen if "push" in each] == [{"text": "hello", "by": "ann"}]
        peer.text({"id": 3, "rpc": {"method": "time"}})
        assert (await peer.replies())[0]["rpc"]["data"] == {"you asked": "time"}
    finally:
        for writer in node.peers:
            writer.close()
        await node.stop("test")
        await runner.cleanup()
