"""Pure: the account of a load: figures by name, text for a person, JSON for a program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.lab.load.ledger import Holes
from service.lab.load.quantiles import Quantiles
from service.lab.load.server_figures import Glance, growth

SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
FIGURES: Final[Mapping[str, str]] = {
    "users": "users planned",
    "connected": "users that were connected when publishing ended",
    "published": "publications sent",
    "void": "publications of which nobody knows whether they were published",
    "expected": "deliveries owed",
    "delivered": "deliveries",
    "lost": "deliveries owed that never came, without a word of the server",
    "told": "deliveries left out of which the server said so",
    "duplicated": "deliveries that came twice",
    "reordered": "deliveries behind a later one",
    "reconnects": "connections after the first of each user",
    "refused": "upgrades, connects, subscribes and publishes that were refused, and sockets that did not open",
    "p50": "seconds from sending to receiving, half of the deliveries",
    "p90": "the same, 90 percent",
    "p99": "the same, 99 percent",
    "p999": "the same, 99.9 percent",
    "longest": "the same, all",
    "connect_p99": "seconds from the socket to the last subscribe reply, 99 percent",
    "rss_growth": "percent that the server's memory grew over the last two thirds, by the line that fits",
    "objects_growth": "the same of the memory blocks that its Python holds",
    "fds_left": "descriptors that the server has more than before, everybody gone",
    "objects_left": "percent of memory blocks that the server's Python has more than before",
    "unknown_causes": "connections that the server saw end and cannot say why",
    "unaccounted": "messages and connections of which the server does not know what became (docs/ledger.md)",
}


@dataclass(slots=True)
class Account:
    """Everything that is known at the end."""

    users: int
    began: float = 0.0  # monotonic: when publishing began
    connected: int = 0
    sums: dict[str, int] = field(default_factory=dict)  # of the workers' ``now``
    latency: Quantiles = field(default_factory=Quantiles)
    connecting: Quantiles = field(default_factory=Quantiles)
    holes: Holes = field(default_factory=Holes)
    void: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    closes: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    before: Glance | None = None
    after: Glance | None = None
    glances: list[Glance] = field(default_factory=list)
    course: list[dict[str, float]] = field(default_factory=list)  # the workers' ``now``, once a second
    troubles: list[str] = field(default_factory=list)  # what kept the load from being what was planned

    def include(self, told: Mapping[str, Any]) -> None:
        """Add a worker's account."""
        for name in ("published", "delivered", "duplicated", "reordered", "told", "reconnects"):
            self.sums[name] = self.sums.get(name, 0) + told[name]
        self.latency.include(told["latency"])
        self.connecting.include(told["connecting"])
        self.holes.include(told["holes"])
        self.void.update(told["void"])
        for name, mine in (("counts", self.counts), ("closes", self.closes), ("refusals", self.refusals)):
            for key, count in told[name].items():
                mine[key] = mine.get(key, 0) + count

    def figures(self) -> dict[str, float | None]:
        """All of ``FIGURES``; None for what is not known."""
        lost = self.holes.lost(self.void)
        found: dict[str, float | None] = {
            "users": self.users,
            "connected": self.connected,
            **{name: self.sums.get(name, 0) for name in ("published", "delivered", "told", "duplicated", "reordered")},
            "void": sum(map(len, self.void.values())),
            "lost": lost,
            "expected": self.sums.get("delivered", 0) + lost,
            "reconnects": self.sums.get("reconnects", 0),
            "refused": sum(self.refusals.values()),
            **{name: self.latency.at(share) if len(self.latency) else None for name, share in SHARES.items()},
            "longest": self.latency.longest if len(self.latency) else None,
            "connect_p99": self.connecting.at(0.99) if len(self.connecting) else None,
        }
        return {name: found.get(name, value) for name, value in {**found, **self._of_server()}.items()}

    def in_vain(self) -> str:
        """A sentence when publications were sent and none was accepted: no condition means anything then."""
        refused = {name: count for name, count in self.refusals.items() if name.startswith("publish ")}
        if self.counts.get("accepted", 0) or not sum(refused.values()):
            return ""
        code = max(refused, key=refused.__getitem__).partition(" ")[2]
        hint = "; clients may not publish there (allow_publish_for_client): say another --namespace" * (code == "103")
        return f"nothing was published: all {sum(refused.values()):,} attempts are answered with error {code}{hint}"

    def _of_server(self) -> dict[str, float | None]:
        before, after = self.before, self.after
        nothing = dict.fromkeys(("fds_left", "objects_left", "unknown_causes", "unaccounted"))
        since = self.began + (self.glances[-1].at - self.began) / 3 if self.glances else 0.0
        grown: dict[str, float | None] = {
            "rss_growth": growth(self.glances, since, lambda glance: glance.rss),
            "objects_growth": growth(self.glances, since, lambda glance: glance.objects),
        }
        if before is None or after is None:
            return {**nothing, **grown}
        return {
            **grown,
            "fds_left": after.fds - before.fds,
            "objects_left": 100 * (after.objects / before.objects - 1) if before.objects else None,
            "unknown_causes": after.causes.get("unknown", 0) - before.causes.get("unknown", 0),
            "unaccounted": after.unaccounted,
        }


def told(account: Account, failed: Iterable[str]) -> dict[str, Any]:
    """The whole account as JSON."""
    return {
        "figures": account.figures(),
        "counts": account.counts,
        "closes": account.closes,
        "refusals": account.refusals,
        "server": {"before": _glance(account.before), "after": _glance(account.after)},
        "causes": _causes(account),
        "course": account.course,
        "memory": [[round(each.at - account.began, 2), each.rss] for each in account.glances],
        "troubles": account.troubles,
        "failed": list(failed),
    }


def _glance(glance: Glance | None) -> dict[str, float] | None:
    if glance is None:
        return None
    return {"rss": glance.rss, "fds": glance.fds, "objects": glance.objects, "connections": glance.connections}


def _causes(account: Account) -> dict[str, float]:
    if account.before is None or account.after is None:
        return {}
    earlier = account.before.causes
    gained = {cause: count - earlier.get(cause, 0) for cause, count in account.after.causes.items()}
    return {cause: count for cause, count in gained.items() if count}


def text(account: Account, failed: Sequence[str]) -> str:
    """The account for a person."""
    figures = account.figures()
    lines = [
        (
            f"users        {figures['connected']:,.0f} of {figures['users']:,.0f} connected; "
            f"{figures['reconnects']:,.0f} reconnects; connect p99 {_time(figures['connect_p99'])}"
        ),
        f"publications {figures['published']:,.0f} sent, {figures['void']:,.0f} void",
        (
            f"deliveries   {figures['delivered']:,.0f} of {figures['expected']:,.0f}; lost {figures['lost']:,.0f}, "
            f"told {figures['told']:,.0f}, duplicated {figures['duplicated']:,.0f}, "
            f"reordered {figures['reordered']:,.0f}"
        ),
        "latency      " + ", ".join(f"{name} {_time(figures[name])}" for name in (*SHARES, "longest")),
        *_server_lines(account, figures),
        *_list("mischief", account.counts, leave_out=("connects", "accepted")),
        *_list("ends", account.closes),
        *_list("causes", _causes(account)),
        *_list("refused", account.refusals),
        *(f"trouble      {trouble}" for trouble in account.troubles),
        *(f"FAILED       {sentence}" for sentence in failed),
    ]
    return "\n".join(lines)


def _server_lines(account: Account, figures: Mapping[str, float | None]) -> list[str]:
    before, after = account.before, account.after
    if before is None or after is None:
        return []
    grown = figures["rss_growth"]
    trend = f", {grown:+.2f} % over the last two thirds" if grown is not None else ""
    return [
        (
            f"server       RSS {before.rss / 2**20:.1f} → {after.rss / 2**20:.1f} MiB{trend}; "
            f"descriptors {before.fds:.0f} → {after.fds:.0f}; blocks {before.objects:,.0f} → {after.objects:,.0f}"
        )
    ]


def _list(title: str, counts: Mapping[str, float], leave_out: Sequence[str] = ()) -> list[str]:
    shown = [f"{name} {count:,.0f}" for name, count in sorted(counts.items()) if count and name not in leave_out]
    return [f"{title:<12} {', '.join(shown)}"] if shown else []


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
