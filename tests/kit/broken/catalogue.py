"""Feeds of a catalogue: one as it should be, and what such a feed may lose, invent or tell otherwise each time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.model import Kind, ListPrice, Money, PriceBasis, Product, ProductKind, ProductState
from olhubd.plugin import (
    Account,
    ContractBroken,
    Cursor,
    Page,
    Parts,
    ProductFeed,
    Record,
    decode,
    guarded,
    require_order,
)
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.catalogue_shelf import CatalogueShop, Shown
from tests.kit.broken.good import GoodShop, breaks

__all__ = ["GoodCatalogue"]


class Key(msgspec.Struct):
    id: str
    place: int
    kind: str


class Rows(msgspec.Struct):
    rows: list[msgspec.Raw]
    total: int
    place: int
    more: bool


class Place(msgspec.Struct, omit_defaults=True):
    """Where a reading stands: behind a number of the list, or behind a place of the changes."""

    behind: int = 0
    seen: int = 0
    since: int | None = None
    """The place at which the reading of all began."""
    changes: bool = False

    @property
    def cursor(self) -> Cursor:
        return Cursor(msgspec.json.encode(self).decode())


class Catalogue(ProductFeed):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodCatalogue) -> None:
        self.shop = shop

    async def start(self, since: datetime | None) -> Cursor:
        return await self.shop.begin()

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.catalogue_page(msgspec.json.decode(cursor, type=Place))


class GoodCatalogue(GoodShop):
    """Declares its catalogue alone: all by number, then the changes by their place."""

    stand_in = CatalogueShop
    provides: ClassVar[Parts] = {**GoodShop.provides, Catalogue: "catalogue"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.catalogue = Catalogue(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("ProductFeed", "PriceFeed")

    async def begin(self) -> Cursor:
        return Place().cursor

    async def rows(self, path: str, query: dict[str, str | int]) -> Rows:
        return await self.http.get(path, Rows, {**query, "limit": self.settings.page_size})

    async def catalogue_page(self, at: Place) -> Page:
        if at.changes:
            return await self.changes(at)
        found = await self.rows("/catalogue", {"after": at.behind})
        keys = [decode(raw, Key) for raw in found.rows]
        require_order([int(key.id) for key in keys], "id")
        since, seen = found.place if at.since is None else at.since, at.seen + len(keys)
        if found.more:
            after = Place(int(keys[-1].id), seen, since)
            return Page(records=self.records(found.rows), cursor=after.cursor, more=True)
        whole = self.whole(len(keys), found.total, seen)
        return Page(records=self.records(found.rows), cursor=Place(since, changes=True).cursor, complete=whole)

    def whole(self, rows: int, total: int, seen: int) -> bool:
        """Whether all came that the shop counts: it counts what lies behind the place."""
        return seen >= total

    async def changes(self, at: Place) -> Page:
        found = await self.rows("/catalogue/changes", {"after": at.behind})
        places = [decode(raw, Key).place for raw in found.rows]
        require_order(places, "place")
        after = Place(places[-1] if places else at.behind, changes=True)
        return Page(records=self.records(found.rows), cursor=after.cursor, more=found.more)

    def records(self, rows: Sequence[msgspec.Raw]) -> list[Record]:
        found: list[Record] = []
        for raw in rows:
            key = decode(raw, Key)
            found.append(guarded(raw, key=key.id, read=self.read_product, kind=Kind.PRODUCT))
            if key.kind != "parent":
                price = ListPrice.key(key.id)
                found.append(guarded(raw, key=price, read=self.read_price, kind=Kind.PRICE))
        return found

    def read_product(self, raw: bytes) -> Product:
        return self.product(decode(raw, Shown))

    def read_price(self, raw: bytes) -> ListPrice:
        return self.price(decode(raw, Priced))

    def product(self, row: Shown) -> Product:
        on_sale = row.state == "listed"
        return Product(
            external_id=row.id,
            name=row.name,
            kind=ProductKind(row.kind),
            state=ProductState.LISTED if on_sale else ProductState.DRAFT,
            external_state=row.state,
            on_sale=on_sale,
            sku=row.sku,
            parent_id=row.article,
        )

    def price(self, row: Priced) -> ListPrice:
        return ListPrice(item=row.id, price_list="default", price=self.money(row.price), basis=PriceBasis.GROSS)

    def money(self, text: str | None) -> Money | None:
        if text is None:
            return None
        try:
            return Money(Decimal(text), "PLN")
        except InvalidOperation:
            raise ContractBroken("the price is no number", field="price") from None


class Priced(msgspec.Struct):
    id: str
    price: str | None = None


_calls = itertools.count(1)


@breaks(
    *(f"STREAM-{number:02}" for number in (1, 2, 4, 5, 6, 7, 8, 9, 11)),
    *(f"PRODUCT-{number:02}" for number in (1, 2, 5, 6, 7, 8, 10)),
)
class NumbersThemEachTime(GoodCatalogue):
    """Gives a product another number whenever it is read."""

    def product(self, row: Shown) -> Product:
        return replace(super().product(row), external_id=f"{row.id}-{next(_calls)}")


@breaks("PRODUCT-01", "PRODUCT-02", "PRODUCT-08", "PRODUCT-10")
class LeavesTheSkuOut(GoodCatalogue):
    """Knows no SKU of anything."""

    def product(self, row: Shown) -> Product:
        return replace(super().product(row), sku=None)


@breaks("PRODUCT-02")
class KnowsNoParents(GoodCatalogue):
    """Takes each variation for a product of its own."""

    def product(self, row: Shown) -> Product:
        return replace(super().product(row), parent_id=None)


@breaks("PRODUCT-02")
class PricesTheArticle(GoodCatalogue):
    """Gives an article the price that none of its variations has."""

    def records(self, rows: Sequence[msgspec.Raw]) -> list[Record]:
        articles = [raw for raw in rows if decode(raw, Key).kind == "parent"]
        return [*super().records(rows), *(self.read_price(bytes(raw)) for raw in articles)]


@breaks("PRODUCT-03", "PRODUCT-04")
class TakesNoPriceForZero(GoodCatalogue):
    """Says zero of what has no price."""

    def money(self, text: str | None) -> Money | None:
        return super().money(text if text is not None else "0")


@breaks("PRODUCT-03")
class TakesZeroForNoPrice(GoodCatalogue):
    """Says of what costs nothing that it has no price."""

    def money(self, text: str | None) -> Money | None:
        found = super().money(text)
        return found if found is None or found.amount else None


@breaks("PRODUCT-03", "PRODUCT-04")
class RoundsPrices(GoodCatalogue):
    """Has no room for coins."""

    def money(self, text: str | None) -> Money | None:
        found = super().money(text)
        return Money(Decimal(round(found.amount)), found.currency) if found is not None else None


@breaks("PRODUCT-03", "PRODUCT-04", "PRODUCT-10")
class NamesAnotherCurrency(GoodCatalogue):
    """Believes all money to be euros."""

    def money(self, text: str | None) -> Money | None:
        found = super().money(text)
        return Money(found.amount, "EUR") if found is not None else None


@breaks("PRODUCT-03")
class TakesGrossForNet(GoodCatalogue):
    """Says of a price with tax that the tax is not in it."""

    def price(self, row: Priced) -> ListPrice:
        return replace(super().price(row), basis=PriceBasis.NET)


@breaks("PRODUCT-04", "PRODUCT-05", "STREAM-08", "STREAM-11")
class TellsNothingOfChanges(GoodCatalogue):
    """Reads all once, and never again."""

    async def changes(self, at: Place) -> Page:
        return Page(records=(), cursor=at.cursor)


@breaks("PRODUCT-05")
class SellsDraftsOfTheCatalogue(GoodCatalogue):
    """Takes each product for one on sale."""

    def product(self, row: Shown) -> Product:
        return replace(super().product(row), on_sale=True)


@breaks("PRODUCT-06", "STREAM-04")
class TellsWhenItRead(GoodCatalogue):
    """Puts into each record when it was read."""

    def product(self, row: Shown) -> Product:
        return replace(super().product(row), extra={"read": str(next(_calls))})


@breaks("PRODUCT-07", "STREAM-07")
class GoesByOffset(GoodCatalogue):
    """Takes how many rows it has read for a place in the list."""

    async def catalogue_page(self, at: Place) -> Page:
        if at.changes:
            return await self.changes(at)
        found = await self.rows("/catalogue", {"offset": at.seen})
        seen = at.seen + len(found.rows)
        since = found.place if at.since is None else at.since
        after = Place(0, seen, since) if found.more else Place(since, changes=True)
        return Page(records=self.records(found.rows), cursor=after.cursor, more=found.more)


@breaks("PRODUCT-02", "PRODUCT-07", "STREAM-05", "STREAM-06", "STREAM-07")
class TakesOnePageForTheCatalogue(GoodCatalogue):
    """Reads the first page, and calls it complete."""

    async def catalogue_page(self, at: Place) -> Page:
        page = await super().catalogue_page(at)
        return replace(page, more=False, cursor=Place(10**9, changes=True).cursor) if page.more else page


@breaks("PRODUCT-08", "STREAM-04")
class KeepsTheDeleted(GoodCatalogue):
    """Reports what it knows from before beside what is there."""

    async def catalogue_page(self, at: Place) -> Page:
        page = await super().catalogue_page(at)
        known: dict[str, Record] = self.__dict__.setdefault("known", {})
        old = [] if at.changes else [one for key, one in known.items() if one not in page.records]
        known.update({f"{type(one).__name__} {one.external_id}": one for one in page.records})
        return replace(page, records=[*page.records, *old]) if not page.more else page


@breaks("PRODUCT-08")
class NeverCompletes(GoodCatalogue):
    """Never believes that it has read all, so that nothing is ever gone."""

    def whole(self, rows: int, total: int, seen: int) -> bool:
        return False


@breaks("PRODUCT-09")
class TakesDisorderForRepetition(GoodCatalogue):
    """Leaves out the rows of a page whose numbers are lower than one before."""

    async def rows(self, path: str, query: dict[str, str | int]) -> Rows:
        found = await super().rows(path, query)
        highest, kept = 0, []
        for raw in found.rows:
            number = int(decode(raw, Key).id)
            if number > highest:
                highest = number
                kept.append(raw)
        return replace(found, rows=kept if path == "/catalogue" else found.rows)

    def whole(self, rows: int, total: int, seen: int) -> bool:
        return True


@breaks("PRODUCT-10", "STREAM-09")
class TakesNonsenseForNoPrice(GoodCatalogue):
    """Says that there is no price where it cannot read one."""

    def money(self, text: str | None) -> Money | None:
        try:
            return super().money(text)
        except ContractBroken:
            return None
