"""What becomes of products that a stock master reports: written where they are otherwise, and not where not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.model import Kind, Product, ProductKind, SetPart
from olhubd.plugin import Gone
from olhubd.store import Database, events, products, quarantine
from olhubd.store.products import StoredProduct
from olhubd.store.sqlite.database import FileTransaction
from tests.engine.levels.stall import Stall


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Stall]:
    async with Database.open(tmp_path / "hub.sqlite") as database:
        yield Stall(database)


def mug(external_id: str = "7", **more: Any) -> Product:
    return Product(**{"external_id": external_id, "name": "Mug", "sku": f"MUG-{external_id}", **more})


async def known(shop: Stall, number: str = "7") -> StoredProduct:
    return (await products.by_external(shop.database.reader, "shop", [number]))[number]


async def told(shop: Stall) -> list[tuple[str, Any]]:
    found = await events.since(shop.database.reader, 0, limit=1000)
    return [
        (event.kind, msgspec.json.decode(event.data).get("what"))
        for event in found
        if event.kind.startswith("product.")
    ]


async def test_an_unchanged_product_causes_no_write(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """PRD-04: counted at the database, and not by what the hub says of itself."""
    catalogue = [mug(str(number)) for number in range(50)]
    await shop.land("shop", *catalogue)
    written: list[str] = []

    async def counting(self: FileTransaction, sql: str, rows: Sequence[Sequence[object]]) -> None:
        written.extend([sql.split()[2]] * len(list(rows)))
        await original(self, sql, rows)

    original = FileTransaction.executemany
    monkeypatch.setattr(FileTransaction, "executemany", counting)
    await shop.land("shop", *catalogue)
    assert written == []
    await shop.land("shop", *catalogue[:-1], mug("49", name="Cup"))
    assert written.count("products") == 1


async def test_a_difference_brings_the_present_state(shop: Stall) -> None:
    """PRD-05: each field is as the stock master has it now, also one that is empty by now."""
    await shop.land("shop", mug(ean="5900001234501", description="White", images=("a",)))
    now = mug(name="White mug", images=("b", "a"), weight=Decimal("0.3"))
    await shop.land("shop", now)
    found = await known(shop)
    assert found.record == now
    assert await told(shop) == [("product.changed", ["name", "ean", "description", "images", "weight"])]
    assert [one.id for one in await products.find(shop.database.reader, "MUG-7")] == [found.id]


async def test_what_is_gone_is_kept_and_comes_back_as_itself(shop: Stall) -> None:
    await shop.land("shop", mug())
    first = await known(shop)
    await shop.land("shop", Gone(kind=Kind.PRODUCT, external_id="7"), Gone(kind=Kind.PRODUCT, external_id="no"))
    assert (await known(shop)).gone_at is not None
    await shop.land("shop", mug())
    again = await known(shop)
    assert (again.id, again.gone_at) == (first.id, None)
    assert [kind for kind, _ in await told(shop)] == ["product.gone", "product.returned"]


@pytest.fixture
async def sold(shop: Stall) -> Stall:
    """Five pieces of a product, which an offer shows."""
    await shop.land("shop", mug("p-A", sku="A"))
    await shop.stock("A", 5)
    await shop.offer("111", "A", 5)
    await shop.orders_read()
    await shop.turns(10)
    return shop


GONE = Gone(kind=Kind.PRODUCT, external_id="p-A")


async def test_what_is_gone_is_sold_no_more_until_the_stock_lists_it_again(sold: Stall) -> None:
    """Also where it says what it said before; a reading that was asked for before does not count."""
    early = await sold.head()
    await sold.land("shop", GONE)
    await sold.turns(60)
    assert (sold.channel.active["111"], (await sold.level()).wanted) == (False, 0)
    await sold.stock("A", 5, asked=early)
    await sold.turns(60)
    assert (await sold.level()).wanted == 0
    await sold.stock("A", 5)
    await sold.turns(60)
    assert (await sold.level()).wanted == 5


async def test_a_reading_of_stock_that_is_newer_wins(sold: Stall) -> None:
    early = await sold.head()
    await sold.land("shop", mug("p-A", sku="A", name="Cup"))  # an event of the log
    await sold.stock("A", 4)
    await sold.land("shop", GONE, asked=early)
    await sold.turns(60)
    assert (sold.channel.shown["111"], (await sold.level()).wanted) == (4, 4)


async def test_what_is_gone_releases_no_reservation(sold: Stall) -> None:
    await sold.bought("1", "111", 2)
    await sold.land("shop", GONE)
    await sold.stock("A", 5)
    await sold.turns(60)
    assert (await sold.level()).wanted == 3


async def test_what_is_not_shared_keeps_its_stock(sold: Stall) -> None:
    await sold.land("shop", mug("p-A", sku="A", shared=False))
    await sold.turns(60)
    assert (sold.channel.shown["111"], (await sold.level()).wanted) == (5, 5)


async def test_only_what_is_shared_is_imported(shop: Stall) -> None:
    """PRD-12: one that is shared no more is as good as gone, and one that never was leaves no trace."""
    await shop.land("shop", mug(), mug("8", shared=False))
    assert await products.by_external(shop.database.reader, "shop", ["8"]) == {}
    await shop.land("shop", mug(shared=False))
    assert (await known(shop)).gone_at is not None
    await shop.land("shop", mug())
    assert (await known(shop)).gone_at is None


async def test_an_older_reading_changes_nothing(shop: Stall) -> None:
    early = await shop.head()
    await shop.offer("1", "A", 5)  # an event of the log
    await shop.land("shop", mug(name="New"))
    await shop.land("shop", mug(name="Old"), asked=early)
    assert (await known(shop)).record.name == "New"


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (mug(name=" "), "name"),
        (mug(kind=ProductKind.VARIANT), "parent"),
        (mug(parent_id="7"), "parent"),
        (mug(kind=ProductKind.SET), "parts"),
        (mug(kind=ProductKind.SET, parts=(SetPart(item="8", pieces=0),)), "parts"),
        (mug(weight=Decimal(-1)), "weight"),
        (mug(weight=Decimal("NaN")), "weight"),
    ],
)
async def test_what_makes_no_sense_is_kept_aside_with_the_reason(shop: Stall, odd: Product, why: str) -> None:
    await shop.land("shop", odd, mug("8"))
    (aside,) = await quarantine.listing(shop.database.reader)
    assert (aside.kind, aside.external_id) == (Kind.PRODUCT, "7")
    assert why in str(aside.reason)
    assert (await known(shop, "8")).record.name == "Mug"
    await shop.land("shop", mug())
    assert not await quarantine.listing(shop.database.reader)


async def test_a_wrong_article_number_is_kept_and_finds_nothing(shop: Stall) -> None:
    """Its last digit is wrong: what a person wrote stays visible, and no offer is linked by it."""
    await shop.land("shop", mug(ean="5900001234502"))
    assert ((await known(shop)).record.ean, (await known(shop)).gtin) == ("5900001234502", None)
    assert await products.find(shop.database.reader, "5900001234502") == []
