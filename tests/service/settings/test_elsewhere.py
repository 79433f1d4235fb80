import pytest

from service.settings.elsewhere import add_elsewhere
from service.settings.option import Section, walk
from service.settings.options import ours


@pytest.fixture(scope="module")
def everything():
    root = ours()
    add_elsewhere(root)
    return dict(walk(root))


def test_the_two_tables_do_not_overlap():
    root = Section()
    add_elsewhere(root)
    assert not {path for path, _ in walk(root)} & {path for path, _ in walk(ours())}


def test_centrifugo_s_options_are_all_there(everything):
    """6.9 has 1,089; ours stand beside them and say so."""
    our_own = {path for path, option in everything.items() if option.here and "Our own." in option.doc}
    theirs = {path.partition("transforms[]")[0] for path in everything.keys() - our_own}  # a list is one option there
    assert len(theirs) == 1089


@pytest.mark.parametrize(
    "path",
    [
        "webtransport.enabled",
        "engine.redis.cluster_address",
        "engine.redis.sentinel_tls.cert_pem",
        "broker.redisnats.nats.raw_mode.channel_replacements",
        "presence_manager.redis.presence_ttl",
        "client.proxy.connect.grpc.tls.enabled",
        "channel.proxy.shared_poll_refresh.grpc.tls.enabled",
        "channel.namespaces[].map.key_ttl",
        "channel.proxy.subscribe_stream.http.static_headers",
        "proxies[].grpc.tls.enabled",
        "consumers[].kafka.sasl_password",
        "consumers[].redis_stream.publication_data_mode.tags_value_prefix",
        "consumers[].aws_sqs.publication_data_mode.channels_attribute",
        "admin.secret",
    ],
)
def test_deeply_nested_ones_are_known(everything, path):
    assert path in everything
    assert not everything[path].here


def test_passwords_among_them_are_secrets(everything):
    for path in (
        "consumers[].kafka.sasl_password",
        "admin.password",
        "engine.redis.password",
        "map_broker.postgres.dsn",
    ):
        assert everything[path].secret
