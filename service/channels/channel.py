"""One channel on this node: who is in it, what it heard lately, and which batch is on its way.

All live members stand at ``ring.sent``. Whoever comes while something is on its way waits in ``joining`` with the
number of the first entry that it has not been given yet, and is live from the boundary at which the others got there.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from service.broker.contract import PublishOptions
from service.broker.stream import Entry, Ring, Tally
from service.channels.ledger import TOLD, Book
from service.channels.namespaces import Namespace
from service.channels.patches import FORMS, Form
from service.channels.tags_filter import TagsFilter

FEW = 8  # members that are grouped anew for each batch: keeping lists for every personal channel would cost more


class Terms(NamedTuple):
    """How somebody is a member; shared by all who are so."""

    positioned: bool = False
    delta: Form = ""
    filter: TagsFilter | None = None


class Run(NamedTuple):
    """Members that take the same bytes: those of the batch's entries from ``skip`` on."""

    members: Sequence[Any]
    variant: Any
    skip: int
    delta: Form = ""
    based: bool = False  # they have what comes before, so that the first may be a delta, too
    filter: TagsFilter | None = None


Group: TypeAlias = tuple[Any, Form, TagsFilter | None]
"""Variant, form of deltas and filter: members of one group take the same bytes."""

_TERMS: Final = {(positioned, delta): Terms(positioned, delta) for positioned in (False, True) for delta in FORMS}


class Batch:
    """Entries on their way to everybody who was live when it began."""

    __slots__ = (
        "at", "before", "began", "encoded", "entries", "flight", "gone", "passed", "run", "runs", "stop", "written",
    )  # fmt: skip

    def __init__(self, entries: Sequence[Entry], stop: int, runs: Sequence[Run], before: Entry | None = None) -> None:
        self.entries = entries
        self.before = before  # the entry before the first one
        self.stop = stop  # number of the entry after the last one
        self.runs = runs
        self.run = 0  # the run whose turn it is
        self.at = 0  # members of it that are served
        self.written: bytes | None = None  # that run's bytes
        self.flight: Any = None  # and what is known of them
        self.gone: dict[Any, str] | None = None  # who left meanwhile, and how what it was to get has ended
        self.began = 0.0
        self.passed: dict[tuple[TagsFilter, int], list[Entry]] | None = None  # what each filter takes, once looked at
        self.encoded: dict[tuple[Any, tuple[int, ...]], tuple[bytes, Any]] | None = None  # and its bytes by entries

    @property
    def members(self) -> int:
        """How many it goes to, leavers included."""
        return sum(len(run.members) for run in self.runs)


class Channel:
    """Created by the first subscriber, dropped after the last."""

    __slots__ = (
        "_groups",
        "aside",
        "batch",
        "book",
        "closed",
        "crowd",
        "generation",
        "hearing",
        "joining",
        "members",
        "name",
        "namespace",
        "options",
        "owed",
        "pins",
        "positioned",
        "queued",
        "repair",
        "ring",
        "shelved",
        "unbased",
        "watched",
    )

    def __init__(
        self, name: str, namespace: Namespace, options: PublishOptions, tally: Tally, book: Book | None = None
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.options = options
        self.ring = Ring(tally)
        self.members: dict[Any, Terms] = {}  # everybody, waiting ones included
        self.positioned = 0
        self.joining: dict[Any, int] | None = None  # who waits, and for which entry
        self.unbased: set[Any] | None = None  # who takes deltas and has nothing yet that one could be applied to
        self.crowd: Any = None  # who is told of joins and leaves (``announcing.Crowd``)
        self.batch: Batch | None = None
        self.queued = False  # the fan-out has it on its list
        self.repair: Any = None  # what was heard while the broker is asked what is missing
        self.generation = 0  # rises when the position was lost
        self.hearing: Any = None  # future: the broker's confirmation that we hear it is awaited
        self.pins = 0  # tickets out
        self.shelved = False  # its ring holds something
        self.watched = False  # its position is looked at from time to time
        self.closed = False  # dropped: whoever still holds it does nothing with it
        self.book = book or Book()
        self.owed = 0  # deliveries that are neither with the writers nor settled
        self.aside = 0  # publications that were heard and have no place in the ring yet: everybody is to get them
        self._groups: dict[Group, list[Any]] | None = None

    # ------------------------------------------------------------------ members

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way: who comes now is live at once."""
        return self.batch is None and not self.ring.pending

    def add(
        self,
        member: Any,
        *,
        positioned: bool,
        delta: Form = "",
        based: bool = False,
        wanted: TagsFilter | None = None,
    ) -> None:
        """A member that has been given everything up to the ring's end; ``based``: also the last of it, for deltas."""
        assert member not in self.members, "a member entered twice"
        self.members[member] = _TERMS[positioned, delta] if wanted is None else Terms(positioned, delta, wanted)
        self.positioned += positioned
        self.book.expect(self, self.aside)
        if delta and not based:
            if self.unbased is None:
                self.unbased = set()
            self.unbased.add(member)
        if self.idle:
            self._groups = None
            return
        if self.joining is None:
            self.joining = {}
        self.joining[member] = self.ring.end

    def remove(self, member: Any, end: str = "unsubscribed") -> bool:
        """Out of every list, also of the batch on its way; whether it was a member.

        ``end`` is how what it was to get has ended, one of ``ledger.ENDS``.
        """
        terms = self.members.pop(member, None)
        if terms is None:
            return False
        self.book.settle(self, end, self._missing(member))
        self.positioned -= terms.positioned
        self._groups = None
        if self.unbased is not None:
            self.unbased.discard(member)
        if self.joining is not None:
            self.joining.pop(member, None)
        if self.crowd is not None:
            self.crowd.discard(member)
        if self.batch is not None:
            if self.batch.gone is None:
                self.batch.gone = {}
            self.batch.gone.setdefault(member, end)
        return True

    def remove_positioned(self) -> list[Any]:
        """Take out all who rely on the position."""
        relying = [member for member, terms in self.members.items() if terms.positioned]
        for member in relying:
            self.remove(member, TOLD)
        return relying

    # ------------------------------------------------------------------- ledger

    def heard(self) -> None:
        """There is a publication for everybody who is in; its place in the ring comes later."""
        self.aside += 1
        self.book.expect(self, len(self.members))

    def dismiss(self, end: str, count: int = 1) -> int:
        """Publications without a place get none; how many deliveries those were."""
        self.aside -= count
        lost = count * len(self.members)
        self.book.settle(self, end, lost)
        return lost

    def passed_over(self, end: str, count: int) -> int:
        """The ``count`` entries right before ``ring.sent`` were given to nobody; how many deliveries those were."""
        stop = self.ring.sent
        start = stop - count
        waiting = self.joining.values() if self.joining else ()
        lost = count * len(self.members) - sum(min(at, stop) - start for at in waiting if at > start)
        self.book.settle(self, end, lost)
        return lost

    def rest(self) -> None:
        """Nothing is on its way: owed is what is held back or left to history for now, and nothing else."""
        if not self.owed and not self.aside:
            return
        self.aside = 0 if self.repair is None else len(self.repair.held) + self.repair.postponed
        self.book.rest(self, self.aside * len(self.members))

    def _missing(self, member: Any) -> int:
        """What the member has not been given, beside the batch on its way."""
        given = self.ring.sent if self.batch is None else max(self.ring.sent, self.batch.stop)
        if self.joining is not None:
            given = max(given, self.joining.get(member, 0))
        return self.aside + self.ring.end - given

    # ------------------------------------------------------------------ batches

    def next_batch(self, count: int, size: int) -> Batch | None:
        """The next pending entries with those whom they go to; None when nothing is pending for anybody."""
        ring = self.ring
        while ring.pending:
            entries = ring.take(count, size)
            stop = ring.sent + len(entries)
            late = list(self._arrivals(ring.sent, stop)) if self.joining else []
            runs = [
                Run(members, variant, 0, delta, bool(delta), wanted)
                for (variant, delta, wanted), members in self._live().items()
            ]
            if late:
                runs += late
                self._settle(late)
            if self.unbased:
                runs = self._by_base(runs)
            if runs:
                self.batch = Batch(entries, stop, runs, ring.last)
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
        parts: dict[tuple[int, Group], list[Any]] = defaultdict(list)
        for member, at in list(self.joining.items()):
            if at <= sent:
                del self.joining[member]
                self._groups = None
            elif at < stop:
                terms = self.members[member]
                parts[at - sent, (member.variant, terms.delta, terms.filter)].append(member)
        for (skip, (variant, delta, wanted)), members in parts.items():
            yield Run(members, variant, skip, delta, bool(delta), wanted)

    def _settle(self, late: Sequence[Run]) -> None:
        """Who gets a part of this batch is live from the next one on."""
        assert self.joining is not None, "nobody waits"
        for run in late:
            for member in run.members:
                del self.joining[member]
        self._groups = None

    def _by_base(self, runs: Sequence[Run]) -> list[Run]:
        """Who has no base yet gets a first publication that is whole; with it, they have one."""
        assert self.unbased is not None, "everybody has a base"
        parted = []
        for run in runs:
            new = self.unbased.intersection(run.members) if run.delta else ()
            if not new:
                parted.append(run)
                continue
            self.unbased -= new
            parted.append(run._replace(members=[member for member in run.members if member in new], based=False))
            if len(new) < len(run.members):
                parted.append(run._replace(members=[member for member in run.members if member not in new]))
        return parted

    def _live(self) -> dict[Group, list[Any]]:
        groups = self._groups
        if groups is None:
            groups = defaultdict(list)
            joining = self.joining or ()
            for member, terms in self.members.items():
                if member not in joining:
                    groups[member.variant, terms.delta, terms.filter].append(member)
            if len(self.members) > FEW:
                self._groups = groups
        return groups
