"""The table of what the flight recorder notes."""

from observability import names
from observability import recorder_names as noted
from observability.recorder_names import KINDS, METHOD_BITS


def test_kinds_are_numbered_without_a_hole_and_fit_a_byte():
    assert [kind.number for kind in KINDS] == list(range(1, len(KINDS) + 1))
    assert len(KINDS) < 256
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_each_has_its_constant_and_its_sentence():
    for kind in KINDS:
        assert getattr(noted, kind.name.upper()) == kind.number
        assert kind.help.endswith(".")


def test_a_commands_method_and_code_fit_its_argument():
    assert len(names.COMMANDS) < 1 << (24 - METHOD_BITS)


def test_events_have_the_keys_of_the_log_or_a_unit():
    assert {kind.argument for kind in KINDS} <= {"", "code", "ms", "bytes", "errno", "count"}
