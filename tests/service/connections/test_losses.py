"""What the end of a socket says when nobody said goodbye."""

import errno

from service.connections.losses import lost, lost_by
from service.protocol import closing


def test_the_kernel_gave_a_peer_up_that_acknowledged_nothing():
    for story in (lost(errno.ETIMEDOUT), lost_by(TimeoutError(errno.ETIMEDOUT, "timed out"))):
        assert story.closing == closing.SLOW_KERNEL
        assert story.initiator == "network"
        assert "tcp_user_timeout" in story.why


def test_a_reset_is_a_lost_network():
    story = lost_by(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert (story.closing, story.why, story.initiator) == (closing.CONNECTION_CLOSED, "ECONNRESET", "network")
    assert lost(errno.EPIPE).why == "EPIPE"


def test_an_end_without_a_word():
    assert lost_by(None).why == "closed without a Close frame"


def test_an_exception_that_is_no_system_call_s():
    assert lost_by(ValueError("odd")).why == "ValueError"
