"""Nothing silent: each alarm is made to fire and to clear through the real hub, once each.

The hub stands between a simulated marketplace and a simulated shop over real sockets; only the wall clock is moved.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs

from olhubd import config, model
from olhubd.engine.access.http_session import open_session
from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.account import AccountUnit
from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.engine.monitor.last_reads import LastReads
from olhubd.model import AlarmKind, Delivery, DeliveryState, Reconciliation
from olhubd.plugin import AuthLost, PluginError
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import (
    Database,
    Transaction,
    alarms,
    deliveries,
    events,
    orders,
    quarantine,
    reconciliations,
    strangers,
)
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.virtual_clock import VirtualClock
from olhubd_woocommerce.mapping import REFERENCE
from tests.waiting import until

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = 3600.0
DAY = 24 * HOUR


class Watched:
    """A hub whose watch looks only when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = VirtualClock(NOON)
        self.market = AllegroSimulator(1, now=self.clock.now)
        self.shop = WooCommerceSimulator(3, now=self.clock.now)
        self.alarms = ""
        self.market_keys: dict[str, Any] = {"interval": "50 ms", "sweep_interval": "1 h"}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.hub: Hub
        self.database: Database

    @contextlib.asynccontextmanager
    async def open(self, *, parked: bool = False) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            market = await stack.enter_async_context(serve(self.market))
            shop = await stack.enter_async_context(serve(self.shop))
            self.accounts = {
                "market": {"connector": "allegro", **self.market_keys, **self.market.settings(market)},
                "shop": {"connector": "woocommerce", "settle": "100 ms", **self.shop.settings(shop)},
            }
            self.folder.joinpath("data").mkdir(exist_ok=True)
            self.database = await stack.enter_async_context(Database.open(self.folder / "data" / "olhubd.sqlite"))
            session = await stack.enter_async_context(open_session())
            await TokenStore(self.database, self.clock).save("market", self.market.token())
            self.hub = Hub(self.configuration(), self.database, session, self.clock, structlog.get_logger())
            await self.hub.start()
            stack.push_async_callback(self.hub.stop, 2)
            if not parked:
                await self.fetched()
            yield

    def configuration(self) -> config.Configuration:
        engine = {"backoff_first": "50 ms", "backoff_max": "200 ms"}
        path = write_configuration(
            self.folder, self.accounts, [{"from": "market", "to": "shop"}], engine, "127.0.0.1:0"
        )
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n[alarms]\ndisk_free = 0\n{self.alarms}\n")
        return config.load(path, None, os.environ)

    async def look(self) -> set[str]:
        """What is wrong, by kind and subject."""
        await self.hub.checks.round()
        return {f"{kind.value} {subject}" for kind, subject in self.hub.alarms.open}

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        await until(condition, stands=self.look)

    async def on(self, alarm: str) -> None:
        async def there() -> bool:
            return alarm in await self.look()

        await self.until(there)

    async def over(self, alarm: str) -> None:
        async def gone() -> bool:
            return alarm not in await self.look()

        await self.until(gone)

    async def fetched(self) -> None:
        """Wait for a pull that ends after now."""
        now = self.clock.now()

        async def done() -> bool:
            run = self.hub.runs.latest.get(("market", "orders"))
            return run is not None and run.error is None and run.ended_at is not None and run.ended_at > now

        await self.until(done)

    async def delivered(self) -> None:
        async def done() -> bool:
            due = sum(entry.due for entry in self.market.books())
            there = sum(entry.reference is not None for entry in self.shop.books())
            return due == there and not await deliveries.tally(self.database.reader)

        await self.until(done)

    async def told(self, alarm: str) -> list[str]:
        """What the log of events and the store say of an alarm, once it is over."""
        kind, _, subject = alarm.partition(" ")
        (row,) = await alarms.listing(self.database.reader, past=True, kind=AlarmKind(kind))
        assert row.subject == subject
        assert row.cleared_at is not None
        found = []
        for event in await events.since(self.database.reader, 0, 10_000):
            facts = msgspec.json.decode(event.data)
            if event.kind.startswith("alarm.") and facts["alarm"] == row.id:
                assert (event.cause.kind, event.cause.id) == ("rule", kind)
                found.append(event.kind)
        return found


ONCE = ["alarm.raised", "alarm.cleared"]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path)
    with capture_logs():
        async with made.open():
            yield made


async def test_all_is_well_at_first(watched: Watched) -> None:
    assert await watched.look() == set()
    assert watched.hub.checks.ran[AlarmKind.FEED] > 0, "a check that does not run finds nothing either"
    assert watched.hub.checks.found.total() == 0


async def test_accounts_that_come_while_it_looks(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload in the middle of a look is nothing to fail about."""
    hear = LastReads.of
    shop = watched.accounts["shop"]

    async def reload(reads: LastReads, unit: AccountUnit) -> datetime | None:
        if "more" not in watched.accounts:
            watched.accounts = {**watched.accounts, "more": shop}
            await watched.hub.reload(watched.configuration())
        return await hear(reads, unit)

    monkeypatch.setattr(LastReads, "of", reload)
    assert await watched.look() == set()
    assert "more" in watched.hub.units


async def test_orders_that_are_not_read(watched: Watched) -> None:
    watched.market.faults.add(Fault(kind=FaultKind.ERROR, match="GET /order/events", times=None, status=503))
    watched.clock.jump(0.6 * HOUR)
    for _ in range(3):
        assert await watched.look() == {"feed market"}
    watched.market.faults.clear()
    await watched.over("feed market")
    assert await watched.told("feed market") == ONCE


async def test_a_journal_that_will_soon_have_forgotten(watched: Watched) -> None:
    """Also of an account that somebody paused: what is forgotten is lost whatever was meant."""
    await watched.hub.unit("market").pause("moving house", "anna")
    watched.clock.jump(31 * DAY)
    assert await watched.look() == {"retention market"}
    await watched.hub.unit("market").resume("anna")
    await watched.over("retention market")
    assert await watched.told("retention market") == ONCE


async def test_what_somebody_paused_is_no_alarm(watched: Watched) -> None:
    await watched.hub.unit("market").pause("moving house", "anna")
    await watched.hub.unit("shop").pause("moving house", "anna")
    watched.clock.jump(9 * DAY)
    assert await watched.look() == set()


async def test_an_account_that_the_hub_parked(watched: Watched) -> None:
    await watched.hub.unit("market").lost(AuthLost("the grant was taken back"))
    assert "parked market" in await watched.look()
    await watched.hub.unit("market").resume("anna")
    await watched.over("parked market")
    assert await watched.told("parked market") == ONCE


async def test_a_sign_in_that_ends_soon(watched: Watched) -> None:
    keeper = watched.hub.unit("market").connection.keeper
    assert keeper is not None
    ends = keeper.refresh_expires_at
    assert ends is not None
    watched.clock.jump((ends - watched.clock.now() - timedelta(days=13)).total_seconds())
    await watched.on("sign-in market")


async def test_a_shop_that_does_not_answer(watched: Watched) -> None:
    """Both the shop and what is owed to it; and both are over when the orders are there."""
    watched.shop.faults.add(Fault(kind=FaultKind.ERROR, times=None, status=503))
    watched.market.ledger.buy(4)

    async def down() -> bool:
        dispatcher = watched.hub.unit("shop").outbox.dispatcher
        return dispatcher is not None and dispatcher.down

    await watched.until(down)
    assert await watched.look() == set(), "it may be back at once"
    watched.clock.jump(1.1 * HOUR)
    assert {"target-down shop", "undelivered shop"} <= await watched.look()
    watched.shop.faults.clear()
    await watched.delivered()
    await watched.over("target-down shop")
    await watched.over("undelivered shop")
    assert await watched.told("target-down shop") == ONCE
    assert await watched.told("undelivered shop") == ONCE


async def test_what_waits_for_a_person(watched: Watched) -> None:
    watched.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*orders", times=None, status=400))
    watched.market.ledger.buy(1)

    async def stuck() -> bool:
        tally = await deliveries.tally(watched.database.reader)
        return any(state in (DeliveryState.HOLD, DeliveryState.DEAD) for _, state in tally)

    await watched.until(stuck)
    assert await watched.look() == {"hold shop"}
    watched.shop.faults.clear()
    for found in await deliveries.listing(watched.database.reader, states=[DeliveryState.HOLD, DeliveryState.DEAD]):
        await watched.hub.delivery_actions.retry(found.id, "anna")
    await watched.delivered()
    await watched.over("hold shop")
    assert await watched.told("hold shop") == ONCE


async def test_what_a_person_discarded_waits_for_nobody(watched: Watched) -> None:
    watched.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*orders", times=None, status=400))
    watched.market.ledger.buy(2)

    async def held() -> list[Delivery]:
        return await deliveries.listing(watched.database.reader, states=[DeliveryState.HOLD])

    async def both() -> bool:
        return len(await held()) == 2

    async def again() -> bool:
        return [one.id for one in await held()] == [second.id]

    await watched.until(both)
    first, second = await held()
    await watched.hub.delivery_actions.discard(first.id, "anna", "made by hand")
    assert await watched.look() == {"hold shop"}, "the other one still waits"
    await watched.hub.delivery_actions.discard(second.id, "anna", "made by hand")
    assert await watched.look() == set()
    assert await watched.told("hold shop") == ONCE
    assert await deliveries.tally(watched.database.reader) == {}, "nor is it counted as refused"
    await watched.hub.delivery_actions.retry(second.id, "anna")
    await watched.until(again)
    assert await watched.look() == {"hold shop"}


async def test_what_was_refused_for_good_waits_for_a_person(watched: Watched) -> None:
    """Until one discards it: nothing will become of it by itself."""
    (sold,) = watched.market.ledger.buy(1)
    await watched.delivered()
    (found,) = [d for d in await deliveries.listing(watched.database.reader, limit=10) if d.target == "shop"]
    refused = msgspec.structs.replace(found, state=DeliveryState.DEAD, reason="no")

    async def put(tx: Transaction) -> None:
        await deliveries.save(tx, [refused])

    await watched.database.write(put)
    assert await watched.look() == {"hold shop"}
    assert await deliveries.tally(watched.database.reader) == {("shop", DeliveryState.DEAD): 1}
    await watched.hub.delivery_actions.discard(found.id, "anna", "made by hand")
    assert await watched.look() == set()
    assert sold


async def shop_is_read(watched: Watched) -> None:
    watched.accounts["shop"] |= {"fetch_orders": True, "interval": "50 ms"}
    await watched.hub.reload(watched.configuration())

    async def read() -> bool:
        run = watched.hub.runs.latest.get(("shop", "orders"))
        return run is not None and run.error is None and run.ended_at is not None

    await watched.until(read)


async def strange(watched: Watched, mark: str) -> str:
    """An order in the shop that carries a mark of ours; gives its number."""
    number = watched.shop.place_order([{"sku": "KUB-BIA", "quantity": 1}], "on-hold")
    meta = {"id": 9001, "key": REFERENCE, "value": mark}
    watched.shop.ledger.sheets[int(number)].doc["meta_data"] = [meta]
    watched.shop.set_status(number, "processing")

    async def remembered() -> bool:
        return bool(await strangers.by_reference(watched.database.reader, [mark]))

    await watched.until(remembered)
    return number


async def test_an_order_of_ours_that_only_the_shop_knows(watched: Watched) -> None:
    """Its source is asked first, and what that does not know either is told with its number."""
    await shop_is_read(watched)
    number = await strange(watched, "market:nobody")
    assert await watched.look() == set()

    async def answered() -> bool:
        (one,) = await watched.hub.strangers.listing()
        return one.answer is strangers.StrangerAnswer.OFF

    await watched.until(answered)
    watched.clock.jump(0.3 * HOUR)
    await watched.fetched()
    assert await watched.look() == {"stranger shop"}
    told = f"has 1 orders with our mark that nobody here knows ({number} of market:nobody): olhubd strangers list"
    assert watched.hub.alarms.open[AlarmKind.STRANGER, "shop"].detail == told
    watched.shop.set_status(number, "cancelled")
    await watched.over("stranger shop")
    assert await watched.told("stranger shop") == ONCE


async def test_an_order_of_ours_that_a_person_gave_up_is_no_alarm(watched: Watched) -> None:
    await shop_is_read(watched)
    number = await strange(watched, "market:nobody")
    watched.clock.jump(0.3 * HOUR)
    await watched.fetched()
    await watched.on("stranger shop")
    await watched.hub.strangers.discard("shop", number, "it was a test", "anna")
    await watched.over("stranger shop")
    with pytest.raises(NotPossible):
        await watched.hub.strangers.discard("shop", number, "once more", "anna")


async def test_an_order_that_the_shop_tells_of_is_read_at_its_source(watched: Watched) -> None:
    """The feed is past it and no sweep is near: read once it is known again, and its copy too."""
    await shop_is_read(watched)
    watched.market.ledger.buy(paid=True)
    await watched.delivered()
    (entry,) = [entry for entry in watched.shop.books() if entry.reference]

    async def forget(tx: Transaction) -> None:
        await tx.execute("DELETE FROM copies")
        await tx.execute("DELETE FROM deliveries")
        await tx.execute("UPDATE order_lines SET live = 0")
        await tx.execute("UPDATE orders SET external_id = 'another'")

    await watched.database.write(forget)
    watched.shop.set_status(entry.external_id, "on-hold")

    async def known() -> bool:
        await watched.look()
        rows = await watched.database.reader.fetch("SELECT external_id FROM copies")
        return rows == [(entry.external_id,)] and not await strangers.known(watched.database.reader)

    await watched.until(known)
    assert sum(entry.reference is not None for entry in watched.shop.books()) == 1


async def test_a_record_in_quarantine(watched: Watched) -> None:
    (sold,) = watched.market.ledger.buy(1)
    await watched.delivered()
    refused = quarantine.QuarantineDraft(kind="order", external_id="x-1", reason="no total", raw=b"{}")

    async def put(tx: Transaction) -> None:
        await quarantine.put(tx, "market", "orders", [refused], watched.clock.now())

    async def clear(tx: Transaction) -> None:
        await quarantine.clear(tx, "market", model.Kind.ORDER, ["x-1"])

    await watched.database.write(put)
    assert await watched.look() == {"quarantine market"}
    await watched.database.write(clear)
    assert await watched.look() == set()
    assert await watched.told("quarantine market") == ONCE
    assert sold


async def test_an_order_that_only_a_sweep_found(watched: Watched) -> None:
    watched.market.drop_events(4)
    watched.market.ledger.buy(1)
    watched.clock.jump(2 * HOUR)
    await watched.on("missed market")
    watched.clock.jump(1.1 * DAY)
    await watched.over("missed market")
    assert await watched.told("missed market") == ONCE


async def test_a_task_that_fails_again_and_again(watched: Watched) -> None:
    async def broken(_pulse: Heartbeat) -> None:
        raise RuntimeError("no")

    watched.hub.supervisor.start("broken", broken)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await watched.look() == set()
    watched.clock.jump(180)
    assert await watched.look() == {"loop broken"}
    await watched.hub.supervisor.stop("broken")
    assert await watched.look() == set()
    assert await watched.told("loop broken") == ONCE


async def test_a_disk_that_fills(watched: Watched) -> None:
    watched.alarms = ""
    path = watched.configuration().path
    path.write_text(path.read_text().replace("disk_free = 0", f"disk_free = {10**9}"))
    await watched.hub.reload(config.load(path, None, os.environ))
    assert await watched.look() == {"disk data"}
    await watched.hub.reload(watched.configuration())
    assert await watched.look() == set()
    assert await watched.told("disk data") == ONCE


async def test_a_database_that_cannot_be_written(watched: Watched) -> None:
    """The alarm is on although nothing can be stored; it is stored when it can be."""
    file = watched.folder / "data" / "olhubd.sqlite"
    away = file.with_suffix(".away")
    file.rename(away)

    async def refused() -> bool:
        with contextlib.suppress(Exception):
            await watched.database.write(lambda tx: tx.execute("SELECT 1"))
        return not await watched.database.answers()

    await watched.until(refused)
    assert "database data" in await watched.look()
    away.rename(file)

    async def mended() -> bool:
        with contextlib.suppress(Exception):
            await watched.database.write(lambda tx: tx.execute("SELECT 1"))
        return await watched.database.answers()

    await watched.until(mended)
    await watched.over("database data")
    await watched.hub.alarms.write()
    assert await watched.told("database data") == ONCE


async def test_silence(watched: Watched) -> None:
    """Sixty days with an order an hour, then none."""
    watched.market.ledger.buy(1)
    await watched.delivered()
    begun = watched.clock.now() - timedelta(days=60)
    hour = 3_600_000_000

    async def work(tx: Transaction) -> None:
        columns = "account, number, stage, fulfilment, paid, currency, total, buyer, changed_at, digest, document"
        first = (await tx.fetch("SELECT MIN(id) FROM orders"))[0][0]
        for number in range(60 * 24):
            at = (int(begun.timestamp()) * 1_000_000) + number * hour
            await tx.execute(
                f"INSERT INTO orders (id, external_id, placed_at, created_at, {columns})"
                f" SELECT ?, 'old-' || ?, ?, ?, {columns} FROM orders WHERE id = ?",
                (await tx.next_id("orders"), number, at, at, first),
            )

    await watched.database.write(work)
    reader = watched.hub.unit("market").feeds.orders
    assert reader is not None
    reader._since = begun - timedelta(days=1)
    watched.hub.checks._silences._rates.clear()
    await watched.fetched()
    assert await watched.look() == set()
    watched.clock.jump(40 * HOUR)
    await watched.fetched()
    assert "silence market" in await watched.look()
    watched.market.ledger.buy(5)
    watched.clock.jump(0.3 * HOUR)
    await watched.delivered()
    await watched.fetched()
    await watched.over("silence market")
    assert await watched.told("silence market") == ONCE


async def test_kinds_that_are_switched_off(tmp_path: Path) -> None:
    made = Watched(tmp_path)
    made.alarms = 'off = ["parked"]'
    async with made.open():
        await made.hub.unit("market").lost(AuthLost("the grant was taken back"))
        assert "parked market" not in await made.look()


async def test_an_alarm_outlives_the_process(tmp_path: Path) -> None:
    """Raised before, it is neither raised again nor forgotten."""
    made = Watched(tmp_path)
    async with made.open():
        await made.hub.unit("market").lost(AuthLost("the grant was taken back"))
        await made.look()
    again = Watched(tmp_path)
    async with again.open(parked=True):
        before = dict(again.hub.alarms.open)
        assert (AlarmKind.PARKED, "market") in before
        assert "parked market" in await again.look()
        assert again.hub.alarms.open[AlarmKind.PARKED, "market"].id == before[AlarmKind.PARKED, "market"].id


# The daily comparison with the source


async def day_after(watched: Watched) -> None:
    """To four hours after the next midnight in the daemon's zone."""
    now = watched.clock.now()
    then = datetime(now.year, now.month, now.day, 4, tzinfo=UTC) + timedelta(days=1)
    watched.clock.jump((then - now).total_seconds())


async def compared(watched: Watched) -> Reconciliation:
    """Let the reconciler do what is due, and give the newest day."""
    unit = watched.hub.unit("market")
    await watched.hub.reconciler._account(unit, Heartbeat("test", watched.clock))
    return (await reconciliations.listing(watched.database.reader, account="market"))[0]


async def test_a_day_that_is_whole(watched: Watched) -> None:
    watched.market.ledger.buy(3)
    await watched.delivered()
    await day_after(watched)
    found = await compared(watched)
    assert (found.source, found.hub, found.missing, found.surplus) == (3, 3, 0, 0)
    assert found.day == NOON.date()
    assert (await compared(watched)).looks == 1, "what is whole is not looked at again"
    assert "reconciliation market" not in await watched.look()


async def test_what_is_in_quarantine_is_not_missing(watched: Watched) -> None:
    """It waits for a person there, with a reason and an alarm; a second one that says less helps nobody."""
    watched.market.ledger.buy(2)
    await watched.delivered()
    watched.market.drop_events(4)
    (odd,) = watched.market.ledger.buy(1)
    refused = quarantine.QuarantineDraft(
        kind="order", external_id=odd, reason="the parts do not sum to the total", raw=b"{}"
    )

    async def work(tx: Transaction) -> None:
        await quarantine.put(tx, "market", "orders", [refused], watched.clock.now())

    await watched.database.write(work)
    await day_after(watched)
    found = await compared(watched)
    assert (found.source, found.hub, found.missing, found.surplus) == (3, 2, 0, 0)


async def test_an_order_that_nobody_told_is_found_and_fetched(tmp_path: Path) -> None:
    """Neither the feed nor a sweep; the comparison names it, has it read, and is content at the second look."""
    watched = Watched(tmp_path)
    watched.market_keys["sweep_interval"] = "90 days"
    async with watched.open():
        watched.market.ledger.buy(2)
        await watched.delivered()
        watched.market.drop_events(4)
        (lost,) = watched.market.ledger.buy(1)
        watched.market.faults.add(Fault(kind=FaultKind.ERROR, match=f"GET .*{lost}", times=None, status=503))
        await day_after(watched)
        first = await compared(watched)
        assert (first.source, first.hub, first.missing, first.names) == (3, 2, 1, (lost,))
        assert "reconciliation market" not in await watched.look(), "a first look may be too early"
        watched.clock.jump(1.1 * HOUR)
        second = await compared(watched)
        assert (second.looks, second.missing) == (2, 1)
        assert "reconciliation market" in await watched.look()
        watched.market.faults.clear()
        watched.clock.jump(1.1 * HOUR)
        poller = watched.hub.unit("market").feeds.poller
        assert poller is not None
        poller.look_up()
        await watched.delivered()
        third = await compared(watched)
        assert (third.source, third.hub, third.missing) == (3, 3, 0)
        await watched.over("reconciliation market")
        assert await watched.told("reconciliation market") == ONCE


async def test_a_count_that_comes_right_by_chance_ends_no_difference(tmp_path: Path) -> None:
    """One order is missing, and two that are held became one of which nobody told: as many as there, and others."""
    watched = Watched(tmp_path)
    watched.market_keys["sweep_interval"] = "90 days"
    async with watched.open():
        parts = watched.market.ledger.buy(2, ready=False)

        async def held() -> bool:
            return len(await orders.held(watched.database.reader, "market", parts)) == 2

        await watched.until(held)
        watched.market.drop_events(4)
        (lost,) = watched.market.ledger.buy(1)
        watched.market.faults.add(Fault(kind=FaultKind.ERROR, match=f"GET .*{lost}", times=None, status=503))
        await day_after(watched)
        first = await compared(watched)
        assert (first.source, first.hub, first.names) == (3, 2, (lost,))
        watched.market.drop_events(20)
        merged = watched.market.ledger.merge(parts)
        watched.clock.jump(1.1 * HOUR)
        second = await compared(watched)
        assert (second.source, second.hub, second.missing) == (2, 2, 2)
        assert {lost, merged} <= set(second.names)
        assert "reconciliation market" in await watched.look()


async def test_an_account_that_cannot_be_compared(watched: Watched) -> None:
    """A check that does not run finds nothing: that is an alarm of its own."""
    watched.market.faults.add(
        Fault(kind=FaultKind.ERROR, match="GET /order/checkout-forms", times=None, status=503)
    )
    watched.clock.jump(4.2 * DAY)
    await watched.fetched()
    await watched.hub.reconciler._account(watched.hub.unit("market"), Heartbeat("test", watched.clock))
    assert "unchecked market" in await watched.look()
    watched.market.faults.clear()
    await compared(watched)
    assert "unchecked market" not in await watched.look()
    assert await watched.told("unchecked market") == ONCE


async def test_a_fault_in_one_connector_keeps_no_other_from_being_compared(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit, pulse = watched.hub.unit("market"), Heartbeat("test", watched.clock)

    async def broken(*_: object) -> None:
        raise KeyError("a field that is not there")

    monkeypatch.setattr(unit.connector.feeds["orders"], "count_orders", broken)
    monkeypatch.setattr(unit.connector.feeds["orders"], "sweep", broken)
    await day_after(watched)
    with capture_logs() as logs:
        await watched.hub.reconciler._account(unit, pulse)
        await watched.hub.reconciler._account(unit, pulse)
    # The sweep of its feed is due too, and may come in between.
    calls = [one for one in logs if one["event"] == "connector failed" and one.get("call") == "count_orders"]
    assert [one["account"] for one in calls if one["log_level"] == "error"] == ["market"], "told once"
    monkeypatch.undo()
    await watched.fetched()
    assert (await compared(watched)).looks == 1


async def reminded(watched: Watched) -> bool:
    return "import-due shop" in await watched.look()


async def test_a_day_without_its_import_is_reminded_of_until_it_is_there(watched: Watched) -> None:
    """PRD-09: from 6:10 of the seller's zone on, once a day, until it has gone well."""
    folder = watched.folder / "conf.d"
    folder.mkdir()
    folder.joinpath("zone.toml").write_text('[daemon]\ntimezone = "Europe/Warsaw"\n', encoding="utf-8")
    watched.accounts["shop"] |= {"products": "by-hand", "products_from": "06:10"}
    await watched.hub.reload(watched.configuration())
    shop = watched.hub.unit("shop")
    assert await reminded(watched)
    (alarm,) = await alarms.listing(watched.database.reader, kind=AlarmKind.IMPORT_DUE)
    assert "since 2026-03-10 06:10" in alarm.detail
    assert "olhubd fetch shop --products" in alarm.detail
    watched.shop.faults.add(Fault(kind=FaultKind.ERROR, match="GET .*products", times=None, status=503))
    with pytest.raises(PluginError):
        await shop.import_products(full=True, accept_gone=False)
    assert await reminded(watched), "it has not gone well"
    watched.shop.faults.clear()
    await shop.import_products(full=True, accept_gone=False)
    assert not await reminded(watched)
    assert await watched.told("import-due shop") == ONCE
    until_morning = (datetime(2026, 3, 11, 5, 10, tzinfo=UTC) - watched.clock.now()).total_seconds()
    watched.clock.jump(until_morning - 1)
    assert not await reminded(watched)
    watched.clock.jump(1)
    assert await reminded(watched)
    (first,) = await alarms.listing(watched.database.reader, kind=AlarmKind.IMPORT_DUE)
    watched.clock.jump(DAY - 1)
    assert await reminded(watched)
    assert await alarms.listing(watched.database.reader, kind=AlarmKind.IMPORT_DUE) == [first], "once a day"
    watched.clock.jump(1)
    assert await reminded(watched)
    (second,) = await alarms.listing(watched.database.reader, kind=AlarmKind.IMPORT_DUE)
    assert second.id != first.id
    assert "since 2026-03-12 06:10" in second.detail
    await shop.pause("moving house", "anna")
    assert not await reminded(watched), "what somebody paused is no alarm"


async def test_of_a_day_without_its_import_who_wants_that_is_reminded(watched: Watched) -> None:
    """PRD-09: not where it is switched off; with a timer where it is switched on, and it has an hour."""
    watched.accounts["shop"] |= {"products": "by-hand", "products_remind": False}
    await watched.hub.reload(watched.configuration())
    assert not await reminded(watched)
    watched.shop.faults.add(Fault(kind=FaultKind.ERROR, match="GET .*products", times=None, status=503))
    watched.accounts["shop"] |= {"products": "daily", "products_remind": True, "products_from": "11:30"}
    await watched.hub.reload(watched.configuration())
    assert not await reminded(watched)
    watched.clock.jump((NOON + timedelta(minutes=30) - watched.clock.now()).total_seconds() - 1)
    assert not await reminded(watched)
    watched.clock.jump(1)
    assert await reminded(watched)
    watched.shop.faults.clear()
    await watched.hub.unit("shop").pause("a look", "anna")
    await watched.hub.unit("shop").resume("anna")
    await watched.over("import-due shop")
