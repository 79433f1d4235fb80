"""The table of what the flight recorder notes."""

from pathlib import Path

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


def test_the_page_for_people_has_every_kind():
    page = (Path(__file__).parents[2] / "docs" / "when-a-connection-dies.md").read_text()
    for kind in KINDS:
        argument = f"`{kind.argument}`" if kind.argument else ""
        assert f"| `{kind.name}` | {argument} | {kind.help} |".replace("|  |", "| |") in page
