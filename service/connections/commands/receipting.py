"""A receipt while another command's question is open: it waits for nothing, and its answer may come first.

A subscribe that takes its time must not make messages look unconfirmed that the client has long had.
"""

from typing import Final

from msgspec import UNSET

from service.connections.commands.listing import request_of
from service.connections.questions import Ask, Called, Failed, Outcome, Reply, Rpc
from service.connections.standing import Refused, expected
from service.protocol import messages as wire
from service.protocol.closing import Closing

METHOD: Final = "heliograph.receipt"
LAST_TICKET: Final = -(1 << 33)  # and what lies below: with the command's id subtracted


def is_receipt(command: wire.Command) -> bool:
    """Whether it confirms messages, in good form."""
    if command.rpc is UNSET or not command.id or command.rpc.method != METHOD:
        return False
    return request_of(command)[0] == "rpc"


def question(command: wire.Command) -> Ask:
    """What the receipt asks of the rooms below."""
    request = command.rpc
    assert request is not UNSET, "a receipt is a call"
    return Ask(LAST_TICKET - command.id, Rpc(METHOD, request.data.copy()))


def told(ticket: int, outcome: Outcome) -> Reply | Refused:
    """The reply; what would be a close is returned."""
    command_id = LAST_TICKET - ticket
    if isinstance(outcome, Failed):
        return refused(command_id, Refused(outcome.failure, outcome.why))
    return Reply(wire.Reply(id=command_id, rpc=wire.RPCResult(expected(outcome, Called).data)), "rpc")


def refused(command_id: int, refusal: Refused) -> Reply | Refused:
    """The error as a reply; a close is given back."""
    failure = refusal.failure
    if isinstance(failure, Closing):
        return refusal
    return Reply(wire.Reply(id=command_id, error=failure.to_wire()), "rpc", refusal.why)
