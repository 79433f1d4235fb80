"""Other servers that we ask: hooks to the user's backend, key sets."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.dashboards.panels import bars, lines, number
from grafana.dashboards.queries import happened, of, percentiles, prometheus, quantile, rate, total

CALLS = "heliograph_outside_calls_total"
ASKED = "dependency, kind"


def failed_share() -> stat.Panel:
    """Share of questions that were not answered."""
    # When none was answered there is no series that says done: the others stand in for it, with 0.
    answered, window = of(CALLS, 'result="done"'), "[$__rate_interval]"
    done = f"sum (rate({answered}{window}) or 0 * rate({of(CALLS)}{window}))"
    return number(
        "Unanswered questions",
        "Share of the questions to other servers (hooks, key sets) that were not answered as they should. Normal is 0, "
        "and nothing at all without hooks. Anything else: clients hear error 100; see Questions by result for whether "
        "it is time, network or content.",
        "percentunit",
        ((0.01, "yellow"), (0.1, "red")),
        prometheus(f"1 - {done} / {rate(CALLS)}", "unanswered"),
    ).no_value("no hooks")


def open_breakers() -> stat.Panel:
    """Breakers that are not closed."""
    return number(
        "Open breakers",
        "Breakers that are open or try again: such a server is not asked for a while, and its clients are answered at "
        "once. Normal is 0. Any: that server fails for half of what it is asked; the log names it (breaker.opened).",
        "short",
        ((1, "red"),),
        prometheus(total("heliograph_outside_breaker", matchers='state!="closed"'), "open"),
    )


def results() -> timeseries.Panel:
    """How questions ended."""
    return bars(
        "Questions by result",
        "Questions to other servers in each step, by server, kind and how they ended. Normal is done. timeout: it is "
        "slow, see Answers; unreachable: it is away; status or garbage: it answers, but not what docs/hooks.md says; "
        "breaker_open: we stopped asking.",
        prometheus(happened(CALLS, f"{ASKED}, result"), "{{dependency}} {{kind}}: {{result}}"),
    )


NOBODY = "Nobody is asked: no hooks, no key sets"


def answers() -> timeseries.Panel:
    """How long answers take."""
    return lines(
        "Answers, P99",
        "How long the slowest hundredth of questions takes by server and kind, waiting and further tries included. "
        "Normal is your backend's own P99. Clients wait as long to connect, subscribe or publish; 1 s is the default "
        "at which we give up.",
        "s",
        prometheus(quantile(0.99, "heliograph_outside_call_seconds", ASKED), "{{dependency}} {{kind}}"),
    ).no_value(NOBODY)


def all_answers() -> timeseries.Panel:
    """How long answers take, all together."""
    return lines(
        "Answers, percentiles",
        "Median, P95 and P99 of all questions to other servers; the diamonds lead to traces with hook.call. Normal is "
        "tens of milliseconds. A P99 at the timeout with a low median: single endpoints or single servers.",
        "s",
        *percentiles("heliograph_outside_call_seconds"),
    ).no_value(NOBODY)


def places() -> timeseries.Panel:
    """How many are on their way."""
    return lines(
        "Questions on their way",
        "Questions that run (at most 256 for each server and kind) and that wait for a place (at most 1,024). Normal "
        "is a few that run and none that wait. Waiting: the backend is slower than clients come; beyond the bound they "
        "are refused (overloaded).",
        "short",
        prometheus(total("heliograph_outside_running", ASKED), "{{dependency}} {{kind}} running"),
        prometheus(total("heliograph_outside_waiting", ASKED), "{{dependency}} {{kind}} waiting"),
    )


def retries() -> timeseries.Panel:
    """Further tries."""
    return bars(
        "Further tries",
        "Questions that were asked again in each step, by server and kind. Normal is none. Some: its connections are "
        "refused now and then (a restart); publish and rpc are never asked twice.",
        prometheus(happened("heliograph_outside_retries_total", ASKED), "{{dependency}} {{kind}}"),
    )


def breakers() -> timeseries.Panel:
    """Who is not asked."""
    return lines(
        "Breakers",
        "Breakers by state: closed asks everybody, open nobody, half_open tries a few. Normal is all closed. One that "
        "goes to and fro: a backend that works for a few and fails for many; give it room or lower its concurrency.",
        "short",
        prometheus(total("heliograph_outside_breaker", "state"), "{{state}}"),
    )
