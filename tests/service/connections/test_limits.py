"""How much of anything a stranger may make us hold."""

from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE

from service.connections.limits import HttpLimits


def test_pipelined_requests_are_bounded_below_the_point_where_aiohttp_stops_reading():
    assert HttpLimits().pipelined < MAX_MSG_QUEUE_SIZE


def test_an_idle_socket_outlives_a_proxy_s_patience():
    assert HttpLimits().keepalive > 65.0


def test_a_storm_of_five_thousand_has_room():
    assert HttpLimits().visitors >= 2 * 5_000
