"""history, presence, presence_stats, rpc, and what no client may: ping and send."""

from service.access import rules
from service.connections.commands.subscribing import with_epoch
from service.connections.questions import (
    Called,
    CountPresence,
    Effect,
    HistoryRead,
    PresenceCounted,
    PresenceRead,
    ReadHistory,
    ReadPresence,
    Reply,
    Rpc,
)
from service.connections.standing import Refused, Standing, Task, bad_request, expected, namespace_of
from service.protocol import closing, errors
from service.protocol import messages as wire


def history(client: Standing, command_id: int, request: wire.HistoryRequest, _now: float) -> Task:
    """Publications of the channel's stream and its position."""
    settings = client.settings
    namespace = namespace_of(client, request.channel)
    if not namespace.has_history:
        raise Refused(errors.NOT_AVAILABLE, "the namespace keeps no history")
    subscribed = client.subscription(request.channel) is not None
    if not rules.may_read_history(namespace, client.user, subscribed=subscribed, insecure=settings.insecure):
        raise Refused(errors.PERMISSION_DENIED, "no option allows it")
    if request.reverse and request.since is not None and request.since.offset == 0:
        raise Refused(errors.BAD_REQUEST, "nothing lies before offset 0")
    limit = _capped(request.limit, settings.history_max_publication_limit)
    outcome, _ = yield ReadHistory(request.channel, limit, request.since, request.reverse)
    read = expected(outcome, HistoryRead)
    result = wire.HistoryResult(with_epoch(read.publications, read.epoch), read.epoch, read.offset)
    return [Reply(wire.Reply(id=command_id, history=result), "history")]


def presence(client: Standing, command_id: int, request: wire.PresenceRequest, _now: float) -> Task:
    """Who is in the channel."""
    _may_see_presence(client, request.channel)
    outcome, _ = yield ReadPresence(request.channel)
    result = wire.PresenceResult(expected(outcome, PresenceRead).clients)
    return [Reply(wire.Reply(id=command_id, presence=result), "presence")]


def presence_stats(client: Standing, command_id: int, request: wire.PresenceStatsRequest, _now: float) -> Task:
    """How many are in the channel."""
    _may_see_presence(client, request.channel)
    outcome, _ = yield CountPresence(request.channel)
    counted = expected(outcome, PresenceCounted)
    result = wire.PresenceStatsResult(counted.clients, counted.users)
    return [Reply(wire.Reply(id=command_id, presence_stats=result), "presence_stats")]


def rpc(client: Standing, command_id: int, request: wire.RPCRequest, _now: float) -> Task:
    """A call: the built-in ping where it is on, else whoever answers it."""
    ping = client.settings.rpc_ping
    if ping and request.method == ping:
        return [Reply(wire.Reply(id=command_id, rpc=wire.RPCResult()), "rpc")]
    outcome, _ = yield Rpc(request.method, request.data.copy())  # it may outlive its frame
    data = expected(outcome, Called).data
    return [Reply(wire.Reply(id=command_id, rpc=wire.RPCResult(data)), "rpc")]


def send(_client: Standing, _id: int, _request: wire.SendRequest, _now: float) -> list[Effect]:
    """Messages without an answer have no reader here."""
    raise Refused(closing.NOT_AVAILABLE, "send")


def ping(_client: Standing, _id: int, _request: wire.Nothing, _now: float) -> list[Effect]:
    """Pings are the server's."""
    raise bad_request("the ping command")


def _may_see_presence(client: Standing, channel: str) -> None:
    namespace = namespace_of(client, channel)
    if not namespace.presence:
        raise Refused(errors.NOT_AVAILABLE, "the namespace keeps no presence")
    subscribed = client.subscription(channel) is not None
    if not rules.may_see_presence(namespace, client.user, subscribed=subscribed, insecure=client.settings.insecure):
        raise Refused(errors.PERMISSION_DENIED, "no option allows it")


def _capped(limit: int, most: int) -> int:
    """Negative means all, as far as ``most`` goes."""
    if most and (limit < 0 or limit > most):
        return most
    return max(limit, -1)
