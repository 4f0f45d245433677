"""A Tiny Shop with a catalogue: products with prices, articles with variations, listed by number and by change."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there a product's id is just `id`.

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from olhubd.model import Kind, ListPrice, Money, ProductKind
from olhubd_kit.simulator import BookedProduct, Listed, Verb
from tinyshop_simulator import TinyShopSimulator

__all__ = ["CatalogueShop", "Shown"]


class Shown(msgspec.Struct):
    """A row of the catalogue. A torn price comes as a number in words."""

    id: str
    name: str
    place: int
    sku: str | None = None
    price: str | None = None
    article: str | None = None
    kind: str = "simple"
    state: str = "listed"


class CatalogueShop(TinyShopSimulator):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows: dict[str, Shown] = {}
        self.torn: set[str] = set()
        self._placed = 0
        self._halved = self._jumbled = 0

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [*super().routes(), web.get("/catalogue", self._all), web.get("/catalogue/changes", self._changes)]

    def verbs(self) -> Mapping[str, Verb]:
        return {
            **super().verbs(),
            "list_product": self.list_product,
            "price_product": self.price_product,
            "stock_variations": self.stock_variations,
            "withdraw_item": self.withdraw_item,
            "put": self.put,
            "take": self.take,
            "change": self.change,
            "spoil": self.spoil,
            "short_pages": self.short_pages,
            "jumble_rows": self.jumble_rows,
        }

    def absent(self) -> Mapping[str, str]:
        return {verb: why for verb, why in super().absent().items() if verb not in self.verbs()}

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        rows = self.rows.values()
        products = [Listed(kind=Kind.PRODUCT, external_id=row.id) for row in rows]
        prices = [row for row in rows if row.kind != "parent"]
        return {
            "products": [*products, *(Listed(kind=Kind.PRICE, external_id=ListPrice.key(row.id)) for row in prices)]
        }

    def catalogued(self) -> Sequence[BookedProduct]:
        return [
            BookedProduct(
                external_id=row.id,
                price=Money(Decimal(row.price), "PLN") if row.price else None,
                kind=ProductKind(row.kind),
                parent_id=row.article,
                sku=row.sku,
            )
            for row in self.rows.values()
        ]

    def list_product(self, amount: str = "10.00") -> str:
        return self._new(price=amount or None).id

    def price_product(self, id: str, amount: str) -> None:
        self._renew(self.rows[id], price=amount or None)

    def stock_variations(self, count: int = 2, own: bool = True) -> list[str]:
        article = self._new(kind="parent")
        return [
            self._new(
                article=article.id,
                kind="variant",
                price="10.00",
                **({} if own else {"sku": None}),
            ).id
            for _ in range(count)
        ]

    def withdraw_item(self, id: str, back: bool = False) -> None:
        self._renew(self.rows[id], state="listed" if back else "draft")

    def put(self, feed: str, count: int = 1) -> None:
        products, rest = divmod(count, 2)
        for _ in range(products):
            self._new(price="10.00")
        if rest:  # an article has no price
            self._new(kind="parent")

    def take(self, feed: str, kind: str, id: str) -> None:
        self.rows.pop(id.partition("/")[0], None)

    def change(self, feed: str, kind: str, id: str) -> None:
        row = self.rows[id.partition("/")[0]]
        if kind == Kind.PRICE:
            self._renew(row, price=str(Decimal(row.price or "1") + 1))
        else:
            self._renew(row, name=f"{row.name}, blue")

    def spoil(self, feed: str, kind: str, id: str) -> None:
        key = id.partition("/")[0]
        self.torn.add(f"{kind} {key}")
        self._renew(self.rows[key])

    def short_pages(self, count: int = 1) -> None:
        super().short_pages(count)
        self._halved += count

    def jumble_rows(self, count: int) -> None:
        self._jumbled += count

    def _new(self, **fields: Any) -> Shown:
        number = str(self._placed + 1)
        row = Shown(**{"id": number, "name": f"Mug {number}", "place": 0, "sku": f"MUG-{number}", **fields})
        self.rows[number] = row
        self._renew(row)
        return row

    def _renew(self, row: Shown, **fields: Any) -> None:
        self._placed += 1
        for name, value in {**fields, "place": self._placed}.items():
            setattr(row, name, value)

    async def _all(self, request: web.Request) -> web.Response:
        """By number: behind `after`, or with `offset` as many left out."""
        self._enter(request)
        rows = sorted(self.rows.values(), key=lambda row: int(row.id))
        offset = request.query.get("offset")
        behind = int(request.query.get("after", "0"))
        rest = rows[int(offset) :] if offset is not None else [row for row in rows if int(row.id) > behind]
        return self._page(request, rest, len(rows))

    async def _changes(self, request: web.Request) -> web.Response:
        self._enter(request)
        after = int(request.query["after"])
        rows = sorted((row for row in self.rows.values() if row.place > after), key=lambda row: row.place)
        return self._page(request, rows, len(rows))

    def _page(self, request: web.Request, rows: list[Shown], total: int) -> web.Response:
        size = int(request.query["limit"])
        if self._halved:
            self._halved -= 1
            size = max(1, size // 2)
        page = rows[:size]
        if self._jumbled:
            self._jumbled -= 1
            random.Random(self._jumbled).shuffle(page)
        said = {
            "rows": [self._said(row) for row in page],
            "total": total,
            "place": self._placed,
            "more": len(page) < len(rows),
        }
        return web.Response(body=msgspec.json.encode(said), content_type="application/json")

    def _said(self, row: Shown) -> dict[str, Any]:
        said = msgspec.structs.asdict(row)
        if f"price {row.id}" in self.torn:
            said["price"] = "dear"
        if f"product {row.id}" in self.torn:
            said["name"] = 7
        return said
