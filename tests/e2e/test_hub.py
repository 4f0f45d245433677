"""The hub between two Allegro accounts and a WooCommerce shop, over real sockets, within one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import structlog

from olhubd import config
from olhubd.engine.access.http_session import open_session
from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.model import Action, Delivery, DeliveryState
from olhubd.plugin import AuthLost
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, deliveries, events, orders
from olhubd.store.accounts import AccountState
from olhubd_kit.audit import Audit, audit
from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import BookedOrder, serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tests.waiting import until

Condition = Callable[[], Awaitable[bool]]


class Seller:
    """A seller's systems with a hub between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first = AllegroSimulator(1)
        self.second = AllegroSimulator(2)
        self.shop = WooCommerceSimulator(3)
        self.accounts: dict[str, dict[str, Any]] = {}
        self.route: dict[str, Any] = {
            "from": ["first", "second"],
            "to": "shop",
            "status_back": {"completed": "SENT"},
        }
        self.routes = [self.route]
        self.keys: dict[str, Any] = {}
        """What the marketplace accounts have otherwise than here."""
        self.signed_in: tuple[str, ...] = ("first", "second")
        self.wanted = True
        """Whether the shop's own orders are fetched."""
        self.engine = {"backoff_first": "50 ms", "backoff_max": "500 ms"}
        self.database: Database
        self.session: aiohttp.ClientSession
        self.hub: Hub

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for name, simulator in (("first", self.first), ("second", self.second)):
                base = await stack.enter_async_context(serve(simulator))
                keys = {"connector": "allegro", "interval": "100 ms", "sweep_interval": "1 h", **self.keys}
                self.accounts[name] = {**keys, **simulator.settings(base)}
            base = await stack.enter_async_context(serve(self.shop))
            keys = {"connector": "woocommerce", "interval": "200 ms", "settle": "500 ms"}
            self.accounts["shop"] = {**self.shop.settings(base), **keys, "fetch_orders": self.wanted}
            self.database = await stack.enter_async_context(Database.open(self.folder / "hub.sqlite"))
            self.session = session = await stack.enter_async_context(open_session())
            clock = SystemClock()
            vault = TokenStore(self.database, clock)
            for name, simulator in (("first", self.first), ("second", self.second)):
                if name in self.signed_in:
                    await vault.save(name, simulator.token())
            self.hub = Hub(self.configuration(), self.database, session, clock, structlog.get_logger())
            await self.hub.start()
            # Buyers who came before the accounts began are nobody's business.
            await self.until(self._began)
            try:
                yield
            finally:
                await self.hub.stop(5)

    async def _began(self) -> bool:
        rows = await self.database.reader.fetch("SELECT COUNT(*) FROM feeds WHERE feed = 'orders'")
        return bool(rows[0][0] == len(self.signed_in) + self.wanted)

    def configuration(self) -> config.Configuration:
        path = write_configuration(self.folder, self.accounts, self.routes, self.engine, "127.0.0.1:0")
        return config.load(path, None, os.environ)

    def audit(self) -> Audit:
        return audit({"first": self.first.books(), "second": self.second.books()}, self.shop.books())

    def in_shop(self, account: str, order: str) -> BookedOrder:
        (entry,) = [e for e in self.shop.books() if e.reference == f"{account}:{order}"]
        return entry

    async def until(self, condition: Condition) -> None:
        await until(condition, stands=self.stands)

    async def stands(self) -> str:
        """What there is, for who waited for something else."""
        owed = [f"{d.id} {d.action.value} {d.state.value}" for d in await deliveries.listing(self.database.reader)]
        return f"{self.audit()}\ndeliveries {owed}"

    async def settled(self) -> None:
        """Wait until the books agree and nothing is owed that a person need not do."""

        async def done() -> bool:
            tally = await deliveries.tally(self.database.reader)
            waiting = [state for _, state in tally if state not in (DeliveryState.HOLD, DeliveryState.DEAD)]
            return self.audit().clean and not waiting

        await self.until(done)

    async def settled_of(self, account: str, order: str) -> None:
        """Wait until this one is in the shop."""

        async def there() -> bool:
            return any(entry.reference == f"{account}:{order}" for entry in self.shop.books())

        await self.until(there)

    async def deliveries(self, state: DeliveryState | None = None) -> list[Delivery]:
        return await deliveries.listing(self.database.reader, states=[state] if state else [], limit=500)

    async def kinds(self) -> list[str]:
        return [event.kind for event in await events.latest(self.database.reader, limit=1000)]


@pytest.fixture
async def seller(tmp_path: Path) -> AsyncIterator[Seller]:
    made = Seller(tmp_path)
    with structlog.testing.capture_logs():
        async with made.open():
            yield made


async def test_orders_of_two_accounts_land_in_the_shop_once_each(seller: Seller) -> None:
    """FWD-06, FWD-22. Part of IMP-35: lines, totals and stock are right, and nothing comes back as new."""
    before = {row["sku"]: row["stock_quantity"] for row in seller.shop.catalogue.products.values()}
    seller.first.ledger.buy(8)
    seller.second.ledger.buy(8)
    await seller.settled()
    await asyncio.sleep(0.5)  # the shop's own feed has told them back by now
    assert len(await orders.listing(seller.database.reader, limit=100)) == 16
    assert len(seller.shop.books()) == 16
    after = {row["sku"]: row["stock_quantity"] for row in seller.shop.catalogue.products.values()}
    sold: dict[str, int] = {}
    for entry in seller.shop.books():
        for row in seller.shop.ledger.sheets[int(entry.external_id)].doc["line_items"]:
            if row["sku"]:
                sold[row["sku"]] = sold.get(row["sku"], 0) + row["quantity"]
    assert sold
    assert after == {sku: count if count is None else count - sold.get(sku, 0) for sku, count in before.items()}


async def test_an_order_waits_for_its_form(seller: Seller) -> None:
    """FWD-05, IMP-15."""
    (order,) = seller.first.ledger.buy(ready=False, payment="ONLINE")

    async def known() -> bool:
        return bool(await orders.listing(seller.database.reader))

    await seller.until(known)
    await asyncio.sleep(0.3)
    assert seller.shop.books() == []
    seller.first.ledger.advance(order)
    seller.first.ledger.advance(order)
    await seller.settled()
    assert seller.in_shop("first", order).paid


async def test_what_the_shop_does_goes_back(seller: Seller) -> None:
    """SYN-12, SYN-16: the shop sends it with a waybill, and the marketplace knows both."""
    (order,) = seller.first.ledger.buy()
    await seller.settled()
    entry = seller.in_shop("first", order)
    await asyncio.sleep(0.5)
    seller.shop.add_tracking(entry.external_id, "6300012345", "inpost")
    seller.shop.set_status(entry.external_id, "completed")

    async def told() -> bool:
        (sold,) = [e for e in seller.first.books() if e.external_id == order]
        return sold.fulfilment == "SENT" and len(sold.shipments) == 1

    await seller.until(told)


async def test_a_cancellation_reaches_the_shop(seller: Seller) -> None:
    (order,) = seller.first.ledger.buy()
    await seller.settled()
    seller.first.ledger.cancel(order)
    await seller.settled()
    assert seller.in_shop("first", order).cancelled


async def test_purchases_paid_together_are_one_order(seller: Seller) -> None:
    """Invariant 2: the merged order is in the shop, its parts are not."""
    parts = seller.first.ledger.buy(2, ready=False, buyer=4, payment="ONLINE")
    both = seller.first.ledger.merge(parts)
    await seller.settled()
    live = [entry.reference for entry in seller.shop.books() if not entry.cancelled]
    assert live == [f"first:{both}"]


async def test_faults_on_both_sides_change_nothing(seller: Seller) -> None:
    """FWD-06, SYN-19: lost and torn answers, refusals, a torn journal."""
    for market in (seller.first, seller.second):
        market.faults.add(
            Fault(kind=FaultKind.ERROR, match="GET /order", times=None, chance=0.1, status=503),
            Fault(kind=FaultKind.HALF, match="GET /order", times=None, chance=0.05),
            Fault(kind=FaultKind.CUT, match="GET /order", times=None, chance=0.05),
        )
        market.reorder_events(5)
    seller.shop.faults.add(
        *(
            Fault(kind=kind, match="POST .*/orders$", times=None, chance=0.06, seconds=0.2)
            for kind in (
                FaultKind.LOSE,
                FaultKind.HALF,
                FaultKind.ERROR_AFTER,
                FaultKind.ERROR,
                FaultKind.CUT,
                FaultKind.LATE,
            )
        )
    )
    seller.first.ledger.buy(20)
    seller.second.ledger.buy(20)
    seller.first.duplicate_events(10)
    await seller.settled()
    await asyncio.sleep(0.5)
    assert seller.audit().clean
    assert sum(seller.shop.faults.struck.values()) > 0


async def test_a_lost_grant_parks_its_account_and_no_other(seller: Seller) -> None:
    """ACC-19. Part of ACC-21: until somebody signs in; then nothing is missing."""
    seller.first.signin.revoke()
    seller.first.signin.expire()

    async def parked() -> bool:
        return seller.hub.unit("first").row.state is AccountState.PARKED

    await seller.until(parked)
    (told,) = [e for e in await events.latest(seller.database.reader, limit=1000) if e.kind == "account.parked"]
    assert told.account == "first"
    assert "sign-in" in msgspec.json.decode(told.data)["reason"]
    seller.first.ledger.buy(2)
    (other,) = seller.second.ledger.buy()

    async def arrived() -> bool:
        return any(entry.reference == f"second:{other}" for entry in seller.shop.books())

    await seller.until(arrived)
    with pytest.raises(NotPossible, match="parked"):
        await seller.hub.unit("first").fetch()
    unit = seller.hub.unit("first")
    assert unit.connection.keeper is not None
    await unit.connection.keeper.adopt(seller.first.token())
    await unit.resume("operator")
    await seller.settled()


async def test_a_paused_account_fetches_nothing_and_misses_nothing(seller: Seller) -> None:
    """ACC-07, ACC-08."""
    await seller.hub.unit("first").pause("holidays", "anna")
    await asyncio.sleep(0.3)
    seller.first.ledger.buy(3)
    await asyncio.sleep(0.4)
    assert seller.shop.books() == []
    with pytest.raises(NotPossible, match="holidays"):
        await seller.hub.unit("first").fetch()
    await seller.hub.unit("first").resume("anna")
    await seller.settled()
    assert len(seller.shop.books()) == 3


async def test_fetch_now_does_not_wait_for_the_timer(seller: Seller) -> None:
    """MAN-03. Part of IMP-03."""
    seller.accounts["first"]["interval"] = "1 h"
    await seller.hub.reload(seller.configuration())

    async def waits() -> bool:
        """It was read once, as it began."""
        poller = seller.hub.unit("first").feeds.poller
        return poller is not None and poller.readers[0].next_pull > seller.hub.clock.now() + timedelta(minutes=5)

    await seller.until(waits)
    seller.first.ledger.buy(1)
    run = await seller.hub.unit("first").fetch()
    assert (run.trigger, run.added) == ("manual", 1)
    await seller.settled()


async def test_an_order_with_unlinked_lines_waits_where_the_route_says_so(seller: Seller) -> None:
    """FWD-20: held with a reason that names the line; mended in the shop it goes."""
    seller.route["unlinked"] = "hold"
    await seller.hub.reload(seller.configuration())
    sku = PRODUCTS[0].sku
    row = seller.shop.catalogue.by_sku(sku or "")
    assert sku is not None
    assert row is not None
    row["sku"] = ""
    ean, row["global_unique_id"] = row.get("global_unique_id", ""), ""
    seller.first.ledger.buy(1, sku=sku, lines=1)

    async def held() -> bool:
        return bool(await seller.deliveries(DeliveryState.HOLD))

    await seller.until(held)
    (delivery,) = await seller.deliveries(DeliveryState.HOLD)
    assert sku in (delivery.reason or "")
    row["sku"], row["global_unique_id"] = sku, ean
    await seller.hub.delivery_actions.retry(delivery.id, "anna")
    # What is missing is remembered for a moment, so the first try may still not see the product.
    async with asyncio.timeout(20):
        while not seller.shop.books():
            for again in await seller.deliveries(DeliveryState.HOLD):
                await seller.hub.delivery_actions.retry(again.id, "anna")
            await asyncio.sleep(0.3)
    await seller.settled()
    assert "delivery.released" in await seller.kinds()


async def test_a_held_order_can_be_given_up(seller: Seller) -> None:
    seller.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    seller.first.ledger.buy(1)

    async def held() -> bool:
        return bool(await seller.deliveries(DeliveryState.HOLD))

    await seller.until(held)
    (delivery,) = await seller.deliveries(DeliveryState.HOLD)
    with pytest.raises(NotPossible, match="no order that could be accepted"):
        await seller.hub.delivery_actions.accept(delivery.id, "anna")
    await seller.hub.delivery_actions.discard(delivery.id, "anna", "a test purchase")
    assert [d.state for d in await seller.deliveries() if d.action is Action.PUSH_ORDER] == [
        DeliveryState.DISCARDED
    ]
    await asyncio.sleep(0.2)
    assert seller.shop.books() == []


async def test_a_reload_begins_changes_and_ends_accounts(seller: Seller) -> None:
    """Part of ACC-23: settings change without a restart, and what is owed stays owed."""
    second = seller.accounts.pop("second")
    seller.route["from"] = ["first"]
    assert await seller.hub.reload(seller.configuration()) == {"begun": [], "changed": [], "ended": ["second"]}
    seller.second.ledger.buy(2)
    await asyncio.sleep(0.4)
    assert seller.shop.books() == []
    seller.accounts["second"] = second
    seller.accounts["first"]["interval"] = "150 ms"
    seller.route["from"] = ["first", "second"]
    assert await seller.hub.reload(seller.configuration()) == {
        "begun": ["second"],
        "changed": ["first"],
        "ended": [],
    }
    await seller.settled()
    assert len(seller.shop.books()) == 2


async def test_a_reload_of_the_engine_concerns_all_accounts(seller: Seller) -> None:
    """Part of ACC-23: how patient the daemon is changes without a restart too."""
    seller.engine["backoff_max"] = "1 s"
    changes = await seller.hub.reload(seller.configuration())
    assert sorted(changes["changed"]) == ["first", "second", "shop"]
    seller.first.ledger.buy(1)
    await seller.settled()


async def test_a_persons_pause_outranks_a_lost_grant(seller: Seller) -> None:
    """Both at one time: what the person said stands, with its reason."""
    unit = seller.hub.unit("first")
    await asyncio.gather(unit.pause("holidays", "anna"), unit.lost(AuthLost("refused")))
    assert (unit.row.state, unit.row.reason) == (AccountState.PAUSED, "holidays")


async def test_what_nobody_was_woken_for_is_found_on_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A landing that was cut off after its commit wakes nobody; what it owes must go all the same."""
    monkeypatch.setattr("olhubd.engine.hub._ROUND", 0.2)
    seller = Seller(tmp_path)
    async with seller.open():
        monkeypatch.setattr(seller.hub.landing, "_wake", lambda targets: None)
        seller.first.ledger.buy(1)
        await seller.settled()


async def test_what_a_server_asked_to_wait_for_is_waited_for_after_a_restart(seller: Seller) -> None:
    """A system may ask for a long time; only what is due later than a day comes from a wrong clock."""
    seller.shop.faults.add(
        Fault(kind=FaultKind.REFUSE, status=429, match="POST .*/orders$", times=None, retry_after=80_000)
    )
    seller.first.ledger.buy(1)

    async def delayed() -> bool:
        return any(d.state is DeliveryState.RETRY for d in await seller.deliveries())

    await seller.until(delayed)
    (before,) = [d for d in await seller.deliveries() if d.action is Action.PUSH_ORDER]
    await seller.hub.stop(1)
    seller.hub = Hub(seller.configuration(), seller.database, seller.session, SystemClock(), structlog.get_logger())
    await seller.hub.start()
    (after,) = [d for d in await seller.deliveries() if d.action is Action.PUSH_ORDER]
    assert after.due_at == before.due_at


async def test_the_shop_down_for_a_while_loses_nothing(seller: Seller) -> None:
    seller.shop.faults.add(Fault(kind=FaultKind.ERROR, match=".", times=None, status=503))
    seller.first.ledger.buy(10)

    async def down() -> bool:
        dispatcher = seller.hub.unit("shop").outbox.dispatcher
        return dispatcher is not None and dispatcher.down

    await seller.until(down)
    seller.shop.faults.clear()
    await seller.settled()
    assert len(seller.shop.books()) == 10


async def test_nothing_personal_is_logged_nor_put_into_events(tmp_path: Path) -> None:
    """Invariant 12."""
    seller = Seller(tmp_path)
    with structlog.testing.capture_logs() as lines:
        async with seller.open():
            seller.shop.faults.add(Fault(kind=FaultKind.ERROR_AFTER, match="POST .*/orders$", times=3))
            seller.first.ledger.buy(6)
            await seller.settled()
            log = await events.latest(seller.database.reader, limit=1000)
            said = str(lines) + "".join(bytes(event.data).decode() for event in log)
            said += "".join(f"{d.reason} {d.error}" for d in await seller.deliveries())
            held = await orders.read(
                seller.database.reader, [row.id for row in await orders.listing(seller.database.reader)]
            )
    canaries = {
        value
        for stored in held.values()
        for value in (
            stored.order.buyer.email,
            stored.order.buyer.last_name,
            stored.order.buyer.phone,
            stored.order.recipient and stored.order.recipient.street,
        )
        if value
    }
    secrets = {seller.accounts["first"]["client_secret"], seller.accounts["shop"].get("consumer_secret", "none")}
    assert len(canaries) > 5
    assert not [canary for canary in canaries | secrets if canary in said]
