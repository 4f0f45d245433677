"""The outbox at work: one dispatcher for each target, so that a slow or broken one holds back nobody else.

A turn is one transaction that stores what ended since the last one and claims what is due next. Claimed deliveries
are carried out at once, a bounded number at a time. When a target fails as a whole, one delivery at a time probes
it until it answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.flow.prepared import fault
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.outbox.actions import PRECEDENCE
from olhubd.engine.outbox.attempt import DeliveryOutcome, Executor, Job, RetryPolicy
from olhubd.engine.outbox.booking import book
from olhubd.engine.outbox.claimed import UnfitDelivery, jobs
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.replay import recording
from olhubd.model import Cause, Delivery, DeliveryState
from olhubd.plugin import (
    AccountBlocked,
    AuthLost,
    Clock,
    Forbidden,
    Log,
    PluginError,
    RateLimited,
    Unavailable,
    ValuesSpent,
)
from olhubd.runtime.backoff import delay
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import TROUBLE, Database, LeaseLost, Transaction, codec, deliveries

__all__ = ["Dispatcher"]

_LONGEST_SLEEP = 30.0
_MOMENT, _MOMENTS = 0.01, 5
"""For how many seconds, and how often at most, a turn waits for more deliveries to end."""
_AHEAD = 64
"""So many a fast target may have claimed ahead, however few it takes at one time: turns are what costs."""
_DOWN_MAX = 300.0
_NOT_OURS = (*TROUBLE, OSError, LeaseLost)
"""What is no fault of what is stored: the same may be stored later, or by the process that has the target now."""


class Dispatcher:
    """Carries the deliveries to one target. `wake` it when something new is pending."""

    def __init__(
        self,
        target: str,
        executor: Executor,
        database: Database,
        clock: Clock,
        log: Log,
        *,
        parallel: int,
        policy: RetryPolicy,
        wake_others: Callable[[Iterable[str]], None],
        lost: Callable[[PluginError], Awaitable[None]],
        displaced: Callable[[], None],
        rules: Callable[[], Sequence[StockRule]] = tuple,
        levelled: Callable[[], None] = lambda: None,
        flows: Flows = FLOWS,
    ) -> None:
        self.target = target
        self._executor = executor
        self._database = database
        self._clock = clock
        self._log = log
        self._parallel = parallel
        # Longer than most attempts take. It serves after a process died: what is under way here is never claimed
        # again, however long it takes and whatever the wall clock does meanwhile.
        self._lease = timedelta(seconds=4 * policy.timeout)
        self._down_first = policy.backoff_first
        self._down_after = policy.down_after
        self._wake_others = wake_others
        self._lost = lost
        self._displaced = displaced
        self._rules = rules
        self._levelled = levelled
        self._flows = flows
        self._news = asyncio.Event()
        self._ready: list[Job[Any]] = []
        self._running: dict[asyncio.Task[None], Job[Any]] = {}
        self._ended: list[DeliveryOutcome] = []
        self._pace = 0
        """How many ended in the last turn."""
        self._open = asyncio.Event()
        self._open.set()
        self._stopping = False
        self._over = False
        """Whether another process has the target now, and nothing is stored for it any more."""
        self._failures = 0
        self._down_until = 0.0
        self._claimed_at = clock.now()
        self.confirmed = 0

    def wake(self) -> None:
        self._news.set()

    def pause(self) -> None:
        """Send nothing more until `resume`; what is under way ends."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()
        self._failures = 0
        self._down_until = 0.0
        self.wake()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended and is stored."""
        self._stopping = True
        self.wake()

    @property
    def down(self) -> bool:
        return self._failures >= self._down_after

    @property
    def under_way(self) -> int:
        return len(self._running)

    async def run(self, pulse: Heartbeat) -> None:
        """Work until cancelled, or until another process has taken the target over, which is reported."""
        try:
            await self._turns(pulse)
        except LeaseLost:
            # What was claimed is the other's, and so is what becomes of it: each is looked up there.
            self._over = True
            self.pause()
            pulse.rest()
            self._displaced()
            while not self._stopping or self._running:
                self._news.clear()
                await self._news.wait()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            if not self._over and (self._ended or self._ready):
                await self._store(0, give_back=True)

    async def _turns(self, pulse: Heartbeat) -> None:
        while True:
            pulse.beat(_LONGEST_SLEEP * 4)
            await self._gather()
            self._news.clear()
            pause = await self._turn()
            pulse.well()
            if self._stopping and not self._running and not self._ended:
                return  # what was claimed and not begun is given back
            await self._rest(pause)

    async def _gather(self) -> None:
        """Let more end, so that they share a transaction, as long as there is enough for all hands to do."""
        for _ in range(_MOMENTS):
            if self._stopping or not self._ended or len(self._ready) < self._parallel:
                return
            await self._clock.sleep(_MOMENT)

    async def _rest(self, pause: float) -> None:
        if pause <= 0:
            return
        try:
            async with asyncio.timeout(min(pause, _LONGEST_SLEEP)):
                await self._news.wait()
        except TimeoutError:
            pass

    def _room(self) -> int:
        """How many to claim: enough to keep all hands busy until the turn after the next commits, no more.

        A fast target ends more in a turn, so more is kept ready for it.
        """
        if self._stopping or not self._open.is_set():
            return 0
        if self.down:
            idle = not self._running and not self._ready
            return int(idle and self._clock.monotonic() >= self._down_until)
        wanted = min(3 * self._parallel + 2 * self._pace, max(8 * self._parallel, _AHEAD))
        return max(0, wanted - len(self._running) - len(self._ready))

    async def _turn(self) -> float:
        """Store, claim, start. Returns for how many seconds nothing is to be done unless something happens."""
        room = self._room()
        # What would wait long here is given back, since it grows old: its order may change meanwhile.
        give_back = bool(self._ready) and (self.down or not self._open.is_set())
        # A claim of one or two while others are under way would be a transaction for little.
        little = room == 0 or (room < self._parallel and self._running)
        if little and not self._ended and not give_back:
            self._launch()
            return self._until_probe()
        claimed = await self._store(room, give_back)
        self._ready.extend(claimed)
        self._launch()
        if self._ended:
            return 0.0
        if room and len(claimed) < room:  # so it is for a probe, too, while nothing is due to be tried
            return await self._until_due()
        if self.down:
            return self._until_probe()
        return _LONGEST_SLEEP

    def _until_probe(self) -> float:
        """Seconds until a target that is down may be tried again."""
        if not self.down or self._running:
            return _LONGEST_SLEEP
        return max(0.05, self._down_until - self._clock.monotonic())

    async def _until_due(self) -> float:
        """Seconds until the next delivery is due; those that are due but blocked are woken by who blocks them."""
        # Counted from the moment of the last claim, or what came due since would be slept over.
        due_at = await deliveries.next_due(self._database.reader, self.target, self._claimed_at)
        if due_at is None:
            return _LONGEST_SLEEP
        return max(0.02, (due_at - self._clock.now()).total_seconds())

    def _launch(self) -> None:
        while (job := self._next(len(self._running))) is not None:
            task = asyncio.create_task(self._work(job), name=f"deliveries to {self.target}")
            self._running[task] = job
            task.add_done_callback(self._done)

    def _next(self, others: int) -> Job[Any] | None:
        """The next to be carried out where so many others are; None where none may be begun."""
        if not self._ready or self._stopping or not self._open.is_set():
            return None
        if others >= (1 if self.down else self._parallel):
            return None
        if self.down and self._clock.monotonic() < self._down_until:
            return None
        return self._ready.pop(0)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("cannot judge the target", target=self.target, exc_info=error)
        self._launch()
        self._news.set()

    async def _work(self, job: Job[Any]) -> None:
        """Carry out one delivery after another while all is well: a task for each would cost turns of the loop."""
        task = asyncio.current_task()
        assert task is not None
        while await self._carry(job) and (following := self._next(len(self._running) - 1)) is not None:
            self._running[task] = job = following
            self._launch()
            self._news.set()

    async def _carry(self, job: Job[Any]) -> bool:
        """Whether the target seems to be well."""
        try:
            outcome = await self._executor.carry(job)
        except asyncio.CancelledError:
            self._ended.append(self._executor.interrupted(job))
            raise
        self._ended.append(outcome)
        await self._judge(outcome)
        return outcome.failure is None

    async def _judge(self, outcome: DeliveryOutcome) -> None:
        """Whether the target as a whole is well."""
        failure = outcome.failure
        match failure:
            case None:
                if self.down:
                    self._log.info("target answers again", target=self.target)
                self._failures = 0
            case AuthLost() | AccountBlocked():
                self.pause()
                await self._lost(failure)
            case Forbidden() if outcome.delivery.attempts > 1:
                pass  # what is forbidden again says nothing of the others, which must not wait for it
            case ValuesSpent():
                pass  # it was not sent, and other calls are none the worse for it
            case Unavailable() | RateLimited() | Forbidden():
                self._failures += 1
                if self._failures == self._down_after:
                    self._log.warning("target does not answer", target=self.target, reason=str(failure))
                if self.down:
                    pause = delay(self._failures - self._down_after + 1, self._down_first, _DOWN_MAX)
                    self._down_until = self._clock.monotonic() + (failure.retry_after or pause)
            case _:
                pass

    async def _store(self, room: int, give_back: bool = False) -> list[Job[Any]]:
        """One transaction: what ended, what follows from it, and up to `room` new claims."""
        now = self._claimed_at = self._clock.now()
        ended, self._ended = self._ended, []
        self._pace = len(ended)
        ready, back = self._ready, []
        if give_back:
            back, self._ready = [_untouched(job) for job in ready], []
        mine = [job.delivery.id for job in (*self._ready, *self._running.values())]

        async def work(tx: Transaction) -> tuple[list[Job[Any]], list[UnfitDelivery], set[str], int]:
            recorder = Recorder(tx, now, Cause("start", "dispatcher"), decided=True)
            outcomes = await book(tx, recorder, self.target, ended, back, self._executor.routes(), self._rules())
            claimed = []
            if room:
                claimed = await deliveries.claim(tx, self.target, PRECEDENCE, now, now + self._lease, room, mine)
            if tx.recording and (ended or back or claimed):
                await recording.keep(tx, now, _turn(self.target, ended, back, claimed), recorder.events)
            confirmed = sum(outcome.delivery.state is DeliveryState.CONFIRMED for outcome in outcomes)
            made, aside = await jobs(tx, self.target, claimed, self._flows, self._executor.handlers)
            return made, aside, recorder.targets, confirmed

        try:
            made, aside, targets, confirmed = await self._database.write(work)
        except Exception as error:
            # Not stored, on a full disk say: what is known must not be forgotten for it.
            self._ended, self._ready = [*ended, *self._ended], ready
            if not ended or isinstance(error, _NOT_OURS):
                raise
            # One of the outcomes breaks something in here that no check foresaw. The others must not wait for it.
            await self._singly(error)
            return []
        self.confirmed += confirmed
        if confirmed:
            self._levelled()
        self._wake_others(targets - {self.target})
        if self.target in targets:
            self.wake()
        for one in aside:
            if one.error is not None:
                kind = one.job.delivery.subject.kind.value
                self._log.error("a record cannot be read", target=self.target, kind=kind, exc_info=one.error)
            # Stored with the next turn, like what was tried: this transaction has ended.
            self._ended.append(self._executor.put_aside(one))
            self.wake()
        return made

    async def _singly(self, error: Exception) -> None:
        """Store what ended one by one. What cannot be stored as it is waits for a person."""
        self._log.error("an outcome cannot be stored", target=self.target, exc_info=error)
        ended, self._ended = self._ended, []
        try:
            while ended:
                try:
                    await self._book(ended[0])
                except _NOT_OURS:
                    raise
                except Exception as failed:
                    await self._book(self._executor.not_stored(ended[0], fault(failed)))
                del ended[0]
        finally:
            self._ended = [*ended, *self._ended]

    async def _book(self, outcome: DeliveryOutcome) -> None:
        now = self._clock.now()

        async def work(tx: Transaction) -> set[str]:
            recorder = Recorder(tx, now, Cause("start", "dispatcher"), decided=True)
            await book(tx, recorder, self.target, [outcome], (), self._executor.routes(), self._rules())
            await recording.keep(tx, now, _turn(self.target, [outcome], (), ()), recorder.events)
            return recorder.targets

        self._wake_others((await self._database.write(work)) - {self.target})
        self.wake()


def _turn(
    target: str, ended: Sequence[DeliveryOutcome], back: Sequence[Delivery], claimed: Sequence[Delivery]
) -> recording.DispatchRecord:
    """A turn as it is kept among the inputs."""
    return recording.DispatchRecord(
        target=target,
        ended=[
            recording.Ended(
                delivery=outcome.delivery,
                account=outcome.account,
                event=outcome.event,
                facts=msgspec.Raw(codec.facts(outcome.facts)),
                copy=outcome.copy,
                planned=[
                    recording.Owed(
                        target=item.target,
                        action=item.action,
                        cause=item.cause,
                        key=item.key,
                        delay=item.delay,
                        replaces=item.replaces,
                        same_key=item.same_key,
                        payload=msgspec.Raw(codec.encode(item.payload)),
                    )
                    for item in outcome.planned
                ],
            )
            for outcome in ended
        ],
        back=back,
        claimed=claimed,
    )


def _untouched(job: Job[Any]) -> Delivery:
    """A claimed delivery that was never begun, as it was before the claim."""
    delivery = job.delivery
    unknown = delivery.state is DeliveryState.SENT
    return msgspec.structs.replace(
        delivery,
        attempts=delivery.attempts - 1,
        sent_at=delivery.sent_at if unknown else None,
        lease_until=None,
    )
