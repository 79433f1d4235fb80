import pytest

from service.settings.checking import check
from service.settings.elsewhere import add_elsewhere
from service.settings.options import ours


@pytest.fixture(scope="module")
def root():
    tree = ours()
    add_elsewhere(tree)
    return tree


def told(checked):
    return [str(mistake) for mistake in checked.mistakes]


def test_an_empty_configuration_is_all_defaults(root):
    checked = check({}, root)
    assert not checked.mistakes
    assert checked.values["http_server"]["port"] == 8000
    assert checked.values["channel"]["namespaces"] == []
    assert "webtransport" in checked.values
    assert not checked.values["webtransport"]


def test_values_are_converted(root):
    values = check({"client": {"ping_interval": "1m30s", "channel_limit": "7"}}, root).values["client"]
    assert (values["ping_interval"], values["channel_limit"], values["pong_timeout"]) == (90.0, 7, 8.0)


def test_every_mistake_is_told_at_once_with_its_place(root):
    raw = {
        "http_server": {"port": 70000},
        "channel": {"namespaces": [{"name": "ok"}, {"name": "b", "history_sise": 10, "history_ttl": 5}]},
        "client": {"token": {"hmac_secret_key": 12}, "allowed_origin": ["*"]},
        "webtransport": {"enabled": True},
        "log": "debug",
    }
    assert told(check(raw, root)) == [
        "http_server.port = 70000: takes a port, 0 to 65535 (0: any free one)",
        "channel.namespaces[1].history_sise = 10: there is no such option; did you mean history_size?",
        'channel.namespaces[1].history_ttl = 5: takes a duration with its unit, such as "25s", "1m30s" or "500ms"',
        "client.token.hmac_secret_key = ***: takes text: write it in quotes",
        "client.allowed_origin: there is no such option; did you mean allowed_origins?",
        "log: takes a section of options",
        "webtransport.enabled = true: not available yet (--lenient starts without it)",
    ]


def test_what_is_off_elsewhere_is_accepted_with_its_parameters(root):
    raw = {
        "webtransport": {"enabled": False, "handler_prefix": "/events", "message_size_limit": 1024},
        "engine": {"type": "memory", "redis": {"address": ["redis://r:6379"], "tls": {"enabled": False}}},
        "broker": {"enabled": False, "type": "redis"},
        "admin": {"password": "p", "secret": "s"},
        "usage_stats": {"disabled": True},
        "emulation": {"max_request_body_size": 1024},
        "consumers": [],
        "channel": {"without_namespace": {"presence": False, "allowed_delta_types": [], "subscription_type": "stream"}},
    }
    assert not told(check(raw, root))


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"webtransport": {"enabled": True, "message_size_limit": 1}}, "webtransport.enabled"),
        ({"engine": {"type": "redis", "redis": {"tls": {"enabled": False}}}}, "engine.type"),
        ({"broker": {"enabled": True, "type": "nats"}}, "broker.type"),
        ({"http_server": {"http3": {"enabled": True}}}, "http_server.http3.enabled"),
        (
            {"client": {"proxy": {"connect": {"enabled": True, "grpc": {"tls": {"enabled": True}}}}}},
            "client.proxy.connect.grpc.tls.enabled",
        ),
        ({"admin": {"enabled": True}}, "admin.enabled"),
        (
            {"channel": {"namespaces": [{"name": "n", "subscribe_stream_proxy_enabled": True}]}},
            "channel.namespaces[0].subscribe_stream_proxy_enabled",
        ),
        ({"consumers": [{"name": "k", "enabled": True, "type": "kafka"}]}, "consumers[0].enabled"),
    ],
)
def test_what_is_switched_on_elsewhere_is_told_once(root, raw, place):
    [mistake] = check(raw, root).mistakes
    assert mistake.later
    assert mistake.place == place


def test_a_switch_inside_what_is_off_is_off(root):
    raw = {
        "grpc_api": {"enabled": False, "tls": {"enabled": True}},
        "client": {"subscription_token": {"enabled": False, "jwks_public_endpoint": "https://k"}},
    }
    assert not told(check(raw, root))


def test_nothing_is_as_good_as_not_said(root):
    checked = check({"client": {"ping_interval": None, "token": None}, "webtransport": None}, root)
    assert not checked.mistakes
    assert checked.values["client"]["ping_interval"] == 25.0


def test_a_list_takes_sections(root):
    raw = {"channel": {"namespaces": {"name": "x"}}}
    assert told(check(raw, root)) == ["channel.namespaces: takes a list of sections"]
    raw = {"channel": {"namespaces": ["x"]}}
    assert told(check(raw, root)) == ["channel.namespaces[0]: takes a section of options"]


def test_a_value_of_the_environment_is_told_by_its_variable(root):
    checked = check({"http_server": {"port": "x"}}, root, {"http_server.port": "HELIOGRAPH_HTTP_SERVER_PORT"})
    assert checked.mistakes[0].place == "HELIOGRAPH_HTTP_SERVER_PORT"
