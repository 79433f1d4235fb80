"""Settings of hooks."""

from service.access.hook_settings import HookSettings, HooksSettings, RpcRules

A = HookSettings("http://a", http_headers=frozenset({"cookie"}), include_connection_meta=True)
B = HookSettings(
    "http://b", name="b", emulated_headers=frozenset({"authorization"}), http_headers=frozenset({"origin"})
)


def test_every_endpoint_with_its_kind():
    settings = HooksSettings(connect=A, publish={"default": A, "b": B}, rpc={"b": B})
    assert [(kind, hook.name) for kind, hook in settings.each()] == [
        ("connect", "default"),
        ("publish", "default"),
        ("publish", "b"),
        ("rpc", "b"),
    ]
    assert settings.names == ["b", "default"]
    assert settings.http_headers == {"cookie", "origin"}
    assert settings.emulated_headers == {"authorization"}
    assert settings.tells_meta


def test_nothing_is_nothing():
    nothing = HooksSettings()
    assert (nothing.each(), nothing.names, nothing.http_headers, nothing.tells_meta) == ([], [], frozenset(), False)
    assert not RpcRules().any
    assert not RpcRules(named={"a": None}).any
    assert RpcRules(named={"a": "default"}).any


def test_no_secret_stands_in_its_picture():
    assert "geheim" not in repr(HookSettings("http://a", static_headers={"x": "geheim"}))
