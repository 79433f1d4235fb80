"""The ledgers' names are among all names, whoever asks first."""

import subprocess
import sys

from observability import ledger_names, names


def test_they_are_declared_with_the_others():
    assert {
        "heliograph_messages_expected_total",
        "heliograph_messages_queued",
        "heliograph_messages_ended_total",
        "heliograph_messages_unaccounted",
        "heliograph_connections_unaccounted",
    } <= set(names.METRICS)


def test_nobody_has_to_import_them_first():
    asked = "from observability import names; print('heliograph_messages_unaccounted' in names.METRICS)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True).stdout == "True\n"


def test_an_end_is_no_cause_of_a_drop():
    assert not set(ledger_names.ENDS) & set(names.DROP_CAUSES)
