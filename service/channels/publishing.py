"""A publication's way in: checked, given a trace, handed to the broker."""

import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import UNSET, Raw

from observability.observers.channels import ChannelsObserver
from observability.tracing import PublishTrace
from service.broker.contract import Published, PublishOptions, Soon
from service.broker.watched import WatchedBroker
from service.channels.fanout import Fanout
from service.channels.namespaces import Namespace, Namespaces
from service.protocol.errors import INTERNAL, ClientMistake
from service.protocol.messages import ClientInfo, Publication


class Publishing:
    """Publishes for the server API and for clients alike."""

    def __init__(
        self,
        namespaces: Namespaces,
        options: Mapping[str, PublishOptions],
        broker: WatchedBroker,
        fanout: Fanout,
        observe: ChannelsObserver,
        *,
        audience: Callable[[str], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespaces = namespaces
        self._options = options
        self._broker = broker
        self._fanout = fanout
        self._observe = observe
        self._audience = audience
        self._clock = clock

    def publish(
        self,
        channel: str,
        data: bytes,
        *,
        info: ClientInfo | None = None,
        tags: Mapping[str, str] | None = None,
        parent: str | None = None,
        via: str = "api",
        idempotency_key: str = "",
        skip_history: bool = False,
        version: int = 0,
        version_epoch: str = "",
        delta: bool = False,
    ) -> Soon[Published]:
        """Check and publish.

        Args:
            channel: name.
            data: the payload, JSON unless the namespace is binary.
            info: of the client that publishes.
            tags: for the subscribers.
            parent: ``traceparent`` of the caller.
            via: "api" or "client".
            idempotency_key: a repetition within 5 minutes is answered with the first result.
            skip_history: heard, but not kept.
            version: not above the stream's newest one means not published; 0: unversioned.
            version_epoch: versions of different epochs are not compared.
            delta: subscribers that asked for deltas may get one.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL, or BAD_REQUEST for data that is empty or not of the namespace's format.
            BrokerUnavailable: the broker did not do it.

        """
        began = self._clock()
        namespace = self._checked(channel, data, via)
        audience = self._audience(channel)
        user = info.user if info is not None else ""
        trace = self._observe.publishing(namespace.name, channel, audience, parent, via=via, user=user)
        publication = Publication(Raw(data), UNSET if info is None else info, version=version)
        options = self._options[namespace.name]
        if trace is not None:
            tags = {**(tags or {}), "traceparent": trace.traceparent}
        if tags:
            publication.tags = dict(tags)
        if idempotency_key or skip_history or version or delta or trace is not None:
            options = msgspec.structs.replace(
                options,
                idempotency_key=idempotency_key,
                skip_history=skip_history,
                version=version,
                version_epoch=version_epoch,
                delta=delta or options.delta,
                traceparent=trace.traceparent if trace is not None else "",
            )
        return self._hand_over(channel, publication, options, _Attempt(namespace.name, via, began, trace))

    def _checked(self, channel: str, data: bytes, via: str) -> Namespace:
        name = ""
        try:
            namespace = self._namespaces.resolve(channel)
            name = namespace.name
            namespace.check_data(data)
        except ClientMistake as mistake:
            self._observe.publish_failed(None, name, via, mistake.error.code, channel=channel)
            raise
        return namespace

    def _hand_over(
        self, channel: str, publication: Publication, options: PublishOptions, attempt: "_Attempt"
    ) -> Soon[Published]:
        corked = self._fanout.cork()
        try:
            soon = self._broker.publish(channel, publication, options, attempt.trace)
            if isinstance(soon, Published):
                return self._published(soon, attempt)
            return self._later(channel, soon, attempt)
        except Exception:
            self._publish_failed(channel, attempt)
            raise
        finally:
            self._fanout.uncork(corked)

    async def _later(self, channel: str, soon: Awaitable[Published], attempt: "_Attempt") -> Published:
        try:
            return self._published(await soon, attempt)
        except Exception:
            self._publish_failed(channel, attempt)
            raise

    def _published(self, published: Published, attempt: "_Attempt") -> Published:
        offset = published.position.offset if published.position is not None else 0
        trace = attempt.trace
        self._observe.published(trace, attempt.namespace, attempt.via, self._clock() - attempt.began, offset=offset)
        return published if trace is None else msgspec.structs.replace(published, traceparent=trace.traceparent)

    def _publish_failed(self, channel: str, attempt: "_Attempt") -> None:
        seconds = self._clock() - attempt.began
        self._observe.publish_failed(
            attempt.trace, attempt.namespace, attempt.via, INTERNAL.code, seconds=seconds, channel=channel
        )


class _Attempt(msgspec.Struct, frozen=True, gc=False):
    """What the observer is told at the end of a publish."""

    namespace: str
    via: str
    began: float
    trace: PublishTrace | None
