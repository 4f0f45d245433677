"""What there is of an offer before a person changes it, on a market whose quantities are kept."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import msgspec

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.level import OfferLevel
from olhubd.model import LevelKind, ListPrice, Money, PriceBasis
from olhubd.store import Transaction, levels, list_prices, offers
from olhubd.store.list_prices import StoredPrice
from tests.control.shelf import KNOWN, Shelf
from tests.control.situations import Parts

__all__ = ["beside", "disputed", "ended", "following", "leaping", "one_offer", "priced", "resumable"]


async def ended(shelf: Shelf) -> Parts:
    """An offer that its seller has ended."""
    number = (await shelf.offer(KNOWN))["external_id"]
    shelf.market.book.end_offer(number, "USER")

    async def known() -> bool:
        return bool((await shelf.get("/status"))["not_resumed"])

    await shelf.until(known)
    return {"offer": number}


async def resumable(shelf: Shelf) -> Parts:
    """An offer that a rule would bring back."""
    (rule,) = shelf.hub.configuration.stock
    rules = (msgspec.structs.replace(rule, resume=True),)
    shelf.hub.in_force.configuration = dataclasses.replace(shelf.hub.configuration, stock=rules)
    return {"offer": (await shelf.offer(KNOWN))["external_id"]}


async def priced(shelf: Shelf) -> Parts:
    """An offer of an account to which prices go."""
    rule = PriceRule(master="shop", channels=frozenset({"market"}), price_list="default")
    shelf.hub.in_force.configuration = dataclasses.replace(shelf.hub.configuration, prices=(rule,))
    return {"offer": (await shelf.offer(KNOWN))["external_id"]}


async def following(shelf: Shelf, amount: str = "41.00") -> Parts:
    """One whose price follows its product, which is listed at another price."""
    known = await shelf.offer(KNOWN)
    (link,) = known["links"]
    record = ListPrice(
        item=link["item"]["external_id"],
        price_list="default",
        price=Money(Decimal(amount), "PLN"),
        basis=PriceBasis.GROSS,
    )

    async def work(tx: Transaction) -> None:
        await offers.follow_prices(tx, [known["id"]], True)
        stored = StoredPrice(id=1, account="shop", record=record, read_after=0, read_at=shelf.clock.now())
        await list_prices.put(tx, [stored])

    await shelf.database.write(work)
    return await priced(shelf)


async def leaping(shelf: Shelf) -> Parts:
    """One whose price is to be ten times as high."""
    known, parts = await shelf.offer(KNOWN), await following(shelf, "390.00")

    async def work(tx: Transaction) -> None:
        row = OfferLevel(
            offer=known["id"],
            account="market",
            external_id=known["external_id"],
            kind=LevelKind.PRICE,
            wanted=39000,
            wanted_at=shelf.clock.now(),
            confirmed=3900,
            currency="PLN",
        )
        await levels.put(tx, [row])

    await shelf.database.write(work)
    return parts


async def disputed(shelf: Shelf) -> Parts:
    """An offer that another program writes too."""
    known = await shelf.offer(KNOWN)

    async def work(tx: Transaction) -> None:
        (row,) = (await levels.of_offers(tx, [known["id"]])).values()
        await levels.put(
            tx, [msgspec.structs.replace(row, disputed_at=shelf.clock.now(), disputed_over=row.wanted)]
        )

    await shelf.database.write(work)
    return {"offer": known["external_id"]}


async def beside(shelf: Shelf) -> Parts:
    """An offer that nobody linked."""
    return {"offer": shelf.twin}


async def one_offer(shelf: Shelf) -> Parts:
    """One that shows what it should."""
    return {"offer": (await shelf.offer(KNOWN))["external_id"]}
