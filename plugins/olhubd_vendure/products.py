"""What the shop has in its catalogue, where it is a stock master: variants with their prices, and their products.

All is read first, by id to the server's own count. Then each pull reads when each variant and its product were
changed, with what it costs, since a price moves no time there; only what is otherwise is read whole. What is
remembered for that counts once it has landed, and saves work alone: after a restart all comes once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.model import Kind, ListPrice
from olhubd.plugin import (
    ContractBroken,
    Cursor,
    Gone,
    ListPlace,
    Page,
    ProductFeed,
    Record,
    decode,
    guarded,
    require_order,
)
from olhubd_vendure import queries, wire_products, wire_stock
from olhubd_vendure.described import list_prices, parent_product, product
from olhubd_vendure.pricing import PriceTerms
from olhubd_vendure.shop import Shop
from olhubd_vendure.variants import Variants, sort_key, variant_id

__all__ = ["Products"]

_PAGE = 500
"""Variants in one question of when they were changed."""
_WHOLE = 100
"""Variants that are asked for whole in one question."""


class _Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a reading stands; `changes` once all was read."""

    changes: bool = False
    place: ListPlace = ListPlace()

    @property
    def cursor(self) -> Cursor:
        return Cursor(msgspec.json.encode(self).decode())


class Products(ProductFeed):
    """The catalogue of one channel. The prices of its own currency are the list `default`, those of another one
    the list of that currency's name."""

    def __init__(self, shop: Shop, variants: Variants) -> None:
        self._shop = shop
        self._variants = variants
        self._known: dict[str, int] = {}
        self._read: tuple[Cursor, Mapping[str, int]] | None = None

    async def start(self, since: datetime | None) -> Cursor:
        """All is read first, whatever is asked: what is there now counts."""
        return _Place().cursor

    async def pull(self, cursor: Cursor) -> Page:
        try:
            at = msgspec.json.decode(cursor, type=_Place)
        except msgspec.MsgspecError as error:
            raise ContractBroken(f"not a cursor of this connector: {error}") from None
        terms = await self._variants.pricing()
        if terms is None:
            raise ContractBroken("the shop does not say how its channel keeps prices", field="activeChannel")
        with self._shop.learning():
            part = await self._shop.part(
                queries.CHANGES, wire_stock.VariantsAnswer, {"sort": {"id": "ASC"}}, at.place.offset, _PAGE
            )
            require_order(map(sort_key, part.rows), "id")
            fresh, then, complete = at.place.after(part, variant_id)
            marks = {variant_id(raw): hash((bytes(raw), terms)) for raw in fresh}
            wanted = [id_ for id_, mark in marks.items() if not at.changes or self._known.get(id_) != mark]
            rows = await self._whole(wanted)
        after = _Place(at.changes, then) if then is not None else _Place(changes=True)
        self._read = after.cursor, marks
        ean_field = await self._variants.ean_field()
        return Page(
            records=_records([rows[id_] for id_ in wanted if id_ in rows], terms, ean_field),
            cursor=after.cursor,
            more=then is not None,
            complete=complete or then is not None,
        )

    async def landed(self, cursor: Cursor) -> None:
        if self._read is not None and self._read[0] == cursor:
            self._known.update(self._read[1])
            self._read = None

    async def _whole(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """The variants of these ids. One that is not among them was deleted a moment ago."""
        document = queries.products(await self._shop.ean_field())
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), _WHOLE):
            some = ids[start : start + _WHOLE]
            rows = await self._shop.everything(
                document, wire_stock.VariantsAnswer, {"filter": {"id": {"in": some}}}, key=variant_id
            )
            # A filter that is not obeyed would bring anything.
            found.update({id_: bytes(raw) for raw in rows if (id_ := variant_id(raw)) in some})
        return found


def _records(rows: Sequence[bytes], terms: PriceTerms, ean_field: str | None) -> list[Record]:
    """Each variant, its prices, and once each product whose variants they are."""
    found: list[Record] = []
    parents: dict[str, Record] = {}
    for raw in rows:
        number = variant_id(raw)
        found.append(guarded(raw, number, lambda raw: product(_row(raw), ean_field), kind=Kind.PRODUCT))
        found += _prices(raw, number, lambda raw: _all_prices(_row(raw), terms))
        try:
            row = _row(raw)
        except ContractBroken:
            continue
        if row.options:
            parents[row.product.id] = parent_product(row)
    return [*found, *parents.values()]


def _all_prices(row: wire_products.ProductVariant, terms: PriceTerms) -> Sequence[ListPrice | Gone]:
    """The prices of a variant, and those that it has not, or no more: of what has no price in a currency nothing
    else says so."""
    found = list_prices(row, terms)
    there = {one.external_id for one in found}
    keys = (ListPrice.key(row.id, currency) for currency in sorted(terms.currencies - {terms.currency}))
    return [*found, *(Gone(external_id=key, kind=Kind.PRICE) for key in keys if key not in there)]


def _prices(raw: bytes, number: str, read: Callable[[bytes], Sequence[ListPrice | Gone]]) -> Sequence[Record]:
    key = ListPrice.key(number)
    try:
        return read(raw)
    except ContractBroken:
        return [guarded(raw, key, lambda raw: next(iter(read(raw))), kind=Kind.PRICE)]


def _row(raw: bytes) -> wire_products.ProductVariant:
    return decode(raw, wire_products.ProductVariant)
