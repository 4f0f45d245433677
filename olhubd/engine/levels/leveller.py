"""The quantities of one channel at work: one leveller an account, so that a slow channel holds back nobody else.

A turn follows the marks of changed stock, settles what was sent, reads back what has settled, and sends what is to
be shown otherwise. A command is kept before it is sent, so a process that dies leaves nothing unknown: the next
process asks for its report.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.decide.stock.level import Move, OfferLevel, Phase, judge, next_step
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.calls import Calls, PluginFault
from olhubd.engine.levels import wanted
from olhubd.engine.levels.linking import masters_of
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, Reason, Subject
from olhubd.plugin import (
    Accepted,
    AccountBlocked,
    AuthLost,
    Clock,
    LevelCall,
    LevelSink,
    LevelWish,
    Log,
    OutcomeUnknown,
    PluginError,
    RowOutcome,
    ShownLevel,
    Temporary,
)
from olhubd.runtime.backoff import delay
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, Transaction, events, leases, levels, offers, stock_items
from olhubd.store.levels import LevelCommand, LevelCommandState

__all__ = ["Leveller"]

_LONGEST_SLEEP = 30.0
_MARKS = 500
_ROWS = 1000
_FIRST, _LAST = 2.0, 300.0
_MOMENT = timedelta(seconds=2)
"""Until a command of which the answer was lost is looked up."""

Outcomes = Sequence[RowOutcome]


class Leveller:
    """Keeps the offers of one account at what they must show. `wake` it when that may have changed.

    `through` says up to which event the orders of accounts were read to their end.
    """

    def __init__(
        self,
        account: str,
        sink: LevelSink,
        calls: Calls,
        database: Database,
        clock: Clock,
        log: Log,
        *,
        rules: Callable[[], Sequence[StockRule]],
        through: Callable[[Iterable[str]], int],
        lost: Callable[[PluginError], Awaitable[None]],
        make_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.account = account
        self._sink = sink
        self._calls = calls
        self._database = database
        self._clock = clock
        self._log = log
        self._rules = rules
        self._through = through
        self._lost = lost
        self._make_id = make_id
        self._news = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._failures = 0
        self._not_before = 0.0
        self.waiting = False
        """Whether a raise waits until the orders were read."""

    def wake(self) -> None:
        self._news.set()

    def pause(self) -> None:
        """Send nothing more until `resume`."""
        self._open.clear()

    def resume(self) -> None:
        self._failures, self._not_before = 0, 0.0
        self._open.set()
        self.wake()

    async def run(self, pulse: Heartbeat) -> None:
        """Work for ever."""
        await self.begin()
        while True:
            if not self._open.is_set():
                pulse.rest()
                await self._open.wait()
            pulse.beat(_LONGEST_SLEEP * 4 + 120)
            self._news.clear()
            pause = await self.turn()
            pulse.well()
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        try:
            async with asyncio.timeout(max(0.01, min(pause, _LONGEST_SLEEP))):
                await self._news.wait()
        except TimeoutError:
            pass

    async def begin(self) -> None:
        """Compute all rows again, since rules may be others now. What an earlier process sent is looked up."""
        last = 0
        while True:

            async def work(tx: Transaction, after: int = last) -> list[int]:
                # From now on no mark is forgotten that this leveller has not followed.
                await stock_items.followed(tx, self.account, await stock_items.follow(tx, self.account))
                ids = await levels.numbers(tx, self.account, after, _MARKS)
                await wanted.want(tx, self.account, ids, self._rules(), self._clock.now())
                return ids

            ids = await self._database.write(work)
            if len(ids) < _MARKS:
                return
            last = ids[-1]

    async def turn(self) -> float:
        """Do what is due. Gives for how many seconds nothing is to be done unless something happens."""
        await self._follow()
        if (left := self._not_before - self._clock.monotonic()) > 0:
            return left
        try:
            due = await self._settle()
            due += await self._write_due()
        except PluginError as error:
            return await self._failed(error)
        self._failures = 0
        now = self._clock.now()
        return min(((at - now).total_seconds() for at in due), default=_LONGEST_SLEEP)

    async def _failed(self, error: PluginError) -> float:
        if isinstance(error, AuthLost | AccountBlocked):
            self.pause()
            await self._lost(error)
            return _LONGEST_SLEEP
        self._failures += 1
        if self._failures == 1:
            self._log.warning("cannot keep quantities", account=self.account, reason=str(error))
        pause = delay(self._failures, _FIRST, _LAST)
        if isinstance(error, Temporary) and error.retry_after is not None:
            pause = error.retry_after
        self._not_before = self._clock.monotonic() + pause
        return pause

    # What is wanted

    async def _follow(self) -> None:
        if not await stock_items.behind(self._database.reader, self.account):
            return

        async def work(tx: Transaction) -> int:
            found = await wanted.follow(tx, self.account, self._rules(), self._clock.now(), _MARKS)
            if found:
                await stock_items.trim(tx, _MARKS)
            return found

        while await self._database.write(work) == _MARKS:
            pass

    # What was sent

    async def _settle(self) -> list[datetime]:
        """Ask for the reports that are due, and read back what has settled. Gives when more is due."""
        due: list[datetime] = []
        for command in await levels.commands(self._database.reader, self.account):
            at = command.due_at or command.created_at
            if at <= self._clock.now():
                later = await self._report(command)
                at = later if later is not None else at
                if later is None:
                    continue
            due.append(at)
        now = self._clock.now()
        settling = [row for row in await self._rows() if row.phase is Phase.SETTLING or row.confirmed is None]
        ready = [row for row in settling if row.due_at is None or row.due_at <= now]
        due += [row.due_at for row in settling if row.due_at is not None and row.due_at > now]
        if ready:
            await self._read(ready)
        return due

    async def _rows(self) -> list[OfferLevel]:
        """All rows that are not as they should be."""
        found: list[OfferLevel] = []
        while True:
            last = found[-1].offer if found else 0
            some = await levels.uneven(self._database.reader, self.account, _ROWS, last)
            found += some
            if len(some) < _ROWS:
                return found

    async def _report(self, command: LevelCommand) -> datetime | None:
        """What became of a command. Gives when to ask again; None where that is known now."""
        call = LevelCall(action=command.action, offers=command.offers, value=command.value)
        ask = partial(self._sink.report_levels, command.id, call)
        try:
            answer = await self._calls.read("report_levels", ask)
        except Temporary as error:
            at = self._clock.now() + timedelta(seconds=error.retry_after or _FIRST)
            await self._book(command, LevelCommandState.UNKNOWN, at)
            raise
        if isinstance(answer, Accepted):
            at = self._clock.now() + timedelta(seconds=answer.after)
            await self._book(command, LevelCommandState.ACCEPTED, at)
            return at
        if answer is None:
            # It may still be on its way there, so its absence counts only after a while.
            settled = command.created_at + max(self._sink.level_settle, _MOMENT)
            if self._clock.now() < settled:
                await self._book(command, LevelCommandState.UNKNOWN, settled)
                return settled
            answer = ()
        await self._ended(command, answer)
        return None

    async def _book(self, command: LevelCommand, state: LevelCommandState, due_at: datetime) -> None:
        async def work(tx: Transaction) -> None:
            await levels.settle_command(tx, command.id, state, due_at, None)

        await self._database.write(work)

    async def _ended(self, command: LevelCommand, outcomes: Outcomes) -> None:
        """Store what became of a command's rows. One that its report does not name is known when it is read."""
        now = self._clock.now()
        reported = {one.offer: one for one in outcomes}

        async def work(tx: Transaction) -> None:
            rows = await levels.of_command(tx, command.id)
            found = []
            for row in rows:
                outcome = reported.get(row.external_id)
                if outcome is not None and not outcome.done:
                    found.append(_refused(row, outcome.error or "", now))
                else:
                    found.append(
                        msgspec.structs.replace(row, phase=Phase.SETTLING, due_at=now + self._sink.level_settle)
                    )
            await levels.put(tx, found)
            await levels.settle_command(
                tx, command.id, LevelCommandState.ENDED, None, now, msgspec.json.encode(list(outcomes))
            )

        await self._database.write(work)

    async def _read(self, rows: Sequence[OfferLevel]) -> None:
        """Read what buyers see of these offers, and settle their rows by it."""
        after = await events.head(self._database.reader)
        read = partial(self._sink.read_levels, [row.external_id for row in rows])
        answer: Sequence[ShownLevel] = await self._calls.read("read_levels", read, Sequence)
        shown = {one.offer: one for one in answer}
        now = self._clock.now()

        async def work(tx: Transaction) -> None:
            recorder = Recorder(tx, now, Cause("rule", "levels"))
            current = await levels.of_offers(tx, [row.offer for row in rows])
            found: list[OfferLevel] = []
            freed: set[int] = set()
            for row in current.values():
                if row.phase is Phase.SENT or row.confirmed_after > after:
                    continue
                one = shown.get(row.external_id)
                settled = judge(row, one.quantity if one else 0, one is not None and one.active, after, now)
                found.append(settled.level)
                if settled.level.confirmed != row.confirmed:
                    freed.add(row.offer)
                if settled.alarm is not None:
                    facts: dict[str, object] = {
                        "offer": row.external_id,
                        "wanted": row.sent,
                        "shown": settled.level.confirmed,
                    }
                    await recorder.event(settled.alarm, self.account, Subject(Kind.OFFER, row.offer), facts)
            await levels.put(tx, found)
            # So that what is read from now on is known to be read after this.
            right = sum(one.even for one in found)
            await recorder.event("levels.read", self.account, None, {"offers": len(found), "right": right})
            if freed and any(rule.allocates(0) for rule in self._rules()):
                # What this offer gives up may go to others now.
                links = await offers.links_of(tx, freed)
                items = {link.item for some in links.values() for link in some}
                await stock_items.lock(tx, items)
                await stock_items.mark(tx, items, after)
            await recorder.write(tx)

        await self._database.write(work)

    # What is to be sent

    async def _write_due(self) -> list[datetime]:
        """Send what must be shown otherwise. Gives when more is due."""
        now, due = self._clock.now(), []
        through = self._through([self.account, *masters_of(self._rules(), self.account)])
        wishes: list[LevelWish] = []
        held: list[OfferLevel] = []
        self.waiting = False
        for row in await self._rows():
            step = next_step(row, through, now)
            match step.move:
                case Move.LOWER | Move.RAISE:
                    wishes.append(
                        LevelWish(
                            offer=row.external_id,
                            value=row.wanted or 0,
                            shown=row.confirmed or 0,
                            refused=row.tries,
                        )
                    )
                case Move.WAIT:
                    self.waiting = True
                case Move.HELD if row.reason is None:
                    held.append(msgspec.structs.replace(row, reason=_why(step.why)))
                case _:
                    pass
            if row.due_at is not None and row.due_at > now:
                due.append(row.due_at)
        if held:
            await self._database.write(partial(_put, rows=held))
        if not wishes:
            return due
        planned: Sequence[LevelCall] = self._calls.ask(
            "plan_levels", partial(self._sink.plan_levels, wishes), Sequence
        )
        values = {wish.offer: wish.value for wish in wishes}
        for call in planned:
            at = await self._send(call, values)
            if at is not None:
                due.append(at)
        return due

    async def _send(self, call: LevelCall, values: dict[str, int]) -> datetime | None:
        """Keep a command, then send it. Gives when to see to it again."""
        now = self._clock.now()
        command = LevelCommand(
            id=self._make_id(),
            account=self.account,
            action=call.action,
            value=call.value,
            offers=call.offers,
            created_at=now,
            due_at=now,
        )

        async def keep(tx: Transaction) -> LevelCommand | None:
            await leases.require(tx, self.account)
            known = await offers.by_external(tx, self.account, list(call.offers))
            rows = await levels.of_offers(tx, [one.id for one in known.values()])
            # What has changed since it was planned goes with the next turn.
            mine = [
                row
                for row in rows.values()
                if row.phase is Phase.SETTLED and row.wanted == values.get(row.external_id)
            ]
            if not mine:
                return None
            kept = msgspec.structs.replace(command, offers=tuple(sorted(row.external_id for row in mine)))
            await levels.keep(tx, [kept])
            await levels.put(
                tx,
                [
                    msgspec.structs.replace(
                        row, phase=Phase.SENT, command=kept.id, sent=row.wanted, sent_at=now, due_at=None
                    )
                    for row in mine
                ],
            )
            return kept

        kept = await self._database.write(keep)
        if kept is None:
            return None
        call = msgspec.structs.replace(call, offers=kept.offers)
        try:
            answer = await self._calls.write(
                "write_levels", partial(self._sink.write_levels, kept.id, call), Accepted | Sequence
            )
        except (OutcomeUnknown, PluginFault):
            at = self._clock.now() + _MOMENT
            await self._book(kept, LevelCommandState.UNKNOWN, at)
            return at
        except PluginError as error:
            await self._undone(kept, error)
            raise
        if isinstance(answer, Accepted):
            at = self._clock.now() + timedelta(seconds=answer.after)
            await self._book(kept, LevelCommandState.ACCEPTED, at)
            return at
        await self._ended(kept, answer)
        return self._clock.now() + self._sink.level_settle

    async def _undone(self, command: LevelCommand, error: PluginError) -> None:
        """It was surely not done. A refusal counts against its rows; what passes does not."""
        now = self._clock.now()

        async def work(tx: Transaction) -> None:
            rows = await levels.of_command(tx, command.id)
            if isinstance(error, Temporary | AuthLost | AccountBlocked):
                found = [_settled(row) for row in rows]
            else:
                found = [_refused(row, str(error), now) for row in rows]
            await levels.put(tx, found)
            await levels.settle_command(tx, command.id, LevelCommandState.ENDED, None, now)

        await self._database.write(work)


async def _put(tx: Transaction, rows: Sequence[OfferLevel]) -> None:
    await levels.put(tx, rows)


def _settled(row: OfferLevel) -> OfferLevel:
    return msgspec.structs.replace(row, phase=Phase.SETTLED, command=None, sent=None, sent_at=None, due_at=None)


def _refused(row: OfferLevel, why: str, now: datetime) -> OfferLevel:
    """A row that was refused: it is tried again, ever later, and by another way where the connector has one."""
    pause = delay(row.tries + 1, _FIRST, _LAST)
    return msgspec.structs.replace(
        _settled(row), tries=row.tries + 1, due_at=now + timedelta(seconds=pause), reason=why or None
    )


def _why(code: str | None) -> Reason:
    return Reason("level.ended") if code == "level.ended" else Reason("level.orders-not-read")
