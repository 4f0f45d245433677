"""What becomes of prices that a stock master reports, and of those that change by the clock alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from olhubd.decide.product_import import ImportSettings, ProductImport
from olhubd.engine.flow.prices import _turn, turn_prices
from olhubd.model import Kind, ListPrice, Money, PriceBasis, Reduction
from olhubd.plugin import Gone
from olhubd.store import Database, events, list_prices, quarantine
from olhubd.store.list_prices import StoredPrice
from tests.engine.levels.stall import Stall
from tests.orders import EPOCH, pln

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Stall]:
    async with Database.open(tmp_path / "hub.sqlite") as database:
        yield Stall(database)


def price(amount: str | None, item: str = "7", **more: Any) -> ListPrice:
    said = pln(amount) if amount is not None else None
    fields: dict[str, Any] = {"item": item, "price_list": "default", "price": said, "basis": PriceBasis.GROSS}
    return ListPrice(**{**fields, **more})


async def known(shop: Stall, item: str = "7", price_list: str = "default") -> StoredPrice:
    (found,) = await list_prices.of_items(shop.database.reader, "shop", [item], price_list)
    return found


async def told(shop: Stall) -> list[dict[str, Any]]:
    found = await events.since(shop.database.reader, 0, limit=1000)
    return [msgspec.json.decode(event.data) for event in found if event.kind == "price.changed"]


async def marked(shop: Stall, since: int = 0) -> list[str]:
    """The items whose prices were marked, in their order."""
    rows = await list_prices.marks(shop.database.reader, since, 1000)
    found = await list_prices.read(shop.database.reader, {row.price for row in rows})
    return [found[row.price].record.item for row in rows]


async def pass_by(shop: Stall, span: timedelta) -> bool:
    shop.clock.passed += span.total_seconds()
    accounts: Any = [SimpleNamespace(products=ImportSettings(ProductImport.ALWAYS))]
    return await turn_prices(shop.database, accounts, shop.clock.now())


async def test_a_new_price_is_marked_and_the_same_again_is_nothing(shop: Stall) -> None:
    await shop.land("shop", price("10.00"))
    assert (await known(shop)).record.at(EPOCH) == pln("10.00")
    assert await marked(shop) == ["7"]
    before = await known(shop)
    await shop.land("shop", price("10.00"))
    assert (await known(shop), await marked(shop)) == (before, ["7"])
    await shop.land("shop", price("12.50"))
    assert (await known(shop)).record.at(EPOCH) == pln("12.50")
    assert await marked(shop) == ["7", "7"]
    assert [(one["old"]["amount"], one["new"]["amount"]) for one in await told(shop)] == [("10.00", "12.50")]


async def test_each_list_has_its_own_price(shop: Stall) -> None:
    await shop.land("shop", price("10"), price("8", price_list="wholesale"), price("9", item="8"))
    assert (await known(shop)).record.price == pln("10")
    assert (await known(shop, price_list="wholesale")).record.price == pln("8")
    assert (await known(shop, item="8")).record.price == pln("9")


async def test_no_price_is_not_a_price_of_zero(shop: Stall) -> None:
    await shop.land("shop", price("10"))
    await shop.land("shop", price(None))
    assert (await known(shop)).record.at(EPOCH) is None
    await shop.land("shop", price("0"))
    assert (await known(shop)).record.at(EPOCH) == pln("0")
    assert await marked(shop) == ["7", "7", "7"]


async def test_an_older_reading_changes_nothing(shop: Stall) -> None:
    early = await shop.head()
    await shop.offer("1", "A", 5)  # an event of the log
    await shop.land("shop", price("12"))
    await shop.land("shop", price("10"), asked=early)
    assert (await known(shop)).record.price == pln("12")


async def test_what_is_gone_has_no_price(shop: Stall) -> None:
    await shop.land("shop", price("10"))
    await shop.land("shop", Gone(kind=Kind.PRICE, external_id=ListPrice.key("7")))
    assert (await known(shop)).record.at(EPOCH) is None
    assert await marked(shop) == ["7", "7"]
    await shop.land("shop", price("10"))  # it is back
    assert (await known(shop)).record.at(EPOCH) == pln("10")
    assert await marked(shop) == ["7", "7", "7"]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (price("-0.01"), "-0.01"),
        (price(None, price=Money(Decimal("NaN"), "PLN")), "NaN"),
        (price(None, price=Money(Decimal(1), "zl")), "zl"),
        (price("10", reduction=Reduction(price=Money(Decimal(9), "EUR"))), "EUR"),
        (price("10", reduction=Reduction(price=pln("-1"))), "-1"),
        (price("10", reduction=Reduction(price=pln("9"), valid_from=EPOCH, valid_until=EPOCH)), "ends"),
        (price("10", item=""), "product"),
    ],
)
async def test_what_makes_no_sense_is_kept_aside_and_lands_when_it_does(
    shop: Stall, odd: ListPrice, why: str
) -> None:
    await shop.land("shop", price("8", item="8"), odd)
    (aside,) = await quarantine.listing(shop.database.reader)
    assert (aside.kind, aside.external_id) == (Kind.PRICE, odd.external_id)
    assert why in str(aside.reason)
    assert (await known(shop, item="8")).record.price == pln("8")
    if odd.item:
        await shop.land("shop", price("10"))
        assert not await quarantine.listing(shop.database.reader)


REDUCED = price(
    "10", reduction=Reduction(price=pln("8"), valid_from=EPOCH + MINUTE, valid_until=EPOCH + 3 * MINUTE)
)


async def test_a_reduction_begins_and_ends_by_the_clock(shop: Stall) -> None:
    await shop.land("shop", REDUCED)
    assert not await pass_by(shop, timedelta(seconds=59))
    assert await pass_by(shop, timedelta(seconds=1))
    assert await marked(shop) == ["7", "7"]
    assert not await pass_by(shop, MINUTE)
    assert await pass_by(shop, 5 * MINUTE)
    assert await marked(shop) == ["7", "7", "7"]
    assert [(one["old"]["amount"], one["new"]["amount"], one["clock"]) for one in await told(shop)] == [
        ("10", "8", True),
        ("8", "10", True),
    ]
    assert not await pass_by(shop, 60 * MINUTE)


async def test_a_reduction_that_came_and_went_unseen_is_no_news(shop: Stall) -> None:
    """The daemon was down in the meantime: the price is what it was, and whoever follows it need not act."""
    await shop.land("shop", REDUCED)
    assert await pass_by(shop, 60 * MINUTE)
    assert await marked(shop) == ["7"]
    assert not await pass_by(shop, 60 * MINUTE)


async def test_a_reading_in_between_does_not_swallow_the_beginning(shop: Stall) -> None:
    """The clock has changed the price, nobody has recorded that yet, and the record comes with another end."""
    await shop.land("shop", REDUCED)
    shop.clock.passed += 90
    assert REDUCED.reduction is not None
    longer = msgspec.structs.replace(REDUCED.reduction, valid_until=EPOCH + 9 * MINUTE)
    await shop.land("shop", msgspec.structs.replace(REDUCED, reduction=longer))
    assert await marked(shop) == ["7", "7"]
    assert [(one["old"]["amount"], one["new"]["amount"]) for one in await told(shop)] == [("10", "8")]
    assert await pass_by(shop, 10 * MINUTE)
    assert await marked(shop) == ["7", "7", "7"]


async def test_nothing_is_asked_of_the_clock_where_no_prices_are_read(shop: Stall) -> None:
    await shop.land("shop", REDUCED)
    accounts: Any = [SimpleNamespace(products=ImportSettings())]
    assert not await turn_prices(shop.database, accounts, EPOCH + 2 * MINUTE)
    assert await marked(shop) == ["7"]


async def test_prices_are_found_by_their_stock_item(shop: Stall) -> None:
    await shop.stock("A", 5)
    await shop.land("shop", price("10", item="p-A"), price("8", item="p-A", price_list="wholesale"))
    (item,) = await list_items(shop)
    found = await list_prices.of_stock_items(shop.database.reader, [item])
    assert [one.record.price for one in found[item]] == [pln("10"), pln("8")]
    found = await list_prices.of_stock_items(shop.database.reader, [item], "wholesale")
    assert [one.record.price for one in found[item]] == [pln("8")]


async def list_items(shop: Stall) -> list[int]:
    return [row[0] for row in await shop.database.reader.fetch("SELECT id FROM stock_items ORDER BY id")]


async def test_marks_are_followed_by_each_account_and_forgotten_by_all(shop: Stall) -> None:
    reader = shop.database.reader
    await shop.land("shop", price("10"), price("9", item="8"))
    first, last = await list_prices.marks(reader, 0, 10)
    assert await list_prices.behind(reader, "allegro")
    await shop.database.write(lambda tx: list_prices.followed(tx, "allegro", first.id))
    assert (await list_prices.following(reader, "allegro"), await list_prices.behind(reader, "allegro")) == (
        first.id,
        True,
    )
    await shop.database.write(lambda tx: list_prices.followed(tx, "allegro", last.id))
    assert not await list_prices.behind(reader, "allegro")
    assert await shop.database.write(lambda tx: list_prices.trim(tx, 10)) == 1
    assert await list_prices.marks(reader, 0, 10) == [last]


async def test_a_round_by_the_clock_with_nothing_left_is_nothing(shop: Stall) -> None:
    """A reading may have renewed what was due before the round's own turn to write."""
    await shop.database.write(lambda tx: _turn(tx, EPOCH))
    assert (await told(shop), await marked(shop)) == ([], [])
