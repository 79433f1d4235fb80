import stat

import pytest

from service.settings.quick_start import Unkept, built_in, kept_secrets, known_secrets


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_key_and_secret_are_made_once(tmp_path):
    folder = tmp_path / "kept"
    assert known_secrets(folder) is None
    first = kept_secrets(folder)
    assert kept_secrets(folder) == first == known_secrets(folder)
    assert len(set(first)) == 2
    assert min(map(len, first)) >= 32


def test_only_their_owner_may_read_them(tmp_path):
    folder = tmp_path / "kept"
    kept_secrets(folder)
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_an_empty_file_is_told(tmp_path):
    kept_secrets(tmp_path)
    (tmp_path / "api_key").write_text("\n")
    with pytest.raises(Unkept, match="empty"):
        kept_secrets(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unkept, match="cannot be kept"):
        kept_secrets(tmp_path / "file" / "kept")


def test_the_built_in_configuration_is_not_insecure():
    tree = built_in("key", "secret")
    options = tree["channel"]["without_namespace"]
    assert tree["http_server"]["address"] == "127.0.0.1"
    assert tree["http_api"] == {"key": "key"}
    assert "insecure" not in repr(tree)
    assert "anonymous" not in repr(tree)
    assert options["presence"]
    assert options["allow_presence_for_subscriber"]
    assert (options["history_size"], options["history_ttl"], options["force_recovery"]) == (100, "300s", True)
