import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
import yaml
from aiohttp import web

from service import cli
from service.config import load

NOBODY_CONNECTS = (
    "nobody can connect: set a key in client.token (such as hmac_secret_key), client.proxy.connect, "
    "or client.allow_anonymous_connect_without_token"
)
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Every test stands in a folder of its own, where key and secret may be made."""
    monkeypatch.chdir(tmp_path)
    for name in ("HELIOGRAPH_HTTP_API_KEY",):
        monkeypatch.delenv(name, raising=False)


def sorry(capsys, call, *arguments, **options):
    """The one sentence that a person gets, and the exit code."""
    with pytest.raises(SystemExit) as ended:
        call(*arguments, **options)
    said = capsys.readouterr()
    assert said.out == ""
    return ended.value.code, said.err.strip()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["serve"], {}),
        (["serve", "--config", "c.yaml", "--port", "1"], {"config": Path("c.yaml"), "port": 1}),
        (["serve", "--config=c.yaml", "--internal-port=0"], {"config": Path("c.yaml"), "internal_port": 0}),
        (["serve", "--lenient", "--print-config"], {"lenient": True, "print_config": True}),
        (["serve", "--port", "x"], None),
        (["serve", "--port"], None),
        (["serve", "--config", "--lenient"], None),
        (["serve", "--help"], None),
        (["serve", "more"], None),
        (["token"], None),
        ([], None),
    ],
)
def test_only_a_plain_serve_takes_the_short_way(arguments, found):
    assert cli._plain_serve(arguments) == found


def test_the_short_way_needs_no_typer():
    program = (
        "import sys; sys.argv = ['heliograph', 'serve', '--print-config']\n"
        "from service.cli import main\n"
        "try: main()\n"
        "finally: assert 'typer' not in sys.modules, 'typer was imported'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_built_in_configuration_can_be_saved_and_used(capsys, tmp_path):
    assert cli.serve(print_config=True) == 0
    said = capsys.readouterr().out
    (tmp_path / "mine.yaml").write_text(said)
    saved, built_in = load(tmp_path / "mine.yaml", {}), load(None, {})
    assert saved.api.key == built_in.api.key
    assert saved.tokens == built_in.tokens
    assert saved.http == built_in.http


def test_a_file_s_secrets_are_masked(capsys, tmp_path):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"http_api": {"key": "s3cret"}, "log": {"level": "warn"}}))
    assert cli.serve(file, 8123, print_config=True) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown == {"http_api": {"key": "***"}, "log": {"level": "warn"}, "http_server": {"port": 8123}}


def test_mistakes_are_told_and_nothing_starts(capsys, tmp_path):
    file = tmp_path / "c.json"
    file.write_text('{"http_server": {"port": -1}, "http_api": {"kye": "s3cret"}}')
    code, said = sorry(capsys, cli.serve, file)
    assert code == 1
    assert said.splitlines()[0] == f"{file}: 2 mistakes"
    assert "did you mean key?" in said
    assert "s3cret" not in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there(capsys):
    assert sorry(capsys, cli.serve, Path("none.json")) == (
        1,
        "heliograph: none.json: cannot be read: No such file or directory",
    )


def test_check_config(capsys, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("webtransport: {enabled: true}\n")
    assert sorry(capsys, cli.check_config, file)[0] == 1
    cli.check_config(file, lenient=True)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{file}: ignored: webtransport.enabled = true is not available yet",
        f"{file}: {NOBODY_CONNECTS}",
        f"{file}: nobody can use the server API: set http_api.key",
        f"{file}: the configuration is right",
    ]


def test_check_config_tells_all_mistakes_at_once(tmp_path):
    """As a person types it: place, value and nearest known name of each, a secret of none, exit code 1."""
    file = tmp_path / "c.toml"
    file.write_text(
        '[http_server]\nport = 70000\n[http_api]\nkye = "s3cret-s3cret"\n'
        '[client]\nping_interval = 25\nalowed_origins = ["*"]\n[client.token]\nhmac_secret_key = 12345678\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "service", "check-config", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr
    assert f"{file}: 5 mistakes" in said
    for words in (
        "http_server.port = 70000: takes a port",
        "http_api.kye = ***: there is no such option; did you mean key?",
        "client.ping_interval = 25: takes a duration",
        "client.alowed_origins: there is no such option; did you mean allowed_origins?",
        "client.token.hmac_secret_key = ***: takes text",
    ):
        assert words in said, said
    assert "s3cret" not in said
    assert "12345678" not in said
    assert "Traceback" not in said


def test_a_taken_port_is_a_sentence(capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = sorry(capsys, cli.serve, None, taken.getsockname()[1], 0)
    assert code == 1
    assert "address" in said.splitlines()[-1]
    assert "--port 0" in said.splitlines()[-1]


def test_an_unknown_aiohttp_is_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr("service.connections.takeover.KNOWN", (2, 0))
    code, said = sorry(capsys, cli.serve, None, 0, 0)
    assert code == 1
    assert "aiohttp" in said.splitlines()[-1]


def claims(token, secret):
    return jwt.decode(token.strip(), secret, ["HS256"], options={"verify_aud": False})


def test_a_token_of_the_quick_start(capsys):
    secret = load(None, {}).tokens.hmac_secret_key
    cli.token("ann", "0", "", '{"name":"Ann"}', None)
    assert claims(capsys.readouterr().out, secret) == {"sub": "ann", "info": {"name": "Ann"}}
    cli.token("ann", "30m", "", "", None)
    assert "exp" in claims(capsys.readouterr().out, secret)


def test_a_subscription_token_has_the_secret_for_subscriptions(capsys, tmp_path):
    file = tmp_path / "c.json"
    tokens = {
        "token": {"hmac_secret_key": "a" * 32},
        "subscription_token": {"enabled": True, "hmac_secret_key": "b" * 32},
    }
    file.write_text(json.dumps({"client": tokens}))
    cli.token("ann", "0", "chat:1", "", file)
    assert claims(capsys.readouterr().out, "b" * 32) == {"sub": "ann", "channel": "chat:1"}


def test_tokens_that_cannot_be_made(capsys, tmp_path):
    assert "start the server in this folder" in sorry(capsys, cli.token, "ann", "1h", "", "", None)[1]
    (tmp_path / "c.json").write_text("{}")
    assert "no secret is configured" in sorry(capsys, cli.token, "ann", "1h", "", "", tmp_path / "c.json")[1]
    assert "--expire takes a duration" in sorry(capsys, cli.token, "ann", "1 hour", "", "", tmp_path / "c.json")[1]
    assert "--info is not JSON" in sorry(capsys, cli.token, "ann", "1h", "", "{", tmp_path / "c.json")[1]


def test_pub_says_what_is_wrong(capsys, unused_tcp_port):
    server = f"http://127.0.0.1:{unused_tcp_port}"
    assert sorry(capsys, cli.pub, "news", "{", server, "key", None) == (
        1,
        """heliograph: DATA is not JSON; in a shell it takes quotes, such as '{"text":"hello"}'""",
    )
    assert "is it running?" in sorry(capsys, cli.pub, "news", "1", server, "key", None)[1]
    assert "start the server in this folder" in sorry(capsys, cli.pub, "news", "1", server, "", None)[1]


def test_sub_says_what_is_wrong(capsys, unused_tcp_port):
    code, said = sorry(capsys, cli.sub, ["news"], f"http://127.0.0.1:{unused_tcp_port}", "token", count=1)
    assert code == 1
    assert said.startswith("heliograph: no server answers at ws://127.0.0.1:")


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
    code, said = await asyncio.to_thread(sorry, capsys, cli.sub, ["news"], url, "token", count=1)
    assert code == 1
    assert said.startswith("heliograph: the server closed with 3500 invalid token; run this in the server's folder")


def test_a_url_is_told_for_every_address():
    from service.settings.doors import Address

    assert cli._url(Address("0.0.0.0", 1)) == "http://127.0.0.1:1"
    assert cli._url(Address("::", 1)) == "http://[::1]:1"
    assert cli._url(Address("::1", 1)) == "http://[::1]:1"
    assert cli._url(Address("10.0.0.1", 1)) == "http://10.0.0.1:1"
    assert cli._url(Address("10.0.0.1", 1), secured=True) == "https://10.0.0.1:1"


def test_where_it_listens_is_told_with_its_scheme(capsys, tmp_path):
    (tmp_path / "c.json").write_text("{}")
    from service.config import load
    from service.connections.certificates import TlsSettings
    from service.settings.doors import Address, HttpSettings, Listener

    http = HttpSettings(public=Listener("public", "127.0.0.1", 1, tls=TlsSettings(cert_pem="c", key_pem="k")))
    cli._announce(replace(load(tmp_path / "c.json", {}), http=http), Address("127.0.0.1", 1), Address("127.0.0.1", 2))
    assert capsys.readouterr().err == "listening on https://127.0.0.1:1 (internal http://127.0.0.1:2)\n"


async def run(*words, cwd):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        *words,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return process


async def until(stream, word):
    """The lines until one has this word, that one included."""
    lines = []
    while word not in (lines[-1] if lines else ""):
        line = await asyncio.wait_for(stream.readline(), 20)
        assert line, f"{word} was not said: {lines}"
        lines.append(line.decode())
    return lines


async def test_the_first_minutes(tmp_path):
    """Start without anything, listen, publish, stop: with our own commands, as a newcomer would."""
    server = await run("serve", "--port", "0", "--internal-port", "0", cwd=tmp_path)
    banner = "".join(await until(server.stderr, "listening on"))
    url = banner.rpartition("listening on ")[2].split()[0]
    key = next(line.split()[-1] for line in banner.splitlines() if "API key" in line)
    assert f"{url}/demo" in banner
    assert (tmp_path / ".heliograph" / "api_key").read_text().strip() == key
    listener = await run("sub", "news", "--server", url, "--count", "1", cwd=tmp_path)
    await until(listener.stderr, "subscribed to news, recoverable")
    publisher = await run("pub", "news", '{"text":"hello"}', "--server", url, cwd=tmp_path)
    said, _ = await publisher.communicate()
    assert said.decode().startswith("published to news, offset 1 of epoch ")
    heard, _ = await listener.communicate()
    assert heard.decode() == 'news 1 {"text": "hello"}\n'
    server.terminate()
    out, _ = await server.communicate()
    assert server.returncode == 0
    assert key.encode() not in out, "the key stands in the log"
