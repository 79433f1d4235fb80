"""What connections share."""

from service.connections.station import Sums


def test_the_mean_message_is_guessed_until_something_was_sent():
    sums = Sums()
    assert sums.mean_message() == 128
    sums.written_messages, sums.written_bytes = 4, 1000
    assert sums.mean_message() == 250
    sums.written_bytes = 1
    assert sums.mean_message() == 1
