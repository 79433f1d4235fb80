"""publish."""

from typing import Final

from service.access import rules
from service.channels.namespaces import Namespace
from service.connections.questions import Done, MayPublish, Permitted, Publish, Reply
from service.connections.standing import Refused, Standing, Task, expected, namespace_of
from service.protocol import errors
from service.protocol import messages as wire

_NONE: Final = wire.Empty()


def publish(client: Standing, command_id: int, request: wire.PublishRequest, _now: float) -> Task:
    """Publish for a client that may; the data's format is the hub's to check, for all publishers alike."""
    channel = request.channel
    namespace = namespace_of(client, channel)
    data, how = request.data, None
    if namespace.publish_proxy_enabled:
        namespace.check_data(bytes(data))  # the backend is not asked about what nobody may publish
        outcome, _ = yield MayPublish(channel, data.copy())
        how = expected(outcome, Permitted)
        data = how.data or data
    elif not _may_publish(client, namespace, channel):
        namespace.check_data(bytes(data))  # the mistake is told before the permission, as in Centrifugo
        raise Refused(errors.PERMISSION_DENIED, "no option allows it")
    outcome, _ = yield Publish(channel, data, client.client_info(channel), how)
    expected(outcome, Done)
    return [Reply(wire.Reply(id=command_id, publish=_NONE), "publish")]


def _may_publish(client: Standing, namespace: Namespace, channel: str) -> bool:
    subscribed = client.subscription(channel) is not None
    return rules.may_publish(namespace, client.user, subscribed=subscribed, insecure=client.settings.insecure)
