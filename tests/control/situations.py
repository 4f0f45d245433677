"""What there is before a person changes something: each brings it about, and gives what names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from olhubd.decide.stock.brake import Danger
from olhubd.decide.stock.policy import StockRule
from olhubd.model import (
    Buyer,
    Counting,
    Link,
    Linking,
    LinkOrigin,
    Offer,
    OfferState,
    Scope,
    StockBasis,
    StockLevel,
)
from olhubd.store import Transaction, accounts, offers, oversold, stock_items, stock_plans, strangers
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem
from olhubd.store.stock_plans import BrakedPlan, PlannedOffer
from tests.control.house import House
from tests.control.test_customers import lands
from tests.control.trouble import held
from tests.orders import order
from tests.oversold import lacking

__all__ = [
    "Parts",
    "Prepare",
    "booked",
    "bought",
    "brought",
    "by_hand",
    "doubted",
    "earlier",
    "given_up",
    "gone",
    "listed",
    "loose",
    "made",
    "nothing",
    "one_cause",
    "one_rule",
    "packing",
    "paused",
    "placed",
    "sales_stopped",
    "seen",
    "selling",
    "sent_back",
    "short",
    "stopped",
    "strange",
    "tied",
    "unforwarded",
    "unpaid",
]

Parts = Mapping[str, Any]
Prepare = Callable[[House], Awaitable[Parts]]


async def nothing(_house: House) -> Parts:
    """Nothing has to happen before."""
    return {}


async def paused(house: House) -> Parts:
    await house.hub.unit("shop").pause("for a while", "somebody")
    return {}


async def placed(house: House) -> Parts:
    """An order that the shop does not have yet."""
    await house.hub.unit("shop").pause("for a while", "somebody")
    (sold,) = house.market.ledger.buy()

    async def landed() -> bool:
        return bool((await house.get("/orders", q=sold))["items"])

    await house.until(landed)
    return {"order": sold}


async def packing(house: House) -> Parts:
    """An order, and a status of the seller's own to give it."""
    await house.hub.own_statuses.change("packed", "somebody", title="Packed")
    return await placed(house)


async def listed(house: House) -> Parts:
    """A status of the seller's own list that no order has."""
    await house.hub.own_statuses.change("packed", "somebody", title="Packed")
    return {"status": "packed"}


async def seen(house: House) -> Parts:
    """An order whose card somebody has read, with the edit that they make."""
    parts = await placed(house)
    version = (await house.get(f"/orders/{parts['order']}"))["version"]
    return {**parts, "body": {"version": version, "tax_number": "5260250274"}}


async def unpaid(house: House) -> Parts:
    """An order whose buyer has not paid."""
    (sold,) = house.market.ledger.buy(paid=False)

    async def landed() -> bool:
        return bool((await house.get("/orders", q=sold))["items"])

    await house.until(landed)
    return {"order": sold}


async def booked(house: House) -> Parts:
    """An order with a payment that somebody booked by hand."""
    parts = await unpaid(house)
    status, _ = await house.ask("POST", f"/orders/{parts['order']}/payments", {"amount": "1.00"})
    assert status == 200
    return {**parts, "booking": "1"}


async def unforwarded(house: House) -> Parts:
    """An order whose route forwards nothing."""
    house.path.write_text(house.path.read_text().replace('to = "shop"', 'to = "shop"\nforward = false'))
    await house.hub.reload(house.configuration())
    return await placed(house)


async def earlier(house: House) -> Parts:
    """A day that lies before, of an account that worked then."""
    house.clock.ahead = timedelta(days=2)
    return {"account": "market"}


async def by_hand(house: House) -> Parts:
    """A held order that somebody entered in the shop."""
    parts = await held(house)
    (number,) = house.shop.buy()
    return {**parts, "body": {"number": str(number), "despite_total": True}}


async def strange(house: House) -> Parts:
    """An order with our mark that only the shop knows."""
    one = strangers.Stranger(
        account="shop", external_id="5012", reference="market:77", shipments=(), seen_at=house.clock.now()
    )
    await house.database.write(lambda tx: strangers.put(tx, one))
    return {"account": "shop", "order": "5012"}


async def one_cause(house: House) -> Parts:
    """What deliveries wait for, up to the newest of them."""
    await held(house)
    (one,) = (await house.get("/hold-causes"))["items"]
    return {"cause": one["cause"], "body": {"until": one["example"]["id"]}}


async def one_rule(house: House) -> Parts:
    """The same of what a rule of the route holds."""
    house.path.write_text(house.path.read_text().replace('to = "shop"', 'to = "shop"\nunlinked = "hold"'))
    await house.hub.reload(house.configuration())
    house.shop.catalogue.products.clear()
    return await one_cause(house)


async def given_up(house: House) -> Parts:
    parts = await one_cause(house)
    return {**parts, "body": {**parts["body"], "reason": "entered by hand"}}


async def gone(house: House) -> Parts:
    """An account that the configuration names no more."""
    row = accounts.AccountRow(
        name="old", connector="stingy", state=accounts.AccountState.PAUSED, changed_at=house.clock.now()
    )
    await house.database.write(lambda tx: accounts.put(tx, row))
    return {"account": "old"}


async def made(house: House) -> Parts:
    await house.make_token("till", Scope.READ)
    return {}


async def sent_back(house: House) -> Parts:
    _, begun = await house.ask("POST", "/accounts/market/sign-in", {"flow": "code"})
    return {"account": "market", "body": {"address": house.market.authorize(begun["url"])}}


async def _listed(house: House, *, linked: bool, doubt: str | None = None) -> None:
    """An offer of the market, and an item of the shop whose stock is sold there."""
    now = house.clock.now()
    house.hub.in_force.configuration = dataclasses.replace(
        house.hub.configuration, stock=(StockRule(master="shop", channels=frozenset({"market"})),)
    )
    level = StockLevel(
        external_id="900", name="A", counting=Counting.COUNTED, basis=StockBasis.FREE, quantity=1, sku="A-900"
    )
    offer = Offer(external_id="o-1", name="A", state=OfferState.ENDED)
    state = Linking.LINKED if linked else Linking.NONE

    async def work(tx: Transaction) -> None:
        await stock_items.put(tx, [StockItem(id=900, account="shop", level=level, read_after=0, read_at=now)])
        row = StoredOffer(id=900, account="market", offer=offer, read_after=0, read_at=now, linking=state)
        await offers.put(tx, [row])
        if linked:
            await offers.link(tx, [Link(offer=900, item=900, origin=LinkOrigin.SKU, linked_at=now, doubt=doubt)])

    await house.database.write(work)


async def loose(house: House) -> Parts:
    """An offer that is not linked."""
    await _listed(house, linked=False)
    return {"body": {"offer": "o-1", "sku": "A-900"}}


async def tied(house: House) -> Parts:
    """One that is."""
    await _listed(house, linked=True)
    return {"body": {"offer": "o-1"}}


async def doubted(house: House) -> Parts:
    """One whose link is in doubt."""
    await _listed(house, linked=True, doubt="it may be another thing")
    return {"body": {"offer": "o-1"}}


async def brought(house: House) -> Parts:
    """A file of one row."""
    await _listed(house, linked=False)
    return {"body": {"rows": [{"row": 2, "account": "market", "offer": "o-1", "sku": "A-900"}]}}


async def selling(house: House) -> Parts:
    """An account on which stock is sold."""
    await _listed(house, linked=True)
    return {}


async def sales_stopped(house: House) -> Parts:
    """One on which all selling is stopped."""
    await _listed(house, linked=True)
    await house.hub.sales_stop_actions.stop("market", "anna")
    return {}


async def stopped(house: House) -> Parts:
    """A plan that waits for a person."""
    await _listed(house, linked=True)
    plan = BrakedPlan(
        id=7, account="market", master="shop", danger=Danger.ZERO, counted=9, showing=9, made_at=house.clock.now()
    )

    async def work(tx: Transaction) -> None:
        await stock_plans.add(tx, plan)
        await stock_plans.hold(tx, [PlannedOffer(offer=900, plan=7, wanted=0, danger=Danger.ZERO)])

    await house.database.write(work)
    return {"plan": "7"}


async def bought(house: House) -> Parts:
    """A customer whose only order is over."""
    await lands(house, order("X", buyer=Buyer(external_id="70", login="janek70")))
    (row,) = (await house.get("/customers", text="janek70"))["items"]
    return {"customer": str(row["id"])}


async def short(house: House) -> Parts:
    """An order for which nothing was left."""
    await _listed(house, linked=True)
    sold = (await placed(house))["order"]
    (row,) = (await house.get("/orders", q=sold))["items"]
    await house.database.write(lambda tx: oversold.add(tx, lacking(7, 900, row["id"], house.clock.now())))
    return {"record": "7"}
