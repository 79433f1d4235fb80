import pytest

from service import local
from service.config import load
from tests.service.told import sorry

pytestmark = pytest.mark.usefixtures("own_folder")


def test_the_quick_start_s_secret_is_found_where_the_server_was_started(capsys):
    assert "start the server in this folder" in sorry(capsys, local.token_settings, None)[1]
    made = load(None, {}).tokens
    assert local.token_settings(None) == made


def test_without_a_secret_no_tokens_can_be_made(capsys, tmp_path):
    (tmp_path / "c.json").write_text("{}")
    assert sorry(capsys, local.token_settings, tmp_path / "c.json") == (
        1,
        "heliograph: no secret is configured to make tokens with: give one with --token, or say --anonymous",
    )
