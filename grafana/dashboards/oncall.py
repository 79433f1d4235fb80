"""On call: what fires, who was told, and does the way to a person work?"""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Panel as AnyPanel

from grafana.dashboards.panels import alerts, bars, lines, number
from grafana.dashboards.queries import prometheus, their_increase, their_rate, their_total, theirs

PAGER, ALERTMANAGER, PROMETHEUS = "pager", "alertmanager", "prometheus"
ALERTS = 'ALERTS{service="heliograph", alertstate="%s"}'


def firing_now() -> AnyPanel:
    """What is firing now, with room for all of it."""
    return alerts(
        "Firing and pending",
        "Heliograph's alerts that fire or are about to, with their instances. Normal is an empty list. Each entry "
        "links to its runbook, which says what to do first, and to the panel that shows it.",
        "Heliograph",
    )


def unacknowledged() -> stat.Panel:
    """Cases that nobody has taken."""
    return number(
        "Nobody has taken",
        "Open cases that nobody has acknowledged. Normal is 0. Take it in the inbox (link above): until then the pager "
        "goes on to the next step of its route, at last to everybody.",
        "short",
        ((1, "red"),),
        prometheus(their_total("pager_open_cases", PAGER, matchers='acknowledged="no"'), "open"),
    )


def acknowledged() -> stat.Panel:
    """Cases that somebody works on."""
    return number(
        "Somebody works on",
        "Open cases that somebody has acknowledged. Normal is 0 or 1. Many for long: cases that were taken and "
        "forgotten; the inbox says by whom.",
        "short",
        ((3, "yellow"),),
        prometheus(their_total("pager_open_cases", PAGER, matchers='acknowledged="yes"'), "open"),
    )


def letters_waiting() -> stat.Panel:
    """Messages that their provider has not taken."""
    return number(
        "Letters that wait",
        "Messages to people that their provider has not taken yet. Normal is 0. More for longer than a minute: a "
        "provider refuses or limits (see Calls of providers); a letter that nobody takes within a day is given up.",
        "short",
        ((5, "yellow"), (50, "red")),
        prometheus(their_total("pager_letters_waiting", PAGER), "waiting"),
    )


def rota() -> stat.Panel:
    """Does the pager know who is on duty?"""
    return number(
        "Rota wrong",
        "1 while the rota's file cannot be used as it is; the last good one counts on. Normal is 0. Otherwise: "
        "`heliograph oncall who` says what is wrong with it.",
        "short",
        ((1, "red"),),
        prometheus(f"max ({theirs('pager_rota_wrong', PAGER)})", "wrong"),
    )


def heard() -> stat.Panel:
    """Is the way from a rule to a person whole?"""
    return number(
        "Alerting heard",
        "Time since the pager heard the watchdog, an alert that always fires. Normal is below two minutes. More: "
        "Prometheus or Alertmanager is dead or has lost its way to the pager; after five minutes the pager tells it.",
        "s",
        ((120, "yellow"), (300, "red")),
        prometheus(f"time() - max ({theirs('pager_watchdog_heard_timestamp_seconds', PAGER)})", "ago"),
    )


def silences() -> stat.Panel:
    """What is muted by hand."""
    return number(
        "Silences",
        "Active silences in Alertmanager. Normal is 0, and some during maintenance. A forgotten one hides the next "
        "outage: each should have an end and a reason.",
        "short",
        ((1, "yellow"), (5, "orange")),
        prometheus(their_total("alertmanager_silences", ALERTMANAGER, matchers='state="active"'), "active"),
    )


def history() -> timeseries.Panel:
    """What fired when."""
    return bars(
        "Alerts over time",
        "Alerts that fire, by name and severity, as Prometheus judged. Normal is an empty panel. What began first is "
        "often the cause; what came together has one cause.",
        prometheus(f"count by (alertname, severity) ({ALERTS % 'firing'})", "{{alertname}} ({{severity}})"),
    )


def pending() -> timeseries.Panel:
    """What is about to fire."""
    return bars(
        "Pending alerts over time",
        "Alerts whose condition holds, but not yet for long enough. Normal is an empty panel, or spikes of one step. "
        "One that comes and goes all day is near its limit: look at its board before it fires at night.",
        prometheus(f"count by (alertname) ({ALERTS % 'pending'})", "{{alertname}}"),
    )


def cases() -> timeseries.Panel:
    """Cases and letters over time."""
    return lines(
        "Cases and letters",
        "Entries of the inbox that fire, open cases by whether somebody took them, and letters that wait. Normal is 0. "
        "A case that stays untaken while letters wait: the way to people is broken, call them.",
        "short",
        prometheus(their_total("pager_firing_alerts", PAGER), "firing"),
        prometheus(their_total("pager_open_cases", PAGER, "acknowledged"), "open, taken: {{acknowledged}}"),
        prometheus(their_total("pager_letters_waiting", PAGER), "letters waiting"),
    )


def webhook() -> timeseries.Panel:
    """What Alertmanager told the pager."""
    return lines(
        "Calls of the pager",
        "Notifications of Alertmanager in each step by what the pager made of them, and those by a route that its "
        "settings do not have. Normal is accepted. failed: its disk; it answers so, and Alertmanager comes again; "
        "unrouted: the two configurations differ; fault: something in it that nobody foresaw, its stderr says where.",
        "short",
        prometheus(their_increase("pager_webhook_calls_total", PAGER, "result"), "{{result}}"),
        prometheus(their_increase("pager_unrouted_total", PAGER), "unrouted"),
        prometheus(their_increase("pager_faults_total", PAGER, "part"), "fault: {{part}}"),
    )


def providers() -> timeseries.Panel:
    """What providers said."""
    return lines(
        "Calls of providers",
        "Calls of DingTalk, WeCom, SMS, telephone, mail and others in each step, by channel and result. Normal is "
        "sent, and nothing without channels: then all lands in the inbox. later: it limits or is away, it is tried "
        "again; refused: its credentials or its body, read the pager's log.",
        "short",
        prometheus(their_increase("pager_channel_calls_total", PAGER, "channel, result"), "{{channel}}: {{result}}"),
        prometheus(their_increase("pager_letters_given_up_total", PAGER, "channel"), "{{channel}}: given up"),
    ).no_value("No channels: all lands in the inbox")


def provider_seconds() -> timeseries.Panel:
    """How long providers take."""
    seconds = "pager_channel_call_seconds"
    return lines(
        "Providers, mean duration",
        "How long a call of a provider takes on average, by channel. Normal is below a second. Slower: the provider "
        "has a bad day; the steps of a route do not wait for each other.",
        "s",
        prometheus(
            f"{their_rate(f'{seconds}_sum', PAGER, 'channel')} / {their_rate(f'{seconds}_count', PAGER, 'channel')}",
            "{{channel}}",
        ),
    ).no_value("No channels: all lands in the inbox")


def alertmanager() -> timeseries.Panel:
    """What Alertmanager holds."""
    return lines(
        "Alertmanager: alerts",
        "Alerts that Alertmanager holds, by state: active, suppressed (silenced, inhibited or muted), unprocessed. "
        "Normal is 0. Suppressed without a silence: a page that hides its tickets, as it should.",
        "short",
        prometheus(their_total("alertmanager_alerts", ALERTMANAGER, "state"), "{{state}}"),
    )


def notifications() -> timeseries.Panel:
    """Whether Alertmanager reaches the pager."""
    webhooks = 'integration="webhook"'
    return lines(
        "Alertmanager: notifications",
        "Notifications of Alertmanager to the pager in each step, and those that failed. Normal is none in quiet "
        "times, and none failed. Failed: the pager is down or refuses; Alertmanager tries again, look at Reached "
        "targets on Telemetry health.",
        "short",
        prometheus(their_increase("alertmanager_notifications_total", ALERTMANAGER, matchers=webhooks), "sent"),
        prometheus(
            their_increase("alertmanager_notifications_failed_total", ALERTMANAGER, matchers=webhooks), "failed"
        ),
    )


def from_prometheus() -> timeseries.Panel:
    """Whether Prometheus reaches Alertmanager."""
    return lines(
        "Prometheus to Alertmanager",
        "Alerts that Prometheus sends in each step, errors, alerts that it dropped, and the queue. Normal is 0, and "
        "with something firing a steady line. Errors or drops: Alertmanager is away, and nobody is told anything.",
        "short",
        prometheus(their_increase("prometheus_notifications_sent_total", PROMETHEUS), "sent"),
        prometheus(their_increase("prometheus_notifications_errors_total", PROMETHEUS), "errors"),
        prometheus(their_increase("prometheus_notifications_dropped_total", PROMETHEUS), "dropped"),
        prometheus(their_total("prometheus_notifications_queue_length", PROMETHEUS), "queued"),
    )
