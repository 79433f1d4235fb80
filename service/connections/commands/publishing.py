"""publish."""

from typing import Final

from service.access import rules
from service.connections.questions import Done, Publish, Reply
from service.connections.standing import Refused, Standing, Task, expected, namespace_of
from service.protocol import errors
from service.protocol import messages as wire

_NONE: Final = wire.Empty()


def publish(client: Standing, command_id: int, request: wire.PublishRequest, _now: float) -> Task:
    """Publish for a client that may; the data's format is the hub's to check, for all publishers alike."""
    settings = client.settings
    channel = request.channel
    namespace = namespace_of(client, channel)
    subscribed = client.subscription(channel) is not None
    if not rules.may_publish(namespace, client.user, subscribed=subscribed, insecure=settings.insecure):
        raise Refused(errors.PERMISSION_DENIED, "no option allows it")
    outcome, _ = yield Publish(channel, request.data, client.client_info(channel))
    expected(outcome, Done)
    return [Reply(wire.Reply(id=command_id, publish=_NONE), "publish")]
