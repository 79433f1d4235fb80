"""Receivers: what they missed, what they confirmed, what they report."""

from grafana_foundation_sdk.builders import timeseries

from grafana.dashboards.panels import bars, lines
from grafana.dashboards.queries import happened, increase, prometheus, rate, total


def recoveries() -> timeseries.Panel:
    """Reconnects: recovered, or told that something is missing."""
    return lines(
        "Recoveries",
        "Clients that came back with a position: recovered got all they had missed, told could not (history too short"
        " or lost) and know it; positions lost are live subscribers that had to be told. Normal is recovered only. "
        "Many told: lengthen the namespace's history_size or history_ttl.",
        "short",
        prometheus(increase("heliograph_recoveries_total", "result"), "{{result}}"),
        prometheus(increase("heliograph_insufficient_state_total"), "positions lost"),
    )


def drops() -> timeseries.Panel:
    """What did not arrive, and why."""
    return bars(
        "Dropped messages by cause",
        "Messages that a subscriber did not get in each step, by namespace and cause. Normal is connection_closed (it "
        "recovers when it comes back) and conflated where that was asked for. fanout_overload: too much is published; "
        "slow_…: readers that were cut; unknown is a defect of ours.",
        prometheus(happened("heliograph_messages_dropped_total", "namespace, cause"), "{{namespace}}: {{cause}}"),
    )


def receipts() -> timeseries.Panel:
    """Confirmations of those that confirm."""
    return lines(
        "Receipts",
        "Receipts of clients per second by result, and subscribers that were asked to come back for what they did not "
        "confirm. Normal is confirmed, or nothing without namespaces with receipts. refused: clients confirm what they "
        "cannot have got (event receiver.refused); many redeliveries: clients that read but do not confirm.",
        "ops",
        prometheus(rate("heliograph_receipts_total", "result"), "{{result}}"),
        prometheus(rate("heliograph_redeliveries_total"), "redelivered"),
        prometheus(rate("heliograph_receipt_resumes_total"), "resumed by receipts"),
    )


def unconfirmed() -> timeseries.Panel:
    """What is given and not confirmed."""
    return lines(
        "Unconfirmed messages",
        "Messages given to subscribers that confirm and not yet confirmed, and the positions that are kept for users. "
        "Normal is a second's worth of messages. Growing: clients that read and do not confirm; they count into the "
        "backlog and are asked to come back.",
        "short",
        prometheus(total("heliograph_receipts_unconfirmed"), "unconfirmed"),
        prometheus(total("heliograph_receipt_positions"), "kept positions"),
    )


def reports() -> timeseries.Panel:
    """What clients report."""
    return lines(
        "Reports of clients",
        "Reports per second by result, and reported messages whose delay could not be told, by reason. Normal is "
        "accepted. malformed: a client's own helper; early: it reports too often; implausible: its clock is off. The "
        "figures of such reports count nowhere.",
        "ops",
        prometheus(rate("heliograph_client_reports_total", "result"), "{{result}}"),
        prometheus(rate("heliograph_client_reports_unmeasured_total", "reason"), "unmeasured: {{reason}}"),
    )


def deltas() -> timeseries.Panel:
    """What deltas save."""
    return lines(
        "Bytes saved by deltas",
        "Bytes per second that deltas were shorter than the messages, by namespace. Normal is most of the traffic "
        "where deltas are on, and 0 where nobody asks for them. Falling while publications go on: publications became "
        "unlike each other; deltas may not be worth their time.",
        "Bps",
        prometheus(rate("heliograph_delta_saved_bytes_total", "namespace"), "{{namespace}}"),
    )


def lost_positions() -> timeseries.Panel:
    """Subscribers that had to be told."""
    return lines(
        "Lost positions",
        "Live subscribers that were told in each step that their position is lost, by namespace; they recover. Normal "
        "is none. Any: history was removed or is too short for the readers' pace, or the broker lost writes; the log "
        "names the channel (event channel.gap).",
        "short",
        prometheus(increase("heliograph_insufficient_state_total", "namespace"), "{{namespace}}"),
    )
