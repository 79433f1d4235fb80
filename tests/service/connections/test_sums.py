"""Running sums over all connections."""

from service.connections.sums import Sums


def test_the_mean_message_is_guessed_until_something_was_sent():
    sums = Sums()
    assert sums.mean_message() == 128
    sums.written_messages, sums.written_bytes = 4, 1000
    assert sums.mean_message() == 250
    sums.written_bytes = 1
    assert sums.mean_message() == 1


def test_frames_that_many_wait_for_count_once():
    sums, shared, own = Sums(), object(), object()
    for _ in range(3):
        sums.hold(shared, 1000)
    sums.hold(own, 10)
    assert sums.memory == 1010
    for _ in range(3):
        sums.release(shared)
    assert sums.memory == 10
    sums.release(own)
    assert (sums.memory, sums.holders) == (0, {})
