import pytest

from service.settings.elsewhere import add_elsewhere
from service.settings.mistakes import ConfigurationRefused, Mistake, nearest, shown, unknown
from service.settings.option import Section
from service.settings.options import ours


@pytest.fixture(scope="module")
def root():
    tree = ours()
    add_elsewhere(tree)
    return tree


@pytest.fixture(scope="module")
def namespace(root):
    return root.members["channel"].members["namespaces"]


def test_a_mistake_says_place_value_and_what_helps():
    assert str(Mistake("a.b", "takes a port", "70000")) == "a.b = 70000: takes a port"
    assert str(Mistake("a.b", "takes a section")) == "a.b: takes a section"


def test_all_mistakes_stand_in_one_refusal():
    refusal = ConfigurationRefused("c.json", [Mistake("a", "one"), Mistake("b", "two")])
    assert str(refusal).splitlines() == ["c.json: 2 mistakes", "  a: one", "  b: two"]


def test_the_nearest_name_is_first_looked_for_in_the_same_section(root, namespace):
    assert nearest("history_sise", namespace, root)[0] == "history_size"
    assert nearest("allow_subscribe_for_clients", namespace, root)[0] == "allow_subscribe_for_client"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("token_hmac_secret_key", "client.token.hmac_secret_key"),
        ("api_key", "http_api.key"),
        ("allowed_origins", "client.allowed_origins"),
        ("ping_interval", "client.ping_interval"),
    ],
)
def test_a_name_that_stands_elsewhere_is_found(root, name, path):
    """Centrifugo 5 had them all on one level."""
    assert nearest(name, root, root)[0] == path


def test_nothing_is_like_nonsense(root):
    assert nearest("qqqqqq", root, root) == ("", None)


def test_another_case_is_told(root):
    mistake = unknown("Client", "Client", {}, root, root)
    assert "it is written client" in str(mistake)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hmac_secret_key", "s3cret"),
        ("hmac_secret_kye", "s3cret"),
        ("passwrod", "s3cret-s3cret"),
        ("whatever", "QWxhZGRpbjpvcGVu"),
        ("key", 12345),
        ("kye", "s3cret"),
        ("pass", "s3cret"),
        ("adress_of_friend", "s3cret"),
    ],
)
def test_a_secret_is_never_shown(root, name, value):
    _, option = nearest(name, root.members["client"].members["token"], root)
    assert shown(value, option, name) == "***"


def test_other_values_are_shown_shortly(root):
    _, option = nearest("history_sise", root.members["channel"].members["namespaces"], root)
    assert shown("10", option, "history_sise") == '"10"'
    assert shown(True, option, "history_sise") == "true"
    assert shown(None, option, "history_sise") == "nothing"
    assert len(shown("x" * 500, option, "history_sise")) <= 60
    assert shown({"a": 1}, option, "x") == ""


def test_an_unknown_section_is_no_reason_to_fall(root):
    assert str(unknown("x", "x", {"a": "b"}, Section(), root)).startswith("x: there is no such option")
