import asyncio
import json

import jwt
import pytest
from aiohttp import web

from service import client_commands
from service.config import load
from tests.service.told import sorry

pytestmark = pytest.mark.usefixtures("own_folder")


def claims(token, secret):
    return jwt.decode(token.strip(), secret, ["HS256"], options={"verify_aud": False})


def test_a_token_of_the_quick_start(capsys):
    secret = load(None, {}).tokens.hmac_secret_key
    client_commands.token("ann", "0", "", '{"name":"Ann"}', None)
    assert claims(capsys.readouterr().out, secret) == {"sub": "ann", "info": {"name": "Ann"}}
    client_commands.token("ann", "30m", "", "", None)
    assert "exp" in claims(capsys.readouterr().out, secret)


def test_a_subscription_token_has_the_secret_for_subscriptions(capsys, tmp_path):
    file = tmp_path / "c.json"
    tokens = {
        "token": {"hmac_secret_key": "a" * 32},
        "subscription_token": {"enabled": True, "hmac_secret_key": "b" * 32},
    }
    file.write_text(json.dumps({"client": tokens}))
    client_commands.token("ann", "0", "chat:1", "", file)
    assert claims(capsys.readouterr().out, "b" * 32) == {"sub": "ann", "channel": "chat:1"}


def test_tokens_that_cannot_be_made(capsys, tmp_path):
    assert "start the server in this folder" in sorry(capsys, client_commands.token, "ann", "1h", "", "", None)[1]
    (tmp_path / "c.json").write_text("{}")
    assert (
        "no secret is configured" in sorry(capsys, client_commands.token, "ann", "1h", "", "", tmp_path / "c.json")[1]
    )
    assert (
        "--expire takes a duration"
        in sorry(capsys, client_commands.token, "ann", "1 hour", "", "", tmp_path / "c.json")[1]
    )
    assert "--info is not JSON" in sorry(capsys, client_commands.token, "ann", "1h", "", "{", tmp_path / "c.json")[1]


def test_pub_says_what_is_wrong(capsys, unused_tcp_port):
    server = f"http://127.0.0.1:{unused_tcp_port}"
    assert sorry(capsys, client_commands.pub, "news", "{", server, "key", None) == (
        1,
        """heliograph: DATA is not JSON; in a shell it takes quotes, such as '{"text":"hello"}'""",
    )
    assert "DATA is not JSON" in sorry(capsys, client_commands.pub, "news", "[NaN]", server, "key", None)[1]
    assert "is it running?" in sorry(capsys, client_commands.pub, "news", "1", server, "key", None)[1]
    assert "start the server in this folder" in sorry(capsys, client_commands.pub, "news", "1", server, "", None)[1]


def test_sub_says_what_is_wrong(capsys, unused_tcp_port):
    code, said = sorry(capsys, client_commands.sub, ["news"], f"http://127.0.0.1:{unused_tcp_port}", "token", count=1)
    assert code == 1
    assert said.startswith("heliograph: no server answers at ws://127.0.0.1:")
    code, said = sorry(capsys, client_commands.sub, ["news"], "127.0.0.1:8000", "token", count=1)
    assert "is no URL; it looks like ws://" in said


async def test_sub_says_what_to_do_about_a_token_that_does_not_count(capsys, aiohttp_server):
    async def closes(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=3500, message=b"invalid token")
        return socket

    application = web.Application()
    application.router.add_get("/connection/websocket", closes)
    server = await aiohttp_server(application)
    url = f"http://127.0.0.1:{server.port}"
    code, said = await asyncio.to_thread(sorry, capsys, client_commands.sub, ["news"], url, "token", count=1)
    assert code == 1
    assert said.startswith("heliograph: the server closed with 3500 invalid token; run this in the server's folder")


def test_a_page_of_the_debug_api(capsys, monkeypatch, unused_tcp_port):
    monkeypatch.setattr("service.lab.evidence.Node.ask", lambda node, page: {"page": page, "token": node._token})
    client_commands.debug("slow", "http://127.0.0.1:1", "given", None)
    assert json.loads(capsys.readouterr().out) == {"page": "slow", "token": "given"}
    monkeypatch.setenv("HELIOGRAPH_DEBUG_TOKEN", "of the environment")
    client_commands.debug("ended", "http://127.0.0.1:1", "", None)
    assert json.loads(capsys.readouterr().out)["token"] == "of the environment"


def test_a_page_of_nobody(capsys, unused_tcp_port):
    server = f"http://127.0.0.1:{unused_tcp_port}"
    assert "no node answers" in sorry(capsys, client_commands.debug, "slow", server, "given", None)[1]
    said = sorry(capsys, client_commands.debug, "slow", server, "", None)[1]
    assert "say --token or --config FILE" in said
    assert "--log" not in said, "it reads none"
    assert "--log" in sorry(capsys, client_commands.why, "ann", server, "", [], as_json=False, config=None)[1]
