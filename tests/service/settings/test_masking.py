from service.settings.masking import masked


def test_secrets_are_hidden_wherever_they_stand():
    tree = {
        "http_api": {"key": "s3cret", "external": True},
        "client": {"token": {"hmac_secret_key": "s3cret", "audience": "all"}},
        "consumers": [{"kafka": {"sasl_password": "s3cret", "brokers": ["b:1"]}}],
        "engine": {"redis": {"password": "", "user": None}},
    }
    shown = masked(tree)
    assert "s3cret" not in repr(shown)
    assert shown["http_api"] == {"key": "***", "external": True}
    assert shown["consumers"][0]["kafka"]["brokers"] == ["b:1"]
    assert shown["engine"]["redis"] == {"password": "", "user": None}
