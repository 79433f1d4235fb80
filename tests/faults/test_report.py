"""What people read of the lab."""

from faults import report
from faults.catalogue import FAULTS
from faults.trial import Result
from faults.watch import Seen


def test_the_list_names_every_fault_and_who_finds_it():
    text = report.listing(FAULTS)
    for fault in FAULTS:
        assert fault.name in text
        assert fault.what in text
        assert all(name in text for name in fault.fires)


class Started:
    """A lab with its addresses."""

    def url(self, service, path, inside=0):
        return f"http://{service}:{inside}{path}"

    def key(self):
        return "the-key"


def test_where_to_look_is_told_with_the_command_that_asks_the_node():
    text = report.addresses(Started(), FAULTS[0])
    assert "http://pager:0/" in text
    assert "heliograph why --server http://heliograph:9000 --token the-key" in text
    assert f"look at: {FAULTS[0].look}" in text


def test_a_result_has_a_line_for_what_moved_and_the_verdict():
    fault = next(fault for fault in FAULTS if len(fault.fires) == 1 and not fault.trace)
    name = fault.fires[0]
    alerts = {name: Seen(hold=4, pending=1.0, firing=5.0, inbox=6.0, over=9.0), "Other": Seen()}
    good = report.result(Result(fault, alerts, 25.0))
    assert f"{name:34}      1.0      5.0      6.0      9.0" in good
    assert "1 of 2 alerts stayed silent" in good
    assert "all as it should be" in good
    assert f"WRONG: {name} did not fire" in report.result(Result(fault, {name: Seen()}, 25.0))
    muted = Seen(pending=1.0, firing=2.0, muted_by=("Other",))
    assert "behind Other" in report.result(Result(fault, {name: muted}, 25.0))
