"""Pure: what a subscriber that comes back has missed (protocol reference, section 11): all or nothing."""

from collections.abc import Sequence
from itertools import chain

import msgspec

from service.broker.stream import Entry
from service.protocol.messages import Publication, StreamPosition

TRACED_FOR = 60.0  # seconds; a replay of what is older must not extend its trace


def merge(read: Sequence[Entry], heard: Sequence[Entry], top: int) -> list[Entry]:
    """One run out of what was read from history and what was heard since, up to offset ``top``; each offset once."""
    by_offset = {entry.offset: entry for entry in chain(read, heard) if 0 < entry.offset <= top}
    return [by_offset[offset] for offset in sorted(by_offset)]


def awaited(since: StreamPosition, top: StreamPosition, *, cached: bool) -> int:
    """How many publications a subscriber with this position lacks, by the numbers alone: for the ledger.

    0 where its position is of another stream: nobody knows then. Of a cache it lacks the newest one at most.
    """
    if cached:
        return int(top.offset > 0 and since != top)
    return max(0, top.offset - since.offset) if since.epoch in ("", top.epoch) else 0


def missed(since: StreamPosition, top: StreamPosition, known: Sequence[Entry], limit: int) -> list[Entry] | None:
    """Everything after ``since`` up to the top, or None when that is not to be had.

    Args:
        since: the subscriber's position; an empty epoch fits every stream.
        top: the stream's position.
        known: entries by offset, with or without holes.
        limit: more than this many are not recovered; 0 or less: no limit.

    """
    count = top.offset - since.offset
    if since.epoch not in ("", top.epoch) or count < 0 or 0 < limit < count:
        return None
    wanted = [entry for entry in known if since.offset < entry.offset <= top.offset]
    return wanted if len(wanted) == count else None


def newest(since: StreamPosition, top: StreamPosition, last: Entry | None, wanted: Entry | None) -> list[Entry] | None:
    """The cache mode: the newest publication unless the subscriber has it; None when there is none to begin with.

    Args:
        since: the subscriber's position.
        top: the stream's.
        last: the newest entry that is known.
        wanted: the newest of those that the subscriber's filter takes.

    """
    has_it = since.offset == top.offset and since.epoch == top.epoch
    if wanted is not None and last is not None and last.offset == top.offset:
        return [] if has_it else [wanted]
    return [] if has_it and top.offset > 0 else None


def shown(entries: Sequence[Entry], now: float) -> list[Publication]:
    """The entries' publications as clients get them from history; wall seconds ``now``."""
    return [
        _untraced(entry) if entry.traceparent and now - entry.time > TRACED_FOR else entry.publication
        for entry in entries
    ]


def _untraced(entry: Entry) -> Publication:
    tags = entry.publication.tags
    if not isinstance(tags, dict):
        return entry.publication
    rest = {key: value for key, value in tags.items() if key != "traceparent"}
    return msgspec.structs.replace(entry.publication, tags=rest or msgspec.UNSET)
