import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from service import serve_command
from service.config import load
from tests.service.told import sorry

pytestmark = pytest.mark.usefixtures("own_folder")
NOBODY_CONNECTS = (
    "nobody can connect: set a key in client.token (such as hmac_secret_key), client.proxy.connect, "
    "or client.allow_anonymous_connect_without_token"
)


def test_the_built_in_configuration_can_be_saved_and_used(capsys, tmp_path):
    assert serve_command.serve(print_config=True) == 0
    said = capsys.readouterr().out
    (tmp_path / "mine.yaml").write_text(said)
    saved, built_in = load(tmp_path / "mine.yaml", {}), load(None, {})
    assert saved.api.key == built_in.api.key
    assert saved.tokens == built_in.tokens
    assert saved.http == built_in.http


def test_a_file_s_secrets_are_masked(capsys, tmp_path):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"http_api": {"key": "s3cret"}, "log": {"level": "warn"}}))
    assert serve_command.serve(file, 8123, print_config=True) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown == {"http_api": {"key": "***"}, "log": {"level": "warn"}, "http_server": {"port": 8123}}


def test_mistakes_are_told_and_nothing_starts(capsys, tmp_path):
    file = tmp_path / "c.json"
    file.write_text('{"http_server": {"port": -1}, "http_api": {"kye": "s3cret"}}')
    code, said = sorry(capsys, serve_command.serve, file)
    assert code == 1
    assert said.splitlines()[0] == f"{file}: 2 mistakes"
    assert "did you mean key?" in said
    assert "s3cret" not in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there(capsys):
    assert sorry(capsys, serve_command.serve, Path("none.json")) == (
        1,
        "heliograph: none.json: cannot be read: No such file or directory",
    )


def test_check_config(capsys, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("webtransport: {enabled: true}\n")
    assert sorry(capsys, serve_command.check_config, file)[0] == 1
    serve_command.check_config(file, lenient=True)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{file}: ignored: webtransport.enabled = true is not available yet",
        f"{file}: {NOBODY_CONNECTS}",
        f"{file}: nobody can use the server API: set http_api.key",
        f"{file}: the configuration is right",
    ]


def test_a_taken_port_is_a_sentence(capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = sorry(capsys, serve_command.serve, None, taken.getsockname()[1], 0)
    assert code == 1
    assert "address" in said.splitlines()[-1]
    assert "--port 0" in said.splitlines()[-1]


def test_an_unknown_aiohttp_is_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr("service.connections.takeover.KNOWN", (2, 0))
    code, said = sorry(capsys, serve_command.serve, None, 0, 0)
    assert code == 1
    assert "aiohttp" in said.splitlines()[-1]


def test_a_url_is_told_for_every_address():
    from service.settings.doors import Address

    assert serve_command._url(Address("0.0.0.0", 1)) == "http://127.0.0.1:1"
    assert serve_command._url(Address("::", 1)) == "http://[::1]:1"
    assert serve_command._url(Address("::1", 1)) == "http://[::1]:1"
    assert serve_command._url(Address("10.0.0.1", 1)) == "http://10.0.0.1:1"
    assert serve_command._url(Address("10.0.0.1", 1), secured=True) == "https://10.0.0.1:1"


def test_where_it_listens_is_told_with_its_scheme(capsys, tmp_path):
    (tmp_path / "c.json").write_text("{}")
    from service.config import load
    from service.connections.certificates import TlsSettings
    from service.settings.doors import Address, HttpSettings, Listener

    tls = TlsSettings(cert_pem="c", key_pem="k")
    http = HttpSettings(public=Listener("public", "127.0.0.1", 1, tls=tls))
    serve_command._announce(
        replace(load(tmp_path / "c.json", {}), http=http), Address("127.0.0.1", 1), Address("127.0.0.1", 2)
    )
    assert capsys.readouterr().err == "listening on https://127.0.0.1:1 (internal http://127.0.0.1:2)\n"
    http = replace(http, listeners=(Listener("services", "", 3, tls=tls), Listener("any", "::1", 0)))
    serve_command._announce(
        replace(load(tmp_path / "c.json", {}), http=http), Address("127.0.0.1", 1), Address("127.0.0.1", 2)
    )
    assert "https://127.0.0.1:1 (services https://127.0.0.1:3, internal http://127.0.0.1:2)" in capsys.readouterr().err


@pytest.mark.parametrize("taken", [True, False])
def test_only_an_address_that_is_taken_has_another_port(capsys, monkeypatch, tmp_path, taken):
    def fails(serving):
        serving.close()
        raise OSError(errno.EADDRINUSE if taken else errno.EADDRNOTAVAIL, "127.0.0.1:8000: no")

    monkeypatch.setattr("uvloop.run", fails)
    code, said = sorry(capsys, serve_command.serve)
    assert code == 1
    assert ("--port 0" in said) == taken
