"""Settings of hooks that do not go together."""

import pytest

from service.settings.checking import check
from service.settings.hook_agreement import hooks
from service.settings.options import ours

GOOD = {"endpoint": "http://b"}


def told(raw):
    checked = check(raw, ours())
    assert not checked.mistakes
    return [str(mistake) for mistake in hooks(checked.values)]


def connect(**more):
    return {"client": {"proxy": {"connect": {"enabled": True, **GOOD, **more}}}}


def transform(**more):
    return connect(http={"status_to_code_transforms": [more]})


@pytest.mark.parametrize(
    "raw",
    [
        {},
        connect(),
        connect(http_headers=["Cookie"], http={"static_headers": {"X-A": "1"}}),
        {"channel": {"proxy": {"publish": GOOD}, "without_namespace": {"publish_proxy_enabled": True}}},
        {
            "proxies": [{"name": "ab", **GOOD}],
            "rpc": {"without_namespace": {"proxy_enabled": True, "proxy_name": "ab"}},
        },
        {"client": {"proxy": {"connect": {"endpoint": "nonsense", "timeout": "0s"}}}},
    ],
)
def test_what_is_right_is_right(raw):
    assert told(raw) == []


NAME = "takes two or more letters, digits, dashes, dots or underscores"


@pytest.mark.parametrize(
    ("raw", "mistake"),
    [
        (connect(endpoint=""), "client.proxy.connect.endpoint: takes an address that begins with http:// or https://"),
        (
            connect(endpoint="grpc://b:1"),
            'client.proxy.connect.endpoint = "grpc://b:1": hooks go over HTTP here, not gRPC',
        ),
        (
            connect(http={"tls": {"enabled": True}}),
            "client.proxy.connect.http.tls.enabled: the endpoint begins with http://, so nothing would be encrypted: https://",
        ),
        (
            connect(timeout="0s"),
            "client.proxy.connect.timeout: must be above 0: a hook without an end would hold its client for ever",
        ),
        (
            connect(timeout="10s"),
            "client.proxy.connect.timeout: must be shorter than client.stale_close_delay (10 s)",
        ),
        (connect(http_headers=["a b"]), 'client.proxy.connect.http_headers = "a b": no header is called so'),
        (
            connect(emulated_headers=["Host"]),
            'client.proxy.connect.emulated_headers = "Host": this header is made for each question anew',
        ),
        (
            connect(http={"static_headers": {"Content-Length": "5"}}),
            'client.proxy.connect.http.static_headers = "Content-Length": this header is made for each question anew',
        ),
        (
            transform(status_code=20, to_error={"code": 1}),
            "client.proxy.connect.http.status_to_code_transforms[0].status_code = 20: takes an HTTP status",
        ),
        (
            transform(status_code=403),
            "client.proxy.connect.http.status_to_code_transforms[0]: takes either to_error or to_disconnect, with its code",
        ),
        (
            transform(status_code=403, to_disconnect={"code": 1000}),
            "client.proxy.connect.http.status_to_code_transforms[0].to_disconnect.code = 1000: takes 3000 to 4999",
        ),
        ({"proxies": [{"name": "x", **GOOD}]}, f"proxies[0].name: {NAME}"),
        ({"proxies": [{"name": "default", **GOOD}]}, 'proxies[0].name = "default": means the one without a name'),
        (
            {"proxies": [{"name": "ab", **GOOD}, {"name": "ab", **GOOD}]},
            'proxies[1].name = "ab": is another hook\'s, too',
        ),
        (
            {"channel": {"without_namespace": {"subscribe_proxy_enabled": True}}},
            "channel.proxy.subscribe.endpoint: takes an address that begins with http:// or https://",
        ),
        (
            {
                "channel": {
                    "namespaces": [{"name": "ab", "publish_proxy_enabled": True, "publish_proxy_name": "nobody"}]
                }
            },
            'channel.namespaces[0].publish_proxy_name = "nobody": no hook of proxies is called so',
        ),
        (
            {"rpc": {"namespaces": [{"name": "x"}]}},
            f"rpc.namespaces[0].name: {NAME}",
        ),
        (
            {"rpc": {"namespaces": [{"name": "ab"}, {"name": "ab"}]}},
            'rpc.namespaces[1].name = "ab": is another namespace\'s, too',
        ),
    ],
)
def test_each_mistake_has_its_place(raw, mistake):
    assert told(raw) == [mistake]
