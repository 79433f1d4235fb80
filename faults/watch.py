"""What every alert does while a fault is held: asked of the rulers, of Alertmanager and of the pager's inbox."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from alerts.lab import seconds
from alerts.pager import watchdog

#: A rule's state, as both rulers tell it, in the order of its way.
_ORDER: Final = ("unknown", "inactive", "pending", "firing")
#: Always fires, so that its absence can be told: by the pager itself.
HEARTBEAT: Final = "Watchdog"


class Asked(Protocol):
    """What answers: a running stack."""

    def get(self, service: str, path: str, inside: int = 0) -> object:
        """The JSON of a GET."""


@dataclass(slots=True)
class Seen:
    """One alert's way, in seconds since the fault; None for what has not happened."""

    hold: float = 0.0  # seconds: the rule's ``for``
    pending: float | None = None
    firing: float | None = None
    inbox: float | None = None
    muted_by: tuple[str, ...] = ()  # alerts for which Alertmanager has kept it back
    over: float | None = None  # it fires no more, and the inbox says so where it was there


class Watch:
    """Looks when it is told to, and remembers."""

    def __init__(self, stack: Asked, clock: Callable[[], float] = time.monotonic) -> None:
        self._stack, self._clock = stack, clock
        self._began = clock()
        self.alerts = {watchdog.NAME: Seen()}  # the pager's own word, which no ruler knows
        self.blind: set[str] = set()  # services that do not answer

    def begin(self) -> None:
        """The fault comes now: what was seen before does not count."""
        self._began = self._clock()
        self.alerts = {name: Seen(seen.hold) for name, seen in self.alerts.items()}

    @property
    def elapsed(self) -> float:
        """Seconds since the fault."""
        return self._clock() - self._began

    def firing(self) -> set[str]:
        """What fired and is not over."""
        return {name for name, seen in self.alerts.items() if seen.firing is not None and seen.over is None}

    def look(self) -> Iterator[tuple[str, str, float]]:
        """Ask everybody; what is new: (alert, what happened, seconds since the fault)."""
        states, known = self._states()
        inbox = self._inbox()
        muted = self._muted()
        now = self.elapsed
        for name in inbox.keys() - self.alerts.keys():
            self.alerts[name] = Seen()
        states = {name: states.get(name, inbox.get(name, "inactive")) for name in self.alerts}
        for name, state in states.items():
            seen = self.alerts[name]
            seen.muted_by = tuple(sorted({*seen.muted_by, *muted.get(name, ())}))
            yield from ((name, what, now) for what in _news(seen, state, inbox.get(name, ""), now, known=known))

    def _states(self) -> tuple[Mapping[str, str], bool]:
        """Each alert's state by name; whether both rulers answered, so that silence is silence."""
        found: dict[str, str] = {}
        blind: set[str] = set()
        holds: dict[str, list[float]] = {}
        for service, path in (("prometheus", "/api/v1/rules?type=alert"), ("loki", "/prometheus/api/v1/rules")):
            for group in self._asked(service, path, blind).get("data", {}).get("groups", ()):
                for rule in group["rules"]:
                    if rule["type"] == "alerting" and rule["name"] != HEARTBEAT:
                        name = rule["name"]
                        holds.setdefault(name, []).append(_hold(rule.get("duration", 0)))
                        found[name] = max(found.get(name, "unknown"), rule["state"], key=_ORDER.index)
        for name, several in holds.items():  # rules of one name with several windows: the quickest counts
            self.alerts.setdefault(name, Seen()).hold = min(several)
        self.blind = blind
        return found, not blind

    def _inbox(self) -> Mapping[str, str]:
        told = self._asked("pager", "/inbox.json", set())
        states = {entry["name"]: "inactive" for entry in told.get("resolved", ())}
        return states | {entry["name"]: "firing" for entry in told.get("firing", ())}

    def _muted(self) -> Mapping[str, set[str]]:
        """Which alert inhibits which."""
        told = self._asked("alertmanager", "/api/v2/alerts", set()) or ()
        names = {alert["fingerprint"]: alert["labels"]["alertname"] for alert in told}
        muted: dict[str, set[str]] = {}
        for alert in told:
            sources = {names[each] for each in alert["status"]["inhibitedBy"] if each in names}
            muted.setdefault(alert["labels"]["alertname"], set()).update(sources)
        return muted

    def _asked(self, service: str, path: str, blind: set[str]) -> Any:
        try:
            return self._stack.get(service, path)
        except (OSError, AssertionError, ValueError):
            blind.add(service)
            return {}


def _hold(duration: object) -> float:
    """A rule's ``for``: Prometheus tells seconds, and so does Loki."""
    return seconds(duration) if isinstance(duration, str) else float(str(duration))


def _news(seen: Seen, state: str, inbox: str, now: float, *, known: bool) -> Iterator[str]:
    if state in ("pending", "firing") and seen.pending is None:
        seen.pending = now
        yield "pending"
    if state == "firing" and seen.firing is None:
        seen.firing = now
        yield "firing"
    if inbox == "firing" and seen.inbox is None:
        seen.inbox = now
        yield "in the inbox"
    gone = known and state == "inactive" and inbox != "firing"
    if seen.firing is not None and seen.over is None and gone:
        seen.over = now
        yield "over"
    if state == "firing" and seen.over is not None:
        seen.over = None
        yield "firing again"
