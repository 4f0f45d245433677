"""Which product of the shop a line is: by SKU, then by EAN, asked for in batches and remembered for a while.

A negative answer is remembered only briefly, since people add products in the middle of the day. What the shop
returns is checked against what was asked, because it ignores filters it does not know and then returns everything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from olhubd.model import Line
from olhubd.plugin import Clock
from olhubd_woocommerce.client import PAGE, Query, Shop
from olhubd_woocommerce.wire import Product

__all__ = ["Goods", "Shelf"]

_KEPT = 20_000
_FOUND_FOR = 3600.0
_MISSING_FOR = 60.0
_BATCH = 50
_FIELDS = "id,type,parent_id,sku,global_unique_id,tax_class,tax_status"


class Goods(msgspec.Struct, frozen=True, gc=False):
    """A product to bind a line to. `tax_class` None means that the shop does not tax it."""

    product_id: int
    variation_id: int = 0
    tax_class: str | None = ""


def _goods(row: Product) -> Goods:
    tax_class = row.tax_class if row.tax_status == "taxable" else None
    if row.type == "variation" and row.parent_id:
        return Goods(row.parent_id, row.id, tax_class)
    return Goods(row.id, 0, tax_class)


class _Shelf:
    """Answers for one kind of code, the least recently used forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[Goods | None, float]] = OrderedDict()

    def fresh(self, code: str, sure: bool) -> bool:
        """Whether there is an answer that still counts; with `sure` only one that names a product does."""
        kept = self._kept.get(code)
        return kept is not None and kept[1] > self._clock.monotonic() and not (sure and kept[0] is None)

    def get(self, code: str) -> Goods | None:
        kept = self._kept.get(code)
        if kept is None:
            return None
        self._kept.move_to_end(code)
        return kept[0]

    def put(self, code: str, goods: Goods | None) -> None:
        self._kept[code] = (goods, self._clock.monotonic() + (_FOUND_FOR if goods else _MISSING_FOR))
        self._kept.move_to_end(code)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def forget(self, goods: Goods) -> None:
        for code in [c for c, (held, _) in self._kept.items() if held == goods]:
            del self._kept[code]


class Shelf:
    """All that is known of the shop's products."""

    def __init__(self, shop: Shop, clock: Clock) -> None:
        self._shop = shop
        self._by = {"sku": _Shelf(clock), "global_unique_id": _Shelf(clock)}

    async def bind(self, lines: Sequence[Line], sure: bool = False) -> list[Goods | None]:
        """The product of each line, None where the shop has none.

        With `sure` what was missing before is asked for again, for somebody may just have added it.
        """
        await self._learn("sku", {_code(line.sku): line.sku.strip() for line in lines if line.sku}, sure)
        found = [self._by["sku"].get(_code(line.sku)) if line.sku else None for line in lines]
        unbound = (line.ean for line, goods in zip(lines, found, strict=True) if goods is None)
        rest = {_code(ean): ean.strip() for ean in unbound if ean}
        if rest:
            await self._learn("global_unique_id", rest, sure)
            eans = self._by["global_unique_id"]
            found = [
                goods or (eans.get(_code(line.ean)) if line.ean else None)
                for line, goods in zip(lines, found, strict=True)
            ]
        return found

    def forget(self, goods: Goods) -> None:
        """The shop did not know it any more."""
        for shelf in self._by.values():
            shelf.forget(goods)

    async def _learn(self, field: str, codes: Mapping[str, str], sure: bool) -> None:
        """Ask for those of `codes` (as compared, and as written) that are not known."""
        shelf = self._by[field]
        wanted = sorted(code for code in codes if not shelf.fresh(code, sure))
        # The shop splits at commas, so a code that holds one goes alone.
        alone = [[code] for code in wanted if "," in code]
        plain = [code for code in wanted if "," not in code]
        for batch in [*alone, *(plain[i : i + _BATCH] for i in range(0, len(plain), _BATCH))]:
            query: Query = {field: ",".join(codes[code] for code in batch), "per_page": PAGE, "_fields": _FIELDS}
            rows = await self._shop.get("/wc/v3/products", list[Product], query)
            answer = {_code(row.sku if field == "sku" else row.global_unique_id): row for row in reversed(rows)}
            for code in batch:
                row = answer.get(code)
                shelf.put(code, _goods(row) if row is not None else None)


def _code(text: str | None) -> str:
    """The code as the shop's database compares it: without outer blanks, whatever the case."""
    return (text or "").strip().casefold()
