"""Pure: what the users of a load do, and how their part of it reaches a worker process."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)(k|m)?bit", re.IGNORECASE)
_BITS: Final = {"k": 1e3, "m": 1e6, None: 1.0}


class Misplanned(ValueError):  # noqa: N818 - says what happened
    """An option says something that cannot be done; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Weak:
    """A weak network for a share of the users. Its bytes are not read meanwhile, so the server feels it, too."""

    share: float = 0.0  # percent of the users
    delay: float = 0.0  # seconds that what is sent and received is on its way
    jitter: float = 0.0  # seconds more or less
    loss: float = 0.0  # percent of arrivals that wait for a retransmission
    rate: float = 0.0  # bytes a second that are read; 0: as many as come


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a load does. Shares are percent, times seconds, rates a second."""

    url: str  # of the WebSocket: ws://… or wss://…
    run: str  # names the channels of this run, so that none has a past
    users: int = 100
    channels: int = 10
    subscriptions: int = 1  # channels of one user
    namespace: str = ""  # of the channels; "" for none
    rate: float = 50.0  # publications, by all users together
    size: int = 128  # bytes of a publication's data, about
    arrivals: float = 500.0  # users that connect
    duration: float = 30.0
    drain: float = 15.0  # for what is under way at the end
    delayed: float = 0.0  # share of publications that are sent late, half of them in two pieces
    delay: float = 1.0  # at most so late
    drop: float = 0.0  # share of users whose connection is lost without a word
    drop_every: float = 20.0  # between two losses of such a user, on average
    bad: float = 0.0  # share of users who send frames that no client sends
    bad_every: float = 20.0
    churn: float = 0.0  # users that say goodbye and come back
    flood: float = 0.0  # share of users who send pings
    flood_rate: float = 50.0  # of each of them
    weak: Weak = field(default_factory=Weak)
    seed: int = 1
    cafile: str = ""  # trusted beside the system's, for wss
    verify: bool = True  # the server's certificate

    def channel(self, number: int) -> str:
        """Name of the channel of this number."""
        prefix = f"{self.namespace}:" if self.namespace else ""
        return f"{prefix}load-{self.run}-{number}"

    def channels_of(self, user: int) -> list[str]:
        """Where the user is subscribed; the first user of a channel has its number."""
        stride = max(1, self.channels // max(1, self.subscriptions))
        numbers = dict.fromkeys((user + turn * stride) % self.channels for turn in range(self.subscriptions))
        return [self.channel(number) for number in numbers]

    def users_of(self, worker: int, workers: int) -> range:
        """Users whom a worker plays."""
        return range(worker, self.users, workers)

    def channels_owned_by(self, worker: int, workers: int) -> list[str]:
        """Channels whose publications come from a worker; it plays at least one of their subscribers."""
        return [self.channel(number) for number in range(worker, min(self.channels, self.users), workers)]

    def told(self) -> dict[str, Any]:
        """As JSON, for a worker."""
        return asdict(self)


def planned(told: dict[str, Any]) -> Plan:
    """The plan that ``Plan.told`` gave."""
    return Plan(**{**told, "weak": Weak(**told["weak"])})


def checked(plan: Plan) -> Plan:
    """The plan, when it can be done.

    Raises:
        Misplanned: with a sentence.

    """
    for complaint in _complaints(plan):
        raise Misplanned(complaint)
    return plan


def _complaints(plan: Plan) -> Iterator[str]:
    if not _is_websocket(plan.url):
        yield f"{plan.url} is no address of a WebSocket; it looks like ws://127.0.0.1:8000/connection/websocket"
    if min(plan.users, plan.channels, plan.subscriptions) < 1:
        yield "there have to be users, channels and subscriptions: 1 at least"
    if plan.subscriptions > plan.channels:
        yield f"{plan.subscriptions} subscriptions a user take as many channels; there are {plan.channels}"
    if plan.arrivals <= 0 or plan.duration <= 0:
        yield "arrivals and duration have to be above 0"
    for name in ("delayed", "drop", "bad", "flood"):
        if not 0 <= getattr(plan, name) <= 100:
            yield f"{name} is a share in percent: 0 to 100"
    if not 0 <= plan.weak.share <= 100 or not 0 <= plan.weak.loss < 100:
        yield "--weak: share is 0 to 100 percent, loss below 100"


def _is_websocket(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("ws", "wss") and bool(address.hostname) and address.port != 0
    except ValueError:  # brackets without an end, or a port that is none
        return False


def seconds(text: str) -> float:
    """``200ms``, ``30s``, ``3m``, ``1h``; a bare number is seconds.

    Raises:
        Misplanned: it is none of these.

    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Misplanned(f'"{text}" is no duration; it looks like 200ms, 30s, 3m or 1h')
    return float(found[1]) * _UNITS[found[2]]


def weak_network(text: str) -> Weak:
    """``share=20,delay=100ms,jitter=30ms,loss=2,rate=64kbit``; what is left out is none, the share is 100.

    Raises:
        Misplanned: with what would do.

    """
    given: dict[str, float] = {"share": 100.0}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name in ("share", "loss"):
            given[name] = _percent(value)
        elif name in ("delay", "jitter"):
            given[name] = seconds(value)
        elif name == "rate":
            given[name] = _bytes_a_second(value)
        else:
            raise Misplanned(f'"{name}" is nothing of a network; known are share, delay, jitter, loss and rate')
    return Weak(**given)


def _percent(text: str) -> float:
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise Misplanned(f'"{text}" is no percentage') from None


def _bytes_a_second(text: str) -> float:
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise Misplanned(f'"{text}" is no rate; it looks like 64kbit or 1mbit')
    return float(found[1]) * _BITS[found[2] and found[2].lower()] / 8
