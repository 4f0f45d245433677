"""Lists of offers, links, stock items, products and prices: what fits is found to the end, and no page walks
through all there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from olhubd.model import Linking, LinkOrigin, OfferState, ProductKind, ProductState
from olhubd.store import Database
from olhubd.store.base import Reader
from olhubd.store.catalog_search import (
    CatalogPage,
    LinkSearch,
    OfferSearch,
    PriceSearch,
    ProductSearch,
    StockSearch,
    find_links,
    find_offers,
    find_prices,
    find_products,
    find_stock,
)
from olhubd.store.sqlite import catalog_search
from tests.store.test_plans import Asking

COUNT = 12_000
ODD = {7, 4_000, 11_990}
"""Offers that are unlike the others in every way that is asked for."""
WALKED = 50
FILLED: set[Path] = set()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "hub.sqlite"


@pytest.fixture
async def reader(path: Path) -> Any:
    """Many offers that are linked, show what they must and are active, and a few that are not."""
    if path not in FILLED:
        FILLED.add(path)
        async with Database.open(path):
            pass
        async with aiosqlite.connect(path) as connection:
            await _fill(connection)
    async with aiosqlite.connect(path) as connection:
        yield Asking(connection)


async def _fill(connection: aiosqlite.Connection) -> None:
    await connection.executemany(
        "INSERT INTO stock_items (id, account, external_id, name, sku, counting, basis, quantity, on_sale,"
        " read_after, read_at, digest, gtin) VALUES (?,'shop',?,?,?,'counted','free',5,1,1,1,x'',?)",
        [(n, str(n), f"Kubek {n}", f"S{n}", f"{n:014d}") for n in range(1, COUNT)],
    )
    await connection.executemany(
        "INSERT INTO offers (id, account, external_id, name, sku, state, read_after, read_at, digest, gtin,"
        " linking) VALUES (?,?,?,?,?,?,1,1,x'',?,?)",
        [
            (n, "other" if n in ODD else "market", f"o{n}", f"{'Rower' if n in ODD else 'Kubek'} {n}", f"S{n}",
             "ended" if n in ODD else "active", f"{n:014d}", "conflict" if n in ODD else "linked")
            for n in range(1, COUNT)
        ],
    )  # fmt: skip
    await connection.executemany(
        "INSERT INTO links (offer_id, item_id, units, origin, linked_at, doubt) VALUES (?,?,1,?,1,?)",
        [
            *(
                (n, n, "hand" if n == 9 else "sku", "why" if n == 9 else None)
                for n in range(1, COUNT)
                if n not in ODD
            ),
            (9, 10, "hand", "why"),
        ],
    )
    await connection.executemany(
        "INSERT INTO levels (offer_id, kind, scope, account, wanted, wanted_after, basis_after, phase,"
        " confirmed_after, active, tries, uneven) VALUES (?,'quantity','','market',?,1,1,'settled',1,1,0,?)",
        [(n, 0 if n in ODD else 5, int(n in ODD)) for n in range(1, COUNT)],
    )
    await connection.executemany(
        "INSERT INTO products (id, account, external_id, name, kind, state, on_sale, sku, gtin, document, digest,"
        " read_after, read_at, gone_at, shared) VALUES (?,?,?,?,?,?,1,?,?,x'7b7d',x'',1,1,?,?)",
        [
            (n, "other" if n in ODD else "shop", f"p{n}", f"{'Rower' if n in ODD else 'Kubek'} {n}",
             "set" if n in ODD else "simple", "bin" if n in ODD else "listed", f"S{n}", f"{n:014d}",
             1 if n in ODD else None, int(n not in ODD))
            for n in range(1, COUNT)
        ],
    )  # fmt: skip
    await connection.executemany(
        "INSERT INTO list_prices (id, account, external_id, item, price_list, document, digest, read_after,"
        " read_at, currency) VALUES (?,?,?,?,?,x'7b7d',x'',1,1,?)",
        [
            (n, "other" if n in ODD else "shop", f"p{n}/x", f"p{n}", "odd" if n in ODD else "default",
             "EUR" if n in ODD else "PLN")
            for n in range(1, COUNT)
        ],
    )  # fmt: skip
    await connection.executemany(
        "INSERT INTO price_lists VALUES (?,?,?,1,1)", [("other", "odd", "EUR"), ("shop", "default", "PLN")]
    )
    await connection.commit()
    await connection.execute("ANALYZE")
    await connection.commit()


Find = Callable[[Reader, int | None, int], Awaitable[CatalogPage]]


def offers(**asked: Any) -> Find:
    return lambda reader, before, limit: find_offers(reader, OfferSearch(**asked), before=before, limit=limit)


def stock(**asked: Any) -> Find:
    return lambda reader, before, limit: find_stock(reader, StockSearch(**asked), before=before, limit=limit)


def products(**asked: Any) -> Find:
    return lambda reader, before, limit: find_products(reader, ProductSearch(**asked), before=before, limit=limit)


def prices(**asked: Any) -> Find:
    return lambda reader, before, limit: find_prices(reader, PriceSearch(**asked), before=before, limit=limit)


def links(**asked: Any) -> Find:
    return lambda reader, before, limit: find_links(reader, LinkSearch(**asked), before=before, limit=limit)


async def to_the_end(reader: Reader, find: Find, limit: int) -> list[int]:
    found: list[int] = []
    before: int | None = None
    while True:
        page = await find(reader, before, limit)
        assert len(page.ids) <= limit
        found += page.ids
        if (before := page.next) is None:
            return found


FEW = [
    (offers(linking=Linking.CONFLICT), ODD),
    (offers(linking=Linking.CONFLICT, account="other"), ODD),
    (offers(linking=Linking.CONFLICT, account="market"), set()),
    (offers(linking=Linking.PROPOSED), set()),
    (offers(unlinked=True), ODD),
    (offers(unlinked=True, account="market"), set()),
    (offers(uneven=True), ODD),
    (offers(sold_out=True, state=OfferState.ENDED), ODD),
    (offers(account="other"), ODD),
    (offers(state=OfferState.ENDED), ODD),
    (offers(doubted=True), {9}),
    (offers(text="rower"), ODD),
    (offers(text="o4000"), {4_000}),
    (offers(sku="S4000"), {4_000}),
    (offers(gtin=f"{11_990:014d}"), {11_990}),
    (offers(sku="S9", gtin=f"{7:014d}"), set()),
    (stock(sku="S9"), {9}),
    (stock(text="s9"), set()),
    (stock(text="S9"), {9}),
    (stock(gtin=f"{9:014d}", account="shop"), {9}),
    (stock(account="elsewhere"), set()),
    (links(doubted=True), {9}),
    (links(account="other"), set()),
    (products(account="other"), ODD),
    (products(gone=True), ODD),
    (products(gone=True, account="shop"), set()),
    (products(shared=False), ODD),
    (products(kind=ProductKind.SET), ODD),
    (products(state=ProductState.BIN, gone=False), set()),
    (products(text="rower"), ODD),
    (products(text="p4000"), {4_000}),
    (products(sku="S4000", shared=False), {4_000}),
    (products(gtin=f"{9:014d}", gone=False), {9}),
    (prices(account="other"), ODD),
    (prices(price_list="odd"), ODD),
    (prices(currency="EUR", account="shop"), set()),
    (prices(currency="EUR"), ODD),
    (prices(item="p9"), {9}),
    (prices(sku="S9", currency="PLN"), {9}),
    (prices(sku="S9", item="p7"), set()),
    (prices(sku="nothing"), set()),
]
MANY = [
    (offers(), set(range(1, COUNT))),
    (offers(text="Kubek"), set(range(1, COUNT)) - ODD),
    (offers(linking=Linking.LINKED, state=OfferState.ENDED), set()),
    (stock(unlinked=True), ODD),
    (stock(sold_out=True), set()),
    (links(), set(range(1, COUNT)) - ODD),
    (links(origin=LinkOrigin.HAND), {9}),
    (products(), set(range(1, COUNT))),
    (products(gone=False, shared=True), set(range(1, COUNT)) - ODD),
    (products(text="Kubek", gone=True), set()),
    (prices(), set(range(1, COUNT))),
    (prices(price_list="default", currency="EUR"), set()),
]


@pytest.mark.parametrize(("find", "expected"), [*FEW, *MANY])
async def test_what_fits_is_found_to_the_end_once_each_the_newest_first(
    reader: Asking, find: Find, expected: set[int]
) -> None:
    for limit in (500, 2) if len(expected) < 10 else (500,):
        found = await to_the_end(reader, find, limit)
        assert found == sorted(expected, reverse=True)


@pytest.mark.parametrize("find", [find for find, _ in FEW])
async def test_a_few_among_many_are_one_page(reader: Asking, find: Find) -> None:
    """By an index in which they lie in order: nothing is sorted but what fits, and nothing is walked through."""
    assert (await find(reader, None, 500)).next is None
    walks = [step for step in reader.steps if step.startswith("SCAN") and "some" not in step and " w" not in step]
    walks = [step for step in walks if step != "SCAN price_lists"]  # a row for each list
    assert walks == []


@pytest.mark.parametrize("find", [find for find, _ in [*FEW, *MANY]])
async def test_no_page_looks_at_more_than_its_rows(
    reader: Asking, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: the walk ends, and the page says from where on it goes on."""
    monkeypatch.setattr(catalog_search, "_WALKED", WALKED)
    monkeypatch.setattr(catalog_search, "_FEW", WALKED)
    looked_at: list[int] = []
    fetch = reader.fetch

    async def counted(sql: str, parameters: Any = ()) -> Any:
        rows = await fetch(sql, parameters)
        looked_at.append(len(rows))
        return rows

    monkeypatch.setattr(reader, "fetch", counted)
    await find(reader, None, 500)
    assert looked_at
    assert max(looked_at) <= WALKED + 1
    sorts = [step for step in reader.steps if "TEMP B-TREE" in step]
    assert len([step for step in sorts if "ORDER BY" in step]) <= 1, reader.steps
