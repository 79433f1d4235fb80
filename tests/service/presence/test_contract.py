"""The contract itself is held by tests/contracts; here is what its values are."""

from service.presence.contract import Counts, PresenceUnavailable


def test_counts_are_clients_and_users():
    assert (Counts(3, 2).clients, Counts(3, 2).users) == (3, 2)


def test_a_store_that_fails_is_no_mistake_of_the_caller():
    assert issubclass(PresenceUnavailable, Exception)
    assert not issubclass(PresenceUnavailable, ValueError)
