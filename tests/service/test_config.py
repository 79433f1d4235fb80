import json
from pathlib import Path

import pytest

from service.config import examine, load
from service.settings.mistakes import ConfigurationRefused
from service.settings.reading import Unreadable

DEFAULTS = Path(__file__).parent / "settings" / "centrifugo_defaults.json"  # those of all of its 6.9.1's options
RECORDED = sorted((Path(__file__).parent.parent / "transcripts" / "configs").glob("*.json"))


@pytest.fixture
def written(tmp_path):
    def write(tree, name="c.json"):
        file = tmp_path / name
        file.write_text(tree if isinstance(tree, str) else json.dumps(tree))
        return file

    return write


def test_each_room_gets_its_part(written):
    file = written(
        {
            "http_server": {"address": "10.0.0.1", "port": 8001, "internal_port": "9001", "send_buffer_size": 1024},
            "http_api": {"key": "k", "error_mode": "transport", "handler_prefix": "/back"},
            "client": {
                "token": {"hmac_secret_key": "s", "audience": "a"},
                "allowed_origins": ["https://a"],
                "ping_interval": "10s",
                "pong_timeout": "3s",
                "pong_misses": 2,
                "channel_limit": 5,
                "queue_max_size": 4096,
                "user_connection_limit": 3,
                "subscribe_to_user_personal_channel": {"enabled": True, "personal_channel_namespace": "me"},
            },
            "channel": {
                "max_length": 40,
                "history_total_max_size": 1000,
                "history_meta_ttl": "1h",
                "publication_data_format": "json_object",
                "without_namespace": {"allow_subscribe_for_client": True},
                "namespaces": [
                    {"name": "me", "history_size": 5, "history_ttl": "60s", "history_meta_ttl": "2m"},
                    {"name": "bin", "publication_data_format": "binary"},
                ],
            },
            "websocket": {"message_size_limit": 100, "write_timeout": "5s", "handler_prefix": "/ws"},
            "health": {"enabled": True},
            "init": {"enabled": True},
            "demo": {"enabled": True, "traces_url": "http://j"},
            "shutdown": {"timeout": "3s"},
            "node": {"name": "n1"},
            "log": {"level": "debug", "file": "x.log"},
            "telemetry": {"otlp_endpoint": "http://c:4318", "traced_users": ["u"], "slow_message": "1s"},
        }
    )
    settings = load(file, {})
    session = settings.connections.session
    assert (settings.http.public.host, settings.http.public.port) == ("10.0.0.1", 8001)
    assert (settings.http.internal.host, settings.http.internal.port) == ("127.0.0.1", 9001)
    assert settings.http.public.sockets.send_buffer == 1024
    assert (settings.api.key, settings.api.transport_errors, settings.api.path) == ("k", True, "/back")
    assert (settings.tokens.hmac_secret_key, settings.tokens.audience) == ("s", "a")
    assert settings.subscription_tokens is None
    assert (session.heartbeat.interval, session.heartbeat.timeout, session.heartbeat.misses) == (10.0, 3.0, 2)
    assert (session.channel_limit, session.channel_max_length, session.personal_channel_namespace) == (5, 40, "me")
    assert settings.connections.outbox.max_bytes == 4096
    assert settings.broker.max_bytes == 1000
    assert settings.connections.outbox.max_age == 5.0
    assert (settings.connections.frames.message, settings.connections.user_connection_limit) == (100, 3)
    assert (settings.upgrade.path, settings.upgrade.negotiation.allowed_origins) == ("/ws", ("https://a",))
    plain, me, binary = settings.namespaces
    assert (plain.allow_subscribe_for_client, plain.history_meta_ttl, plain.publication_data_format) == (
        True,
        3600,
        "json_object",
    )
    assert (me.history_size, me.history_ttl, me.history_meta_ttl) == (5, 60.0, 120.0)
    assert binary.publication_data_format == "binary"
    assert (settings.doors.health, settings.doors.init) == ("/health", "/connection/init")
    assert settings.page is not None
    assert (settings.page.traces_url, settings.page.traced, settings.page.websocket) == ("http://j", True, "/ws")
    assert (settings.shutdown_timeout, settings.node_name) == (3.0, "n1")
    assert (settings.telemetry.log_level, settings.telemetry.log_file) == ("debug", "x.log")
    assert settings.telemetry.otlp_endpoint == "http://c:4318"
    assert (settings.telemetry.sampling.users, settings.telemetry.slow_message) == (frozenset("u"), 1.0)
    assert not settings.quick_start


def test_the_kernel_waits_longer_than_we_do(written):
    def patience(tree):
        return load(written(tree), {}).http.public.sockets.user_timeout

    assert patience({}) == 60.0
    assert patience({"websocket": {"write_timeout": "100s"}}) == 120.0
    assert patience({"client": {"ping_interval": "60s", "pong_timeout": "10s", "pong_misses": 3}}) == 190 * 1.2
    assert patience({"http_server": {"tcp_user_timeout": "30s"}}) == 30.0


def test_subscription_tokens_may_have_a_secret_of_their_own(written):
    file = written({"client": {"subscription_token": {"enabled": True, "hmac_secret_key": "sub"}}})
    settings = load(file, {})
    assert settings.subscription_tokens is not None
    assert settings.subscription_tokens.hmac_secret_key == "sub"


def test_flags_beat_the_environment_and_that_beats_the_file(written):
    file = written({"http_server": {"port": 1, "internal_port": 2, "address": "10.0.0.1"}})
    environ = {"HELIOGRAPH_HTTP_SERVER_PORT": "3", "HELIOGRAPH_HTTP_SERVER_INTERNAL_PORT": "4"}
    http = load(file, environ, {"http_server.port": 5}).http
    assert (http.public.port, http.internal.port, http.public.host) == (5, 4, "10.0.0.1")


def test_disagreements_come_with_misspelt_and_mistyped_options(written):
    news = {"name": "news", "history_size": "ten", "force_recovery": True, "allowed_delta_types": ["fossli"]}
    tree = {"http_sever": {}, "channel": {"namespaces": [news, {"history_size": 5}, 7]}}
    told = {mistake.place: mistake for mistake in examine(written(tree), {}).mistakes}
    assert set(told) == {
        "http_sever",
        "channel.namespaces[0].history_size",
        "channel.namespaces[0].force_recovery",
        "channel.namespaces[0].allowed_delta_types",
        "channel.namespaces[1].name",
        "channel.namespaces[1]",
        "channel.namespaces[2]",
    }
    assert len(examine(written(tree), {}).mistakes) == len(told), "each once"


def test_all_mistakes_come_at_once(written):
    file = written({"http_server": {"port": -1}, "clinet": {}, "webtransport": {"enabled": True}})
    with pytest.raises(ConfigurationRefused) as refused:
        load(file, {"HELIOGRAPH_LOG_LEVL": "debug"}, {"http_server.internal_port": 70000})
    assert [mistake.place for mistake in refused.value.mistakes] == [
        "HELIOGRAPH_LOG_LEVL",
        "http_server.port",
        "--internal-port",
        "clinet",
        "webtransport.enabled",
    ]


def test_lenient_forgives_what_is_not_available_yet_and_nothing_else(written):
    file = written(
        {"webtransport": {"enabled": True}, "channel": {"without_namespace": {"subscribe_stream_proxy_enabled": True}}}
    )
    with pytest.raises(ConfigurationRefused, match="2 mistakes"):
        load(file, {})
    settings = load(file, {}, lenient=True)
    assert settings.warnings == (
        "ignored: webtransport.enabled = true is not available yet",
        "ignored: channel.without_namespace.subscribe_stream_proxy_enabled = true is not available yet",
    )
    with pytest.raises(ConfigurationRefused, match="1 mistake"):
        load(written({"webtransport": {"enabled": True}, "x": 1}), {}, lenient=True)


def test_a_secret_is_in_no_representation(written):
    settings = load(written({"client": {"token": {"hmac_secret_key": "s3cret"}}, "http_api": {"key": "s3cret"}}), {})
    assert "s3cret" not in repr(settings)


def test_metrics_asked_for_by_centrifugo_s_name_are_pointed_at(written):
    assert "internal port" in load(written({"prometheus": {"enabled": True}}), {}).warnings[0]


@pytest.mark.parametrize(("section", "what"), [("client", "without a token"), ("http_api", "without a key")])
def test_what_leaves_the_doors_open_is_said_at_start(written, section, what):
    assert load(written({section: {"insecure": False}}), {}).warnings == ()
    (warning,) = load(written({section: {"insecure": True}}), {}).warnings
    assert warning.startswith(f"{section}.insecure: everybody")
    assert what in warning


@pytest.mark.parametrize(
    ("count", "chosen", "told", "warnings"),
    [
        (3, [], ["n0", "n1", "n2"], 0),
        (14, [], [f"n{number}" for number in range(12)], 1),
        (14, ["n13", "n2"], ["n13", "n2"], 0),
        (14, ["*"], [f"n{number}" for number in range(14)], 0),
    ],
)
def test_the_namespaces_that_metrics_tell_by_name(written, count, chosen, told, warnings):
    """The same ones after each start: a series keeps its meaning."""
    namespaces = [{"name": f"n{number}"} for number in range(count)]
    settings = load(written({"channel": {"namespaces": namespaces}, "prometheus": {"namespaces": chosen}}), {})
    assert list(settings.telemetry.namespaces) == told
    assert len(settings.warnings) == warnings
    assert all("12 of 14" in warning for warning in settings.warnings)


def test_a_hook_that_believes_everybody_is_said_at_start(written):
    tls = {"http": {"tls": {"enabled": True, "insecure_skip_verify": True}}}
    (warning,) = load(written({"client": {"proxy": {"connect": {"endpoint": "https://b", **tls}}}}), {}).warnings
    assert warning.startswith("client.proxy.connect.http.tls.insecure_skip_verify: ")


@pytest.mark.parametrize(
    ("tree", "environ", "endpoint"),
    [
        ({}, {}, ""),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://o:4318"}, "http://o:4318"),
        ({"telemetry": {"otlp_endpoint": "http://t"}}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://o"}, "http://t"),
        ({"opentelemetry": {"enabled": True}}, {}, "http://localhost:4318"),
        ({"opentelemetry": {"enabled": True}}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://o"}, "http://o"),
    ],
)
def test_where_traces_go(written, tree, environ, endpoint):
    assert load(written(tree), environ).telemetry.otlp_endpoint == endpoint


def test_the_standard_s_variables_for_name_and_protocol(written):
    environ = {"OTEL_SERVICE_NAME": "push", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    telemetry = load(written({}), environ).telemetry
    assert (telemetry.service_name, telemetry.otlp_protocol) == ("push", "grpc")


def test_no_address_means_all_as_in_centrifugo(written):
    assert load(written({}), {}).http.public.host == "0.0.0.0"


def test_the_first_start_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = load(None, {}), load(None, {})
    assert first.quick_start
    assert first.api.key == second.api.key != ""
    assert first.tokens == second.tokens
    assert first.http.public.host == "127.0.0.1"
    assert first.page is not None
    assert not first.connections.session.insecure
    assert first.namespaces.without.force_recovery


def test_the_environment_lies_over_the_built_in_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load(None, {"HELIOGRAPH_DEMO_ENABLED": "false", "HELIOGRAPH_HTTP_API_KEY": "mine"})
    assert settings.page is None
    assert settings.api.key == "mine"


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(Unreadable):
        load(tmp_path / "none.yaml", {})


def test_what_was_understood_can_be_shown(written):
    examined = examine(written({"log": {"level": "warn"}}), {}, {"http_server.port": 1})
    assert examined.tree == {"log": {"level": "warn"}, "http_server": {"port": 1}}


def test_a_configuration_of_all_of_centrifugo_s_defaults_starts_here_unchanged():
    values = json.loads(DEFAULTS.read_text())
    assert _leaves(values) == 758
    assert values["http_server"]["internal_port"] == ""
    assert examine(DEFAULTS, {}).mistakes == []
    assert [each.port for each in load(DEFAULTS, {}).http.all] == [8000, 9000]


def _leaves(tree):
    return sum(_leaves(each) if isinstance(each, dict) else 1 for each in tree.values())


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_configurations_of_the_recordings_start_here(file):
    mistakes = examine(file, {}).mistakes
    assert all(mistake.later for mistake in mistakes)
    settings = load(file, {}, lenient=True)
    assert sum(each.startswith("ignored: ") for each in settings.warnings) == len(mistakes)
    assert settings.connections.session.insecure == (file.stem == "insecure")


@pytest.mark.parametrize(
    ("client", "channel", "in_a_frame", "burst", "name"),
    [
        ({}, {}, 1024, 2000, 1024),
        ({"channel_limit": 5000}, {"max_length": 2000}, 5001, 5001, 2000),
        ({"commands_per_frame": 10, "command_burst": 10}, {"name_limit": 10}, 129, 129, 255),
        ({"commands_per_frame": 0}, {"max_length": 0}, 0, 2000, 0),
        ({}, {"name_limit": 0}, 1024, 2000, 0),
    ],
)
def test_our_limits_give_way_to_centrifugo_s(written, client, channel, in_a_frame, burst, name):
    session = load(written({"client": client, "channel": channel}), {}).connections.session
    assert (session.commands_per_frame, session.pace.burst, session.channel_name_limit) == (in_a_frame, burst, name)


@pytest.mark.parametrize(("name", "announced", "silence"), [("realtime", 5, 13), ("service", 10, 38), ("iot", 60, 75)])
def test_a_heartbeat_profile_sets_its_three_figures(tmp_path, name, announced, silence):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"client": {"heartbeat": name}}))
    heartbeat = load(file, {}).connections.session.heartbeat
    assert heartbeat.interval == announced
    assert heartbeat.interval * heartbeat.misses + heartbeat.timeout == silence


def test_an_adaptive_heartbeat_leaves_tcp_the_patience_of_its_longest_silence(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"client": {"heartbeat": "adaptive"}}))
    settings = load(file, {})
    assert settings.connections.session.climate is not None
    assert settings.connections.session.heartbeat.interval == 30
    assert settings.http.public.sockets.user_timeout > 135


def test_each_listener_may_have_a_heartbeat_of_its_own_and_the_kernel_the_patience_for_it(written):
    listeners = [
        {"name": "phones", "heartbeat": "adaptive"},
        {"name": "sensors", "heartbeat": "iot"},
        {"name": "like-public"},
    ]
    tree = {"client": {"ping_interval": "70s", "pong_timeout": "10s"}, "http_server": {"listeners": listeners}}
    settings = load(written(tree), {})
    beats = settings.connections.beats
    assert {name: (beat.settings.interval, beat.climate is not None) for name, beat in beats.items()} == {
        "phones": (30.0, True),
        "sensors": (60.0, False),
    }
    waits = {each.name: each.sockets.user_timeout for each in settings.http.all}
    assert waits == {
        name: pytest.approx(silence * 1.2)
        for name, silence in {"public": 80, "phones": 135, "sensors": 75, "like-public": 80, "internal": 80}.items()
    }


@pytest.mark.parametrize(
    ("listener", "says"),
    [
        ({"heartbeat": "lan"}, r'listeners\[0\]\.heartbeat.*"lan" is for http_server.listeners\[\].deadlines'),
        ({"deadlines": "iot"}, r'listeners\[0\]\.deadlines.*"iot" is for http_server.listeners\[\].heartbeat'),
        ({"heartbeat": "realtim"}, r'listeners\[0\]\.heartbeat.*"realtime"'),
        ({"heartbeats": "iot"}, r"listeners\[0\]\.heartbeats.*heartbeat"),
        ({"ping_interval": "5s"}, r"listeners\[0\]\.ping_interval"),
    ],
)
def test_what_is_wrong_with_a_listener_s_heartbeat_is_told(written, listener, says):
    with pytest.raises(ConfigurationRefused, match=says):
        load(written({"http_server": {"listeners": [{"name": "phones", **listener}]}}), {})


def test_a_profile_and_figures_of_ones_own_disagree(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"client": {"heartbeat": "iot", "ping_interval": "7s", "pong_timeout": "2s"}}))
    with pytest.raises(ConfigurationRefused, match=r"client\.heartbeat.*names a profile"):
        load(file, {})


def test_the_debug_api_needs_a_token(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"debug": {"enabled": True}}))
    with pytest.raises(ConfigurationRefused, match=r"debug\.token.*must be set"):
        load(file, {})
