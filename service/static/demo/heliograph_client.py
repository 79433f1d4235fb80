"""Around an unmodified ``centrifuge-python`` client: receipts, reports, a patient back-off that gives up.

    client = centrifuge.Client(url, token=token, **PATIENCE)
    heliograph = Heliograph(client, on_give_up=show_offline)
    subscription = client.new_subscription("news", **RESUBSCRIBE_PATIENCE)
    heliograph.confirm(subscription, save)  # async def save(message): confirmed when it has returned
    await client.connect(); await subscription.subscribe()
    …
    await heliograph.close()

Your event handlers go on as before. Everything works without it, and it falls silent at a server that does not know it.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import centrifuge
from centrifuge.exceptions import CentrifugeError, ReplyError

PATIENCE = {"min_reconnect_delay": 1.0, "max_reconnect_delay": 30.0}
RESUBSCRIBE_PATIENCE = {"min_resubscribe_delay": 1.0, "max_resubscribe_delay": 30.0}
MESSAGES = 16  # that one report tells of
UNKNOWN = (104, 108)  # errors of a server, or a namespace, that does not know these calls
Handle = Callable[[Any], Awaitable[None]]


def _milliseconds() -> float:
    return time.time() * 1000


class _Place:
    """What of one subscription is handled."""

    def __init__(self) -> None:
        self.top = 0
        self.epoch: str | None = None
        self.open: set[int] = set()
        self.failed: set[int] = set()
        self.sent = -1

    def begin(self, position: Any) -> None:
        """A new stream, a new process, or something is lost for good: from here on."""
        self.top, self.epoch, self.sent = position.offset, position.epoch, -1
        self.open.clear()
        self.failed.clear()

    def is_news(self, offset: int) -> bool:
        """Whether the message was not handled before."""
        if offset <= self.top and offset not in self.failed:
            return False
        self.failed.discard(offset)
        self.top = max(self.top, offset)
        return True


class Heliograph:
    """One client's helper; ``attempts`` that fail in a row and it disconnects, and calls ``on_give_up``.

    ``protobuf``: the client was made with ``use_protobuf``, so that payloads are bytes.
    """

    def __init__(
        self,
        client: centrifuge.Client,
        *,
        attempts: int = 10,
        report_every: float = 10.0,
        protobuf: bool = False,
        on_give_up: Callable[[int], Any] = lambda _attempts: None,
        on_error: Callable[[Exception], Any] = lambda _error: None,
    ) -> None:
        self._client = client
        self._attempts = attempts
        self._report_every = report_every
        self._protobuf = protobuf
        self._on_give_up = on_give_up
        self._on_error = on_error
        self._clock: float | None = None  # the server's clock minus ours, in milliseconds, give or take _error
        self._error = float("inf")
        self._failed = 0  # attempts in a row
        self._latest: dict[str, dict[str, Any]] = {}  # channel -> when its newest message came
        self._places: dict[Any, _Place] = {}
        self._ended: tuple[int, str, float] | None = None
        self._reported = 0.0
        self._silent = False
        self._tasks: set[asyncio.Task[Any]] = set()
        events = client.events
        self._before(events, "on_connecting", self._connecting)
        self._before(events, "on_connected", self._connected)
        self._before(events, "on_error", self._missed)
        self._before(events, "on_publication", lambda ctx: self._came(ctx.channel, ctx.pub))
        self._ticking: asyncio.Task[None] | None = None

    def watch(self, subscription: centrifuge.Subscription) -> None:
        """Measure when this subscription's messages come."""
        self._before(subscription.events, "on_publication", lambda ctx: self._came(subscription.channel, ctx.pub))

    def confirm(self, subscription: centrifuge.Subscription, handle: Handle) -> None:
        """Give each message (a ``Publication``) to ``handle``, once; it is confirmed when ``handle`` has returned."""
        place = self._places[subscription] = _Place()
        self.watch(subscription)

        def subscribed(ctx: Any) -> None:
            position = ctx.stream_position
            if position is not None and not (position.epoch == place.epoch and ctx.recovered):
                place.begin(position)

        async def came(ctx: Any) -> None:
            offset = ctx.pub.offset
            if not offset:  # outside history: nothing to confirm
                await handle(ctx.pub)
                return
            if not place.is_news(offset):
                return
            place.open.add(offset)
            try:
                await handle(ctx.pub)
            except Exception as error:  # noqa: BLE001 - whatever the application has
                place.failed.add(offset)  # stays open: it comes again, at the latest with the next reconnect
                self._on_error(error)
            else:
                place.open.discard(offset)

        self._before(subscription.events, "on_subscribed", subscribed)
        self._before(subscription.events, "on_publication", came)

    async def report(self) -> None:
        """Tell what was measured since the last report, and compare the clocks."""
        if self._silent:
            return
        began = self._reported = _milliseconds()
        report: dict[str, Any] = {"received": list(self._latest.values())[-MESSAGES:]}
        if self._clock is not None:
            report |= {"clock": self._clock, "error": self._error}
        if self._ended is not None:
            code, reason, at = self._ended
            report["ended"] = {"code": code, "reason": reason[:256], "seconds": (began - at) / 1000}
        self._latest, self._ended = {}, None
        answer = await self._call("heliograph.report", report)
        now = _milliseconds()
        error = (now - began) / 2 + 0.1
        if answer is not None and "time" in answer and error <= self._error + 1:
            self._clock, self._error = answer["time"] - (began + now) / 2, error
        else:
            self._error += 1  # clocks drift apart

    async def close(self) -> None:
        """Stop: no task is left. The client and its subscriptions go on."""
        self._silent = True
        tasks = [task for task in (*self._tasks, self._ticking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------------ what happens

    def _before(self, events: Any, name: str, first: Callable[[Any], Any]) -> None:
        """Have ``first`` called before the handler of this event that is there."""
        handler = getattr(events, name)

        async def both(ctx: Any) -> None:
            answer = first(ctx)
            if answer is not None:
                await answer
            await handler(ctx)

        setattr(events, name, both)

    def _connecting(self, ctx: Any) -> None:
        if ctx.code and self._ended is None:
            self._ended = ctx.code, ctx.reason, _milliseconds()

    def _connected(self, _ctx: Any) -> None:
        self._failed = 0
        self._run(self.report())
        if self._ticking is None:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    def _missed(self, _ctx: Any) -> None:
        if self._client.state != centrifuge.ClientState.CONNECTING:
            return
        self._failed += 1
        if self._failed >= self._attempts:
            self._run(self._give_up(self._failed))

    async def _give_up(self, attempts: int) -> None:
        await self._client.disconnect()
        self._on_give_up(attempts)

    def _came(self, channel: str, publication: Any) -> None:
        if not publication.offset:
            return
        now = _milliseconds()
        self._latest.pop(channel, None)
        self._latest[channel] = {"channel": channel, "offset": publication.offset, "at": now}
        if len(self._latest) > MESSAGES:
            del self._latest[next(iter(self._latest))]
        wait = 1.0 if "traceparent" in (publication.tags or {}) else self._report_every
        if now - self._reported >= wait * 1000:
            self._run(self.report())  # at once: the server forgets

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for subscription, place in self._places.items():
                if subscription.state == centrifuge.SubscriptionState.SUBSCRIBED and place.epoch is not None:
                    await self._confirm(subscription.channel, place)

    async def _confirm(self, channel: str, place: _Place) -> None:
        offset = min(place.open) - 1 if place.open else place.top
        if offset > place.sent:
            place.sent = offset
            if await self._call("heliograph.receipt", {"channel": channel, "offset": offset}) is None:
                place.sent = -1  # once more in a second

    async def _call(self, method: str, data: Any) -> Any:
        try:
            if not self._protobuf:
                return (await self._client.rpc(method, data)).data
            return json.loads((await self._client.rpc(method, json.dumps(data).encode())).data)
        except ReplyError as error:
            if error.code not in UNKNOWN:
                return None
            self._silent = self._silent or method == "heliograph.report"
            return {}
        except (CentrifugeError, TimeoutError):
            return None

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
