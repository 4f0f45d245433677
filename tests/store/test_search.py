"""Which way the database goes to find orders and entries of the journal: an index, whatever is looked for."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from olhubd.model import Fulfilment, Stage
from olhubd.store import Database, journal, search
from olhubd.store.orders import scaled
from olhubd.store.search import OrderSearch
from olhubd.store.sqlite import search as home
from tests.store.test_plans import Asking

MANY = 3000
DAY = datetime(1970, 1, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Asking]:
    """Orders of two accounts, a minute after each other; a few are rare in each way that one can look for."""
    path = tmp_path / "hub.sqlite"
    async with Database.open(path):
        pass
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA foreign_keys = OFF")
        await connection.executemany(
            "INSERT INTO orders (id, account, external_id, stage, fulfilment, paid, placed_at, currency, total,"
            " amount, buyer, created_at, changed_at, digest, document)"
            " VALUES (?, ?, ?, ?, 'new', 1, ?, 'PLN', ?, ?, ?, 1, 1, x'', x'')",
            [
                (
                    n, "b" if n % 1000 == 0 else "a", str(n), "unknown" if n % 1500 == 0 else "confirmed",
                    n * 60_000_000, str(n), scaled(Decimal(n)), f"Buyer{n:05}",
                )
                for n in range(1, MANY + 1)
            ],
        )  # fmt: skip
        await connection.executemany(
            "INSERT INTO order_lines (order_id, position, account, external_id, sku, name, quantity, live)"
            " VALUES (?, 0, 'a', ?, ?, 'x', 1, 1)",
            [(n, str(n), None if n in (7, 2000) else f"S{n}") for n in range(1, MANY + 1)],
        )
        await connection.executemany(
            "INSERT INTO events (id, at, kind, account, cause_kind, cause_id, data)"
            " VALUES (?, 1, ?, ?, 'start', 'hub', x'7b7d')",
            [
                (n, "delivery.held" if n % 700 == 0 else "order.placed", "b" if n % 1000 == 0 else "a")
                for n in range(1, MANY + 1)
            ],
        )
        await connection.commit()
        await connection.execute("ANALYZE")
        yield Asking(connection)


@pytest.mark.parametrize(
    ("wanted", "found", "way"),
    [
        (OrderSearch(), [3000, 2999], "COVERING INDEX orders_listed"),
        (OrderSearch(accounts=("b",)), [3000, 2000], "COVERING INDEX orders_of_account"),
        (OrderSearch(stage=Stage.UNKNOWN), [3000, 1500], "COVERING INDEX orders_progress"),
        (OrderSearch(stage=Stage.CONFIRMED), [2999, 2998], "COVERING INDEX orders_listed"),
        (OrderSearch(least=Decimal("12.5"), most=Decimal(14)), [14, 13], "COVERING INDEX orders_amount"),
        (OrderSearch(least=Decimal(5)), [3000, 2999], "COVERING INDEX orders_listed"),
        (OrderSearch(fulfilment=Fulfilment.SENT), [], "COVERING INDEX orders_progress"),
        (OrderSearch(placed_to=DAY), [29, 28], "COVERING INDEX orders_dated"),
        (OrderSearch(placed_from=DAY, accounts=("b",)), [3000, 2000], "COVERING INDEX orders_placed"),
        (OrderSearch(placed_from=DAY, stage=Stage.UNKNOWN), [3000, 1500], "COVERING INDEX orders_listed"),
        (OrderSearch(text="buyer", accounts=("b",)), [3000, 2000], "COVERING INDEX orders_of_account"),
        (OrderSearch(text="buyer"), [3000, 2999], "COVERING INDEX orders_listed"),
        (OrderSearch(text="buyer0012"), [129, 128], "orders_buyer"),
        (OrderSearch(text="S12"), [12], "order_lines_sku"),
        (OrderSearch(unlinked=True), [2000, 7], "order_lines_nameless"),
        (OrderSearch(ids=(3, 4), accounts=("a",)), [4, 3], "PRIMARY KEY"),
        (OrderSearch(accounts=()), [], None),
    ],
    ids=str,
)
async def test_a_page_of_orders_is_found_by_an_index(
    reader: Asking, wanted: OrderSearch, found: list[int], way: str | None
) -> None:
    assert await search.find(reader, wanted, limit=2) == found
    assert way is None or any(way in step for step in reader.steps), reader.steps
    # What reads whole rows would read the documents too.
    assert not [step for step in reader.steps if step == "SCAN orders"], reader.steps


ALL = tuple(f"account{n}" for n in range(30))
OTHERS: Sequence[dict[str, Any]] = (
    {},
    {"text": "buyer"},
    {"text": "S12"},
    {"unlinked": True},
    {"least": Decimal(5)},
)


async def test_the_few_that_fit_and_the_many_are_found_alike(
    reader: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    combinations = itertools.product(
        (None, Stage.UNKNOWN, Stage.CONFIRMED),
        (None, DAY),
        (None, ("b",), ("a", "b"), (*ALL, "b")),
        OTHERS,
    )
    for stage, placed_from, accounts, more in combinations:
        wanted = OrderSearch(stage=stage, placed_from=placed_from, accounts=accounts, **more)
        due = [_fitting(wanted, before) for before in (MANY + 1, 2000)]
        for few in (-1, 10**6):
            monkeypatch.setattr(home, "_FEW", few)
            monkeypatch.setattr(home, "_FEW_UNLINKED", few)
            first = await search.find(reader, wanted, limit=3)
            assert [first, await search.find(reader, wanted, before=2000, limit=3)] == due, wanted


def _fitting(wanted: OrderSearch, before: int) -> list[int]:
    """The same, one order after the other."""
    found = []
    for n in range(before - 1, 0, -1):
        account, stage = "b" if n % 1000 == 0 else "a", Stage.UNKNOWN if n % 1500 == 0 else Stage.CONFIRMED
        fits = (
            wanted.accounts is None or account in wanted.accounts,
            wanted.stage in (None, stage),
            wanted.placed_from is None or n >= 30,
            wanted.text in (None, "buyer", f"S{n}"),
            wanted.least is None or n >= wanted.least,
            not wanted.unlinked or n in (7, 2000),
        )
        if all(fits):
            found.append(n)
    return found[:3]


@pytest.mark.parametrize(
    "wanted",
    [
        OrderSearch(),
        OrderSearch(accounts=("a",)),
        OrderSearch(least=Decimal(5)),
        OrderSearch(placed_from=DAY),
        OrderSearch(text="buyer"),
    ],
    ids=str,
)
async def test_pages_join_without_a_gap(reader: Asking, wanted: OrderSearch) -> None:
    whole = await search.find(reader, wanted, limit=MANY)
    seen: list[int] = []
    while page := await search.find(reader, wanted, before=seen[-1] if seen else None, limit=700):
        seen += page
    assert seen == whole
    assert len(set(seen)) > 2900


async def test_the_journal_of_an_account_or_of_grave_things_walks_past_nothing(reader: Asking) -> None:
    found = await journal.page(reader, account="b", limit=2)
    assert [event.id for event in found] == [3000, 2000]
    assert any("events_journal" in step for step in reader.steps), reader.steps
    reader.steps.clear()
    found = await journal.page(reader, kinds=["delivery.held"], limit=2)
    assert [event.id for event in found] == [2800, 2100]
    assert any("COVERING INDEX events_notable" in step for step in reader.steps), reader.steps
    assert [event.id for event in await journal.page(reader, kinds=["delivery.held"], account="b")] == []
