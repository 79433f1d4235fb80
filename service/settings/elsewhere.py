"""Centrifugo 6.9's options that this server has not: a configuration that leaves them off starts here unchanged.

One section a line, indented lines continue it. An option is ``name``, what it takes (text unless said), its default.
``!`` marks one that switches something on which is not available yet; the rest are parameters of such things and do
no harm alone. ``@shape`` is a section of a known shape, ``[@shape]`` a list of them, ``+shape`` its options here.
"""

import re
from typing import Final

from service.settings.kinds import Convert, anything, duration, switch, text, texts, whole
from service.settings.option import Option, Section, insert

SHAPES: Final = """
enabled: enabled bool
tls: enabled! bool, cert_pem, key_pem, server_ca_pem, client_ca_pem, insecure_skip_verify bool, server_name
autocert: enabled! bool, host_whitelist texts, cache_dir, email, server_name, http bool, http_addr
outbox: poll_interval duration, batch_size int
redis_engine: +redis_broker, +redis_presence_times
redis_broker: prefix, +redis, history_use_lists bool
redis_presence: prefix, +redis, +redis_presence_times
redis_map: prefix, +redis, cleanup_interval duration, cleanup_batch_size int, idempotent_result_ttl duration,
    skip_pub_sub bool
nats_broker: prefix, +nats, allow_wildcards bool, raw_mode @raw_mode
raw_mode: enabled bool, channel_replacements map, prefix
redis_nats: redis @redis_broker, nats @nats_broker
postgres_stream: +postgres, cleanup_interval duration, idempotent_result_ttl duration, binary_data bool,
    stream_retention duration, outbox @outbox
postgres_map: +postgres_stream, ttl_check_interval duration
postgres_controller: +postgres, poll_interval duration, partition_cleanup_interval duration, batch_size int
proxy: endpoint, timeout duration, http_headers texts, grpc_metadata texts, emulated_headers texts, binary_encoding
    bool, include_connection_meta bool, http @proxy_http, grpc @proxy_grpc
hook: grpc_metadata texts, grpc @proxy_grpc
proxy_http: tls @tls, static_headers map, status_to_code_transforms any
proxy_grpc: tls @tls, credentials_key, credentials_value, compression bool, static_metadata map
map: mode, key_ttl duration, stream_size int, stream_ttl duration, meta_ttl duration, remove_client_on_unsubscribe
    bool, client_key, allow_publish_for_client bool, allow_publish_for_subscriber bool, allow_publish_for_anonymous
    bool, allow_remove_for_client bool, allow_remove_for_subscriber bool, allow_remove_for_anonymous bool,
    publish_proxy_enabled bool, publish_proxy_name, remove_proxy_enabled bool, remove_proxy_name, default_page_size
    int, min_page_size int, max_page_size int, live_transition_max_publication_limit int, subscribe_catch_up_timeout
    duration
shared_poll: proxy_name, refresh_interval duration, refresh_batch_size int, max_keys_per_connection int, mode,
    channel_shutdown_delay duration, track_expired_extra_delay duration, publish_enabled bool
consumer: name, enabled! bool, type, postgresql @c_postgres, kafka @c_kafka, nats_jetstream @c_nats, redis_stream
    @c_redis, google_pub_sub @c_google, aws_sqs @c_aws, azure_service_bus @c_azure
c_postgres: dsn, outbox_table_name, num_partitions int, partition_select_limit int, partition_poll_interval
    duration, partition_notification_channel, partition_notification_dsn, tls @tls, use_try_lock bool
c_kafka: brokers texts, topics texts, consumer_group, max_poll_records int, fetch_max_bytes int, fetch_max_wait
    duration, fetch_read_uncommitted bool, partition_queue_max_size int, dial_timeout duration, tls @tls,
    sasl_mechanism, sasl_user, sasl_password, assume_role_arn, instance_id, method_header, publication_data_mode
    @by_header
c_nats: url, credentials_file, username, password, token, stream_name, use_existing_consumer bool, subjects texts,
    durable_consumer_name, deliver_policy, max_ack_pending int, method_header, publication_data_mode @by_header, tls
    @tls
c_redis: +redis, streams texts, consumer_group, visibility_timeout duration, num_workers int, payload_value,
    method_value, publication_data_mode @by_value
c_google: project_id, subscriptions texts, max_outstanding_messages int, max_outstanding_bytes int, auth_mechanism,
    credentials_file, method_attribute, publication_data_mode @by_attribute
c_aws: queues texts, sns_envelope bool, region, max_number_of_messages int, wait_time_time duration,
    visibility_timeout duration, max_concurrency int, credentials_profile, assume_role_arn, method_attribute,
    localstack_endpoint, publication_data_mode @by_attribute
c_azure: connection_string, use_azure_identity bool, fully_qualified_namespace, tenant_id, client_id, client_secret,
    queues texts, use_sessions bool, max_concurrent_calls int, max_receive_messages int, method_property,
    publication_data_mode @by_property
by_header: enabled bool, +headers
by_value: enabled bool, channels_value, idempotency_key_value, delta_value, version_value, version_epoch_value,
    tags_value_prefix
by_attribute: enabled bool, channels_attribute, idempotency_key_attribute, delta_attribute, version_attribute,
    version_epoch_attribute, tags_attribute_prefix
by_property: enabled bool, channels_property, idempotency_key_property, delta_property, version_property,
    version_epoch_property, tags_property_prefix
channel: map_clients_presence_channel_prefix!,
  map_users_presence_channel_prefix!,
  subscribe_stream_proxy_enabled! bool, subscribe_stream_proxy_name,
  subscribe_stream_proxy_bidirectional bool, subscription_type! text stream, map @map, shared_poll @shared_poll
redis: address texts, connect_timeout duration, io_timeout duration, db int, user, password, client_name,
    force_resp2 bool, cluster_address texts, tls @tls, sentinel_address texts, sentinel_user, sentinel_password,
    sentinel_master_name, sentinel_client_name, sentinel_tls @tls, replica_client @enabled
postgres: dsn, tls @tls, pool_size int, num_shards int, use_notify bool, notify_dsn, table_prefix, skip_schema_init
    bool, partition_lookahead_days int, partition_retention_days int
nats: url, dial_timeout duration, write_timeout duration, tls @tls
headers: channels_header, idempotency_key_header, delta_header, version_header, version_epoch_header,
    tags_header_prefix
redis_presence_times: presence_ttl duration, presence_hash_field_ttl bool, presence_user_mapping bool
"""
SECTIONS: Final = """
.: proxies [@hook], consumers [@consumer], enable_unreleased_features! bool
http_server: tls_autocert @autocert, http3.enabled! bool,
    h2c_external! bool
engine: type! text memory, redis @redis_engine
broker: enabled bool, type! text memory, redis @redis_broker, nats @nats_broker, postgres @postgres_stream,
    redisnats @redis_nats
presence_manager: enabled bool, type! text memory, redis @redis_presence
map_broker: type, redis @redis_map, postgres @postgres_map
controller: enabled! bool, type, postgres @postgres_controller
shared_poll: hmac_secret_key, hmac_previous_secret_key, hmac_previous_secret_key_valid_until int, concurrency_limit
    int
client: insecure_skip_token_signature_verify! bool, user_id_http_header!
client.proxy: connect @hook, refresh @hook
channel.proxy: subscribe @hook, publish @hook, sub_refresh @hook, subscribe_stream @proxy, map_publish @proxy,
    map_remove @proxy, shared_poll_refresh @proxy
channel.without_namespace: +channel
channel.namespaces[]: +channel
rpc: proxy @hook
grpc_api: enabled! bool, error_mode, address, port int, key, tls @tls, reflection bool, max_receive_message_size int
webtransport: enabled! bool, handler_prefix, message_size_limit int
uni_grpc: enabled! bool, address, port int, max_receive_message_size int, tls @tls
admin: enabled! bool, handler_prefix, password, secret, insecure bool, web_path, web_proxy_address, external bool
prometheus: instrument_http_handlers bool, recovered_publications_histogram bool, native_histograms bool
swagger: enabled! bool, handler_prefix
opentelemetry: consuming bool, google_cloud_adc_auth! bool
graphite: enabled! bool, host, port int, prefix, interval duration, tags bool
"""

_KINDS: Final[dict[str, tuple[Convert, object]]] = {
    "text": (text, ""),
    "bool": (switch, False),
    "int": (whole, 0),
    "duration": (duration, "0s"),
    "texts": (texts, ()),
    "map": (anything, None),  # names with values, in two spellings
    "any": (anything, None),
}


def add_elsewhere(root: Section) -> None:
    """Put Centrifugo's other options into the tree of ours."""
    shapes = dict(_lines(SHAPES))
    for path, line in _lines(SECTIONS):
        _add(root, path.strip("."), line, shapes)


def _lines(table: str) -> list[tuple[str, str]]:
    lines = re.sub(r"\s*\n +", " ", table).strip().split("\n")
    return [(name, line) for name, _, line in (line.partition(": ") for line in lines)]


def _add(root: Section, path: str, line: str, shapes: dict[str, str]) -> None:
    for entry in line.split(", "):
        name, _, rest = entry.partition(" ")
        kind, _, default = (rest or "text").partition(" ")
        place = f"{path}.{name}".lstrip(".").removesuffix("!")
        if name.startswith("+"):
            _add(root, path, shapes[name[1:]], shapes)
        elif kind.startswith("@"):
            _add(root, place, shapes[kind[1:]], shapes)
        elif kind.startswith("["):
            _add(root, place + "[]", shapes[kind[2:-1]], shapes)
        else:
            insert(root, place, _option(place, kind, default, starts=name.endswith("!")))


def _option(place: str, kind: str, default: str, *, starts: bool) -> Option:
    convert, usual = _KINDS[kind]
    return Option(place.rpartition(".")[2], convert, default or usual, here=False, starts=starts, harmless=(usual,))
