"""What the rules compare, each with the limit at which its alert calls; the links of alerts lead here."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery

from grafana.dashboards.panels import limit, lines
from grafana.dashboards.queries import of, prometheus

#: Where each alert calls.
HTTP_5XX_LIMIT = 0.01
DROPPED_LIMIT = 1
FANOUT_LAG_LIMIT = 1
OLDEST_LIMIT = 5
BACKLOG_BYTES_LIMIT = 0.7
SLOW_READERS_LIMIT = 0.05
CUT_LIMIT = 0.01
STORM_LIMIT = 20
COLLAPSE_LIMIT = 0.5
NEAR_LIMIT = 0.8
AHEAD_LIMIT = 1
MISSED_HEARTBEATS_LIMIT = 0.01
RTT_LIMIT = 1
DRAIN_LIMIT = 60
UNKNOWN_LIMIT = 0.5
LAG_LIMIT = 0.1
BLOCKED_LIMIT = 1.0
STANDSTILL_LIMIT = 1
MEMORY_LIMIT = 0.2
EXPIRY_LIMIT = 14
URGENT_LIMIT = 2.0
REFUSED_LIMIT = 0.5
HOOKS_SLOW_LIMIT = 10
BREAKER_LIMIT = 0.5
FAILED_LIMIT = 10


def _of(record: str, by: str = "instance", times: str = "") -> Builder[Dataquery]:
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return prometheus(f"{times}max by ({by}) ({of(record)})", legend)


def _compared(title: str, text: str, unit: str, recorded: Builder[Dataquery], line: float) -> timeseries.Panel:
    """A recorded figure with the dashed line of its rule."""
    return limit(lines(title, text, unit, recorded), line)


def http5xx() -> timeseries.Panel:
    """More than 1 % of HTTP answers are 5xx."""
    return _compared(
        "HTTP 5xx",
        "Share of HTTP answers, of the server API and to upgrades, that are 5xx, by instance; 503 of a node without "
        "a place is one. Normal is 0. Above the dashed line HeliographHttp5xx calls: see Upgrades by result and the "
        "log for which door it is.",
        "percentunit",
        _of("instance:heliograph_http_faults:ratio_rate5m"),
        HTTP_5XX_LIMIT,
    )


def messages_dropped() -> timeseries.Panel:
    """Messages are dropped that subscribers were promised."""
    return _compared(
        "Dropped messages",
        "Messages a minute that subscribers did not get because the fan-out could not keep up, or for no known "
        "cause, by instance. Normal is 0. Above the dashed line HeliographMessagesDropped calls: more is published "
        "than this process can hand out.",
        "short",
        _of("instance:heliograph_messages_dropped:rate5m", times="60 * "),
        DROPPED_LIMIT,
    )


def fanout_lag() -> timeseries.Panel:
    """The fan-out is more than a second behind."""
    return _compared(
        "Fan-out lag",
        "Age of the oldest publication that the fan-out has not begun, averaged over a minute, by instance. Normal "
        "is 0 to some milliseconds. Above the dashed line HeliographFanoutLag calls: messages are late for "
        "everybody, soon some are dropped.",
        "s",
        _of("instance:heliograph_fanout_lag_seconds:avg1m"),
        FANOUT_LAG_LIMIT,
    )


def oldest_unsent() -> timeseries.Panel:
    """Messages wait for more than 5 seconds, and more and more of them."""
    return _compared(
        "Oldest waiting message",
        "Age of the oldest message that waits in an outbox, averaged over a minute, by instance. Normal is below a "
        "second, some seconds with readers on mobile networks. Above the dashed line, and while the backlog grows, "
        "HeliographOldestUnsent calls.",
        "s",
        _of("instance:heliograph_unsent_oldest_seconds:avg1m"),
        OLDEST_LIMIT,
    )


def backlog_bytes() -> timeseries.Panel:
    """What waits for slow readers has nearly used up its memory."""
    return _compared(
        "Backlog against its limit",
        "Memory of what waits for readers, frames that many wait for counted once, as a share of what it may be "
        "(client.queue_total_max_size), by instance. Normal is below 5 %. Above the dashed line HeliographBacklogBytes "
        "calls: from 80 % on the largest outboxes are closed with cause memory_pressure.",
        "percentunit",
        _of("instance:heliograph_backlog_memory:ratio_avg1m"),
        BACKLOG_BYTES_LIMIT,
    )


def slow_readers() -> timeseries.Panel:
    """More than one in twenty readers is slow."""
    return _compared(
        "Share of slow readers",
        "Connections that do not take what is sent to them, as a share of all, by instance. Normal is below 1 %. "
        "Above the dashed line, and with more than ten of them, HeliographSlowReaders calls: look for what they "
        "share, a proxy, a network, a region.",
        "percentunit",
        _of("instance:heliograph_slow_connections:ratio_avg1m"),
        SLOW_READERS_LIMIT,
    )


def slow_readers_cut() -> timeseries.Panel:
    """More than 1 % of readers a minute are cut because they are slow."""
    return _compared(
        "Slow readers that were cut",
        "Connections closed because they read too slowly, a minute, as a share of all, by instance. Normal is below "
        "0.1 %. Above the dashed line HeliographSlowReadersCut calls: readers come back, recover, and fall behind "
        "again.",
        "percentunit",
        _of("instance:heliograph_slow_cut_per_connection:ratio_rate5m"),
        CUT_LIMIT,
    )


def reconnect_storm() -> timeseries.Panel:
    """Clients reconnect by the thousand."""
    return _compared(
        "New connections a second",
        "Accepted upgrades a second, over two minutes, by instance. Normal is your own daily course. Above the "
        "dashed line, and at five times the hour before, HeliographReconnectStorm calls: something closed very many "
        "at once, or refuses them right after they came.",
        "short",
        _of("instance:heliograph_upgrades_accepted:rate2m"),
        STORM_LIMIT,
    )


def connections_collapsed() -> timeseries.Panel:
    """More than half of all connections are gone."""
    return _compared(
        "Connections lost",
        "Share of the most connections of the last 15 minutes that are gone, by instance. Normal is below 10 %. "
        "Above the dashed line, without a restart or a drain, HeliographConnectionsCollapsed calls: clients cannot "
        "reach us, or cannot stay.",
        "percentunit",
        _of("instance:heliograph_connections_lost:ratio_max15m"),
        COLLAPSE_LIMIT,
    )


def connections_near_limit() -> timeseries.Panel:
    """The node has more than 80 % of the connections that it takes."""
    return _compared(
        "Connections against their limit",
        "Open connections as a share of what the node takes (client.connection_limit, or what its descriptors "
        "allow), by instance. Normal is below 60 %. Above the dashed line HeliographConnectionsNearLimit calls: "
        "raise the limit before clients hear 3013.",
        "percentunit",
        _of("instance:heliograph_connections:ratio_avg1m"),
        NEAR_LIMIT,
    )


def connections_ahead() -> timeseries.Panel:
    """In ten minutes the node will have all the connections that it takes."""
    return _compared(
        "Connections ten minutes ahead",
        "Connections ten minutes from now, if they go on as in the last eight, as a share of what the node takes, "
        "by instance. Normal is what Connections against their limit shows. Above the dashed line "
        "HeliographConnectionsAhead calls: there is time to raise the limit.",
        "percentunit",
        _of("instance:heliograph_connections_ahead:ratio_predict8m"),
        AHEAD_LIMIT,
    )


def heartbeats_missed() -> timeseries.Panel:
    """More than 1 % of connections a minute do not answer their ping."""
    return _compared(
        "Missed heartbeats",
        "Pings without an answer in time, a minute, as a share of the connections, by instance. Normal is below 0.2 "
        "%, clients that went out of reach. Above the dashed line HeliographHeartbeatsMissed calls: a network "
        "between us and many of them is gone.",
        "percentunit",
        _of("instance:heliograph_heartbeats_missed_per_connection:ratio_rate5m"),
        MISSED_HEARTBEATS_LIMIT,
    )


def heartbeat_slow() -> timeseries.Panel:
    """One of twenty pongs takes longer than a second."""
    return _compared(
        "Heartbeat round trip, P95",
        "From ping to pong, the slowest twentieth, by instance; the client's own event loop is part of it. Normal "
        "is 20 to 300 ms. Above the dashed line HeliographHeartbeatSlow calls: compare Event loop lag, then it is "
        "us; otherwise the network or a client release.",
        "s",
        _of("instance:heliograph_heartbeat_rtt_seconds:p95_rate5m"),
        RTT_LIMIT,
    )


def drain_stuck() -> timeseries.Panel:
    """A node that was told to stop does not end."""
    return _compared(
        "Overdue ends",
        "By how much a node that was told to stop is late, by the order and shutdown.timeout (10 s by default), by "
        "instance. Normal is 0, and below 0 while somebody ends in time. Above the dashed line "
        "HeliographDrainStuck calls: something holds the end up, and its place is not free.",
        "s",
        _of("instance:heliograph_drain_overdue_seconds:min1m"),
        DRAIN_LIMIT,
    )


def unknown_cause() -> timeseries.Panel:
    """A connection ended or a message was dropped, and nobody knows why."""
    return _compared(
        "Unknown causes",
        "Ends of connections and drops of messages within five minutes whose cause is unknown, by instance. Normal "
        "is 0. From one on HeliographUnknownCause calls: it is a defect of ours, and the connection's log line and "
        "flight record say what happened before.",
        "short",
        _of("instance:heliograph_unknown_causes:increase5m"),
        UNKNOWN_LIMIT,
    )


def loop_lag() -> timeseries.Panel:
    """The event loop is late by more than 100 ms."""
    return _compared(
        "Event loop lag, P99 of a minute",
        "How late the slowest hundredth of the event loop's ticks comes, over a minute, by instance. Normal is "
        "below 25 ms. Above the dashed line HeliographLoopLag calls, at ten times of it HeliographLoopBlocked: "
        "something holds the loop, the log names file and line.",
        "s",
        _of("instance:heliograph_event_loop_lag_seconds:p99_rate1m"),
        LAG_LIMIT,
    )


def loop_blocked() -> timeseries.Panel:
    """The event loop is late by more than a second."""
    return _compared(
        "Event loop lag against a second",
        "How late the slowest hundredth of the event loop's ticks comes, over a minute, by instance, against a "
        "second. Normal is far below. Above the dashed line HeliographLoopBlocked calls: the process hardly serves "
        "anybody; the log names file and line.",
        "s",
        _of("instance:heliograph_event_loop_lag_seconds:p99_rate1m"),
        BLOCKED_LIMIT,
    )


def loop_pauses() -> timeseries.Panel:
    """The event loop stood still for more than a second within five minutes."""
    return _compared(
        "Standstills in five minutes",
        "Seconds of five minutes in which the event loop stood still for 250 ms or more at a time, by instance. "
        "Normal is 0. Above the dashed line HeliographLoopPauses calls: each standstill is named in the log with "
        "file and line.",
        "s",
        _of("instance:heliograph_event_loop_stalled:increase5m"),
        STANDSTILL_LIMIT,
    )


def memory_growth() -> timeseries.Panel:
    """Memory grows, and the connections do not."""
    return _compared(
        "Growth of memory in an hour",
        "By how much an hour resident memory grows at the pace of the last 30 minutes, by instance. Normal is "
        "around 0, and positive while connections come. Above the dashed line, with connections that stay, "
        "HeliographMemoryGrowth calls: histories, outboxes, or a leak.",
        "percentunit",
        _of("instance:heliograph_memory_growth:ratio_deriv30m"),
        MEMORY_LIMIT,
    )


def certificate_expiry() -> timeseries.Panel:
    """A certificate expires within two weeks."""
    return _compared(
        "Days until a certificate expires",
        "Days until a certificate expires, of a listener or towards a backend of hooks; empty where TLS ends in front "
        "of us. Normal is above 20. Below the dashed line HeliographCertificateExpiry calls, below two days "
        "HeliographCertificateUrgent: renew it, it is read without a restart.",
        "short",
        _of("instance:heliograph_certificate_days:min5m", by="instance, listener, dependency"),
        EXPIRY_LIMIT,
    )


def certificate_urgent() -> timeseries.Panel:
    """A certificate expires within two days, or has expired."""
    return _compared(
        "Days until a certificate expires, against two",
        "Days until a certificate expires, of a listener or towards a backend of hooks, against two days; empty where "
        "TLS ends in front of us. Normal is above 20. Below the dashed line HeliographCertificateUrgent calls: at 0 "
        "no client connects any more, or no hook is answered.",
        "short",
        _of("instance:heliograph_certificate_days:min5m", by="instance, listener, dependency"),
        URGENT_LIMIT,
    )


def certificate_refused() -> timeseries.Panel:
    """A new certificate cannot be used; the old one stays."""
    return _compared(
        "Certificates refused",
        "Times within five minutes that new certificate files could not be used, by instance. Normal is 0. From one "
        "on HeliographCertificateRefused calls: the old certificate stays in use until it expires; the log says "
        "which option is wrong and why.",
        "short",
        _of("instance:heliograph_certificates_refused:increase5m"),
        REFUSED_LIMIT,
    )


def hooks_slow() -> timeseries.Panel:
    """The backend answers slowly more than ten times a minute."""
    return _compared(
        "Slow hooks",
        "Questions to the backend (hooks) and to issuers of keys that took longer than 500 ms, a minute, by "
        "instance; empty where none is configured. Normal is none. Above the dashed line HeliographHooksSlow calls: "
        "whoever connects or publishes waits as long.",
        "short",
        _of("instance:heliograph_hooks_slow:rate5m", times="60 * "),
        HOOKS_SLOW_LIMIT,
    )


def breaker_open() -> timeseries.Panel:
    """The backend fails so often that it is not asked any more."""
    return _compared(
        "Open breakers",
        "Share of the last minute in which a breaker was not closed, by instance, server and kind of question; "
        "empty where no hook is configured. Normal is 0. Above the dashed line HeliographBreakerOpen calls: too "
        "many questions failed, so for a while nobody is asked.",
        "percentunit",
        _of("instance:heliograph_breaker_open:ratio_avg1m", by="instance, dependency, kind"),
        BREAKER_LIMIT,
    )


def broker_failing() -> timeseries.Panel:
    """The broker fails more than ten times a minute."""
    return _compared(
        "Failed broker operations a minute",
        "Operations that the broker did not do, a minute, by instance. Normal is none. Above the dashed line "
        "HeliographBrokerFailing calls: publishers hear error 100 and have to try again; Broker operations by kind "
        "says which ones fail.",
        "short",
        _of("instance:heliograph_broker_failed:rate5m", times="60 * "),
        FAILED_LIMIT,
    )
