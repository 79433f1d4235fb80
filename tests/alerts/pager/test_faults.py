"""A fault of our own: counted, and told by its kind and place, never by its text."""

import logging

from alerts.pager.channels.outcome import mapping
from alerts.pager.faults import Faults, place


def fault(function):
    try:
        function()
    except Exception as found:
        return found
    raise AssertionError("it should fail")


def test_a_fault_is_counted_and_told_without_its_text(caplog):
    counted = []
    found = fault(lambda: {}["https://provider/?access_token=SECRET"])
    with caplog.at_level(logging.ERROR):
        told = Faults(counted.append).happened("channel chat", found)
    assert counted == ["channel chat"]
    assert told.startswith("KeyError in test_faults.py:")
    assert caplog.messages == [f"pager: a fault in channel chat: {told}"]


def test_the_place_is_ours():
    assert place(fault(lambda: mapping(None))).startswith("TypeError in outcome.py:")
    assert place(ValueError("SECRET")) == "ValueError"
