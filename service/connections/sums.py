"""What all connections of a process hold and have written, as running sums that a scrape reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.connections.flush import Batch, Writable, send_many


@dataclass(slots=True)
class Sums:
    """Running sums over all connections, so that a scrape need not walk them. The hub writes by them."""

    outbox_messages: int = 0
    outbox_bytes: int = 0
    kernel_messages: int = 0  # estimated from bytes by the connection's mean message
    kernel_bytes: int = 0
    frames_held: int = 0  # bytes in outboxes, frames that many wait for counted once
    holders: dict[int, list[int]] = field(default_factory=dict)  # id of a batch -> who waits for it, and its bytes
    written_messages: int = 0  # through flush, counted once a write of many
    written_bytes: int = 0

    @property
    def memory(self) -> int:
        """Bytes that slow readers cost: what waits here, shared frames once, and what the kernel holds."""
        return self.frames_held + self.kernel_bytes

    def told(self) -> dict[str, int]:
        """The sums by name, for people."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: count for name, count in found.items() if isinstance(count, int)}

    def hold(self, batch: object, size: int) -> None:
        """One more reader waits for this batch. (An id is a name as long as somebody waits: the outbox keeps it.)"""
        found = self.holders.get(id(batch))
        if found is None:
            self.holders[id(batch)] = [1, size]
            self.frames_held += size
        else:
            found[0] += 1

    def release(self, batch: object) -> None:
        """One reader has it, or waits no more."""
        found = self.holders[id(batch)]
        found[0] -= 1
        if not found[0]:
            del self.holders[id(batch)]
            self.frames_held -= found[1]

    def write_many(self, members: Sequence[Writable], data: bytes, batch: Batch) -> int:
        """``flush.send_many``, counted: once a write of many."""
        written = send_many(members, data, batch)
        self.written_messages += written * batch.messages
        self.written_bytes += written * len(data)
        return written

    def mean_message(self) -> int:
        """Mean size in bytes of what this node sends: the kernel tells bytes, backlog counts messages."""
        return self.written_bytes // self.written_messages or 1 if self.written_messages else 128
