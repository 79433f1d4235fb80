"""Permissions: the table of section 10 of the protocol reference, row by row."""

import itertools
from typing import Any

import pytest

from service.access import rules
from service.access.tokens import Granted
from service.channels.namespaces import Namespace

CLOSED = Namespace()


def namespace(**options: Any) -> Namespace:
    return Namespace(**options)


BOOLEANS = [False, True]


def may_subscribe(namespace, user, private=False, limited_to=None, insecure=False):
    return rules.may_subscribe(namespace, user, private=private, limited_to=limited_to, insecure=insecure)


def test_a_closed_namespace_lets_nobody_in():
    assert not may_subscribe(CLOSED, "alice")
    assert may_subscribe(CLOSED, "alice", insecure=True)


def test_anonymous_clients_need_an_option_of_their_own():
    clients = Namespace(allow_subscribe_for_client=True)
    everybody = Namespace(allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True)
    assert (may_subscribe(clients, "alice"), may_subscribe(clients, "")) == (True, False)
    assert (may_subscribe(everybody, "alice"), may_subscribe(everybody, "")) == (True, True)
    assert not may_subscribe(Namespace(allow_subscribe_for_anonymous=True), "")


@pytest.mark.parametrize("insecure", BOOLEANS)
def test_a_private_channel_needs_a_token_always(insecure):
    namespace = Namespace(allow_subscribe_for_client=True)
    assert not may_subscribe(namespace, "alice", private=True, insecure=insecure)
    assert not may_subscribe(namespace, "alice", private=True, limited_to=("alice",), insecure=insecure)


def test_a_list_of_users_goes_before_the_options():
    namespace = Namespace(allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True)
    assert may_subscribe(namespace, "alice", limited_to=("bob", "alice"))
    assert not may_subscribe(namespace, "alice", limited_to=("alice2",))
    assert may_subscribe(namespace, "alice", limited_to=("bob",), insecure=True)


def test_the_anonymous_user_is_in_no_list():
    assert not may_subscribe(CLOSED, "", limited_to=("",))


OPTIONS = ["for_client", "for_subscriber", "for_anonymous"]


@pytest.mark.parametrize("what", ["publish", "history", "presence"])
@pytest.mark.parametrize("options", [c for n in range(4) for c in itertools.combinations(OPTIONS, n)], ids=str)
@pytest.mark.parametrize("user", ["", "alice"])
@pytest.mark.parametrize("subscribed", BOOLEANS)
@pytest.mark.parametrize("insecure", BOOLEANS)
def test_publish_history_and_presence_have_one_pattern(what, options, user, subscribed, insecure):
    options_set = namespace(**{f"allow_{what}_{option}": True for option in options})
    decide = {"publish": rules.may_publish, "history": rules.may_read_history, "presence": rules.may_see_presence}[what]
    reached = "for_client" in options or ("for_subscriber" in options and subscribed)
    allowed = insecure or (reached and (user != "" or "for_anonymous" in options))
    assert decide(options_set, user, subscribed=subscribed, insecure=insecure) is allowed


FEATURES = [(rules.positioned, "positioning"), (rules.recoverable, "recovery")]


def granted(feature, value):
    return Granted(**{f"force_{feature}": value})


@pytest.mark.parametrize(("decide", "feature"), FEATURES)
def test_forced_features_need_not_be_asked_for(decide, feature):
    forced = namespace(**{f"force_{feature}": True})
    assert decide(forced, "", Granted(), asked=False, insecure=False)
    assert not decide(CLOSED, "", Granted(), asked=False, insecure=True)


@pytest.mark.parametrize(("decide", "feature"), FEATURES)
def test_a_token_overrides_the_namespace(decide, feature):
    forced = namespace(**{f"force_{feature}": True})
    assert not decide(forced, "", granted(feature, False), asked=False, insecure=False)
    assert decide(CLOSED, "", granted(feature, True), asked=False, insecure=False)


@pytest.mark.parametrize(("decide", "feature"), FEATURES)
def test_features_are_given_where_allowed_or_where_history_may_be_read(decide, feature):
    nothing = Granted()
    assert not decide(CLOSED, "alice", nothing, asked=True, insecure=False)
    assert decide(CLOSED, "alice", nothing, asked=True, insecure=True)
    assert decide(namespace(**{f"allow_{feature}": True}), "", nothing, asked=True, insecure=False)
    for option in ("for_client", "for_subscriber"):
        readable = namespace(**{f"allow_history_{option}": True})
        assert decide(readable, "alice", nothing, asked=True, insecure=False)
        assert not decide(readable, "", nothing, asked=True, insecure=False)


# --------------------------------------------------------------------------------- presence


def hears(namespace, user="alice", granted=Granted(), asked=True, insecure=False):
    return rules.hears_announcements(namespace, user, granted, asked=asked, insecure=insecure)


@pytest.mark.parametrize("value", BOOLEANS)
def test_the_namespace_says_who_is_present_and_announced_and_a_token_may_say_otherwise(value):
    options = namespace(presence=value, join_leave=value)
    assert rules.present(options, Granted()) is rules.announced(options, Granted()) is value
    otherwise = Granted(presence=not value, join_leave=not value)
    assert rules.present(options, otherwise) is rules.announced(options, otherwise) is not value


def test_announcements_are_forced_or_asked_for_by_one_who_may_see_presence():
    assert hears(namespace(force_push_join_leave=True), user="", asked=False)
    assert not hears(namespace(force_push_join_leave=True), granted=Granted(force_push_join_leave=False), asked=False)
    assert hears(CLOSED, granted=Granted(force_push_join_leave=True), asked=False)
    may = namespace(join_leave=True, allow_presence_for_subscriber=True)
    assert hears(may)
    assert not hears(may, asked=False)
    assert not hears(may, user="")
    assert not hears(namespace(join_leave=True))
    assert hears(namespace(join_leave=True), insecure=True)
    assert not hears(namespace(allow_presence_for_client=True)), "nobody is announced there"
