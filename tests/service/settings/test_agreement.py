import pytest

from service.settings.agreement import disagreements
from service.settings.checking import check
from service.settings.options import ours


def told(raw):
    checked = check(raw, ours())
    assert not checked.mistakes
    return [str(mistake) for mistake in disagreements(checked.values)]


def without(**options):
    return {"channel": {"without_namespace": options}}


def test_the_defaults_agree():
    assert told({}) == []


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"client": {"ping_interval": "5s"}}, "client.pong_timeout: must be at most client.ping_interval (5 s)"),
        (
            {"client": {"ping_interval": "9s", "pong_timeout": "0s"}},
            "client.pong_timeout: stands for 10 s, and must be at most client.ping_interval (9 s)",
        ),
        ({"client": {"pong_misses": 4}}, "client.pong_misses: must be 1 to 3"),
        (
            {"websocket": {"compression": True, "compression_level": 0}},
            "websocket.compression_level: must be 1 to 9",
        ),
        (
            {"http_server": {"tcp_user_timeout": "25s"}},
            "http_server.tcp_user_timeout: must be longer than websocket.write_timeout (25 s)",
        ),
        (
            {"channel": {"namespaces": [{"name": "chat"}]}, "prometheus": {"namespaces": ["chat", "chatt"]}},
            'prometheus.namespaces = "chatt": no namespace is called so; chat is',
        ),
        ({"prometheus": {"namespaces": ["xy"]}}, 'prometheus.namespaces = "xy": no namespace is called so'),
        (without(history_size=10), "channel.without_namespace: history takes both history_size and history_ttl"),
        (without(history_ttl="1m"), "channel.without_namespace: history takes both history_size and history_ttl"),
        (
            without(history_size=1, history_ttl="1h", history_meta_ttl="1m"),
            "channel.without_namespace.history_ttl: must not be longer than history_meta_ttl (60 s)",
        ),
        (
            without(force_recovery=True),
            "channel.without_namespace.force_recovery: takes history_size and history_ttl: there is nothing to recover from",
        ),
        (
            without(auto_cache_recover=True),
            'channel.without_namespace.auto_cache_recover: takes force_recovery, and force_recovery_mode "cache"',
        ),
        (
            without(receipts=True),
            "channel.without_namespace.receipts: takes history_size and history_ttl: what is missed comes from history",
        ),
        (
            without(receipts=True, history_size=1, history_ttl="1m", allow_tags_filter=True),
            "channel.without_namespace.allow_tags_filter: goes without receipts: nobody confirms what was filtered out",
        ),
        (without(receipt_timeout="5s"), "channel.without_namespace.receipt_timeout: takes receipts"),
        (
            without(receipts=True, receipt_timeout="1s", history_size=1, history_ttl="1m"),
            "channel.without_namespace.receipt_timeout: must be at least 3 s: receipts come once a second",
        ),
        (
            without(receipts=True, receipt_timeout="5m", receipt_ttl="1m", history_size=1, history_ttl="1m"),
            "channel.without_namespace.receipt_ttl: must be at least 1 s, and not shorter than receipt_timeout",
        ),
        (
            without(allowed_delta_types=["fossil", "xdelta"]),
            'channel.without_namespace.allowed_delta_types = "xdelta": takes "fossil" only',
        ),
        (
            without(channel_regex="["),
            "channel.without_namespace.channel_regex: is no regular expression: unterminated character set",
        ),
        (
            without(channel_regex="a{99999999999}"),
            "channel.without_namespace.channel_regex: is no regular expression: the repetition number is too large",
        ),
        (
            {"channel": {"namespaces": [{"name": "a"}]}},
            'channel.namespaces[0].name = "a": takes two or more letters, digits, dashes, dots or underscores',
        ),
        (
            {"channel": {"namespaces": [{}]}},
            "channel.namespaces[0].name: takes two or more letters, digits, dashes, dots or underscores",
        ),
        (
            {"channel": {"namespaces": [{"name": "ab"}, {"name": "ab"}]}},
            'channel.namespaces[1].name = "ab": is another namespace\'s, too',
        ),
        (
            {"client": {"subscribe_to_user_personal_channel": {"enabled": True, "personal_channel_namespace": "me"}}},
            'client.subscribe_to_user_personal_channel.personal_channel_namespace = "me": no namespace is called so',
        ),
        (
            {"http_server": {"port": 8000, "internal_port": 8000}},
            "http_server.internal_port = 8000: must not be the public port",
        ),
        (
            {"websocket": {"handler_prefix": "/api"}},
            'http_api.handler_prefix = "/api": is the same as websocket.handler_prefix',
        ),
        (
            {"http_api": {"handler_prefix": "api/"}},
            'http_api.handler_prefix = "api/": takes a path that begins with / and does not end so',
        ),
        (
            {"client": {"subscription_token": {"enabled": True}}},
            "client.subscription_token.hmac_secret_key: or another key is needed when client.subscription_token.enabled is on",
        ),
        (
            {"channel": {"namespaces": [{"name": "price", "slow_policy": "conflate", "allow_recovery": True}]}},
            (
                'channel.namespaces[0].slow_policy = "conflate": does not go with allow_recovery without '
                'force_recovery_mode "cache"'
            ),
        ),
        (
            {
                "channel": {
                    "namespaces": [
                        {
                            "name": "price",
                            "slow_policy": "conflate",
                            "history_size": 1,
                            "history_ttl": "60s",
                            "force_recovery": True,
                            "force_recovery_mode": "cache",
                            "allowed_delta_types": ["fossil"],
                        }
                    ]
                }
            },
            'channel.namespaces[0].slow_policy = "conflate": does not go with allowed_delta_types',
        ),
        (
            {"http_server": {"trusted_proxies": ["10.0.0.0/8", "proxy.example.com"]}},
            'http_server.trusted_proxies = "proxy.example.com": takes networks such as "10.0.0.0/8"',
        ),
        (
            {"http_server": {"max_url_length": 100}},
            "http_server.max_url_length = 100: must be at least 1024: a token has to fit in",
        ),
    ],
)
def test_what_does_not_go_together_is_told(raw, says):
    assert told(raw) == [says]


def test_pings_may_be_off():
    assert told({"client": {"ping_interval": "0s"}}) == []


def test_no_pong_timeout_is_centrifugo_s_own():
    assert told({"client": {"pong_timeout": "0s"}}) == told({"client": {"pong_timeout": 0}}) == []


def test_both_ports_may_be_free_ones():
    assert told({"http_server": {"port": 0, "internal_port": 0}}) == []


def test_what_is_off_may_stand_anywhere():
    assert told({"health": {"handler_prefix": "/api"}}) == []


def test_the_newest_is_enough_where_the_newest_is_what_is_recovered():
    options = {"slow_policy": "conflate", "force_recovery": True, "force_recovery_mode": "cache"}
    price = {"name": "price", "history_size": 1, "history_ttl": "60s", **options}
    assert told({"channel": {"namespaces": [price]}}) == []
