"""What a stranger may make us hold."""

from service.connections.limits import Pace


def test_a_second_s_count_begins_anew():
    pace = Pace(100.0)
    assert [pace.another(100.0 + n / 10) for n in range(9)] == list(range(2, 11))
    assert pace.another(101.0) == 1
    assert pace.another(101.9) == 2


def test_time_that_stands_still_counts_on():
    pace = Pace(5.0)
    assert [pace.another(5.0) for _ in range(3)] == [2, 3, 4]
