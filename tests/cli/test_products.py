"""Products, prices and imports from a terminal."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Terminal
from tests.control.catalogue import Catalogue
from tests.control.conftest import catalogue
from tests.control.shelf import KNOWN

__all__ = ["catalogue"]


@pytest.fixture
def terminal(catalogue: Catalogue) -> Terminal:
    return Terminal(catalogue)


async def test_a_catalogue_is_imported_and_looked_through(catalogue: Catalogue, terminal: Terminal) -> None:
    """PRD-10: from the first import to one product with its price, its stock and its offer."""
    told = await terminal("products", "imports")
    assert "shop: by-hand, none yet today" in told
    assert "Nothing has been imported yet." in told
    assert "No products." in await terminal("products", "list")
    assert "No price list was read yet." in await terminal("prices", "lists")
    await terminal("fetch", "shop", "--products", "--full")
    whole = await terminal.json("products", "list", "--all")
    assert len(whole["items"]) == len(catalogue.shop.catalogue.products)
    assert "More: --before " in await terminal("products", "list", "--limit", "1")
    known = await terminal.json("products", "list", "--sku", KNOWN, "--there", "--shared")
    assert [row["sku"] for row in known["items"]] == [KNOWN]
    assert (await terminal.json("products", "list", "--sku", KNOWN, "--gone"))["items"] == []
    assert (await terminal.json("products", "list", "--sku", KNOWN, "--unshared"))["items"] == []
    told = await terminal("products", "show", KNOWN)
    there = catalogue.shop.catalogue.by_sku(KNOWN)
    assert there is not None
    for word in (KNOWN, there["name"], f"shop:{there['id']}", "default", f"{there['price']} PLN", "It is sold by:"):
        assert word in told
    assert "market:" in told
    assert "several products are TWIN" in await terminal("products", "show", "TWIN", code=1)
    told = await terminal("products", "imports")
    assert "shop: by-hand, had today" in told
    found = await terminal.json("products", "imports", "--account", "shop")
    assert [run["trigger"] for run in found["items"]] == ["manual"]
    assert [one["mode"] for one in found["accounts"]] == ["by-hand"]


async def test_price_lists_and_prices(catalogue: Catalogue, terminal: Terminal) -> None:
    await catalogue.imported(full=True)
    told = await terminal("prices", "lists")
    for word in ("shop", "default", " PLN", "market"):
        assert word in told
    rows = (await terminal.json("prices", "list", "--all"))["items"]
    assert len(rows) > 10
    (one,) = (await terminal.json("prices", "list", "--sku", KNOWN, "--list", "default"))["items"]
    assert one["sku"] == KNOWN
    assert f"shop:{one['item']}" in await terminal("prices", "list", "--item", one["item"])
    assert "No prices." in await terminal("prices", "list", "--currency", "EUR")


async def test_what_is_taken_for_gone_by_nobody_says_how_it_is(catalogue: Catalogue, terminal: Terminal) -> None:
    await catalogue.imported(full=True)
    lost = catalogue.lose(2)
    await terminal("fetch", "shop", "--full", code=1)
    assert f"{lost} of the" in await terminal("products", "imports")
    await terminal("fetch", "shop", "--accept-gone")
    assert f"{lost} of the" not in (await terminal("products", "imports")).split("\n")[1]
    assert len((await terminal.json("products", "list", "--gone", "--all"))["items"]) == lost
