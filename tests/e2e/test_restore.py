"""After a restored, reverted or lost database, whatever the clocks say: nothing is doubled or lives on wrongly."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.hub import Hub
from olhubd.model import AlarmKind, DeliveryState
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, deliveries
from tests.e2e.test_hub import Seller

DAY = timedelta(days=1)


class Aside(SystemClock):
    """A wall clock that is wrong when it starts, and right some seconds later, as after a reverted snapshot."""

    def __init__(self, by: timedelta, until: float) -> None:
        self._by = by
        self._right_at = self.monotonic() + until

    def now(self) -> datetime:
        wrong = self.monotonic() < self._right_at
        return super().now() + (self._by if wrong else timedelta())


CLOCKS = {
    "right": (timedelta(), 0.0),
    "a day behind at the start": (-DAY, 0.5),
    "ten minutes behind": (timedelta(minutes=-10), 1e9),
    "an hour ahead at the start": (timedelta(hours=1), 0.5),
}


class Again:
    """A seller whose hub begins anew with another database."""

    def __init__(self, seller: Seller) -> None:
        self.seller = seller

    def fetches(self, orders: bool) -> None:
        """Whether the shop's own orders are read; without them nothing of the shop can go back."""
        self.seller.wanted = orders
        if not orders:
            self.seller.route.pop("status_back")

    async def keep(self) -> None:
        """Put a copy of the database aside."""
        seller = self.seller
        source, target = (
            sqlite3.connect(seller.folder / "hub.sqlite"),
            sqlite3.connect(seller.folder / "kept.sqlite"),
        )
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)

    @contextlib.asynccontextmanager
    async def restored(self, clock: str = "right", path: str = "kept.sqlite") -> AsyncIterator[Hub]:
        """The daemon with the copy, which is a new file where none was kept."""
        seller = self.seller
        async with Database.open(seller.folder / path) as database:
            wall = Aside(*CLOCKS[clock])
            vault = TokenStore(database, wall)
            for name, simulator in (("first", seller.first), ("second", seller.second)):
                await vault.save(name, simulator.token())
            seller.database = database
            seller.hub = Hub(seller.configuration(), database, seller.session, wall, structlog.get_logger())
            await seller.hub.start()
            try:
                yield seller.hub
            finally:
                await seller.hub.stop(5)

    async def quiet(self) -> None:
        """Wait until the feeds were read to their end and nothing is owed that a person need not do."""
        lineage = self.seller.hub.lineage

        async def done() -> bool:
            tally = await deliveries.tally(self.seller.database.reader)
            waits = [s for _, s in tally if s not in (DeliveryState.HOLD, DeliveryState.DEAD)]
            return not waits and lineage.settled("first") and lineage.settled("second")

        await self.seller.until(done)

    def alive(self, order: str) -> list[str]:
        """The shop's orders of a purchase that are to be carried out."""
        books = self.seller.shop.books()
        return [e.external_id for e in books if e.reference == f"first:{order}" and not e.cancelled]


@pytest.fixture
def again(tmp_path: Path) -> Again:
    return Again(Seller(tmp_path))


@pytest.mark.parametrize("fetches", [True, False], ids=["fetched", "not fetched"])
@pytest.mark.parametrize("clock", CLOCKS)
async def test_what_was_forwarded_since_the_backup_is_found(again: Again, clock: str, fetches: bool) -> None:
    seller = again.seller
    again.fetches(fetches)
    with structlog.testing.capture_logs():
        async with seller.open():
            before = [seller.first.ledger.buy(paid=True)[0] for _ in range(2)]
            await seller.settled()
            await again.keep()
            after = [seller.first.ledger.buy(paid=True)[0] for _ in range(6)]
            await seller.settled()
            await seller.hub.stop(5)
            seller.database = None  # type: ignore[assignment]
            async with again.restored(clock):
                new = seller.first.ledger.buy(paid=True)[0]
                await seller.settled()
                await again.quiet()
                assert {order: len(again.alive(order)) for order in (*before, *after, new)} == dict.fromkeys(
                    (*before, *after, new), 1
                )


@pytest.mark.parametrize("fetches", [True, False], ids=["fetched", "not fetched"])
@pytest.mark.parametrize("clock", CLOCKS)
async def test_what_was_cancelled_meanwhile_is_cancelled_in_the_shop(
    again: Again, clock: str, fetches: bool
) -> None:
    """Once as the order was unknown to the backup, once as it waited in it."""
    seller = again.seller
    again.fetches(fetches)
    with structlog.testing.capture_logs():
        async with seller.open():
            (waiting,) = seller.first.ledger.buy(paid=False)
            await asyncio.sleep(0.5)
            await again.keep()
            (unknown,) = seller.first.ledger.buy(paid=True)
            seller.first.ledger.pay(waiting)
            await seller.settled()
            assert again.alive(waiting)
            assert again.alive(unknown)
            await seller.hub.stop(5)
            for order in (waiting, unknown):
                seller.first.ledger.cancel(order)
            async with again.restored(clock):

                async def both() -> bool:
                    return not again.alive(waiting) and not again.alive(unknown)

                await seller.until(both)
                await again.quiet()


@pytest.mark.parametrize("fetches", [True, False], ids=["fetched", "not fetched"])
async def test_a_new_file_doubles_nothing_and_cancels_what_is_off(again: Again, fetches: bool) -> None:
    """The database is lost; a new one imports the past."""
    seller = again.seller
    again.fetches(fetches)
    with structlog.testing.capture_logs():
        async with seller.open():
            orders = [seller.first.ledger.buy(paid=True)[0] for _ in range(5)]
            await seller.settled()
            await seller.hub.stop(5)
            off, *rest = orders
            seller.first.ledger.cancel(off)
            for account in ("first", "second", "shop") if fetches else ("first", "second"):
                seller.accounts[account]["start"] = "1 day"
            async with again.restored(path="new.sqlite"):

                async def known() -> bool:
                    rows = await seller.database.reader.fetch("SELECT COUNT(*) FROM copies")
                    return bool(rows[0][0] == len(orders)) and not again.alive(off)

                await seller.until(known)
                await again.quiet()
                assert [len(again.alive(order)) for order in rest] == [1] * len(rest)


async def test_a_parcel_of_an_order_that_the_backup_does_not_know_goes_back(again: Again) -> None:
    seller = again.seller
    with structlog.testing.capture_logs():
        async with seller.open():
            await again.keep()
            (order,) = seller.first.ledger.buy(paid=True)
            await seller.settled()
            entry = seller.in_shop("first", order)
            await seller.hub.stop(5)
            seller.shop.add_tracking(entry.external_id, "620999000111222333444555", "inpost")
            async with again.restored():

                async def told() -> bool:
                    (sold,) = [e for e in seller.first.books() if e.external_id == order]
                    return len(sold.shipments) == 1

                await seller.until(told)


async def test_an_order_of_ours_that_nothing_owes_becomes_known_again(again: Again) -> None:
    """A person had sent it before its route would: nothing is owed here, and the shop's feed tells of it."""
    seller = again.seller
    seller.route["when"] = "paid"
    with structlog.testing.capture_logs():
        async with seller.open():
            (order,) = seller.first.ledger.buy(cod=True)
            await seller.settled()
            entry = seller.in_shop("first", order)
            await seller.hub.stop(5)
            # As it would be had it gone by hand: the database holds the order and owes it nowhere.
            async with Database.open(seller.folder / "hub.sqlite") as database:

                async def forget(tx: Transaction) -> None:
                    await tx.execute("DELETE FROM copies")
                    await tx.execute("DELETE FROM deliveries")

                await database.write(forget)
            seller.shop.set_status(entry.external_id, "completed")
            async with again.restored(path="hub.sqlite"):

                async def known() -> bool:
                    rows = await seller.database.reader.fetch("SELECT COUNT(*) FROM copies")
                    return bool(rows[0][0])

                await seller.until(known)
                await again.quiet()
                assert "copy.found" in await seller.kinds()
                assert len(again.alive(order)) == 1


async def test_a_double_is_an_alarm_and_waits_for_a_person(again: Again) -> None:
    seller = again.seller
    with structlog.testing.capture_logs():
        async with seller.open():
            (order,) = seller.first.ledger.buy(paid=True)
            await seller.settled()
            entry = seller.in_shop("first", order)
            twin = seller.shop.place_order([{"sku": "KUB-BIA", "quantity": 1}])
            sheets = seller.shop.ledger.sheets
            sheets[int(twin)].doc["meta_data"] = sheets[int(entry.external_id)].doc["meta_data"]
            seller.shop.set_status(twin, "on-hold")

            async def held() -> bool:
                return bool(await seller.deliveries(DeliveryState.HOLD))

            await seller.until(held)
            (delivery,) = await seller.deliveries(DeliveryState.HOLD)
            assert delivery.reason == (
                f"shop has two orders of this purchase, {entry.external_id} and {twin}: cancel one there by hand"
            )
            await seller.hub.checks.round()
            assert (AlarmKind.DOUBLED, "shop") in seller.hub.alarms.open
            await seller.hub.delivery_actions.accept(delivery.id, "anna")
            await seller.hub.checks.round()
            assert (AlarmKind.DOUBLED, "shop") not in seller.hub.alarms.open
