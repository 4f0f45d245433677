"""What a channel must show otherwise: planned in few calls, and each command kept before it is sent.

A process that dies leaves nothing unknown: the next one asks for the report of what was kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.decide.stock.dispute import changes, contest
from olhubd.decide.stock.exposure import charged
from olhubd.decide.stock.level import Move, OfferLevel, Phase, change_of, unread_and_stopped
from olhubd.engine.calls import PluginFault
from olhubd.engine.levels import wanted
from olhubd.engine.levels.channel import FIRST_PAUSE, MOMENT, SalesChannel, refused, released
from olhubd.engine.levels.settlement import LevelSettlement
from olhubd.engine.levels.stopping import fastest_first, in_order
from olhubd.engine.levels.terms import PRICE_FIRST, Terms
from olhubd.engine.levels.waits import Waits
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, LevelKind, LevelStep, Reason, Subject, code_of
from olhubd.plugin import (
    Accepted,
    AccountBlocked,
    AuthLost,
    Forbidden,
    LevelCall,
    LevelWish,
    OutcomeUnknown,
    Permanent,
    PluginError,
    Temporary,
    ValuesSpent,
)
from olhubd.plugin.budget import sparing
from olhubd.store import Transaction, events, leases, levels, offers
from olhubd.store.levels import LevelCommand, LevelCommandState

__all__ = ["LevelSubmission"]

_STEPS = {Move.FILL: LevelStep.FILL, Move.ACTIVATE: LevelStep.ACTIVATE}


_LOOK = ("look",)
_MANY = 2_000
"""So many offers that wait for a budget of values are not looked at with each turn."""
_LONGEST_LOOK = 60.0
"""Seconds until they are looked at again, whatever their budget says."""
_PRICED = timedelta(seconds=5)
"""How often it is looked whether an offer that is to come back costs what it must."""


class LevelSubmission:
    """Sends what the offers of one account must show. `make_id` gives the number of a command."""

    def __init__(
        self, channel: SalesChannel, settlement: LevelSettlement, terms: Terms, make_id: Callable[[], str]
    ) -> None:
        self._channel = channel
        self._settlement = settlement
        self._terms = terms
        self._make_id = make_id
        self.waiting = False
        """Whether a raise waits until the orders were read."""
        self._spent = Waits(channel.clock)
        """For how long no call of an action may go, since so many values were changed of late: of those that sell
        less, and of the others."""
        self._too_many: dict[str, int] = {}
        """By action how many offers the call had that sells less and may not go yet."""
        self._looked: int | None = None
        """The newest event when all rows were planned for last, and many of them wait for such an action."""
        self.idle = False
        """Whether everything showed what is wanted when it was looked at last, and nothing was under way."""

    async def send(self, *, lower_only: bool = False, ask: bool = True) -> list[datetime]:
        """Send what must be shown otherwise. Gives when more is due.

        `lower_only` is for a channel that cannot be read: then nothing is raised or brought back. Unless `ask`, no
        terms are read.
        """
        now, due = self._channel.clock.now(), []
        wishes: list[LevelWish] = []
        held: dict[int, str] = {}
        # What waits for its turn among many thousands is not planned again each time that something else happens.
        since = self._looked if self._spent.left(_LOOK) > 0 else None
        if since is None:
            self._looked = await events.head(self._channel.database.reader)
        else:
            due.append(now + timedelta(seconds=self._spent.left(_LOOK)))
        self.waiting = self.waiting and since is not None
        rows = await self._channel.uneven(since=since)
        self.idle = not rows and since is None
        for row, step in await self._terms.steps(rows, ask=ask):
            match step.move:
                case Move.RAISE | Move.FILL | Move.ACTIVATE if lower_only:
                    pass
                case Move.LOWER | Move.RAISE | Move.FILL | Move.ACTIVATE:
                    wishes.append(
                        LevelWish(
                            offer=row.external_id,
                            value=row.wanted or 0,
                            shown=row.confirmed or 0,
                            refused=row.tries,
                            step=_STEPS.get(step.move, LevelStep.SHOW),
                            change=change_of(row),
                        )
                    )
                case Move.WAIT:
                    self.waiting = True
                case Move.TERMS if ask:
                    due.append(now + MOMENT)
                case Move.HELD if step.why is not None and row.reason != _reason(step.why):
                    held[row.offer] = _reason(step.why)
                case _:
                    pass
            if step.why is not None and code_of(step.why) == PRICE_FIRST:
                due.append(now + _PRICED)
            if row.due_at is not None and row.due_at > now:
                due.append(row.due_at)
        if self.waiting:
            self._channel.want_orders()
        if held:
            await self._hold(held)
        if not wishes:
            return due
        stopped = await self._channel.stopped()
        if stopped:
            wishes = list(await fastest_first(self._channel.database.reader, self._channel.account, wishes, now))
        planned: Sequence[LevelCall] = self._channel.calls.ask(
            "plan_levels", partial(self._channel.sink.plan_levels, wishes), Sequence
        )
        if stopped:
            planned = in_order(planned, wishes)
        by_offer = {wish.offer: wish for wish in wishes}
        barred: Forbidden | None = None
        waits, soonest = 0, _LONGEST_LOOK
        for call in planned:
            less = self._channel.kind is LevelKind.QUANTITY and _sells_less(call, by_offer)
            if (left := self._left(call, less=less)) > 0:
                due.append(now + timedelta(seconds=left))
                waits, soonest = waits + len(call.offers), min(soonest, left)
                continue
            try:
                at = await self._send_call(call, by_offer)
            except ValuesSpent as error:
                # What is limited for itself waits alone, and what was sent is settled meanwhile.
                left = error.retry_after or FIRST_PAUSE
                self._spent.begin((call.action, less), left)
                if less:
                    self._too_many[call.action] = len(call.offers)
                at = self._channel.clock.now() + timedelta(seconds=left)
                waits, soonest = waits + len(call.offers), min(soonest, left)
            except (AuthLost, AccountBlocked):
                raise
            except Permanent:
                # Its rows wait by themselves, ever longer. The other calls are none the worse for it.
                at = self._channel.clock.now() + MOMENT
            except Forbidden as error:
                # One action may be forbidden and the others not: what sells too much must not wait for it.
                barred = barred or error
                continue
            if at is not None:
                due.append(at)
        if since is None and waits >= _MANY and not lower_only:
            self._spent.begin(_LOOK, min(_LONGEST_LOOK, soonest))
        if barred is not None:
            raise barred
        return due

    def _left(self, call: LevelCall, *, less: bool) -> float:
        """For how many seconds a call may not go yet. What sells less waits for nothing that sells more, and for no
        call of more offers: there may be room for it."""
        left = self._spent.left((call.action, True))
        if not less:
            return max(left, self._spent.left((call.action, False)))
        return left if len(call.offers) >= self._too_many.get(call.action, 0) else 0.0

    async def _hold(self, held: Mapping[int, str]) -> None:
        """Store why these rows are left alone."""

        async def work(tx: Transaction) -> None:
            rows = await self._channel.rows(tx, held)
            await levels.put(tx, [msgspec.structs.replace(row, reason=held[id_]) for id_, row in rows.items()])

        await self._channel.database.write(work)

    async def _send_call(self, call: LevelCall, wishes: Mapping[str, LevelWish]) -> datetime | None:
        """Keep a command, then send it. Gives when to see to it again."""
        now = self._channel.clock.now()
        command = LevelCommand(
            id=self._make_id(),
            account=self._channel.account,
            action=call.action,
            value=call.value,
            change=call.change,
            offers=call.offers,
            created_at=now,
            due_at=now,
            kind=self._channel.kind,
        )

        async def keep(tx: Transaction) -> LevelCommand | None:
            await leases.require(tx, self._channel.account)
            # What has landed since it was planned counts: the calls before this one may have taken minutes.
            if not await self._channel.follow(tx):
                return None
            known = await offers.by_external(tx, self._channel.account, list(call.offers))
            rows = await self._fresh(tx, [one.id for one in known.values()])
            rows = await self._terms.permitted(tx, rows)
            # What has changed since it was planned goes with the next turn.
            known_of = await self._learned(tx, rows.values())
            planned = [
                contest(row, now)
                for row in rows.values()
                if row.phase is Phase.SETTLED
                and (wish := wishes.get(row.external_id)) is not None
                and (row.wanted, 0 if unread_and_stopped(row) else row.confirmed) == (wish.value, wish.shown)
                and self._divided(row, wish, call, learned=row.offer in known_of)
            ]
            if lost := [row for row in planned if row.disputed_at == now]:
                await levels.put(tx, lost)
                await self._disputed(tx, lost)
            mine = [row for row in planned if row.disputed_at != now]
            if not mine:
                return None
            kept = msgspec.structs.replace(command, offers=tuple(sorted(row.external_id for row in mine)))
            await levels.keep(tx, [kept])
            after = await events.head(tx) if any(row.allocated for row in mine) else 0
            sent = [
                msgspec.structs.replace(
                    row,
                    phase=Phase.SENT,
                    command=kept.id,
                    step=wishes[row.external_id].step,
                    sent=_comes_to(row, call),
                    sent_at=now,
                    change=call.change,
                    due_at=None,
                )
                for row in mine
            ]
            await levels.put(tx, [charged(row, after) for row in sent])
            return kept

        kept = await self._channel.database.write(keep)
        if kept is None:
            return None
        call = msgspec.structs.replace(call, offers=kept.offers)
        self._settlement.sent(kept)
        # Of prices neither way is worse.
        urgent = self._channel.kind is not LevelKind.QUANTITY or any(
            wishes[offer].value < wishes[offer].shown for offer in call.offers
        )
        try:
            with contextlib.nullcontext() if urgent else sparing():
                answer = await self._channel.calls.write(
                    "write_levels", partial(self._channel.sink.write_levels, kept.id, call), Accepted | Sequence
                )
        except (OutcomeUnknown, PluginFault):
            self._settlement.sent(kept)
            await self._settlement.book(kept, LevelCommandState.UNKNOWN, MOMENT.total_seconds())
            return self._channel.clock.now() + MOMENT
        except PluginError as error:
            await self._undone(kept, error)
            raise
        if isinstance(answer, Accepted):
            await self._settlement.book(kept, LevelCommandState.ACCEPTED, answer.after)
            return self._channel.clock.now() + timedelta(seconds=answer.after)
        left = await self._settlement.ended(kept, answer)
        return self._channel.clock.now() + timedelta(seconds=left)

    async def _fresh(self, tx: Transaction, ids: Sequence[int]) -> Mapping[int, OfferLevel]:
        """The rows as they are now. What is allocated is divided again, by what all others may sell now."""
        rows = await self._channel.rows(tx, ids)
        allocated = [id_ for id_, row in rows.items() if row.allocated]
        if not allocated:
            return rows
        await wanted.want(tx, self._channel.account, allocated, self._channel.rules(), self._channel.clock.now())
        return await self._channel.rows(tx, ids)

    async def _learned(self, tx: Transaction, rows: Iterable[OfferLevel]) -> set[int]:
        """Those of the allocated rows that share with accounts with which this process has begun."""
        return {row.offer for row in rows if row.allocated and await self._channel.begun(tx, row.offer)}

    def _divided(self, row: OfferLevel, wish: LevelWish, call: LevelCall, *, learned: bool) -> bool:
        """Whether the call does with an allocated offer what was asked for, and no more than is free yet."""
        if not row.allocated:
            return wish.change is None
        if change_of(row) != wish.change or (call.change is None and wish.step is LevelStep.SHOW and call.value):
            return False
        if call.change is not None and call.change != wish.change:
            return False
        raises = wish.step is LevelStep.ACTIVATE or (call.change or 0) > 0
        return not raises or (
            row.held is None and learned and self._channel.read_through(allocated=True) > row.basis_after
        )

    async def _disputed(self, tx: Transaction, rows: Sequence[OfferLevel]) -> None:
        """Report that somebody else writes these offers too."""
        recorder = Recorder(tx, self._channel.clock.now(), Cause("rule", "levels"))
        for row in rows:
            facts: dict[str, object] = {
                "offer": row.external_id,
                "wanted": row.wanted,
                "changes": changes(row.drifts),
            }
            await recorder.event("level.disputed", self._channel.account, Subject(Kind.OFFER, row.offer), facts)
        await recorder.write(tx)

    async def _undone(self, command: LevelCommand, error: PluginError) -> None:
        """It was surely not done. A refusal counts against its rows; what passes does not."""
        now = self._channel.clock.now()

        async def work(tx: Transaction) -> None:
            rows = await levels.of_command(tx, command.id)
            if isinstance(error, Temporary | AuthLost | AccountBlocked):
                found = [released(row) for row in rows]
            else:
                found = [refused(row, str(error), now) for row in rows]
            await levels.put(tx, found)
            await levels.settle_command(tx, command.id, LevelCommandState.ENDED, None, now)

        await self._channel.database.write(work)
        self._settlement.known(command)


def _comes_to(row: OfferLevel, call: LevelCall) -> int | None:
    """What the offer shows when the call is done, as far as is known."""
    if call.ends:
        return 0
    return row.wanted if call.change is None else (row.confirmed or 0) + call.change


def _sells_less(call: LevelCall, wishes: Mapping[str, LevelWish]) -> bool:
    """Whether something is sold too much as long as the call waits."""
    mine = (wishes.get(offer) for offer in call.offers)
    return any(wish is not None and wish.value < wish.shown for wish in mine)


def _reason(why: str) -> str:
    """A reason by its code. One that a row is held with is a reason already."""
    return why if isinstance(why, Reason) else Reason(why)
