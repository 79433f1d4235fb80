"""Certificate files that cannot be used are told by check-config."""

import json

import pytest

from service.config import examine, load
from service.settings.mistakes import ConfigurationRefused
from tests.service.connections.authority import Authority


def told(tmp_path, http):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"http_server": http, "client": {"token": {"hmac_secret_key": "x" * 40}}}))
    return [f"{mistake.place}: {mistake.says}" for mistake in examine(file, {}).mistakes], file


def test_files_that_can_be_used_are_no_mistake(tmp_path):
    certificate, key = Authority(tmp_path).issue()
    mistakes, file = told(tmp_path, {"tls": {"enabled": True, "cert_pem": certificate, "key_pem": key}})
    assert not mistakes
    settings = load(file, {})
    assert settings.http.public.tls.cert_pem == certificate
    assert settings.http.internal.tls is not None  # as in Centrifugo, unless tls_external


def test_each_listener_is_looked_at(tmp_path):
    certificate, _ = Authority(tmp_path).issue()
    _, key = Authority(tmp_path, "other").issue("other")
    http = {
        "tls": {"enabled": True, "cert_pem": "/nowhere.pem", "key_pem": key},
        "listeners": [{"name": "services", "tls": {"enabled": True, "cert_pem": certificate, "key_pem": key}}],
    }
    mistakes, file = told(tmp_path, http)
    assert mistakes == [
        "http_server.tls.cert_pem: the file cannot be read: No such file or directory",
        "http_server.listeners[0].tls.key_pem: the key does not belong to the certificate",
    ]
    with pytest.raises(ConfigurationRefused):
        load(file, {})


def test_what_is_off_is_not_read(tmp_path):
    assert told(tmp_path, {"tls": {"enabled": False, "cert_pem": "/nowhere.pem"}})[0] == []


def test_each_hook_is_looked_at(tmp_path):
    file = tmp_path / "config.json"
    tls = {"tls": {"enabled": True, "server_ca_pem": "/nowhere.pem"}}
    client = {"connect": {"enabled": True, "endpoint": "https://b", "http": tls}}
    named = [{"name": "billing", "endpoint": "https://b", "http": {"tls": {"enabled": True, "cert_pem": "/c.pem"}}}]
    file.write_text(json.dumps({"client": {"proxy": client, "insecure": True}, "proxies": named}))
    assert [f"{mistake.place}: {mistake.says}" for mistake in examine(file, {}).mistakes] == [
        "client.proxy.connect.http.tls.server_ca_pem: the file cannot be read: No such file or directory",
        "proxies[0].http.tls.key_pem: a certificate is shown together with its key: give both, or none",
    ]
