"""The main job against a real shop: simulated Allegro accounts, the daemon as a process, and Vendure behind a line
that is cut before and after the shop has acted. What came of it is asked of the shop itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from olhubd.model import Money
from olhubd_kit.demo_stack import DemoStack, open_stage
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.proxy import Proxy
from olhubd_kit.simulator import BookedOrder
from olhubd_kit.traffic import Traffic, spoil_markets
from tests.e2e.shop import PLACEHOLDER, Shop
from tests.waiting import until

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

UNPLACED = frozenset({"AddingItems", "Created", "Draft"})
ORDERS = 48
KILLS = 2


class Outlet:
    """Vendure on a stage, reached through the proxy, its books read past it. Orders from before are not in them."""

    connector = "vendure"

    def __init__(self, shop: Shop, proxy: Proxy, markets: tuple[str, ...]) -> None:
        self.shop = shop
        self.proxy = proxy
        self.settings = shop.settings(proxy.base)
        self._prefixes = tuple(f"{market}:" for market in markets)
        self._before = {order["id"] for order in shop.clerk.orders()}

    def orders(self) -> list[dict[str, Any]]:
        """All that was made since, carts and drafts too."""
        return [order for order in self.shop.clerk.orders() if order["id"] not in self._before]

    async def books(self, session: aiohttp.ClientSession) -> list[BookedOrder]:
        orders = await asyncio.to_thread(self.orders)
        return [_entry(order) for order in orders if order["state"] not in UNPLACED]

    async def misbehave(self, session: aiohttp.ClientSession, *faults: Fault) -> None:
        self.proxy.faults.add(*faults)

    async def behave(self, session: aiohttp.ClientSession) -> None:
        self.proxy.faults.clear()

    def stock(self) -> Counter[str]:
        """How many pieces of each product the orders want that are neither sent nor cancelled."""
        wanted: Counter[str] = Counter()
        for order in self.orders():
            if order["state"] not in UNPLACED | {"Cancelled"}:
                for line in order["lines"]:
                    wanted[line["productVariant"]["sku"]] += line["quantity"]
        del wanted[PLACEHOLDER]
        return wanted

    def allocated(self, skus: Counter[str]) -> Counter[str]:
        """How many pieces the shop itself has put aside."""
        return Counter({sku: self.shop.clerk.stock(sku)[1] for sku in skus})


def _entry(order: dict[str, Any]) -> BookedOrder:
    return BookedOrder(
        external_id=order["id"],
        total=Money.of_minor(order["totalWithTax"], order["currencyCode"]),
        status=order["state"],
        cancelled=order["state"] == "Cancelled",
        paid=sum(p["amount"] for p in order["payments"] if p["state"] == "Settled") == order["totalWithTax"],
        reference=order["customFields"]["externalId"],
        shipments=[one["trackingCode"] for one in order["fulfillments"] or []],
    )


@contextlib.asynccontextmanager
async def stage_of(
    folder: Path, vendure: Shop, markets: tuple[str, ...], **settings: Any
) -> AsyncIterator[tuple[DemoStack, Outlet]]:
    async with Proxy(vendure.base, seed=11).serve() as proxy:
        outlet = Outlet(vendure, proxy, markets)
        async with open_stage(
            folder,
            markets=markets,
            shop=outlet,
            seed=60,
            account={"interval": "500 ms", "sweep_interval": "3 s"},
            target={
                "fetch_orders": True,
                "interval": "1 s",
                "sweep_interval": "1 s",
                "settle": "2 s",
                **settings,
            },
            route={"status_back": {"Shipped": "SENT"}, "shipments_back": True},
            engine={"backoff_first": "200 ms", "backoff_max": "2 s"},
        ) as stage:
            yield stage, outlet


async def kill_now_and_then(stage: DemoStack, proxy: Proxy) -> None:
    """Kill -9 among the calls of a push, and start again."""
    dice = random.Random(3)
    for _ in range(KILLS):
        calls = len(proxy.calls) + dice.randrange(100, 180)

        async def busy(calls: int = calls) -> bool:
            return len(proxy.calls) >= calls

        await until(busy, lambda: len(proxy.calls), pause=0.1)
        await stage.daemon.kill()
        await stage.daemon.start()


async def test_each_order_is_in_the_shop_once_and_what_the_shop_does_goes_back(
    vendure: Shop, tmp_path: Path
) -> None:
    """FWD-06, FWD-22, SYN-12, SYN-16, over a line that is cut, with the daemon killed meanwhile."""
    markets = ("flow-main", "flow-second")
    async with stage_of(tmp_path, vendure, markets) as (stage, outlet):
        before = await asyncio.to_thread(lambda: outlet.allocated(vendure_skus(vendure)))
        await spoil_markets(stage)
        await outlet.misbehave(
            stage.session,
            *(
                Fault(kind=kind, match=r"admin-api [a-z]", times=None, chance=0.03)
                for kind in (FaultKind.LOSE, FaultKind.CUT, FaultKind.HALF, FaultKind.ERROR_AFTER, FaultKind.ERROR)
            ),
            *(
                Fault(kind=kind, match=match, after=after)
                for match in ("createMarketplaceOrder", "addManualPaymentToOrder")
                for kind, after in ((FaultKind.LOSE, 5), (FaultKind.CUT, 10))
            ),
        )
        killer = asyncio.create_task(kill_now_and_then(stage, outlet.proxy))
        await Traffic(stage, ORDERS, seed=21).run()
        await killer
        assert await stage.settle(60), await stage.audit()
        struck = outlet.proxy.faults.struck
        assert struck.keys() >= {FaultKind.LOSE, FaultKind.CUT}, struck
        assert stage.daemon.kills == KILLS
        await stage.behave()
        await asyncio.sleep(3)  # what is doubled is doubled late

        found = await stage.audit()
        assert found.clean, found
        assert found.sold == found.forwarded > ORDERS * 2 // 3
        assert await stage.held() == 0
        made = await asyncio.to_thread(outlet.orders)
        assert [order for order in made if order["state"] not in UNPLACED and not _ours(order, markets)] == []
        assert [order for order in made if order["state"] in UNPLACED and _ours(order, markets)] == []
        wanted = await asyncio.to_thread(outlet.stock)
        after = await asyncio.to_thread(outlet.allocated, before)
        assert wanted.total() > 0
        assert after - before == +wanted

        await goes_back(stage, outlet)
        await is_cancelled(stage, outlet)
        assert (await stage.audit()).clean
    assert "Traceback" not in (tmp_path / "olhubd.log").read_text()


def vendure_skus(vendure: Shop) -> Counter[str]:
    found = vendure.clerk.ask("{productVariants(options:{take:1000}){items{sku}}}")
    return Counter(item["sku"] for item in found["productVariants"]["items"] if item["sku"] != PLACEHOLDER)


def _ours(order: dict[str, Any], markets: tuple[str, ...]) -> bool:
    reference = order["customFields"]["externalId"] or ""
    return reference.partition(":")[0] in markets


async def live(stage: DemoStack, outlet: Outlet, account: str, count: int) -> list[BookedOrder]:
    """Some of an account's orders as the shop holds them: open and paid."""
    entries = await outlet.books(stage.session)
    return [
        entry
        for entry in entries
        if (entry.reference or "").startswith(f"{account}:") and entry.status == "PaymentSettled"
    ][:count]


async def goes_back(stage: DemoStack, outlet: Outlet) -> None:
    """The shop sends some; the marketplace learns that and the waybill, once each."""
    waybills: dict[str, str] = {}
    for number, entry in enumerate(await live(stage, outlet, "flow-main", 3)):
        assert entry.reference is not None
        waybills[entry.reference.partition(":")[2]] = f"63000{number}"
        await asyncio.to_thread(outlet.shop.clerk.ship, entry.external_id, "INPOST", f"63000{number}")
    assert len(waybills) == 3

    async def told() -> bool:
        books = {entry.external_id: entry for entry in await stage.markets["flow-main"].books(stage.session)}
        return all(
            books[id_].fulfilment == "SENT" and books[id_].shipments == [waybill]
            for id_, waybill in waybills.items()
        )

    await until(told, pause=0.1)
    await asyncio.sleep(2.5)
    assert await told(), "and that once"


async def is_cancelled(stage: DemoStack, outlet: Outlet) -> None:
    """The buyers of some change their minds; the shop cancels them and has its pieces back."""
    market = stage.markets["flow-second"]
    entries = await live(stage, outlet, "flow-second", 3)
    assert len(entries) == 3
    before = await asyncio.to_thread(outlet.stock)
    put_aside = await asyncio.to_thread(outlet.allocated, before)
    for entry in entries:
        assert entry.reference is not None
        await market.do(stage.session, "cancel", id=entry.reference.partition(":")[2], by="buyer")
    gone = {entry.external_id for entry in entries}

    async def done() -> bool:
        return gone <= {entry.external_id for entry in await outlet.books(stage.session) if entry.cancelled}

    await until(done, pause=0.1)
    freed = before - await asyncio.to_thread(outlet.stock)
    assert freed.total() > 0
    assert put_aside - await asyncio.to_thread(outlet.allocated, before) == freed


@pytest.mark.parametrize("cut", ["addItemToDraftOrder", "transitionOrderToState", "addManualPaymentToOrder"])
async def test_an_order_cancelled_while_half_made_does_not_stay(vendure: Shop, tmp_path: Path, cut: str) -> None:
    """The line is cut in the middle of a push, and before the next try the buyer has cancelled."""
    name = f"half-{cut.lower()}"
    async with stage_of(tmp_path, vendure, (name,), whole_orders=False) as (stage, outlet):
        skus = await asyncio.to_thread(vendure_skus, vendure)
        before = await asyncio.to_thread(outlet.allocated, skus)
        down = Fault(kind=FaultKind.ERROR, times=None, status=503)
        await outlet.misbehave(stage.session, Fault(kind=FaultKind.LOSE, match=cut))
        (order,) = await stage.markets[name].do(stage.session, "buy", payment="ONLINE")

        async def cut_off() -> bool:
            return FaultKind.LOSE in outlet.proxy.faults.struck

        await until(cut_off, pause=0.1)
        await outlet.misbehave(stage.session, down)
        (half,) = await asyncio.to_thread(outlet.orders)
        assert half["customFields"]["externalId"] == f"{name}:{order}"
        await stage.markets[name].do(stage.session, "cancel", id=order, by="buyer")

        async def landed() -> bool:
            page = await stage.daemon.get("/api/v1/orders?limit=10")
            return [row["stage"] for row in page["items"]] == ["cancelled"]

        await until(landed, pause=0.1)
        await stage.behave()

        async def settled() -> bool:
            return await stage.open_deliveries() == 0

        await until(settled, pause=0.1)
        assert await stage.held() == 0
        assert [one["state"] for one in await asyncio.to_thread(outlet.orders) if one["state"] != "Cancelled"] == []
        assert await asyncio.to_thread(outlet.allocated, skus) == before
