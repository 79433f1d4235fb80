"""Pure: publications for subscribers that asked for deltas, each delta made once for all of them.

In JSON such a subscriber's ``data`` is always a string, of the whole document or of the delta; in Protobuf it is bytes.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw

from service.broker.stream import Entry
from service.channels.delta import Effort, create
from service.protocol.messages import Publication

Form: TypeAlias = Literal["", "text", "bytes"]
"""How a subscriber takes deltas: not at all, in JSON strings, or as bytes."""
FORMS: Final[tuple[Form, ...]] = ("", "text", "bytes")

KEPT: Final = 2048  # deltas
KEPT_BYTES: Final = 4 * 1024 * 1024
_AN_ENTRY: Final = 200  # bytes that a kept delta costs beside its own

_string = msgspec.json.Encoder().encode


class Patches:
    """Deltas between publications that follow each other: those of late, for the broadcast and for who comes back."""

    __slots__ = ("_bytes", "_kept")

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], bytes | None] = {}
        self._bytes = 0

    def live(self, entries: Sequence[Entry], base: Entry | None, form: Form, ttl: float) -> list[Publication]:
        """A batch for subscribers whose last publication was ``base``; None: the first one must be whole.

        A delta takes a publisher or a namespace that wants it, and a base that is still in history (``ttl`` seconds).
        """
        effort = Effort()
        told = []
        for entry in entries:
            patch: bytes | None = None
            if base is not None and entry.delta and follows(base, entry) and entry.time - base.time < ttl:
                patch = self._between(base, entry, effort)
            told.append(formed(entry.publication, patch, form))
            base = entry
        return told

    def recovered(self, entries: Sequence[Entry], publications: Sequence[Publication], form: Form) -> list[Publication]:
        """What a subscriber missed: the first one whole, then deltas, whoever published them, as in Centrifugo."""
        effort = Effort()
        told = []
        base: Entry | None = None
        for entry, publication in zip(entries, publications, strict=True):
            patch = self._between(base, entry, effort) if base is not None and follows(base, entry) else None
            told.append(formed(publication, patch, form))
            base = entry
        return told

    def _between(self, base: Entry, entry: Entry, effort: Effort) -> bytes | None:
        pair = base.id, entry.id
        if pair in self._kept:
            return self._kept[pair]
        if effort.left <= 0:
            return None
        patch = create(bytes(base.publication.data), bytes(entry.publication.data), effort)
        self._kept[pair] = patch
        self._bytes += len(patch or b"") + _AN_ENTRY
        while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._kept.pop(next(iter(self._kept))) or b"") + _AN_ENTRY
        return patch


def follows(base: Entry, entry: Entry) -> bool:
    """Whether ``entry`` is the next one of the same stream: nothing without a place came in between."""
    return base.offset > 0 and entry.offset == base.offset + 1 and entry.epoch == base.epoch


def formed(publication: Publication, patch: bytes | None, form: Form) -> Publication:
    """The publication as it is told in this form. JSON has no epoch then, as in Centrifugo."""
    if form == "bytes":
        return publication if patch is None else msgspec.structs.replace(publication, data=Raw(patch), delta=True)
    try:
        text = (bytes(publication.data) if patch is None else patch).decode()
    except UnicodeDecodeError:
        patch, text = None, bytes(publication.data).decode()
    return msgspec.structs.replace(publication, data=Raw(_string(text)), delta=patch is not None, epoch="")
