import json

import pytest

from service.config import load
from service.settings.quick_start import built_in

NOBODY_CONNECTS, NOBODY_PUBLISHES = "nobody can connect: ", "nobody can use the server API: "


def told(tmp_path, said):
    file = tmp_path / "c.json"
    file.write_text(json.dumps(said))
    return [sentence.split(": ")[0] + ": " for sentence in load(file, {}).shut]


def test_an_empty_configuration_lets_nobody_in(tmp_path):
    assert told(tmp_path, {}) == [NOBODY_CONNECTS, NOBODY_PUBLISHES]


def test_the_quick_start_lets_people_in(tmp_path):
    assert told(tmp_path, built_in("k" * 32, "s" * 32)) == []


@pytest.mark.parametrize(
    "client",
    [
        {"token": {"hmac_secret_key": "s" * 32}},
        {"token": {"jwks_public_endpoint": "https://id.example/keys"}},
        {"insecure": True},
        {"allow_anonymous_connect_without_token": True},
        {"proxy": {"connect": {"enabled": True, "endpoint": "http://127.0.0.1:1/x"}}},
    ],
)
def test_each_way_to_connect_is_one(tmp_path, client):
    assert told(tmp_path, {"client": client}) == [NOBODY_PUBLISHES]


@pytest.mark.parametrize("api", [{"key": "k" * 32}, {"insecure": True}, {"disabled": True}])
def test_an_api_that_is_open_or_off_is_not_shut(tmp_path, api):
    assert told(tmp_path, {"http_api": api}) == [NOBODY_CONNECTS]
