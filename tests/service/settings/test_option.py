import pytest

from service.settings.kinds import text
from service.settings.option import Option, Section, insert, looks_secret, walk


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "hmac_secret_key",
        "hmac_previous_secret_key",
        "password",
        "sentinel_password",
        "token",
        "dsn",
        "key_pem",
        "secret",
        "sasl_password",
        "connection_string",
        "client_secret",
        "credentials_value",
        "api_key",
    ],
)
def test_names_of_secrets_sound_like_secrets(name):
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name", ["history_size", "allowed_origins", "ping_interval", "name", "address", "port", "level"]
)
def test_other_names_do_not(name):
    assert not looks_secret(name)


def test_options_stand_in_their_sections():
    root = Section()
    insert(root, "client.token.hmac_secret_key", Option("hmac_secret_key", text, ""))
    insert(root, "channel.namespaces[].name", Option("name", text, ""))
    assert [path for path, _ in walk(root)] == ["client.token.hmac_secret_key", "channel.namespaces[].name"]
    assert root.members["channel"].members["namespaces"].listed


def test_an_option_stands_in_the_tables_once():
    root = Section()
    insert(root, "a.b", Option("b", text, ""))
    with pytest.raises(AssertionError, match="twice"):
        insert(root, "a.b", Option("b", text, ""))
