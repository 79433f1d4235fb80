"""What became of every delivery, in integers by namespace. What nobody can explain is ``unaccounted``, and wrong.

A delivery is one publication for one subscriber of this node. It is expected when the hub hears the publication, by
who is in the channel then; whoever settles it, later and elsewhere, says how. docs/ledger.md tells what the words mean.
Counting costs additions once a publication, slice or stall, never once a delivery.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from observability import ledger_names, names
from observability.names import Figure

RECOVERED: Final = "recovered"
TOLD: Final = "told"
ENDS: Final = (*ledger_names.ENDS, *names.DROP_CAUSES)
"""How a delivery can end that was never written."""


NAMESPACES_A_STEP: Final = 32  # whose figures are told without a pause for the loop: some 0.2 ms


class Owing(Protocol):
    """A channel: ``owed`` is what it has neither handed to the writers nor settled."""

    owed: int


class Book:
    """The deliveries of one namespace. All numbers only grow, except for ``owed`` and ``waiting``."""

    __slots__ = ("astray", "ends", "expected", "owed", "waiting", "written")

    def __init__(self) -> None:
        self.expected = 0
        self.owed = 0  # of all channels
        self.waiting = 0  # with slow readers: in outboxes, or in a transport that waits for its socket
        self.written = 0  # the kernel took them
        self.ends = dict.fromkeys(ENDS, 0)
        self.astray = 0  # what channels at rest owed, or had settled, and should not have

    def expect(self, channel: Owing, count: int) -> None:
        """A publication is heard, or somebody comes while one is held back."""
        self.expected += count
        self.owed += count
        channel.owed += count

    def hand(self, channel: Owing, count: int) -> None:
        """To the writers: each of them is written, waits, or is lost."""
        self.owed -= count
        channel.owed -= count

    def settle(self, channel: Owing, end: str, count: int) -> None:
        """They end like this before any writer had them."""
        self.hand(channel, count)
        self.ends[end] += count

    def write(self, count: int) -> None:
        """The kernel took them."""
        self.written += count

    def keep(self, count: int) -> None:
        """They wait for a slow reader."""
        self.waiting += count

    def free(self, count: int) -> None:
        """They wait no more: they are written, or lost."""
        self.waiting -= count

    def lose(self, cause: str, count: int) -> None:
        """A writer had them, and the kernel will not."""
        self.ends[cause] += count

    def miss(self, count: int) -> None:
        """A subscriber comes back, and by its position it lacks so many."""
        self.expected += count

    def recover(self, given: int, filtered: int) -> None:
        """It is given them with the reply, except for those that its filter refuses."""
        self.ends[RECOVERED] += given
        self.ends["filtered"] += filtered

    def rest(self, channel: Owing, due: int) -> None:
        """A channel with nothing on its way owes ``due``; what it owes beside that is not queued: it has vanished."""
        stray = channel.owed - due
        if stray:
            self.owed, channel.owed = self.owed - stray, due
            self.astray += abs(stray)

    @property
    def queued(self) -> int:
        """On their way."""
        return self.owed + self.waiting

    @property
    def unaccounted(self) -> int:
        """0, or something is wrong: above, deliveries vanished; below, some ended twice."""
        return self.expected - self.written - self.queued - sum(self.ends.values()) or self.astray


NOBODYS: Final = Book()
"""For what is no delivery of a publication: replies, pings, joins and leaves. Nobody reads it."""


class Ledger:
    """The books of all namespaces."""

    def __init__(self, namespaces: Iterable[str]) -> None:
        self.books = {namespace: Book() for namespace in namespaces}

    @property
    def unaccounted(self) -> dict[str, int]:
        """Namespaces whose book does not balance, and by how much."""
        return {name: book.unaccounted for name, book in self.books.items() if book.unaccounted}

    def figures(self) -> Iterator[Figure | None]:
        """Numbers for a scrape, a book's all of one moment. What is 0 costs no line; but there is one to look at."""
        for number, (name, book) in enumerate(self.books.items(), 1):
            if not number % NAMESPACES_A_STEP:
                yield None
            labels = (name or names.NO_NAMESPACE,)
            if book.unaccounted or not name:
                yield Figure(ledger_names.UNACCOUNTED.name, labels, book.unaccounted)
            if book.expected:
                yield Figure(ledger_names.EXPECTED.name, labels, book.expected)
            if book.written:
                yield Figure(names.DELIVERED.name, labels, book.written)
            if book.queued:
                yield Figure(ledger_names.QUEUED.name, labels, book.queued)
            for end, count in book.ends.items():
                if count:
                    metric = ledger_names.ENDED if end in ledger_names.ENDS else names.DROPPED
                    yield Figure(metric.name, (*labels, end), count)
