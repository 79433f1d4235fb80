"""Leave out any one increment of the delivery ledger and it does not balance."""

import pytest

from tests.service.ledger_world import whatever_can_happen
from tests.service.mutants import MESSAGES, mutants, without


def test_there_are_many_statements_that_count():
    assert len(list(mutants(MESSAGES))) > 40


def test_without_a_mutation_it_balances():
    assert not whatever_can_happen().unaccounted


@pytest.mark.parametrize(("place", "name", "number"), list(mutants(MESSAGES)))
def test_a_delivery_that_is_not_counted_is_noticed(place, name, number):
    with without(place, name, number):
        ledger = whatever_can_happen()
    assert ledger.unaccounted, "nobody noticed"
