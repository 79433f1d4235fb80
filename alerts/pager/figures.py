"""The pager's own metrics."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest


class Figures:
    """What happened, and how things stand."""

    def __init__(self, channels: Iterable[str], routes: Iterable[str]) -> None:
        """All rows that can be are there from the start, at zero."""
        self._registry = CollectorRegistry()
        one = self._registry
        self._calls = Counter("pager_webhook_calls", "Calls of the webhook.", ["result"], registry=one)
        self._notices = Counter("pager_notices", "Alerts in accepted notifications.", ["state"], registry=one)
        self._truncated = Counter("pager_truncated", "Alerts that Alertmanager left out.", registry=one)
        self._strange = Counter(
            "pager_unrouted", "Notifications by a route that the settings do not have.", registry=one
        )
        self._sent = Counter("pager_channel_calls", "Calls of providers.", ["channel", "result"], registry=one)
        self._letters = Counter("pager_letters", "Letters that providers took.", ["channel"], registry=one)
        self._lost = Counter(
            "pager_letters_given_up", "Letters that nobody took within a day.", ["channel"], registry=one
        )
        self._seconds = Histogram(
            "pager_channel_call_seconds", "Duration of calls of providers.", ["channel"], registry=one
        )
        self._firing = Gauge("pager_firing_alerts", "Entries of the inbox that fire.", registry=one)
        self._open = Gauge("pager_open_cases", "Open cases.", ["acknowledged"], registry=one)
        self._waiting = Gauge(
            "pager_letters_waiting", "Letters that are late: their provider has not taken them.", registry=one
        )
        self._heard = Gauge(
            "pager_watchdog_heard_timestamp_seconds", "When the watchdog was heard last; 0 is never.", registry=one
        )
        self._forwards = Counter(
            "pager_watchdog_forwards", "Heartbeats that were handed on, by result.", ["result"], registry=one
        )
        self._faults = Counter(
            "pager_faults", "Faults of the pager's own, by the part that had one and goes on.", ["part"], registry=one
        )
        self._rota = Gauge("pager_rota_wrong", "1 while the rota's file cannot be used as it is.", registry=one)
        for result in ("accepted", "refused", "failed"):
            self._calls.labels(result)
        for result in ("sent", "failed"):
            self._forwards.labels(result)
        for part in ("escalation", "watchdog"):
            self._faults.labels(part)
        for channel in channels:
            self._faults.labels(f"channel {channel}")
            for result in ("sent", "later", "refused"):
                self._sent.labels(channel, result)
            self._letters.labels(channel), self._lost.labels(channel), self._seconds.labels(channel)
        self._routes = frozenset(routes)

    def webhook(self, result: str) -> None:
        """A call of the webhook: accepted, refused or failed."""
        self._calls.labels(result).inc()

    def accepted(self, route: str, firing: int, resolved: int, truncated: int) -> None:
        """A notification is on disk."""
        self.webhook("accepted")
        self._notices.labels("firing").inc(firing)
        self._notices.labels("resolved").inc(resolved)
        self._truncated.inc(truncated)
        if route not in self._routes and self._routes:
            self._strange.inc()

    def called(self, channel: str, result: str, letters: int, seconds: float) -> None:
        """A provider was called: sent, later or refused."""
        self._sent.labels(channel, result).inc()
        self._seconds.labels(channel).observe(seconds)
        if result == "sent":
            self._letters.labels(channel).inc(letters)

    def given_up(self, channel: str, letters: int) -> None:
        """Letters that no provider took within a day."""
        self._lost.labels(channel).inc(letters)

    def fault(self, part: str) -> None:
        """A part of the pager met what nobody foresaw."""
        self._faults.labels(part).inc()

    def forwarded(self, result: str) -> None:
        """A heartbeat was handed on: sent or failed."""
        self._forwards.labels(result).inc()

    def heard(self, moment: float) -> None:
        """The watchdog was heard."""
        self._heard.set(moment)

    def render(self, *, firing: int, acknowledged: int, unacknowledged: int, waiting: int, rota_wrong: bool) -> bytes:
        """The scrape."""
        self._firing.set(firing)
        self._open.labels("yes").set(acknowledged)
        self._open.labels("no").set(unacknowledged)
        self._waiting.set(waiting)
        self._rota.set(rota_wrong)
        return generate_latest(self._registry)
