"""The conversation with one client, as a pure machine: commands, answers and time go in, effects come out."""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET

from service.connections.commands import receipting
from service.connections.commands.listing import COMMANDS, is_pong, misuse, request_of
from service.connections.commands.ordering import Orders, Refreshing, refreshed, taken_out
from service.connections.commands.ordering import Subscribing as SubscribeOrder
from service.connections.commands.renewing import renewed
from service.connections.heartbeat import Beat
from service.connections.inbox import Inbox
from service.connections.pace import Verdict, cost
from service.connections.questions import (
    PING,
    All,
    Ask,
    Close,
    Effect,
    Outcome,
    Pause,
    PingMissed,
    Ponged,
    Question,
    Reply,
    Resume,
    Several,
)
from service.connections.standing import Refused, SessionSettings, Standing, Task
from service.connections.states import TABLE, Event, State
from service.protocol import closing as ends
from service.protocol import messages as wire
from service.protocol.closing import Closing, Unsubscribing
from service.protocol.errors import TOO_MANY_REQUESTS, ClientMistake, ReplyError

_LAST_TICKET: Final = 0xFFFF


class _Work:
    """The command under way: its task, the tickets it waits for, and what has to follow it."""

    __slots__ = ("after", "answers", "command_id", "first", "method", "missing", "task")

    def __init__(self, command_id: int, method: str, task: Task) -> None:
        self.command_id = command_id
        self.method = method
        self.task = task
        self.first = 0
        self.missing = 0
        self.answers: list[Outcome | None] | None = None  # None: a single question is open
        self.after: list[tuple[str, Unsubscribing]] = []


class Session(Standing):
    """One client's conversation. All times are loop time in seconds; nothing that a client does makes it raise."""

    __slots__ = ("_inbox", "_orders", "_paid_until", "_ticket", "_work", "state")

    def __init__(self, client_id: str, settings: SessionSettings, now: float, *, native_pings: bool = False) -> None:
        """``native_pings``: pings are WebSocket Ping frames, of which the client's application knows nothing."""
        super().__init__(client_id, settings, now, native_pings=native_pings)
        self.state = State.GREETING
        self._work: _Work | None = None
        self._inbox: Inbox | None = None
        self._orders: Orders | None = None  # of a backend
        self._ticket = 0
        self._paid_until = 0.0  # see pace.py

    @property
    def closing(self) -> bool:
        """Nothing is answered any more."""
        return self.state is State.CLOSING

    @property
    def crowded(self) -> bool:
        """As many commands wait as may: no more of them, please."""
        return self._inbox is not None and self._inbox.paused

    # ------------------------------------------------------------------- what comes in

    def receive(self, command: wire.Command, now: float, size: int = 0) -> list[Effect]:
        """A command, or a pong, came. ``size``: its bytes on the wire, a hint for the bound of waiting commands.

        While a question is open commands wait; ``Pause`` says that too many do. Those that come all the same are kept.
        """
        state = self.state
        if state is State.READY:
            return self._obey(command, now)
        if state is State.GREETING:
            return self._greet(command, now)
        if state is State.BUSY and is_pong(command):
            return self._pong(now)
        if state is State.BUSY and receipting.is_receipt(command):
            return self._confirm(command, now)
        return self._wait(command, size)

    def malformed(self) -> list[Effect]:
        """The peer sent what is no command: close, but not before the commands ahead of it are answered."""
        if self._work is None:
            return self.close(ends.BAD_FRAME, "malformed")
        return self._wait(ends.BAD_FRAME, 0)

    def done(self, ticket: int, outcome: Outcome, now: float) -> list[Effect]:
        """A question is answered. A ticket of a session that closed meanwhile leads to nothing."""
        if not 0 <= ticket <= _LAST_TICKET:
            return self._done_beside(ticket, outcome, now)
        work = self._work
        if work is None or not 0 <= ticket - work.first < max(1, len(work.answers or ())):
            return []
        if work.answers is None:
            return self._settled(work, outcome, now)
        assert work.answers[ticket - work.first] is None, "a question was answered twice"
        work.answers[ticket - work.first] = outcome
        work.missing -= 1
        if work.missing:
            return []
        return self._settled(work, All(tuple(each for each in work.answers if each is not None)), now)

    def tick(self, now: float, stall: float = 0.0) -> list[Effect]:
        """Time passed: greeting deadline, pings, expiry. ``stall``: see ``Heartbeat.step``."""
        if self.state is State.CLOSING:
            return []
        if now >= self.deadline:
            return self._out_of_time()
        effects = self._beat(now, stall) if self.heartbeat is not None else []
        if now >= self.subscription_deadline and not self.closing:
            effects = [*effects, *self._subscriptions_ended(now)]
        if self.renewals is not None and now >= self.renewals.next and not self.closing:
            return [*effects, *self.renewals.ask(now)]
        return effects

    def next_deadline(self) -> float:
        """When ``tick`` has something to say, loop time; inf for never."""
        soonest = min(self.deadline, self.subscription_deadline)
        if self.backing is not None and self.backing.renewals is not None:
            soonest = min(soonest, self.backing.renewals.next)
        return soonest if self.heartbeat is None else min(soonest, self.heartbeat.deadline())

    def plain_pong(self, now: float) -> float | None:
        """The pong of the protocol in the usual case: its round trip. None when there is more to it: ``receive`` it."""
        heartbeat = self.heartbeat
        if heartbeat is None or heartbeat.missed or self.native_pings:
            return None
        if self.state is not State.READY and self.state is not State.BUSY:
            return None
        return heartbeat.pong(now)

    def native_pong(self, now: float) -> list[Effect]:
        """A Pong frame came; unasked ones are allowed (RFC 6455, 5.5.3)."""
        if not self.native_pings or self.heartbeat is None or not self.heartbeat.open:
            return []
        return self._ponged(now)

    def unsubscribe(self, channel: str, unsubscribing: Unsubscribing) -> list[Effect]:
        """The server takes the client out of a channel; the push goes out even if it was not in, as in Centrifugo."""
        if self.state not in (State.READY, State.BUSY):
            return []
        if self._work is not None and self._work.method == "subscribe" and self.subscription(channel) is None:
            self._work.after.append((channel, unsubscribing))
            return []
        if self._orders is not None and self._orders.concern(channel):
            return self._orders.add((channel, unsubscribing), 0.0)  # it waits
        return taken_out(self, channel, unsubscribing)

    def subscribe(self, order: SubscribeOrder, now: float) -> list[Effect]:
        """A backend subscribes the client."""
        if self.state not in (State.READY, State.BUSY):
            order.told(True)
            return []
        orders = self._orders = self._orders or Orders(self)
        return self._ordered(lambda: orders.add(order, now))

    def refresh(self, order: Refreshing, now: float) -> list[Effect]:
        """A backend says how long the connection lasts."""
        if self.state not in (State.READY, State.BUSY):
            return []
        return self._ordered(lambda: refreshed(self, order, now))

    def _done_beside(self, ticket: int, outcome: Outcome, now: float) -> list[Effect]:
        """What ran beside the commands: an order of a backend, or (tickets below 0) a question of ours to it."""
        orders, renewals = self._orders, self.renewals
        if ticket <= receipting.LAST_TICKET:
            return [] if self.closing else self._beside(receipting.told(ticket, outcome))
        if ticket > 0:
            return [] if orders is None else self._ordered(lambda: orders.done(ticket, outcome, now))
        what = None if renewals is None or self.closing else renewals.settled(ticket)
        return [] if what is None else self._ordered(lambda: renewed(self, what, outcome, now))

    def _ordered(self, step: Callable[[], list[Effect]]) -> list[Effect]:
        try:
            effects = step()
        except Refused as refusal:
            failure = refusal.failure
            return self.close(failure if isinstance(failure, Closing) else ends.INTERNAL_ERROR, refusal.why)
        if self._orders is not None and self._orders.idle:
            self._orders = None
        return effects

    def lost_position(self, channel: str) -> list[Effect]:
        """The hub cannot go on where this client stands: push 2500, or close 3010 for a server-side subscription."""
        subscription = self.subscription(channel)
        if subscription is None:
            return []
        if subscription.server_side:
            return self.close(ends.INSUFFICIENT_STATE, "position lost in a server-side subscription")
        return self.unsubscribe(channel, ends.POSITION_LOST)

    def close(self, close_with: Closing, why: str = "") -> list[Effect]:
        """Close now: one ``Close``, or nothing when that was decided before. Questions under way are forgotten."""
        if self.state is State.CLOSING:
            return []
        self._move(Event.CLOSED)
        if self._work is not None:
            self._work.task.close()
            self._work = None
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        self._inbox = None
        return [Close(close_with, why)]

    # ------------------------------------------------------------------------ commands

    def _greet(self, command: wire.Command, now: float) -> list[Effect]:
        if command.connect is UNSET or not command.id:
            return self.close(ends.BAD_REQUEST, "the first command is not connect")
        return self._obey(command, now)

    def _obey(self, command: wire.Command, now: float) -> list[Effect]:
        """Carry out a command; the session waits for nothing."""
        method, request = request_of(command)
        if not method and not command.id:
            return self._pong(now)
        mistake = misuse(command, method, request, greeting=self.state is State.GREETING)
        if mistake:
            return self.close(ends.BAD_REQUEST, mistake)
        try:
            if command.id and self.state is State.READY:
                self._keep_pace(now)
            task = COMMANDS[method](self, command.id, request, now)
            if isinstance(task, list):
                return task
            self._work = _Work(command.id, method, task)
            return self._asked(self._work, next(task))
        except StopIteration as end:
            self._work = None
            effects: list[Effect] = end.value
            return effects
        except (Refused, ClientMistake) as refusal:
            self._work = None
            return self._refuse(command.id, method, refusal)

    def _keep_pace(self, now: float) -> None:
        pace = self.settings.pace
        if not pace.rate:
            return
        verdict, self._paid_until = pace.judge(self._paid_until, now)
        if verdict is Verdict.OVER:
            raise Refused(ends.TOO_MANY_ERRORS, "more commands than client.command_rate, in spite of errors")
        if verdict is Verdict.REFUSED:
            raise Refused(TOO_MANY_REQUESTS, "more commands than client.command_rate")

    def _charge(self, effects: list[Effect], now: float) -> None:
        """An answer that carries much counts as many commands."""
        pace = self.settings.pace
        for effect in effects:
            if isinstance(effect, Reply) and pace.rate and (much := cost(effect.message)):
                self._paid_until = pace.charge(self._paid_until, now, much)

    def _confirm(self, command: wire.Command, now: float) -> list[Effect]:
        try:
            self._keep_pace(now)
        except Refused as refusal:
            return self._beside(receipting.refused(command.id, refusal))
        return [receipting.question(command)]

    def _beside(self, answer: Reply | Refused) -> list[Effect]:
        if isinstance(answer, Reply):
            return [answer]
        assert isinstance(answer.failure, Closing), "an error is a reply"
        return self.close(answer.failure, answer.why)

    def _asked(self, work: _Work, question: Question | Several) -> list[Effect]:
        """Give out tickets for what the command wants to know."""
        if self.state in (State.GREETING, State.READY):
            self._move(Event.ASKED)
        questions = question.questions if isinstance(question, Several) else (question,)
        if self._ticket + len(questions) > _LAST_TICKET:
            self._ticket = 0
        work.first = self._ticket
        self._ticket += len(questions)
        work.missing = len(questions)
        work.answers = [None] * len(questions) if isinstance(question, Several) else None
        return [Ask(work.first + i, each) for i, each in enumerate(questions)]

    def _settled(self, work: _Work, outcome: Outcome | All, now: float) -> list[Effect]:
        """All that the command asked is answered: it asks again, or it is over and the next one's turn comes."""
        try:
            return self._asked(work, work.task.send((outcome, now)))
        except StopIteration as end:
            effects: list[Effect] = end.value
            self._move(Event.ANSWERED)
            self._charge(effects, now)
        except (Refused, ClientMistake) as refusal:
            effects = self._refuse(work.command_id, work.method, refusal)
        self._work = None
        for channel, unsubscribing in work.after:
            effects += self.unsubscribe(channel, unsubscribing)
        return effects + self._next(now)

    def _refuse(self, command_id: int, method: str, refusal: Refused | ClientMistake) -> list[Effect]:
        failure, why = (
            (refusal.failure, refusal.why) if isinstance(refusal, Refused) else (refusal.error, refusal.error.message)
        )
        if isinstance(failure, Closing):
            return self.close(failure, why)
        assert isinstance(failure, ReplyError), "a refusal is an error or a close"
        if self.manner.unidirectional:
            return self.close(ends.instead_of(failure, self.settings.unidirectional_ends), why)
        if self.state is State.CHECKING:
            self._move(Event.REFUSED)
        elif self.state is State.BUSY:
            self._move(Event.ANSWERED)
        return [Reply(wire.Reply(id=command_id, error=failure.to_wire()), method, why)]

    # --------------------------------------------------------------------------- inbox

    def _wait(self, what: wire.Command | Closing, size: int) -> list[Effect]:
        if self._work is None:  # closing, or deaf after a refused connect
            return []
        if self._inbox is None:
            self._inbox = Inbox(self.settings.inbox_commands, self.settings.inbox_bytes)
        return [Pause()] if self._inbox.put(what, size) else []

    def _next(self, now: float) -> list[Effect]:
        """The commands that waited, until one has to ask."""
        effects: list[Effect] = []
        while self._inbox and self.state is State.READY:
            what = self._inbox.take()
            effects += self.close(what, "malformed") if isinstance(what, Closing) else self._obey(what, now)
        inbox = self._inbox
        if inbox is None:
            return effects
        deaf = self.state is State.REFUSED  # what waited will never be answered
        if (inbox.paused and deaf) or inbox.relieved():
            effects.append(Resume())
        if deaf or not inbox:
            self._inbox = None
        return effects

    # ---------------------------------------------------------------------------- time

    def _pong(self, now: float) -> list[Effect]:
        if self.native_pings or self.heartbeat is None or not self.heartbeat.open:
            return self.close(ends.BAD_REQUEST, "a pong without a ping")
        return self._ponged(now)

    def _ponged(self, now: float) -> list[Effect]:
        assert self.heartbeat is not None, "pongs are counted by the heartbeat"
        late = self.heartbeat.missed > 0
        rtt = self.heartbeat.pong(now)
        assert rtt is not None, "a ping is open"
        return [Ponged(rtt, late)]

    def _beat(self, now: float, stall: float) -> list[Effect]:
        heartbeat = self.heartbeat
        assert heartbeat is not None, "no beat without a heart"
        effects: list[Effect] = []
        while True:
            beat = heartbeat.step(now, stall)
            if beat is Beat.WAIT:
                return effects
            if beat is Beat.PING:
                if self.manner.unidirectional and not self.native_pings:
                    heartbeat.pong(now)  # nobody can answer: a dead peer is found by the kernel (TCP_USER_TIMEOUT)
                return [*effects, PING] if effects else [PING]
            effects.append(PingMissed(heartbeat.missed))
            if beat is Beat.DEAD:
                return effects + self.close(ends.NO_PONG, f"{heartbeat.missed} pings unanswered")

    def _out_of_time(self) -> list[Effect]:
        if self.state in (State.READY, State.BUSY):
            return self.close(ends.EXPIRED, "the token's life and the grace are over")
        return self.close(ends.STALE, f"no successful connect, {self.state.value}")

    def _subscriptions_ended(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for channel, subscription in self.ended(now):
            if subscription.server_side:
                return effects + self.close(ends.SUBSCRIPTION_EXPIRED, "a server-side subscription ended")
            effects += self.unsubscribe(channel, ends.SUBSCRIPTION_ENDED)
        return effects

    def _move(self, event: Event) -> None:
        self.state = TABLE[self.state][event]
