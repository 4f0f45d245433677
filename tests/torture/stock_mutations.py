"""The guards of what is sold, each switched off, and what must miss it; see `tests.torture.mutations`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Hashable, Sequence
from typing import Any
from unittest import mock

import msgspec

from olhubd.decide.stock import exposure
from olhubd.decide.stock import level as rules
from olhubd.decide.stock.level import OfferLevel, Phase
from olhubd.engine.feed.sweeper import Sweeper
from olhubd.engine.flow import batch
from olhubd.engine.flow.landing import Landing
from olhubd.engine.levels import reserving, settlement, submission, terms, wanted
from olhubd.engine.levels.braking import Braked
from olhubd.engine.levels.channel import SalesChannel, released
from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.levels.settlement import LevelSettlement
from olhubd.engine.levels.waits import Waits
from olhubd.store import Reader, Transaction, levels, reservations
from olhubd_torture.campaign import counted_and_lost
from olhubd_torture.run_schedule import play
from tests.torture.mutations import Mutation, small, swap

__all__ = ["STOCK_MUTATIONS"]


def _reserved_later() -> Any:
    """The pieces of an order are reserved half a minute after it is stored, and not in its transaction."""
    write = Landing._write

    async def nothing(*_args: Any) -> frozenset[int]:
        return frozenset({1})

    async def later(self: Landing, *args: Any) -> Any:
        result = await write(self, *args)

        async def work(tx: Transaction) -> None:
            ids = [row[0] for row in await tx.fetch("SELECT id FROM orders")]
            await reserving.reserve_orders(tx, ids, None, self._clock.now(), self._routes(), self._rules())

        async def reserve() -> None:
            await asyncio.sleep(30)
            await self._database.write(work)
            self._levelled()

        self._late = asyncio.create_task(reserve())  # type: ignore[attr-defined]
        return result

    stack = contextlib.ExitStack()
    stack.enter_context(swap(batch, "reserve", nothing))
    stack.enter_context(swap(Landing, "_write", later))
    return stack


def _released_when_taken() -> Any:
    """Pieces count no more once the shop has them in a copy, though its number was not read again."""

    async def unseen(reader: Reader, items: Collection[int]) -> dict[int, int]:
        marks = ",".join("?" * len(items))
        rows = await reader.fetch(
            "SELECT item_id, SUM(pieces - taken) FROM reservations WHERE settled = 0"
            f" AND item_id IN ({marks}) GROUP BY item_id",
            list(items),
        )
        return {row[0]: int(row[1]) for row in rows}

    return swap(reservations, "unseen", unseen)


def _command_not_kept() -> Any:
    async def nothing(_tx: Transaction, _rows: Sequence[Any]) -> None:
        pass

    return swap(levels, "keep", nothing)


def _report_believed() -> Any:
    """A report is the end of it: whatever its tasks say, and nobody reads what buyers see."""
    ended = LevelSettlement.ended

    async def believing(self: LevelSettlement, command: Any, outcomes: Any) -> float:
        left = await ended(self, command, [msgspec.structs.replace(one, done=True) for one in outcomes])

        async def work(tx: Transaction) -> None:
            rows = await levels.of_command(tx, command.id)
            done: dict[str, Any] = {"phase": Phase.SETTLED, "command": None, "sent": None, "due_at": None}
            await levels.put(tx, [msgspec.structs.replace(row, confirmed=row.sent, **done) for row in rows])

        await self._channel.database.write(work)
        return left

    return swap(LevelSettlement, "ended", believing)


def _several_unsettled() -> Any:
    """A row that is being written looks as if it were not."""
    put = levels.put

    async def settled(tx: Transaction, rows: Sequence[OfferLevel]) -> None:
        eager = [
            msgspec.structs.replace(row, phase=Phase.SETTLED) if row.phase is Phase.SENT else row for row in rows
        ]
        await put(tx, eager)

    return swap(levels, "put", settled)


def _raised_at_once() -> Any:
    """Raising waits for no orders."""
    next_step = rules.next_step

    def eager(level: OfferLevel, _read_through: int, now: Any, **named: Any) -> Any:
        return next_step(level, 2**62, now, **named)

    return swap(terms, "next_step", eager)


def _unbraked() -> Any:
    """Whatever a stock master says goes."""

    async def nothing(*_args: Any) -> Braked:
        return Braked()

    return swap(wanted, "apply_brakes", nothing)


def _not_followed_when_kept() -> Any:
    """A command goes out as it was planned, whatever has landed since."""
    follow = SalesChannel.follow

    async def followed(self: Leveller) -> None:
        async def work(tx: Transaction) -> bool:
            return await follow(self._channel, tx)

        while not await self._channel.database.write(work):
            pass

    async def nothing(_self: SalesChannel, _tx: Transaction) -> bool:
        return True

    stack = contextlib.ExitStack()
    stack.enter_context(swap(Leveller, "_follow", followed))
    stack.enter_context(swap(SalesChannel, "follow", nothing))
    return stack


def _import_not_waited_for() -> Any:
    """Orders count as read while those of before are still being fetched."""
    return mock.patch.object(Sweeper, "importing", new=False)


def _settled_by_the_wall_clock() -> Any:
    """A clock that is put forward makes a write look settled that may still act."""

    def begin(self: Waits, what: Hashable, seconds: float) -> None:
        self._until[what] = self._clock.now().timestamp() + seconds

    def left(self: Waits, what: Hashable, earlier: float = 0.0) -> float:
        return max(0.0, self._until.get(what, 0.0) - self._clock.now().timestamp())

    stack = contextlib.ExitStack()
    stack.enter_context(swap(Waits, "begin", begin))
    stack.enter_context(swap(Waits, "left", left))
    return stack


def _given_when_sent() -> Any:
    """What an offer gives up is free as soon as the command is kept that lowers it."""

    def given(level: OfferLevel, after: int) -> OfferLevel:
        found = exposure.charged(level, after)
        if level.bound is None or level.change is None or level.change > 0:
            return found
        return msgspec.structs.replace(found, bound=max(0, level.bound + level.change))

    return swap(submission, "charged", given)


def _repeated_while_unknown() -> Any:
    """A change of which no report is known counts as not done, and is sent again under another number."""
    ended = LevelSettlement.ended

    async def undone(self: LevelSettlement, command: Any, outcomes: Any) -> float:
        left = await ended(self, command, outcomes)
        if outcomes or command.change is None:
            return left

        async def work(tx: Transaction) -> None:
            await levels.put(tx, [released(row) for row in await levels.of_command(tx, command.id)])

        await self._channel.database.write(work)
        return left

    return swap(LevelSettlement, "ended", undone)


def _fall_believed() -> Any:
    """What an offer shows less than it could sell is free for others at once, though a sale may explain it."""

    def believed(level: OfferLevel, _swept_through: int) -> OfferLevel | None:
        return exposure.explained(level, 2**62)

    return swap(settlement, "explained", believed)


PROMISED = frozenset({"promised"})
DIVIDED = frozenset({"divided", "oversold"})

STOCK_MUTATIONS: dict[str, Mutation] = {
    "reserved after the order's transaction": Mutation(
        _reserved_later, small("a purchase that is not paid, and a restock"), PROMISED
    ),
    "released before a reading shows it": Mutation(
        _released_when_taken, small("a stock that is read late"), PROMISED
    ),
    "a command that is not kept": Mutation(
        _command_not_kept, small("a sale of what is counted"), frozenset({"unkept"})
    ),
    "a report that is believed": Mutation(
        _report_believed, small("a quantity that is refused"), frozenset({"exposed", "shows"})
    ),
    "several writes of one offer at a time": Mutation(
        _several_unsettled, small("a quantity that is written late"), frozenset({"overtaken"})
    ),
    "quantities that settle by the wall clock": Mutation(
        _settled_by_the_wall_clock, small("a clock put forward after a quantity"), frozenset({"overtaken"})
    ),
    "raised before the orders were read": Mutation(
        _raised_at_once, small("a sale while offers are read"), frozenset({"raised"})
    ),
    "raised while earlier orders are fetched": Mutation(
        _import_not_waited_for, lambda: iter([play(counted_and_lost())]), frozenset({"raised"})
    ),
    "a brake that is off": Mutation(_unbraked, small("a shop that says zero of all"), frozenset({"emptied"})),
    "a piece that is given away before it was read": Mutation(
        _given_when_sent, small("a piece that moves slowly"), DIVIDED
    ),
    "a change that is sent again while it is unknown": Mutation(
        _repeated_while_unknown, small("a raise that nobody knows of"), DIVIDED
    ),
    "a fall that is believed at once": Mutation(_fall_believed, small("a sale that nobody has reported"), DIVIDED),
    "planned before what has landed": Mutation(
        _not_followed_when_kept, small("sales while a quantity is slow"), PROMISED
    ),
}
