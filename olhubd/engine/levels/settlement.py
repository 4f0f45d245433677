"""What was sent to a channel: asked for its report, then read back. A reading of what buyers see settles it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.decide.stock.exposure import explained
from olhubd.decide.stock.level import OfferLevel, Phase, glimpse, judge, put_off, stale, unread
from olhubd.engine.levels.channel import FIRST_PAUSE, LAST_PAUSE, MOMENT, SalesChannel, refused
from olhubd.engine.levels.waits import Waits
from olhubd.engine.levels.wanted import freed
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, LevelStep, Reason, Subject, plain
from olhubd.plugin import (
    Accepted,
    AccountBlocked,
    AuthLost,
    LevelCall,
    PluginError,
    RowOutcome,
    ShownLevel,
    Temporary,
)
from olhubd.runtime.backoff import delay
from olhubd.store import Transaction, events, levels
from olhubd.store.levels import LevelCommand, LevelCommandState

__all__ = ["LevelSettlement"]

_DOWN = 3
"""After so many reports in a row that could not be had, no more are asked for in this turn."""
_PATIENCE = 900.0
"""For how many seconds a command may be under way until its offers are read instead."""


_GLANCE = 1.0
"""Seconds after a report until it is looked whether buyers see it already."""
_FEW = 200
"""So many offers of a command are looked at that soon. Of more it is known when they have settled."""


class LevelSettlement:
    """Settles the commands of one account and their rows."""

    def __init__(self, channel: SalesChannel) -> None:
        self._channel = channel
        self._waits = Waits(channel.clock)
        self._failed: dict[str, int] = {}
        """How often in a row the report of a command could not be had."""
        self._glances: dict[int, float] = {}
        """By offer when to look for the first time at what was written, before it is known to have settled."""

    @property
    def _settle(self) -> float:
        """For how many seconds a write may act, and be shown, after its answer."""
        return self._channel.sink.level_settle.total_seconds()

    @property
    def _doubt(self) -> float:
        """For how many seconds after its answer was lost a command may still arrive, or act."""
        sink = self._channel.sink
        return max(sink.level_settle, sink.level_late, MOMENT).total_seconds()

    def sent(self, command: LevelCommand) -> None:
        """It is being sent, or may have been until now: that the channel does not know it means nothing for a
        while."""
        self._waits.begin(("absence", command.id), self._doubt)
        self._waits.begin(("patience", command.id), _PATIENCE)

    def known(self, command: LevelCommand) -> None:
        """It is known what became of it."""
        self._waits.end(command.id, ("absence", command.id), ("patience", command.id))
        self._failed.pop(command.id, None)

    async def settle(self) -> list[datetime]:
        """Ask for the reports that are due, and read back what has settled. Gives when more is due.

        One report that cannot be had keeps no other from being asked for, and nothing from being read. Raises where
        nothing could be had at all.
        """
        due: list[float] = []
        channel = self._channel
        trouble: Temporary | None = None
        worked, failed = False, 0
        for command in await levels.commands(channel.database.reader, channel.account, channel.kind):
            left = self._waits.left(command.id)
            if left <= 0 and failed == _DOWN:
                left = FIRST_PAUSE
            elif left <= 0:
                try:
                    later = await self._report(command)
                    worked, failed = True, 0
                except (AuthLost, AccountBlocked):
                    raise
                except Temporary as error:
                    if error.retry_after is not None:
                        raise  # so long the system wants to be left alone
                    trouble, failed = error, failed + 1
                    later = self._waits.left(command.id)
                except PluginError as error:
                    # It is no report of what was sent. The others are none the worse for it.
                    later = await self._strange(command, error)
                if later is None:
                    continue
                left = later
            due.append(left)
        rows = await self._channel.uneven(unsent=False)
        if await self._explain(rows):
            rows = await self._channel.uneven(unsent=False)
        now = self._channel.clock.now()
        ready: list[OfferLevel] = []
        soon: list[OfferLevel] = []
        for row in rows:
            settling = row.phase is Phase.SETTLING
            if settling and (at := self._glances.get(row.offer)) is not None:
                if (left := at - self._channel.clock.monotonic()) > 0:
                    due.append(left)
                else:
                    soon.append(row)
            if settling or (row.phase is Phase.SETTLED and row.confirmed is None):
                # One that nobody could read is read again ever later.
                if (left := self._waits.left(row.offer, self._settle if settling else 0.0)) > 0:
                    due.append(left)
                else:
                    ready.append(row)
            elif stale(row) and not put_off(row, now):
                ready.append(row)
        if ready:
            await self._read(ready)
        elif trouble is not None and not worked:
            raise trouble
        if soon:
            await self._glance(soon)
        now = self._channel.clock.now()
        return [now + timedelta(seconds=left) for left in due]

    async def _explain(self, uneven: Sequence[OfferLevel]) -> bool:
        """Believe what allocated offers show less than they could sell, where all their orders are known since. It
        is free for others then. False where there are none."""
        through = self._channel.swept_through()
        rows = [row.offer for row in uneven if explained(row, through) is not None]
        if not rows:
            return False

        async def work(tx: Transaction) -> None:
            current = await levels.of_offers(tx, rows)
            found = [one for row in current.values() if (one := explained(row, through)) is not None]
            await levels.put(tx, found)
            await freed(tx, {one.offer for one in found})

        await self._channel.database.write(work)
        return True

    async def _report(self, command: LevelCommand) -> float | None:
        """What became of a command. Gives in how many seconds to ask again; None where that is known now."""
        call = LevelCall(action=command.action, offers=command.offers, value=command.value, change=command.change)
        ask = partial(self._channel.sink.report_levels, command.id, call)
        try:
            answer = await self._channel.calls.read("report_levels", ask)
        except Temporary as error:
            self._failed[command.id] = tries = self._failed.get(command.id, 0) + 1
            pause = error.retry_after or delay(tries, FIRST_PAUSE, LAST_PAUSE)
            await self.book(command, LevelCommandState.UNKNOWN, pause)
            raise
        self._failed.pop(command.id, None)
        if isinstance(answer, Accepted) and self._waits.left(("patience", command.id), _PATIENCE) > 0:
            await self.book(command, LevelCommandState.ACCEPTED, answer.after)
            return answer.after
        if answer is None:
            # It may still be on its way there, so its absence counts only after a while.
            left = self._waits.left(("absence", command.id), self._doubt)
            if left > 0:
                # Most are done soon, so it is asked more than once where the doubt is long.
                left = min(left, max(self._settle, MOMENT.total_seconds()))
                await self.book(command, LevelCommandState.UNKNOWN, left)
                return left
            answer = ()
        # One that never comes to its end, as of another seller's offer, is known by its offers alone.
        await self.ended(command, () if isinstance(answer, Accepted) else answer)
        return None

    async def _strange(self, command: LevelCommand, error: PluginError) -> float:
        """The report is another deed's. It is asked for again, seldom; its rows are left unsettled."""
        now = self._channel.clock.now()
        at = now + timedelta(seconds=LAST_PAUSE)
        self._waits.begin(command.id, LAST_PAUSE)

        async def work(tx: Transaction) -> None:
            await levels.settle_command(tx, command.id, LevelCommandState.UNKNOWN, at, None)
            if command.state is not LevelCommandState.UNKNOWN:
                recorder = Recorder(tx, now, Cause("rule", "levels"))
                facts = {"command": command.id, "offers": len(command.offers), "error": str(error)}
                await recorder.event("level.report-strange", self._channel.account, None, facts)
                await recorder.write(tx)

        await self._channel.database.write(work)
        return LAST_PAUSE

    async def book(self, command: LevelCommand, state: LevelCommandState, seconds: float) -> None:
        """The report of a command is asked for in so many seconds."""
        self._waits.begin(command.id, seconds)
        due_at = self._channel.clock.now() + timedelta(seconds=seconds)

        async def work(tx: Transaction) -> None:
            await levels.settle_command(tx, command.id, state, due_at, None)

        await self._channel.database.write(work)

    async def ended(self, command: LevelCommand, outcomes: Sequence[RowOutcome]) -> float:
        """Store what became of a command's rows. One that its report does not name is known when it is read. Gives
        in how many seconds that is due."""
        now = self._channel.clock.now()
        reported = {one.offer: one for one in outcomes}

        async def work(tx: Transaction) -> Sequence[OfferLevel]:
            rows = await levels.of_command(tx, command.id)
            found = []
            for row in rows:
                outcome = reported.get(row.external_id)
                if outcome is not None and not outcome.done:
                    found.append(refused(row, outcome.error or "", now))
                else:
                    found.append(
                        msgspec.structs.replace(
                            row,
                            phase=Phase.SETTLING,
                            due_at=now + self._channel.sink.level_settle,
                            reported=outcome is not None,
                        )
                    )
            await levels.put(tx, found)
            await levels.settle_command(
                tx,
                command.id,
                LevelCommandState.ENDED,
                None,
                now,
                # A connector may give a reason of its own catalogue, which is a text of another type.
                msgspec.json.encode(list(outcomes), enc_hook=plain),
            )
            return found

        rows, soonest = await self._channel.database.write(work), self._settle
        for row in rows:
            self._waits.begin(row.offer, self._settle)
            if len(rows) <= _FEW and row.reported and not row.allocated and self._settle > _GLANCE:
                self._glances[row.offer] = self._channel.clock.monotonic() + _GLANCE
                soonest = _GLANCE
        self.known(command)
        return soonest

    async def _ask(self, rows: Sequence[OfferLevel]) -> dict[str, ShownLevel]:
        """What buyers see of these offers."""
        ask = partial(self._channel.sink.read_levels, [row.external_id for row in rows])
        answer: Sequence[ShownLevel] = await self._channel.calls.read("read_levels", ask, Sequence)
        return {one.offer: one for one in answer}

    async def _glance(self, rows: Sequence[OfferLevel]) -> None:
        """Look whether buyers see already what was written. What is not seen is read when it has settled."""
        for row in rows:
            self._glances.pop(row.offer, None)
        after = await events.head(self._channel.database.reader)
        shown = await self._ask(rows)
        now, commands = self._channel.clock.now(), {row.offer: row.command for row in rows}

        async def work(tx: Transaction) -> None:
            current = await self._channel.rows(tx, list(commands))
            read = await events.head(tx)
            found = [
                level
                for row in current.values()
                if row.command == commands[row.offer] and row.confirmed_after < after
                if (one := shown.get(row.external_id)) is not None and one.quantity is not None
                if (level := glimpse(row, one.quantity, one.active, after, read, now)) is not None
            ]
            if found:
                await levels.put(tx, found)
                # So that what is read from now on is known to be read after this.
                recorder = Recorder(tx, now, Cause("rule", "levels"))
                facts: dict[str, object] = {"offers": len(found), "right": len(found)}
                await recorder.event("levels.read", self._channel.account, None, facts)
                await recorder.write(tx)

        await self._channel.database.write(work)

    async def _read(self, rows: Sequence[OfferLevel]) -> None:
        """Read what buyers see of these offers, and settle their rows by it."""
        after = await events.head(self._channel.database.reader)
        shown = await self._ask(rows)
        now = self._channel.clock.now()
        later: dict[int, float] = {}

        async def work(tx: Transaction) -> None:
            later.clear()
            recorder = Recorder(tx, now, Cause("rule", "levels"))
            current = await self._channel.rows(tx, [row.offer for row in rows])
            # Buyers bought while the answer was on its way: it counts from now on.
            read = await events.head(tx)
            found: list[OfferLevel] = []
            moved: set[int] = set()
            for row in current.values():
                if row.phase is Phase.SENT or row.confirmed_after >= after:
                    continue
                one = shown.get(row.external_id)
                if one is None:
                    settled = judge(row, 0, False, after, read, now)
                elif one.quantity is None:
                    settled = unread(row, now)
                    if settled.level is not row and settled.level.due_at is not None:
                        later[row.offer] = (settled.level.due_at - now).total_seconds()
                else:
                    settled = judge(row, one.quantity, one.active, after, read, now)
                level = settled.level
                if one is None and not level.even:
                    level = msgspec.structs.replace(level, reason=Reason("level.not-there"))
                found.append(level)
                # What it was raised by is not free any more, and what it gave up is.
                written = row.command is not None
                if level.allocated and (written or (level.bound, level.active) != (row.bound, row.active)):
                    moved.add(row.offer)
                if row.step is LevelStep.ACTIVATE and level.active:
                    brought: dict[str, object] = {"offer": row.external_id, "shown": level.confirmed}
                    subject = Subject(Kind.OFFER, row.offer)
                    await recorder.event("offer.resumed", self._channel.account, subject, brought)
                if settled.alarm is not None:
                    understood, channel = settled.alarm != "level.not-read", self._channel
                    alarm, facts = channel.not_kept(row, level.confirmed) if understood else channel.not_read(row)
                    await recorder.event(alarm, self._channel.account, Subject(Kind.OFFER, row.offer), facts)
            await levels.put(tx, found)
            # So that what is read from now on is known to be read after this.
            right = sum(one.even for one in found)
            await recorder.event("levels.read", self._channel.account, None, {"offers": len(found), "right": right})
            await freed(tx, moved)
            await recorder.write(tx)

        await self._channel.database.write(work)
        self._waits.end(*(row.offer for row in rows))
        for row in rows:
            self._glances.pop(row.offer, None)
        for offer, seconds in later.items():
            self._waits.begin(offer, seconds)
