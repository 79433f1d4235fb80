"""Which options go for a name, and what else a name says."""

import pytest

from service.channels.namespaces import RESOLVED, Boundaries, Namespace, Namespaces
from service.protocol.errors import BAD_REQUEST, UNKNOWN_CHANNEL, ClientMistake

NEWS = Namespace(name="news", history_size=5, history_ttl=60.0)
WORDS = Namespace(name="words", channel_regex="^[a-z]+$")
ALL = Namespaces(Namespace(presence=True), [NEWS, WORDS])


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("news:a", "news"),
        ("$news:a", "news"),
        ("news:", "news"),
        ("news:a:b", "news"),
        ("news", ""),
        ("$x", ""),
        (":x", ""),
        ("", ""),
        ("#alice", ""),
    ],
)
def test_a_name_begins_with_its_namespace(channel, name):
    assert ALL.resolve(channel).name == name
    assert ALL.resolve(channel).name == name, "the second time it is remembered"


@pytest.mark.parametrize("channel", ["nope:a", "$nope:a", "$$news:a", "News:a"])
def test_an_unknown_namespace_is_told(channel):
    for _ in range(2):
        with pytest.raises(ClientMistake) as caught:
            ALL.resolve(channel)
        assert caught.value.error is UNKNOWN_CHANNEL


def test_strangers_cannot_make_it_grow():
    namespaces = Namespaces(Namespace(), [NEWS])
    for n in range(3 * RESOLVED):
        namespaces.resolve(f"news:{n}")
        with pytest.raises(ClientMistake):
            namespaces.resolve(f"other{n}:{n}")
    assert len(namespaces._resolved) <= RESOLVED


def test_all_are_listed():
    assert [namespace.name for namespace in ALL] == ["", "news", "words"]


@pytest.mark.parametrize(
    ("channel", "good"),
    [
        ("news:a b\x7f", True),
        ("news:é", False),
        ("words:abc", True),
        ("$words:abc", True),
        ("words:ABC", False),
        ("words:a:b", False),
    ],
)
def test_names_are_ascii_or_of_the_pattern(channel, good):
    assert ALL.is_valid_name(channel, ALL.resolve(channel)) is good


def test_a_pattern_replaces_the_rule_of_ascii():
    free = Namespaces(Namespace(), [Namespace(name="uni", channel_regex="^.+$")])
    assert free.is_valid_name("uni:é", free.resolve("uni:é"))


def test_private_and_limited_names():
    assert ALL.is_private("$news:a")
    assert not ALL.is_private("news:$a")
    assert ALL.limited_to("news:a#x#bob,eve") == ("bob", "eve")
    assert ALL.limited_to("news:a") is None
    assert ALL.limited_to("news:a#") == ("",)


def test_personal_channels():
    assert ALL.personal_channel("bob") == "#bob"
    assert ALL.personal_channel("bob", "news") == "news:#bob"


def test_other_boundaries():
    other = Namespaces(
        Namespace(),
        [NEWS],
        Boundaries(private="!", namespace="/", user="@", user_separator=""),
    )
    assert other.resolve("!news/a").name == "news"
    assert other.resolve("news:a").name == ""
    assert other.limited_to("a@b,c") == ("b,c",)
    assert other.personal_channel("x", "news") == "news/@x"
    none = Namespaces(Namespace(), [NEWS], Boundaries(private="", namespace="", user=""))
    assert none.resolve("news:a").name == ""
    assert not none.is_private("$a")
    assert none.limited_to("a#b") is None


def test_history_takes_a_size_and_a_ttl():
    assert NEWS.has_history
    assert not Namespace(history_size=5).has_history
    assert not Namespace(history_ttl=5.0).has_history


@pytest.mark.parametrize(
    ("form", "data", "good"),
    [
        ("json", b"{}", True),
        ("json", b" [1] ", True),
        ("json", b"null", True),
        ("json", b"", False),
        ("json", b"{", False),
        ("json", b'"\xff"', False),
        ("json", b"{}{}", False),
        ("json_object", b' {"a":1}', True),
        ("json_object", b"[1]", False),
        ("json_object", b'"{"', False),
        ("json_object", b"{", False),
        ("binary", b"\x00\xff", True),
        ("binary", b"", True),
    ],
)
def test_data_is_checked_at_the_door(form, data, good):
    namespace = Namespace(publication_data_format=form)
    if good:
        namespace.check_data(data)
        return
    with pytest.raises(ClientMistake) as caught:
        namespace.check_data(data)
    assert caught.value.error is BAD_REQUEST


def test_long_names_are_found_but_not_remembered():
    """Else a stranger could fill the memory with four thousand names as long as a message."""
    known = Namespaces(Namespace(), [Namespace(name="a")])
    assert known.resolve("a:" + "x" * 300).name == "a"
    assert not known._resolved
    assert known.resolve("a:x").name == "a"
    assert list(known._resolved) == ["a:x"]
