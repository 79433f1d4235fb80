"""Questions to the stack that need none: what an exposition says."""

import pytest

from faults.running import samples

TEXT = """\
# TYPE heliograph_a gauge
heliograph_a 3
# TYPE heliograph_b counter
heliograph_b_total{cause="x",namespace="default"} 2 # {trace_id="ab"} 0.5 1700000000.000
heliograph_b_total{cause="y",namespace="default"} 5
heliograph_b_total_of_another 7
# TYPE heliograph_c histogram
# TYPE heliograph_d counter
# EOF
"""


def test_samples_are_those_of_the_name_and_the_labels():
    assert samples(TEXT, "heliograph_a") == [3.0]
    assert samples(TEXT, "heliograph_b_total") == [2.0, 5.0]
    assert samples(TEXT, "heliograph_b_total", cause="y") == [5.0]
    assert samples(TEXT, "heliograph_b_total", cause="z") == []


@pytest.mark.parametrize("name", ["heliograph_c_count", "heliograph_d_total"])
def test_a_metric_without_samples_yet_is_there(name):
    assert samples(TEXT, name) == []


@pytest.mark.parametrize("name", ["heliograph_e", "heliograph", "heliograph_b_total_of"])
def test_a_metric_that_is_not_there_is_an_error_and_not_0(name):
    with pytest.raises(LookupError, match=name):
        samples(TEXT, name)
