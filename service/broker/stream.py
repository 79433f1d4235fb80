"""Pure: a bounded run of publications with offsets; the memory broker's history, and with a cursor the hub's ring."""

from dataclasses import dataclass

from service.protocol.messages import Publication


@dataclass(slots=True)
class Entry:
    """A publication on its way. ``id`` tells apart two that were given the same offset; ``time`` is wall seconds of acceptance."""

    publication: Publication
    epoch: str
    id: int
    time: float
    size: int
