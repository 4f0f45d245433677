"""A draft of an offer from a product that was imported: what is taken of it, and which product is meant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from olhubd.engine.errors import NotPossible
from olhubd.engine.operator.product_drafts import from_product
from olhubd.model import OfferDraft, PriceBasis, Product, ProductKind, Tax, code_of
from olhubd.store import Database, Transaction
from tests.engine.levels.price_stall import PriceStall
from tests.orders import pln

EAN = "5900001234501"
VAT = Tax(rate=Decimal(23))


@pytest.fixture
async def stall(database: Database) -> PriceStall:
    """A mug that costs 10.00 without tax by the list whose prices go to allegro, and 7.00 by another."""
    stall = PriceStall(database)
    await product(stall, "p-A")
    await stall.listed_price("p-A", "7.00", price_list="other")
    await stall.listed_price("p-A", "10.00", basis=PriceBasis.NET, tax=VAT)
    return stall


async def product(stall: PriceStall, number: str, account: str = "shop", **more: Any) -> None:
    fields: dict[str, Any] = {
        "name": "Kubek biały", "sku": "A", "ean": EAN, "tax": VAT, "images": ("https://shop.example/a.jpg",),
        "description": "<div>Biały <i>kubek</i></div><script>x()</script>",
    }  # fmt: skip
    await stall.land(account, Product(external_id=number, **fields | more))


async def filled(stall: PriceStall, name: str, draft: OfferDraft | None = None, to: str = "allegro") -> OfferDraft:
    given = draft if draft is not None else OfferDraft(sku="")
    return await from_product(stall.database.reader, given, name, to, stall.priced, stall.clock.now())


@pytest.mark.parametrize("name", ["A", EAN, "p-A", "shop:p-A"])
async def test_a_product_fills_what_the_draft_does_not_say(stall: PriceStall, name: str) -> None:
    """By its mark, its article number, its number, and its number at its master."""
    assert await filled(stall, name) == OfferDraft(
        sku="A", name="Kubek biały", ean=EAN, price=pln("12.30"), description="<p>Biały kubek</p>",
        images=("https://shop.example/a.jpg",), tax="23",
    )  # fmt: skip


async def test_what_the_draft_says_stays(stall: PriceStall) -> None:
    said = OfferDraft(
        sku="A-2", name="Kubek", ean="5901234123457", price=pln("9.90"), description="<p>x</p>",
        images=("https://shop.example/b.jpg",), tax="8", quantity=3,
    )  # fmt: skip
    assert await filled(stall, "A", said) == said


async def test_the_price_is_that_of_the_list_that_goes_to_the_account(stall: PriceStall) -> None:
    assert (await filled(stall, "A", to="ebay")).price is None, "no prices go there"
    stall.priced = [stall.rule(price_list="other")]
    assert (await filled(stall, "A")).price == pln("7.00")
    stall.priced = [stall.rule(price_list="nothing")]
    assert (await filled(stall, "A")).price is None


async def test_a_price_without_tax_whose_rate_nobody_knows_is_none(stall: PriceStall) -> None:
    await stall.listed_price("p-A", "10.00", basis=PriceBasis.NET, tax=None)
    assert (await filled(stall, "A")).price is None
    await stall.listed_price("p-A", "10.00", basis=PriceBasis.NET, tax=Tax(exemption="art. 43"))
    assert (await filled(stall, "A")).price == pln("10.00")


async def test_what_there_is_not_and_what_is_gone_makes_no_offer(stall: PriceStall) -> None:
    async def gone(tx: Transaction) -> None:
        await tx.execute("UPDATE products SET gone_at = 1")

    for name in ("B", "other:p-A"):
        assert await refused(stall, name) == "making.no-such-product"
    await stall.database.write(gone)
    for name in ("A", "shop:p-A"):
        assert await refused(stall, name) == "making.no-such-product"


async def test_of_two_with_a_mark_one_is_named_by_its_master(stall: PriceStall) -> None:
    await product(stall, "p-9", "second", name="Kubek czarny")
    with pytest.raises(NotPossible, match="shop:p-A, second:p-9"):
        await filled(stall, "A")
    assert (await filled(stall, "second:p-9")).name == "Kubek czarny"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": ProductKind.PARENT}, "making.parent"),
        ({"kind": ProductKind.GROUP}, "making.parent"),
        ({"on_sale": False}, "making.not-on-sale"),
    ],
)
async def test_what_cannot_be_bought_itself_makes_no_offer(
    stall: PriceStall, fields: dict[str, Any], code: str
) -> None:
    await product(stall, "p-A", **fields)
    assert await refused(stall, "A") == code


async def refused(stall: PriceStall, name: str) -> str | None:
    with pytest.raises(NotPossible) as error:
        await filled(stall, name)
    return code_of(error.value.args[0])
