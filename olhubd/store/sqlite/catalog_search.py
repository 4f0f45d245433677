"""The lists of offers, links, stock items, products and prices by what a person looks for. It finds numbers, the
newest first.

No page costs more than a few thousand rows, however many there are and whatever is asked:

- one filter is walked, in an index in which its rows lie in the order of their numbers; of those that are given,
  the one that usually lets through the fewest;
- the walk ends after so many rows, and the page says from where on it goes on. A page may so be short, or even
  empty, and not the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.model import Linking, LinkOrigin, OfferState, ProductKind, ProductState
from olhubd.store.base import Reader

__all__ = [
    "CatalogPage",
    "LinkSearch",
    "OfferSearch",
    "PriceSearch",
    "ProductSearch",
    "StockSearch",
    "find_links",
    "find_offers",
    "find_prices",
    "find_products",
    "find_stock",
]

_WALKED = 4_000
"""Rows that a page looks at, at most."""
_STRIDE = 4
"""So many times as many rows as a page has are looked at first."""
_FEW = 1_000
"""Of a text that more names begin with, all rows are walked."""
_FIRST = 2**63 - 1
_LAST = "\U0010ffff"
_Part = tuple[str, Sequence[object]]
"""A condition with its parameters."""


class OfferSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What offers are looked for; all that is given must fit. `text` begins the name, or is the number or a mark.

    `unlinked`: it is not known what it sells, and nobody said that it is nothing. `sold_out`: it is to show
    nothing. `uneven`: it does not show what it is to. `doubted`: a link of it is.
    """

    account: str | None = None
    state: OfferState | None = None
    linking: Linking | None = None
    unlinked: bool = False
    sold_out: bool = False
    uneven: bool = False
    doubted: bool = False
    text: str | None = None
    sku: str | None = None
    gtin: str | None = None


class StockSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What stock items are looked for; all that is given must fit. `text` begins the name, or is a number or mark.

    `unlinked`: no offer sells it. `uneven` and `sold_out` are those of its offers; what no offer sells is sold out
    where its master has none.
    """

    account: str | None = None
    unlinked: bool = False
    sold_out: bool = False
    uneven: bool = False
    text: str | None = None
    sku: str | None = None
    gtin: str | None = None


class LinkSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which linked offers are looked for. `doubted`: a person must look at the link."""

    account: str | None = None
    origin: LinkOrigin | None = None
    doubted: bool = False


class ProductSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What products are looked for; all that is given must fit. `text` begins the name, or is a number or mark.

    `gone`: whether a reading of all did not have it. `shared`: whether its source shares it still. None is either.
    """

    account: str | None = None
    kind: ProductKind | None = None
    state: ProductState | None = None
    gone: bool | None = None
    shared: bool | None = None
    text: str | None = None
    sku: str | None = None
    gtin: str | None = None


class PriceSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What prices of lists are looked for; all that is given must fit. `item` is the number of the product or
    variant at its source, `sku` its mark."""

    account: str | None = None
    price_list: str | None = None
    currency: str | None = None
    item: str | None = None
    sku: str | None = None


class CatalogPage(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of what was found, the newest first. `next` is where the next page begins; None at the end."""

    ids: tuple[int, ...]
    next: int | None


async def find_offers(reader: Reader, wanted: OfferSearch, *, before: int | None, limit: int) -> CatalogPage:
    """The newest offers that fit, older than `before`."""
    walks = await _by_marks(reader, "offers", wanted)
    if wanted.doubted:
        walks.append(_DOUBTFUL)
    if wanted.linking not in (None, Linking.LINKED):
        of = "account = ? AND " if wanted.account is not None else ""
        index = "offers_unlinked" if wanted.account is not None else "offers_linking"
        given = (*([wanted.account] if wanted.account is not None else []), wanted.linking.value)
        told = f"FROM offers INDEXED BY {index} WHERE {of}linking = ? AND linking <> 'linked'"
        walks.append((told, given))
    if wanted.unlinked:
        told = "FROM offers INDEXED BY offers_loose WHERE linking <> 'linked' AND linking <> 'left'"
        walks.append((told, ()))
    if wanted.uneven:
        walks.append(_levels("levels_uneven_offers", "uneven = 1"))
    if wanted.sold_out:
        walks.append(_levels("levels_sold_out", "wanted = 0"))
    if wanted.account is not None:
        walks.append(("FROM offers INDEXED BY offers_listed WHERE account = ?", (wanted.account,)))
    if wanted.state is not None:
        walks.append(("FROM offers INDEXED BY offers_state WHERE state = ?", (wanted.state.value,)))
    walks.append(("FROM offers WHERE 1 = 1", ()))
    level = "EXISTS (SELECT 1 FROM levels WHERE offer_id = t.id AND kind = 'quantity' AND scope = '' AND {})"
    conditions: list[_Part] = [
        ("t.account = ?", (wanted.account,)) if wanted.account is not None else ("", ()),
        ("t.state = ?", (wanted.state.value,)) if wanted.state is not None else ("", ()),
        ("t.linking = ?", (wanted.linking.value,)) if wanted.linking is not None else ("", ()),
        ("t.linking IN ('none', 'proposed', 'conflict')", ()) if wanted.unlinked else ("", ()),
        (level.format("wanted = 0"), ()) if wanted.sold_out else ("", ()),
        (level.format("uneven = 1"), ()) if wanted.uneven else ("", ()),
        _DOUBTED if wanted.doubted else ("", ()),
        *_marked(wanted),
    ]
    return await _walk(reader, walks[0], "offers", conditions, before, limit)


async def find_stock(reader: Reader, wanted: StockSearch, *, before: int | None, limit: int) -> CatalogPage:
    """The newest stock items that fit, older than `before`."""
    walks = await _by_marks(reader, "stock_items", wanted)
    if wanted.account is not None:
        walks.append(("FROM stock_items INDEXED BY stock_items_listed WHERE account = ?", (wanted.account,)))
    walks.append(("FROM stock_items WHERE 1 = 1", ()))
    of = (
        "EXISTS (SELECT 1 FROM links l JOIN levels v ON v.offer_id = l.offer_id AND v.kind = 'quantity'"
        " WHERE l.item_id = t.id AND {})"
    )
    linked = "EXISTS (SELECT 1 FROM links WHERE item_id = t.id)"
    none = f"(NOT {linked} AND t.quantity IS NOT NULL AND t.quantity - COALESCE(t.allocated, 0) <= 0)"
    conditions: list[_Part] = [
        ("t.account = ?", (wanted.account,)) if wanted.account is not None else ("", ()),
        (f"NOT {linked}", ()) if wanted.unlinked else ("", ()),
        (f"({of.format('v.wanted = 0')} OR {none})", ()) if wanted.sold_out else ("", ()),
        (of.format("v.uneven = 1"), ()) if wanted.uneven else ("", ()),
        *_marked(wanted),
    ]
    return await _walk(reader, walks[0], "stock_items", conditions, before, limit)


async def find_links(reader: Reader, wanted: LinkSearch, *, before: int | None, limit: int) -> CatalogPage:
    """The newest linked offers that fit, older than `before`."""
    source: _Part = ("FROM offers WHERE 1 = 1", ())
    if wanted.doubted:
        source = _DOUBTFUL
    elif wanted.account is not None:
        told = "FROM offers INDEXED BY offers_linked WHERE linking = 'linked' AND account = ?"
        source = (told, (wanted.account,))
    conditions: list[_Part] = [
        ("EXISTS (SELECT 1 FROM links WHERE offer_id = t.id)", ()),
        ("t.account = ?", (wanted.account,)) if wanted.account is not None else ("", ()),
        ("EXISTS (SELECT 1 FROM links WHERE offer_id = t.id AND origin = ?)", (wanted.origin.value,))
        if wanted.origin is not None
        else ("", ()),
    ]
    return await _walk(reader, source, "offers", conditions, before, limit)


async def find_products(reader: Reader, wanted: ProductSearch, *, before: int | None, limit: int) -> CatalogPage:
    """The newest products that fit, older than `before`."""
    walks = await _by_marks(reader, "products", wanted)
    if wanted.shared is False:
        walks.append(("FROM products INDEXED BY products_unshared WHERE shared = 0", ()))
    if wanted.gone:
        walks.append(("FROM products INDEXED BY products_gone WHERE gone_at IS NOT NULL", ()))
    if wanted.state not in (None, ProductState.LISTED):
        walks.append(("FROM products INDEXED BY products_state WHERE state = ?", (wanted.state.value,)))
    if wanted.kind not in (None, ProductKind.SIMPLE):
        walks.append(("FROM products INDEXED BY products_kind WHERE kind = ?", (wanted.kind.value,)))
    if wanted.account is not None:
        walks.append(("FROM products INDEXED BY products_listed WHERE account = ?", (wanted.account,)))
    walks.append(("FROM products WHERE 1 = 1", ()))
    conditions: list[_Part] = [
        ("t.account = ?", (wanted.account,)) if wanted.account is not None else ("", ()),
        ("t.kind = ?", (wanted.kind.value,)) if wanted.kind is not None else ("", ()),
        ("t.state = ?", (wanted.state.value,)) if wanted.state is not None else ("", ()),
        ("", ()) if wanted.gone is None else (f"t.gone_at IS {'NOT ' * wanted.gone}NULL", ()),
        ("", ()) if wanted.shared is None else ("t.shared = ?", (int(wanted.shared),)),
        *_marked(wanted),
    ]
    return await _walk(reader, walks[0], "products", conditions, before, limit)


async def find_prices(reader: Reader, wanted: PriceSearch, *, before: int | None, limit: int) -> CatalogPage:
    """The newest prices that fit, older than `before`."""
    walks: list[_Part] = []
    conditions: list[_Part] = []
    if wanted.item is not None:
        masters = await reader.fetch("SELECT DISTINCT account FROM price_lists")
        told = "SELECT id FROM list_prices INDEXED BY list_prices_of_item WHERE account IN ({}) AND item = ?"
        given = [row[0] for row in masters]
        if (few := await _few(reader, told.format(",".join("?" * len(given))), [*given, wanted.item])) is not None:
            walks.append((f"FROM list_prices WHERE id IN ({few})", ()))
        conditions.append(("t.item = ?", (wanted.item,)))
    if wanted.sku is not None:
        of = "SELECT account, external_id FROM {0} INDEXED BY {0}_sku WHERE sku = ?"
        told = (
            f"SELECT p.id FROM ({of.format('products')} UNION {of.format('stock_items')}) AS some"
            " CROSS JOIN list_prices AS p INDEXED BY list_prices_of_item"
            " ON p.account = some.account AND p.item = some.external_id"
        )
        if (few := await _few(reader, told, [wanted.sku, wanted.sku])) is not None:
            walks.append((f"FROM list_prices WHERE id IN ({few})", ()))
        has = "EXISTS (SELECT 1 FROM {} WHERE account = t.account AND external_id = t.item AND sku = ?)"
        conditions.append((f"({has.format('products')} OR {has.format('stock_items')})", (wanted.sku,) * 2))
    if wanted.price_list is not None:
        walks.append(("FROM list_prices INDEXED BY list_prices_list WHERE price_list = ?", (wanted.price_list,)))
        conditions.append(("t.price_list = ?", (wanted.price_list,)))
    if wanted.currency is not None:
        walks.append(
            (
                "FROM list_prices INDEXED BY list_prices_currency WHERE currency = ? AND currency IS NOT NULL",
                (wanted.currency,),
            )
        )
        conditions.append(("t.currency = ?", (wanted.currency,)))
    if wanted.account is not None:
        walks.append(("FROM list_prices INDEXED BY list_prices_listed WHERE account = ?", (wanted.account,)))
        conditions.append(("t.account = ?", (wanted.account,)))
    walks.append(("FROM list_prices WHERE 1 = 1", ()))
    return await _walk(reader, walks[0], "list_prices", conditions, before, limit)


async def _few(reader: Reader, told: str, given: Sequence[object]) -> str | None:
    """The numbers that a statement finds, as a list for another; None where there are more than a few."""
    rows = await reader.fetch(f"SELECT id FROM ({told}) AS some LIMIT ?", (*given, _FEW + 1))
    if len(rows) > _FEW:
        return None
    return ",".join(str(int(row[0])) for row in rows) or "NULL"


_DOUBTS = "SELECT offer_id AS id FROM links INDEXED BY links_doubted WHERE doubt IS NOT NULL"
_DOUBTFUL: _Part = (f"FROM ({_DOUBTS}) AS some WHERE 1 = 1", ())
_DOUBTED: _Part = ("EXISTS (SELECT 1 FROM links WHERE offer_id = t.id AND doubt IS NOT NULL)", ())


def _levels(index: str, condition: str) -> _Part:
    told = f"SELECT offer_id AS id FROM levels INDEXED BY {index} WHERE {condition} AND kind = 'quantity'"
    return f"FROM ({told}) AS some WHERE 1 = 1", ()


async def _by_marks(reader: Reader, table: str, wanted: OfferSearch | StockSearch | ProductSearch) -> list[_Part]:
    """The walks by a mark or a name that is looked for, the one that lets through the fewest first."""
    walks: list[_Part] = []
    if wanted.sku is not None:
        walks.append((f"FROM {table} INDEXED BY {table}_sku WHERE sku = ?", (wanted.sku,)))
    if wanted.gtin is not None:
        walks.append((f"FROM {table} INDEXED BY {table}_gtin WHERE gtin = ?", (wanted.gtin,)))
    if wanted.text is not None and (few := await _named(reader, table, wanted.text)) is not None:
        walks.append(few)
    return walks


def _marked(wanted: OfferSearch | StockSearch | ProductSearch) -> list[_Part]:
    """What the marks and the name must be."""
    found: list[_Part] = []
    if wanted.text is not None:
        text = wanted.text
        given = (text, text + _LAST, text, text)
        found.append(
            (
                "((t.name >= ? COLLATE NOCASE AND t.name < ? COLLATE NOCASE) OR t.external_id = ? OR t.sku = ?)",
                given,
            )
        )
    if wanted.sku is not None:
        found.append(("t.sku = ?", (wanted.sku,)))
    if wanted.gtin is not None:
        found.append(("t.gtin = ?", (wanted.gtin,)))
    return found


async def _named(reader: Reader, table: str, text: str) -> _Part | None:
    """The rows whose name begins so, or with this number or mark; None where there are more than a few."""
    number = f"{table}_number"
    told = (
        f"SELECT id FROM {table} INDEXED BY {table}_name"
        " WHERE name >= ? COLLATE NOCASE AND name < ? COLLATE NOCASE"
        f" UNION ALL SELECT id FROM {table} INDEXED BY {number} WHERE external_id = ?"
        f" UNION ALL SELECT id FROM {table} INDEXED BY {table}_sku WHERE sku = ?"
    )
    given = (text, text + _LAST, text, text)
    few = await _few(reader, told, given)
    return None if few is None else (f"FROM {table} WHERE id IN ({few})", ())


async def _walk(
    reader: Reader, source: _Part, table: str, conditions: Sequence[_Part], before: int | None, limit: int
) -> CatalogPage:
    """A page of what fits, from a walk through `source` by number."""
    told = " AND ".join(sql for sql, _ in conditions if sql) or "1 = 1"
    sql, given = source
    asked = (
        f"SELECT w.id, CASE WHEN {told} THEN 1 ELSE 0 END FROM"
        f" (SELECT id {sql} AND id < ? ORDER BY id DESC LIMIT ?) AS w JOIN {table} AS t ON t.id = w.id"
        " ORDER BY w.id DESC"
    )
    given = [*(value for _, values in conditions for value in values), *given]
    found: list[int] = []
    below, walked = before if before is not None else _FIRST, 0
    while walked < _WALKED:
        # Most pages are full after a few rows: only where few of them fit is more looked at.
        step = _WALKED - walked if walked else min(_WALKED, _STRIDE * limit)
        rows = await reader.fetch(asked, [*given, below, step])
        for id_, fits in rows:
            # An offer of several items may be walked once for each.
            if fits and id_ not in found[-1:]:
                found.append(id_)
                if len(found) == limit:
                    last = id_ == rows[-1][0] and len(rows) < step
                    return CatalogPage(ids=tuple(found), next=None if last else id_)
        if len(rows) < step:
            return CatalogPage(ids=tuple(found), next=None)
        below, walked = rows[-1][0], walked + step
    return CatalogPage(ids=tuple(found), next=below)
