"""The door: who is let in, how quickly, and why the others are not."""

from grafana_foundation_sdk.builders import logs, stat, timeseries

from grafana.dashboards.panels import bars, lines, log_lines, number, on_the_right
from grafana.dashboards.queries import (
    LINES,
    happened,
    increase,
    loki,
    of,
    percentiles,
    prometheus,
    quantile,
    rate,
    total,
)

UPGRADES = "heliograph_upgrades_total"
REFUSED = "door.refused|upgrade.refused|connection.refused|token.refused"
DAY = 86400


def turned_away() -> stat.Panel:
    """Share of upgrades that were not accepted."""
    accepted = rate(UPGRADES, matchers='result="accepted"')
    return number(
        "Turned away",
        "Share of the requests to upgrade that were not accepted. Normal is a few percent: scanners, health checks, "
        "old clients. A jump: read Upgrades by result and Refusals by cause; overload and error are ours.",
        "percentunit",
        ((0.2, "yellow"), (0.5, "orange")),
        prometheus(f"1 - {accepted} / {rate(UPGRADES)}", "turned away"),
    )


def upgrade_p99() -> stat.Panel:
    """How long the slowest hundredth waits for its 101."""
    return number(
        "P99 upgrade",
        "99 of 100 requests to upgrade are answered within this time. Normal is below 50 ms. Slower: the event loop "
        "lags, or too many come at once and wait for a place (see Waiting for a place).",
        "s",
        ((0.25, "yellow"), (1, "red")),
        prometheus(quantile(0.99, "heliograph_upgrade_seconds"), "p99"),
    )


def connect_p99() -> stat.Panel:
    """How long the slowest hundredth waits for its connect reply."""
    return number(
        "P99 greeting",
        "99 of 100 connections have their connect reply within this time after the 101. Normal is below 50 ms, plus "
        "the client's own pause. Slower: the connect hook's backend, or its tokens' key set, keeps us waiting.",
        "s",
        ((0.5, "yellow"), (2, "red")),
        prometheus(quantile(0.99, "heliograph_connect_seconds"), "p99"),
    )


def waiting() -> stat.Panel:
    """Upgrades that wait for a place."""
    return number(
        "Waiting for a place",
        "Upgrades that wait because too many come at once. Normal is 0. More, for longer than a deploy takes: a "
        "reconnect storm; clients spread out by themselves, so wait, and add a process when it lasts.",
        "short",
        ((1, "yellow"), (100, "red")),
        prometheus(total("heliograph_admission_waiting"), "waiting"),
    )


def results() -> timeseries.Panel:
    """Upgrades by result."""
    return lines(
        "Upgrades by result",
        "Requests to open a WebSocket in each step, by result. Normal is nearly all accepted. bad_request or "
        "wrong_version: something on the way strips the Upgrade header; forbidden: an origin that is not allowed; "
        "overload or error: it is us.",
        "short",
        prometheus(increase(UPGRADES, "result"), "{{result}}"),
    )


def refusals() -> timeseries.Panel:
    """Who was not let in, and what he heard."""
    return bars(
        "Refusals by cause",
        "Sockets and requests that were not let in, in each step, by cause and by what they heard (a status, a close "
        "code, or cut). Normal is a trickle of upgrade_header and silent from scanners. …_limit and …_rate: too many, "
        "or from one address; origin: a page that allowed_origins does not name; head and url: not our clients.",
        prometheus(happened("heliograph_refusals_total", "cause, answer"), "{{cause}} → {{answer}}"),
    )


def upgrade_seconds() -> timeseries.Panel:
    """From the request to its answer."""
    return lines(
        "Upgrade, percentiles",
        "Median, P95 and P99 from the request to the 101 or the refusal; the diamonds lead to traces. Normal is a few "
        "milliseconds. All three up: the event loop lags; the P99 alone: some wait for a place.",
        "s",
        *percentiles("heliograph_upgrade_seconds"),
    )


def connect_seconds() -> timeseries.Panel:
    """From the 101 to the connect reply."""
    return lines(
        "Greeting, percentiles",
        "Median, P95 and P99 from the 101 to the connect reply; the diamonds lead to traces. Normal is one round trip "
        "to the client. Seconds: the connect hook or the key set is slow (see Broker and backends).",
        "s",
        *percentiles("heliograph_connect_seconds"),
    )


def greetings() -> timeseries.Panel:
    """How the greetings ended."""
    return lines(
        "Greetings by result",
        "Connections after their 101 in each step, by how their greeting ended. Normal is connected, and some refused "
        "with bad tokens. failed is our fault (a hook, a key set): see Errors by kind on the overview; abandoned left "
        "before the reply came.",
        "short",
        prometheus(increase("heliograph_greetings_total", "result"), "{{result}}"),
    )


def tokens() -> timeseries.Panel:
    """Tokens that did not count."""
    return bars(
        "Refused tokens",
        "Tokens that did not count in each step, by kind and cause. Normal is a few expired ones. signature or "
        "unknown_key for everybody at once: keys were changed at one side only; audience or issuer: another service's "
        "tokens. The log says which user (event token.refused), never the token.",
        prometheus(happened("heliograph_tokens_refused_total", "kind, cause"), "{{kind}}: {{cause}}"),
    )


def admission() -> timeseries.Panel:
    """How many wait, and how many a second are let in."""
    panel = lines(
        "Admission",
        "Upgrades that wait for a place, those that waited in each step, and how many a second are let in now (right; "
        "0 is no limit). Normal is 0 and 0. A rate above 0 says that we slow down a storm so that those inside do not "
        "suffer; it rises again by itself as the event loop allows.",
        "short",
        prometheus(total("heliograph_admission_waiting"), "waiting now"),
        prometheus(increase("heliograph_admission_seconds_count"), "had to wait"),
        prometheus(total("heliograph_admission_rate"), "let in a second"),
    )
    return on_the_right(panel, "let in a second", "short")


def visitors() -> timeseries.Panel:
    """Sockets that have not become connections."""
    return lines(
        "Visitors",
        "Sockets that speak HTTP or nothing yet, by listener. Normal is a few: health checks, the server API. Many on "
        "the public port: somebody opens sockets and says nothing; they are cut by the door's clock, see Refusals by "
        "cause (silent, dripping).",
        "short",
        prometheus(total("heliograph_visitors", "listener"), "{{listener}}"),
    )


def skipped_steps() -> timeseries.Panel:
    """Parts of the upgrade's chain that were left out."""
    return bars(
        "Skipped steps of the upgrade",
        "Middlewares and signals of the upgrade's chain that were late or raised and so were skipped, in each step. "
        "Normal is none. One that is skipped often is a defect of that middleware; nobody was kept out by it. The log "
        "names it (event upgrade.step_skipped).",
        prometheus(happened("heliograph_upgrade_steps_skipped_total", "step, how"), "{{step}} {{how}}"),
    )


def emulation() -> timeseries.Panel:
    """Commands that come by POST, for clients without WebSocket."""
    return lines(
        "Commands by POST",
        "Requests that carry commands of SSE and HTTP-stream clients, in each step, by result. Normal is accepted, or "
        "nothing when all clients speak WebSocket. unknown_session: the balancer sends a client's POST to another "
        "node than its stream; make it sticky.",
        "short",
        prometheus(increase("heliograph_emulation_requests_total", "result"), "{{result}}"),
    )


def certificates() -> timeseries.Panel:
    """How long the certificates are good."""
    panel = lines(
        "Certificates",
        "Days until the certificate of each listener with TLS expires, and the first towards each backend of hooks. "
        "Normal is more than 14; none is shown when TLS ends in front of us. Replace the files: they are read anew at "
        "once, connections stay. The log says when they cannot be used (event certificate.refused).",
        "d",
        prometheus(f"min by (listener) ({of('heliograph_certificate_expiry_seconds')}) / {DAY}", "{{listener}}"),
        prometheus(
            f"min by (dependency) ({of('heliograph_outside_certificate_expiry_seconds')}) / {DAY}", "to {{dependency}}"
        ),
    )
    return panel.no_value("No port speaks TLS")


def refused_lines() -> logs.Panel:
    """Who was refused, in words."""
    return log_lines(
        "Refused, in words",
        "Lines of those who were not let in, with cause, address and user. Normal is a trickle. Many of one address: "
        "a scanner or one broken client; many of one user: its tokens; many of one version: an old client.",
        loki(f"{LINES} | event=~`{REFUSED}`", lines=100),
    )
