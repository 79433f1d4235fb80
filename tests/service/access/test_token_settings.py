"""Token settings: nothing of them is shown."""

from service.access.token_settings import TokenSettings


def test_no_key_stands_in_its_picture():
    assert "geheim" not in repr(TokenSettings(hmac_secret_key="geheim", hmac_previous_secret_key="geheim"))
