"""Codes and statuses that nobody could be told are mistakes, told with their place."""

import json

import pytest

from service.config import load
from service.settings.mistakes import ConfigurationRefused

AS_HTTP, INSTEAD = "connect_code_to_http_response", "connect_code_to_unidirectional_disconnect"


def loaded(tmp_path, said):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(said))
    return load(file, {})


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (
            {"uni_sse": {AS_HTTP: {"transforms": [{"to": {"status_code": 403}}]}}},
            f"uni_sse.{AS_HTTP}.transforms[0].code",
        ),
        (
            {"uni_http_stream": {AS_HTTP: {"transforms": [{"code": 109}]}}},
            f"uni_http_stream.{AS_HTTP}.transforms[0].to.status_code",
        ),
        (
            {"client": {INSTEAD: {"transforms": [{"code": 109, "to": {"code": 99}}]}}},
            f"client.{INSTEAD}.transforms[0].to.code",
        ),
        (
            {"client": {INSTEAD: {"transforms": [{"code": 109, "to": {"code": 4000, "reason": "ü"}}]}}},
            f"client.{INSTEAD}.transforms[0].to.reason",
        ),
    ],
)
def test_what_cannot_be_told_is_a_mistake(tmp_path, said, place):
    with pytest.raises(ConfigurationRefused, match="takes|must be set") as refused:
        loaded(tmp_path, said)
    assert place in str(refused.value)


def test_the_first_of_two_counts_as_in_centrifugo(tmp_path):
    two = [{"code": 109, "to": {"code": 4001}}, {"code": 109, "to": {"code": 4002}}]
    config = loaded(tmp_path, {"client": {INSTEAD: {"enabled": True, "transforms": two}}})
    assert config.connections.session.unidirectional_ends == {109: (4001, "")}
