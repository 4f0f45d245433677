"""Where nothing is sold from a stock, the database is asked and told nothing of it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_hub import Seller
from tests.e2e.test_levels import Warehouse

TABLES = "stock_items|offers|links|reservations|stock_marks|level_cursors|levels|level_commands"
NUMBERING = re.compile(r"SELECT COALESCE\(MAX\(id\), 0\) FROM \w+|-- PRAGMA table_info='\w+'")
"""How identifiers begin, once for each table, and how its columns are found."""


class Statements(list[str]):
    """All statements that are made on connections which are opened from now on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        connect = sqlite3.connect

        def traced(*arguments: Any, **named: Any) -> sqlite3.Connection:
            made: sqlite3.Connection = connect(*arguments, **named)
            made.set_trace_callback(self.append)
            return made

        patch.setattr(sqlite3, "connect", traced)

    def about_stock(self) -> set[str]:
        return {one for one in self if re.search(rf"\b({TABLES})\b", one) and not NUMBERING.fullmatch(one)}


async def sell(seller: Seller) -> None:
    """Two purchases reach the shop, one of them is cancelled, and a few polls find nothing."""
    seller.first.ledger.buy(count=1, lines=1)
    cancelled = seller.second.ledger.buy(count=1, lines=1)[0]
    await seller.settled()
    seller.second.ledger.cancel(cancelled)
    await seller.settled()
    calls = seller.shop.calls.get("GET /wc/v3/orders", 0)

    async def polled() -> bool:
        return seller.shop.calls.get("GET /wc/v3/orders", 0) >= calls + 5

    await seller.until(polled)


async def test_without_a_rule_no_statement_is_about_stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one more query a poll, and not one more write an order."""
    seller = Seller(tmp_path)
    async with seller.open():  # the tables are made by then
        pass
    statements = Statements(monkeypatch)
    async with seller.open():
        await sell(seller)
    assert any("INSERT INTO orders" in one for one in statements)
    assert statements.about_stock() == set()


async def test_the_same_with_a_rule_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks for such statements finds them."""
    seller = Warehouse(tmp_path)
    async with seller.open():
        pass
    statements = Statements(monkeypatch)
    async with seller.open():
        await sell(seller)
    assert {"levels", "reservations"} <= {
        name for one in statements.about_stock() for name in re.findall(rf"\b({TABLES})\b", one)
    }
