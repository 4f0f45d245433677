"""The stock book of many seeds adds up, and rules that are taken away are missed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock import level as rules
from olhubd.decide.stock.level import NextMove, OfferLevel, Phase
from olhubd.engine.flow import batch
from olhubd.engine.levels import reserving, terms
from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.levels.settlement import LevelSettlement
from olhubd.store import Database, Transaction, levels
from tests.engine.levels.book import Business, Wrong

SEEDS = 30
MANY = 150
"""So many seeds at most until a rule that is taken away is missed."""

Extra = Callable[[Business], Callable[[], Awaitable[None]]]
Mutation = Callable[[pytest.MonkeyPatch], Extra | None]


async def found(path: Path, seeds: int, extra: Extra | None = None) -> Wrong | None:
    """The first seed of which the book does not add up."""
    for seed in range(seeds):
        async with Database.open(path / f"{seed}.sqlite") as database:
            business = Business(database, seed)
            try:
                await business.run(extra=[extra(business)] if extra else ())
            except Wrong as wrong:
                return wrong
    return None


async def test_sold_and_on_hand_is_what_was_bought(tmp_path: Path) -> None:
    wrong = await found(tmp_path, SEEDS)
    assert wrong is None, wrong


def reserved_afterwards(patch: pytest.MonkeyPatch) -> Extra:
    """The reservation is made some time after the order is stored, and not in its transaction."""

    async def nothing(*_: Any) -> frozenset[int]:
        return frozenset({1})

    patch.setattr(batch, "reserve", nothing)

    def extra(business: Business) -> Callable[[], Awaitable[None]]:
        async def reserve_later() -> None:
            stall = business.stall
            numbers = [sale.number for sale in business.sales if sale.number is not None]
            now = stall.clock.now()

            async def work(tx: Transaction) -> None:
                await reserving.reserve_orders(tx, numbers, None, now, stall.routes, stall.rules)

            await stall.database.write(work)

        return reserve_later

    return extra


def raised_at_once(patch: pytest.MonkeyPatch) -> None:
    """Raising waits for no orders: the drift of a sale that nobody has told is put right."""
    real = rules.next_step

    def at_once(row: OfferLevel, _through: int, now: Any, **more: Any) -> NextMove:
        return real(row, 2**62, now, **more)

    patch.setattr(terms, "next_step", at_once)


def forgets_its_commands(patch: pytest.MonkeyPatch) -> None:
    """A process that begins takes what was sent for not sent: its command was not kept."""
    real = Leveller.begin

    async def begin(self: Leveller) -> None:
        await real(self)

        async def work(tx: Transaction) -> None:
            rows = [row for row in await levels.uneven(tx, self._channel.account, 100) if row.phase is Phase.SENT]
            await levels.put(
                tx, [msgspec.structs.replace(row, phase=Phase.SETTLED, command=None, sent=None) for row in rows]
            )
            for command in await levels.commands(tx, self._channel.account):
                now = self._channel.clock.now()
                await levels.settle_command(tx, command.id, levels.LevelCommandState.ENDED, None, now)

        await self._channel.database.write(work)

    patch.setattr(Leveller, "begin", begin)


def believes_the_answer(patch: pytest.MonkeyPatch) -> None:
    """A task that is reported as done counts as shown, and nobody reads it."""
    real = LevelSettlement.ended

    async def ended(self: LevelSettlement, command: Any, outcomes: Any) -> float:
        left = await real(self, command, outcomes)

        async def work(tx: Transaction) -> None:
            rows = await levels.of_command(tx, command.id)
            done = {one.offer for one in outcomes if one.done}
            await levels.put(
                tx,
                [
                    msgspec.structs.replace(
                        row, phase=Phase.SETTLED, command=None, sent=None, confirmed=row.sent, due_at=None
                    )
                    for row in rows
                    if row.external_id in done
                ],
            )

        await self._channel.database.write(work)
        return left

    patch.setattr(LevelSettlement, "ended", ended)


@pytest.mark.parametrize(
    "mutation",
    [reserved_afterwards, raised_at_once, forgets_its_commands, believes_the_answer],
    ids=lambda one: one.__name__,
)
async def test_each_rule_is_missed(mutation: Mutation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    extra = mutation(monkeypatch)
    wrong = await found(tmp_path, MANY, extra)
    assert wrong is not None, mutation.__doc__
