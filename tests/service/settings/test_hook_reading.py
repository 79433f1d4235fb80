"""Values of hooks become settings."""

from service.outside.tls import ClientTls
from service.protocol.errors import ReplyError
from service.settings.checking import check
from service.settings.hook_reading import hooks
from service.settings.options import ours


def read(raw):
    checked = check(raw, ours())
    assert not checked.mistakes
    return hooks(checked.values)


def test_nothing_is_asked_when_nobody_says_so():
    assert read({}).each() == []
    assert read({"client": {"proxy": {"connect": {"endpoint": "http://b"}}}}).each() == []


def test_everything_of_an_endpoint():
    proxy = {
        "enabled": True,
        "endpoint": "http://b/connect",
        "timeout": "3s",
        "http_headers": ["Cookie"],
        "emulated_headers": ["Authorization"],
        "include_connection_meta": True,
        "binary_encoding": True,
        "http": {
            "static_headers": {"X-A": "1"},
            "tls": {"enabled": True, "server_ca_pem": "ca", "server_name": "n", "cert_pem": "c", "key_pem": "k"},
            "status_to_code_transforms": [
                {"status_code": 403, "to_error": {"code": 403, "message": "no", "temporary": True}},
                {"status_code": 401, "to_disconnect": {"code": 4501, "reason": "go"}},
            ],
        },
    }
    hook = read({"client": {"proxy": {"connect": proxy}}}).connect
    assert (hook.endpoint, hook.timeout, hook.name) == ("http://b/connect", 3.0, "default")
    assert (hook.http_headers, hook.emulated_headers) == ({"cookie"}, {"authorization"})
    assert (hook.static_headers, hook.include_connection_meta, hook.binary_encoding) == ({"X-A": "1"}, True, True)
    assert hook.tls == ClientTls(server_ca_pem="ca", server_name="n", cert_pem="c", key_pem="k")
    assert hook.statuses[403] == ReplyError(403, "no", True)
    assert (hook.statuses[401].code, hook.statuses[401].reason) == (4501, "go")


def test_tls_that_is_off_counts_for_nothing():
    proxy = {"enabled": True, "endpoint": "https://b", "http": {"tls": {"server_ca_pem": "/nowhere"}}}
    assert read({"client": {"proxy": {"connect": proxy}}}).connect.tls is None


def test_namespaces_choose_their_hooks():
    settings = read(
        {
            "proxies": [{"name": "two", "endpoint": "http://two"}, {"name": "idle", "endpoint": "http://idle"}],
            "channel": {
                "proxy": {"subscribe": {"endpoint": "http://one"}},
                "without_namespace": {"subscribe_proxy_enabled": True},
                "namespaces": [
                    {"name": "a", "subscribe_proxy_enabled": True, "subscribe_proxy_name": "two"},
                    {"name": "b", "publish_proxy_enabled": True, "publish_proxy_name": "two"},
                    {"name": "c", "subscribe_proxy_name": "idle"},
                ],
            },
            "rpc": {
                "namespace_boundary": "/",
                "namespaces": [{"name": "x", "proxy_enabled": True, "proxy_name": "two"}, {"name": "y"}],
            },
        }
    )
    assert {name: hook.endpoint for name, hook in settings.subscribe.items()} == {
        "default": "http://one",
        "two": "http://two",
    }
    assert (list(settings.publish), list(settings.rpc), settings.names) == (["two"], ["two"], ["default", "two"])
    assert (settings.rpc_rules.without, dict(settings.rpc_rules.named)) == (None, {"x": "two", "y": None})
    assert settings.rpc_rules.boundary == "/"
