"""The reader of names that the checks of boards, rules and runbooks rest on."""

import pytest

from tests.promql import names


@pytest.mark.parametrize(
    ("expression", "metrics", "labels"),
    [
        ("up", {"up"}, set()),
        (
            'sum by (job, le) (rate(x_total{job=~"$job", kind!="a{b"}[$__rate_interval])) > 0.5',
            {"x_total"},
            {"job", "le", "kind"},
        ),
        ("histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))", {"x_bucket"}, {"le"}),
        ("a / on (job) group_left (version) b * 1000", {"a", "b"}, {"job", "version"}),
        ("a and b unless c offset 5m", {"a", "b", "c"}, set()),
        ("(a > bool 2) == 1", {"a"}, set()),
        ("instance:x:rate5m / instance:y:rate5m", {"instance:x:rate5m", "instance:y:rate5m"}, set()),
        ('{__name__="x", job="y"}', set(), {"__name__", "job"}),
        ("sum(rate(x[5m])) by (instance)", {"x"}, {"instance"}),
        ("1e3 * x + 5", {"x"}, set()),
    ],
)
def test_metrics_and_labels_are_told_apart(expression, metrics, labels):
    assert names(expression) == (metrics, labels)
