"""Which product of the shop a line is: by SKU, then by EAN, asked for in batches and remembered for a while.

A negative answer is remembered only briefly, since people add products in the middle of the day. What the shop
returns is checked against what was asked, because it ignores filters it does not know and then returns everything.
Not all that bears a code can be sold: a parent of variations, a group and a link to another shop cannot. And
several products may bear one code, as translations do: never one of them by chance, and never in silence.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec
from stdnum import isbn

from olhubd.model import Line
from olhubd.plugin import Clock, Log
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Query, Shop

__all__ = ["IndexedProduct", "ProductIndex"]

_KEPT = 20_000
_FOUND_FOR = 3600.0
_MISSING_FOR = 60.0
_BATCH = 50
_FIELDS = "id,type,status,parent_id,sku,global_unique_id,tax_class,tax_status"
_NEVER_SOLD = {
    "variable": "is the parent of its variations, of which one has to be named",
    "grouped": "is a group of products",
    "external": "is sold in another shop",
}
_ON_SALE = "publish"


class IndexedProduct(msgspec.Struct, frozen=True, gc=False):
    """A product to bind a line to. `tax_class` None means that the shop does not tax it; `way_class` is the class
    that a delivery may take over from it, which goods of the kind "shipping only" lend without bearing it."""

    product_id: int
    variation_id: int = 0
    tax_class: str | None = ""
    way_class: str | None = ""


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """What the shop has under a code: goods, and what is to be said of them; or none, and why."""

    goods: IndexedProduct | None
    until: float
    why: str | None = None


def _goods(row: wire.Product) -> IndexedProduct:
    tax_class = row.tax_class if row.tax_status == "taxable" else None
    way_class = row.tax_class if row.tax_status in ("taxable", "shipping") else None
    if row.type == "variation" and row.parent_id:
        return IndexedProduct(row.parent_id, row.id, tax_class, way_class)
    return IndexedProduct(row.id, 0, tax_class, way_class)


class _Shelf:
    """Answers for one kind of code, the least recently used forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, _Answer] = OrderedDict()

    def fresh(self, code: str, sure: bool) -> bool:
        """Whether there is an answer that still counts; with `sure` only one that names a product does."""
        kept = self._kept.get(code)
        return kept is not None and kept.until > self._clock.monotonic() and not (sure and kept.goods is None)

    def get(self, code: str) -> IndexedProduct | None:
        kept = self._kept.get(code)
        if kept is None:
            return None
        self._kept.move_to_end(code)
        return kept.goods

    def answer(self, code: str) -> _Answer | None:
        return self._kept.get(code)

    def put(self, code: str, goods: IndexedProduct | None, why: str | None) -> None:
        self._kept[code] = _Answer(goods, self._clock.monotonic() + (_FOUND_FOR if goods else _MISSING_FOR), why)
        self._kept.move_to_end(code)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def forget(self, goods: IndexedProduct) -> None:
        for code in [c for c, held in self._kept.items() if held.goods == goods]:
            del self._kept[code]


class ProductIndex:
    """All that is known of the shop's products."""

    def __init__(self, shop: Shop, clock: Clock, log: Log) -> None:
        self._shop = shop
        self._log = log
        self._by = {"sku": _Shelf(clock), "global_unique_id": _Shelf(clock)}
        self._told: set[str] = set()

    async def bind(self, lines: Sequence[Line], sure: bool = False) -> list[IndexedProduct | None]:
        """The product of each line, None where the shop has none that can be sold.

        With `sure` what was missing before is asked for again, for somebody may just have added it.
        """
        await self._learn("sku", {_code(line.sku): [line.sku.strip()] for line in lines if line.sku}, sure)
        found = [self._by["sku"].get(_code(line.sku)) if line.sku else None for line in lines]
        unbound = (line.ean for line, goods in zip(lines, found, strict=True) if goods is None)
        rest = {_digits(ean): _spellings(ean) for ean in unbound if ean}
        if rest:
            await self._learn("global_unique_id", rest, sure)
            eans = self._by["global_unique_id"]
            found = [
                goods or (eans.get(_digits(line.ean)) if line.ean else None)
                for line, goods in zip(lines, found, strict=True)
            ]
        return found

    def why(self, line: Line) -> str | None:
        """What is to be said of the choice for a line: what rules out the product that bears its code, where
        `bind` found none, or that several bear it, or that the one bound is not on sale."""
        of_sku = self._by["sku"].answer(_code(line.sku)) if line.sku else None
        if of_sku is not None and (of_sku.why is not None or of_sku.goods is not None):
            return of_sku.why
        of_ean = self._by["global_unique_id"].answer(_digits(line.ean)) if line.ean else None
        return of_ean.why if of_ean is not None else None

    def forget(self, goods: IndexedProduct) -> None:
        """The shop did not know it any more."""
        for shelf in self._by.values():
            shelf.forget(goods)

    async def _learn(self, field: str, codes: Mapping[str, Sequence[str]], sure: bool) -> None:
        """Ask for those of `codes` (as compared, and as they may be written) that are not known."""
        shelf = self._by[field]
        wanted = sorted(code for code in codes if not shelf.fresh(code, sure))
        if not wanted:
            return
        # The shop splits at commas, so a code that holds one goes alone.
        alone = [[code] for code in wanted if "," in code]
        plain = [code for code in wanted if "," not in code]
        for batch in [*alone, *(plain[i : i + _BATCH] for i in range(0, len(plain), _BATCH))]:
            asked = ",".join(spelling for code in batch for spelling in codes[code])
            query: Query = {field: asked, "_fields": _FIELDS}
            rows: dict[str, list[wire.Product]] = {}
            for row in await self._shop.all("/wc/v3/products", wire.Product, query):
                code = _code(row.sku) if field == "sku" else _digits(row.global_unique_id)
                rows.setdefault(code, []).append(row)
            for code in batch:
                shelf.put(code, *self._choose(field, code, rows.get(code, []), shelf.get(code)))

    def _choose(
        self, field: str, code: str, rows: Sequence[wire.Product], before: IndexedProduct | None
    ) -> tuple[IndexedProduct | None, str | None]:
        """The product to sell under a code: the one bound before, else the oldest on sale, else the oldest of
        all that can be sold. With it what is to be said of the choice, and why there is none."""
        sellable = sorted(
            (r for r in rows if r.type not in _NEVER_SOLD), key=lambda r: (r.status != _ON_SALE, r.id)
        )
        if not sellable:
            reasons = [f"product {r.id} {_NEVER_SOLD[r.type]}" for r in rows]
            return None, reasons[0] if reasons else None
        chosen = next((r for r in sellable if _goods(r) == before), sellable[0])
        words = []
        if len(sellable) > 1:
            many = f"{len(sellable)} products of the shop bear this {_WORDS[field]}"
            words.append(f"{many}; product {chosen.id} was taken")
        if chosen.status != _ON_SALE:
            words.append(f"product {chosen.id} is not on sale in the shop ({chosen.status})")
        why = ", and ".join(words) or None
        if why is not None and why not in self._told and len(self._told) < 1000:
            self._told.add(why)
            self._log.warning(f"a product was chosen: {why}", code=code)
        return _goods(chosen), why


_WORDS = {"sku": "SKU", "global_unique_id": "EAN"}


def _code(text: str | None) -> str:
    """The code as the shop's database compares it: without outer blanks, whatever the case."""
    return (text or "").strip().casefold()


def _digits(ean: str | None) -> str:
    """An EAN without the dashes and blanks that people put into it."""
    return "".join(c for c in (ean or "") if c.isalnum()).casefold()


def _spellings(ean: str) -> list[str]:
    """An EAN as it may be written in the shop, which compares letter by letter: bare, as given, a book's with
    its dashes."""
    bare = "".join(c for c in ean if c.isalnum())
    book = isbn.format(bare) if isbn.is_valid(bare) else bare
    return list(dict.fromkeys((bare, ean.strip(), book)))
