import pytest

from service.settings.elsewhere import add_elsewhere
from service.settings.options import ours
from service.settings.reading import Unreadable, environment_name, left_behind, overlay, put, read_file

SAID = {"http_server": {"port": 8001}, "channel": {"namespaces": [{"name": "chat", "history_ttl": "60s"}]}}
FORMS = {
    "c.json": '{"http_server": {"port": 8001}, "channel": {"namespaces": [{"name": "chat", "history_ttl": "60s"}]}}',
    "c.yaml": "http_server:\n  port: 8001\nchannel:\n  namespaces:\n    - name: chat\n      history_ttl: 60s\n",
    "c.YML": "http_server: {port: 8001}\nchannel: {namespaces: [{name: chat, history_ttl: 60s}]}\n",
    "c.toml": '[http_server]\nport = 8001\n[[channel.namespaces]]\nname = "chat"\nhistory_ttl = "60s"\n',
}


@pytest.fixture(scope="module")
def root():
    tree = ours()
    add_elsewhere(tree)
    return tree


@pytest.mark.parametrize("name", FORMS)
def test_three_forms_say_the_same(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name])
    assert read_file(tmp_path / name) == SAID


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.json", '{"http_api": {"key": "s3cret" "x"}}', "is not JSON: .* in line 1, column 31"),
        ("c.json", "[]", "holds no options"),
        ("c.json", '{"a": 1, "a": 2}', "says a twice"),
        ("c.json", b"\xff\xfe", "not UTF-8"),
        ("c.yaml", "http_api:\n  key: [s3cret\n", "is not YAML: .* in line"),
        ("c.yaml", "http_api:\n  key: s3cret\n  key: other\n", "says key twice in line 3"),
        ("c.yaml", "http_server:\n  port: {{ s3cret }}\n", "a name cannot be a list or a mapping in line 2"),
        ("c.yaml", "log: {file: 2026-02-30}\n", "is not YAML: no such day or time: .* in line 1"),
        ("c.yaml", "!!python/object:os.system s3cret", "is not YAML"),
        ("c.toml", 'http_api.key = "s3cret\n', "is not TOML: malformed at line 1"),
        ("c.toml", 'a = "s3cret"\na = 2\n', "is not TOML"),
        ("c.json", "[" * 100_000, "is nested too deeply"),
        ("c.yaml", "[" * 100_000 + "]" * 100_000, "is nested too deeply"),
        ("c.ini", "", r"ends in \.json, \.yaml, \.yml or \.toml"),
    ],
)
def test_what_cannot_be_read_is_told_without_its_content(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Unreadable, match=says) as told:
        read_file(tmp_path / name)
    assert "s3cret" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        read_file(tmp_path / "none.json")


@pytest.mark.parametrize("name", ["c.json", "c.yaml", "c.toml"])
def test_a_byte_order_mark_is_passed_over(tmp_path, name):
    """Some editors begin every file with one."""
    content = {"c.json": '{"a": 1}', "c.yaml": "a: 1", "c.toml": "a = 1"}[name]
    (tmp_path / name).write_text(content, encoding="utf-8-sig")
    assert read_file(tmp_path / name) == {"a": 1}


def test_an_empty_yaml_says_nothing(tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing yet\n")
    assert read_file(tmp_path / "c.yaml") == {}


def test_variables_have_centrifugo_s_names():
    assert environment_name("client.token.hmac_secret_key") == "HELIOGRAPH_CLIENT_TOKEN_HMAC_SECRET_KEY"


def laid(root, tree, **environ):
    origins, mistakes = overlay(tree, {f"HELIOGRAPH_{name}": value for name, value in environ.items()}, root)
    return tree, origins, [str(mistake) for mistake in mistakes]


def test_the_environment_lies_over_the_file(root):
    tree, origins, mistakes = laid(
        root,
        {"http_server": {"port": 8001, "address": "::1"}},
        HTTP_SERVER_PORT="9001",
        CLIENT_TOKEN_HMAC_SECRET_KEY="s",
        CLIENT_ALLOWED_ORIGINS="https://a https://b",
        LOG_LEVEL="",
    )
    assert tree == {
        "http_server": {"port": "9001", "address": "::1"},
        "client": {"token": {"hmac_secret_key": "s"}, "allowed_origins": ["https://a", "https://b"]},
    }
    assert origins["http_server.port"] == "HELIOGRAPH_HTTP_SERVER_PORT"
    assert not mistakes


def test_lists_may_be_json(root):
    tree, _, _ = laid(root, {}, CLIENT_ALLOWED_ORIGINS='["https://a"]', TELEMETRY_TRACED_USERS="[broken")
    assert tree["client"]["allowed_origins"] == ["https://a"]
    assert not isinstance(tree["telemetry"]["traced_users"], list)


def test_namespaces_come_as_json_or_as_names(root):
    tree, _, _ = laid(root, {}, CHANNEL_NAMESPACES='[{"name": "chat", "history_size": 5}]')
    assert tree["channel"]["namespaces"] == [{"name": "chat", "history_size": 5}]
    tree, _, _ = laid(root, {}, CHANNEL_NAMESPACES="chat news")
    assert tree["channel"]["namespaces"] == [{"name": "chat"}, {"name": "news"}]
    _, _, mistakes = laid(root, {}, CHANNEL_NAMESPACES="[{")
    assert mistakes[0].startswith("HELIOGRAPH_CHANNEL_NAMESPACES: is not a JSON list")


def test_so_does_every_list_whose_members_have_options(root):
    tree, origins, mistakes = laid(
        root, {}, HTTP_SERVER_LISTENERS='[{"name": "tls", "port": 8443}]', RPC_NAMESPACES="a"
    )
    assert tree["http_server"]["listeners"] == [{"name": "tls", "port": 8443}]
    assert tree["rpc"]["namespaces"] == [{"name": "a"}]
    assert origins["http_server.listeners"] == "HELIOGRAPH_HTTP_SERVER_LISTENERS"
    assert not mistakes


def test_one_option_of_one_namespace(root):
    tree = {"channel": {"namespaces": [{"name": "a-b.c"}, {"name": "news"}]}}
    laid(root, tree, CHANNEL_NAMESPACES_A_B_C_HISTORY_SIZE="7")
    assert tree["channel"]["namespaces"][0]["history_size"] == "7"


def test_a_variable_that_nobody_knows(root):
    _, _, mistakes = laid(root, {}, CLIENT_TOKEN_HMAC_SECRET_KYE="s3cret", HTTP_SERVER_PROT="1")
    no = "there is no such option"
    assert mistakes == [
        f"HELIOGRAPH_CLIENT_TOKEN_HMAC_SECRET_KYE = ***: {no}; did you mean HELIOGRAPH_CLIENT_TOKEN_HMAC_SECRET_KEY?",
        f'HELIOGRAPH_HTTP_SERVER_PROT = "1": {no}; did you mean HELIOGRAPH_HTTP_SERVER_PORT?',
    ]


@pytest.mark.parametrize(
    "name",
    ["SERVICE_HOST", "SERVICE_PORT", "PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR", "SERVICE_PORT_HTTP", "VAR_X"],
)
def test_what_kubernetes_sets_is_no_mistake(root, name):
    assert laid(root, {}, **{name: "tcp://10.0.0.1:8000"}) == ({}, {}, [])


def test_a_secret_in_a_malformed_file_section_is_replaced(root):
    """Whatever stands where a section should be, the variable finds its place."""
    tree, _, _ = laid(root, {"client": "nonsense"}, CLIENT_CHANNEL_LIMIT="3")
    assert tree == {"client": {"channel_limit": "3"}}


def test_put_finds_lists():
    tree = {"channel": {"namespaces": [{}, {"name": "b"}]}}
    put(tree, "channel.namespaces[1].history_size", 3)
    assert tree["channel"]["namespaces"][1] == {"name": "b", "history_size": 3}


def test_variables_of_centrifugo_are_pointed_at(root):
    environ = {"CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY": "s3cret", "CENTRIFUGO_OTHER": "x", "PATH": "/bin"}
    [told] = left_behind(environ, root)
    assert "HELIOGRAPH_CLIENT_TOKEN_HMAC_SECRET_KEY" in told
    assert "s3cret" not in told
    assert left_behind({}, root) == []
