"""One channel on this node: who is in it, what it heard lately, and which batch is on its way.

All live members stand at ``ring.sent``. Whoever comes while something is on its way waits in ``joining`` with the
number of the first entry that it has not been given yet, and is live from the boundary at which the others got there.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from service.broker.contract import PublishOptions
from service.broker.stream import Entry, Ring, Tally
from service.channels.namespaces import Namespace

FEW = 8  # members that are grouped anew for each batch: keeping lists for every personal channel would cost more


class Run(NamedTuple):
    """Members that take the same bytes: those of the batch's entries from ``skip`` on."""

    members: Sequence[Any]
    variant: Any
    skip: int


class Batch:
    """Entries on their way to everybody who was live when it began."""

    __slots__ = ("at", "began", "entries", "flight", "gone", "run", "runs", "stop", "written")

    def __init__(self, entries: Sequence[Entry], stop: int, runs: Sequence[Run]) -> None:
        self.entries = entries
        self.stop = stop  # number of the entry after the last one
        self.runs = runs
        self.run = 0  # the run whose turn it is
        self.at = 0  # members of it that are served
        self.written: bytes | None = None  # that run's bytes
        self.flight: Any = None  # and what is known of them
        self.gone: set[Any] | None = None  # who left meanwhile
        self.began = 0.0

    @property
    def members(self) -> int:
        """How many it goes to, leavers included."""
        return sum(len(run.members) for run in self.runs)


class Channel:
    """Created by the first subscriber, dropped after the last."""

    __slots__ = (
        "_groups",
        "batch",
        "closed",
        "generation",
        "hearing",
        "joining",
        "members",
        "name",
        "namespace",
        "options",
        "pins",
        "positioned",
        "queued",
        "repair",
        "ring",
        "shelved",
        "watched",
    )

    def __init__(self, name: str, namespace: Namespace, options: PublishOptions, tally: Tally) -> None:
        self.name = name
        self.namespace = namespace
        self.options = options
        self.ring = Ring(tally)
        self.members: dict[Any, bool] = {}  # everybody, waiting ones included -> is positioned
        self.positioned = 0
        self.joining: dict[Any, int] | None = None  # who waits, and for which entry
        self.batch: Batch | None = None
        self.queued = False  # the fan-out has it on its list
        self.repair: Any = None  # what was heard while the broker is asked what is missing
        self.generation = 0  # rises when the position was lost
        self.hearing: Any = None  # future: the broker's confirmation that we hear it is awaited
        self.pins = 0  # tickets out
        self.shelved = False  # its ring holds something
        self.watched = False  # its position is looked at from time to time
        self.closed = False  # dropped: whoever still holds it does nothing with it
        self._groups: dict[Any, list[Any]] | None = None

    # ------------------------------------------------------------------ members

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way: who comes now is live at once."""
        return self.batch is None and not self.ring.pending

    def add(self, member: Any, *, positioned: bool) -> None:
        """A member that has been given everything up to the ring's end."""
        assert member not in self.members, "a member entered twice"
        self.members[member] = positioned
        self.positioned += positioned
        if self.idle:
            self._groups = None
            return
        if self.joining is None:
            self.joining = {}
        self.joining[member] = self.ring.end

    def remove(self, member: Any) -> bool:
        """Out of every list, also of the batch on its way; whether it was a member."""
        positioned = self.members.pop(member, None)
        if positioned is None:
            return False
        self.positioned -= positioned
        self._groups = None
        if self.joining is not None:
            self.joining.pop(member, None)
        if self.batch is not None:
            if self.batch.gone is None:
                self.batch.gone = set()
            self.batch.gone.add(member)
        return True

    def remove_positioned(self) -> list[Any]:
        """Take out all who rely on the position."""
        relying = [member for member, positioned in self.members.items() if positioned]
        for member in relying:
            self.remove(member)
        return relying

    # ------------------------------------------------------------------ batches

    def next_batch(self, count: int, size: int) -> Batch | None:
        """The next pending entries with those whom they go to; None when nothing is pending for anybody."""
        ring = self.ring
        while ring.pending:
            entries = ring.take(count, size)
            stop = ring.sent + len(entries)
            late = list(self._arrivals(ring.sent, stop)) if self.joining else []
            runs = [Run(members, variant, 0) for variant, members in self._live().items()]
            if late:
                runs += late
                self._settle(late)
            if runs:
                self.batch = Batch(entries, stop, runs)
                return self.batch
            ring.advance(stop)
        return None

    def finish(self, keep: int) -> None:
        """The batch is out: its members stand at its end; of what was sent ``keep`` entries stay."""
        batch, self.batch = self.batch, None
        if batch is not None:
            self.ring.advance(batch.stop)
        self.ring.trim(keep)
        if self.joining and not self.ring.pending:
            self.joining = self._groups = None  # nothing is left that they would have to wait for

    def _arrivals(self, sent: int, stop: int) -> Iterator[Run]:
        """Who waits for an entry of the batch [sent, stop): to whom the first one is new is simply live."""
        assert self.joining is not None, "nobody waits"
        parts: dict[tuple[int, Any], list[Any]] = defaultdict(list)
        for member, at in list(self.joining.items()):
            if at <= sent:
                del self.joining[member]
                self._groups = None
            elif at < stop:
                parts[at - sent, member.variant].append(member)
        for (skip, variant), members in parts.items():
            yield Run(members, variant, skip)

    def _settle(self, late: Sequence[Run]) -> None:
        """Who gets a part of this batch is live from the next one on."""
        assert self.joining is not None, "nobody waits"
        for run in late:
            for member in run.members:
                del self.joining[member]
        self._groups = None

    def _live(self) -> dict[Any, list[Any]]:
        groups = self._groups
        if groups is None:
            groups = defaultdict(list)
            joining = self.joining or ()
            for member in self.members:
                if member not in joining:
                    groups[member.variant].append(member)
            if len(self.members) > FEW:
                self._groups = groups
        return groups
