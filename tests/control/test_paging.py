"""Every list of the endpoint can be read to its end, or says that there is more."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from olhubd.control.http.server import ROUTES
from olhubd.model import Alarm, AlarmId, AlarmKind, Reconciliation, Run, RunId, RunState
from olhubd.store import Transaction, alarms, orders, oversold, quarantine, reconciliations, runs
from olhubd.store.quarantine import QuarantineDraft
from tests.control.house import House
from tests.oversold import lacking

PLACED = {
    "/api/v1/orders": ("orders", {}),
    "/api/v1/customers": ("customers", {}),
    "/api/v1/deliveries": ("deliveries", {}),
    "/api/v1/runs": ("runs", {}),
    "/api/v1/quarantine": ("quarantine", {}),
    "/api/v1/reconciliations": ("reconciliations", {}),
    "/api/v1/alarms": ("alarms", {"past": "true"}),
    "/api/v1/stock": ("stock_items", {}),
    "/api/v1/offers": ("offers", {}),
    "/api/v1/offer-drafts": ("offer_drafts", {}),
    "/api/v1/links": ("offers", {}),
    "/api/v1/stock-plans": ("stock_plans", {}),
    "/api/v1/products": ("products", {}),
    "/api/v1/list-prices": ("list_prices", {}),
    "/api/v1/imports": ("runs", {}),
    "/api/v1/oversold": ("oversold", {}),
    "/api/v1/journal": (None, {}),
}
"""Lists that are read on from a place, with the tables whose rows they are."""
SOME = {
    "/api/v1/alarms": " WHERE cleared_at IS NOT NULL",
    "/api/v1/imports": " WHERE feed = 'products'",
}
"""Of some of them not all rows."""
FOLLOWED = {"/api/v1/events"}
"""The log, which is followed."""
COUNTED = {"/api/v1/hold-causes"}
"""The head of a ranking, which says how many there are in all."""


async def filled(house: House) -> None:
    """Three rows at least in each list."""
    await house.sell(3)
    now = house.clock.now()

    async def work(tx: Transaction) -> None:
        records = [QuarantineDraft(kind="order", external_id=f"R{n}", reason="odd", raw=b"{}") for n in range(3)]
        await quarantine.put(tx, "market", "orders", records, now)
        for n in range(3):
            run = Run(
                id=RunId(900 + n), account="market", feed="x", trigger="timer", started_at=now, state=RunState.LOST
            )
            imported = msgspec.structs.replace(run, id=RunId(910 + n), account="shop", feed="products")
            await runs.put(tx, [run, imported])
            day = Reconciliation(
                id=900 + n, account="market", day=date(2026, 1, 1 + n), since=now, until=now, source=1, hub=1,
                missing=0, surplus=0, looks=1, looked_at=now,
            )  # fmt: skip
            await reconciliations.put(tx, day)
            over = Alarm(
                id=AlarmId(900 + n), kind=AlarmKind.DISK, subject=f"s{n}", detail="", raised_at=now, cleared_at=now
            )
            await alarms.put(tx, [over])
            await tx.execute(
                "INSERT INTO stock_plans (id, account, master, state, danger, counted, showing, made_at)"
                " VALUES (?, 'market', 'shop', 'stopped', 'zero', 9, 9, 0)",
                (900 + n,),
            )
            await tx.execute(
                "INSERT INTO offer_drafts (id, account, sku, document, version, publish, made_by, changed_at)"
                " VALUES (?, 'market', ?, ?, 1, 1, 'ann', 0)",
                (n + 1, f"S{n}", b'{"sku":"S"}'),
            )
            await tx.execute(
                "INSERT INTO stock_items (id, account, external_id, name, counting, basis, on_sale, read_after,"
                " read_at, digest) VALUES (?, 'shop', ?, 'Mug', 'counted', 'free', 1, 0, 0, x'')",
                (n + 1, str(n)),
            )
            await tx.execute(
                "INSERT INTO offers (id, account, external_id, name, state, read_after, read_at, digest, linking)"
                " VALUES (?, 'market', ?, 'Mug', 'active', 0, 0, x'', 'linked')",
                (n + 1, str(n)),
            )
            await tx.execute(
                "INSERT INTO products (id, account, external_id, name, kind, state, on_sale, document, digest,"
                " read_after, read_at) VALUES (?, 'shop', ?, 'Mug', 'simple', 'listed', 1, ?, x'', 0, 0)",
                (n + 1, str(n), b'{"external_id":"1","name":"Mug"}'),
            )
            await tx.execute(
                "INSERT INTO list_prices (id, account, external_id, item, price_list, document, digest, read_after,"
                " read_at) VALUES (?, 'shop', ?, '1', 'default', ?, x'', 0, 0)",
                (n + 1, str(n), b'{"item":"1","price_list":"default","price":null,"basis":"gross"}'),
            )
            await tx.execute(
                "INSERT INTO links (offer_id, item_id, units, origin, linked_at) VALUES (?, ?, 1, 'sku', 0)",
                (n + 1, n + 1),
            )
            await oversold.add(tx, lacking(900 + n, n + 1, 1, now))

    await house.database.write(work)


def test_every_list_is_one_that_is_tried() -> None:
    """A list with a limit and no way on would end in silence."""
    limited = {route.path for route in ROUTES if "limit" in route.query.__struct_fields__}
    assert limited == {*PLACED, *FOLLOWED, *COUNTED}


async def every(house: House, path: str, **query: Any) -> list[Any]:
    """All rows of a list, read one a page."""
    found: list[Any] = []
    before: dict[str, Any] = {}
    while True:
        page = await house.get(path.removeprefix("/api/v1"), limit=1, **query, **before)
        assert page["items"] == [] or page["items"][0] not in found, "it comes again and again"
        found += page["items"]
        if page["next"] is None:
            return found
        before = {"before": page["next"]}


async def test_a_list_is_read_to_its_end_a_row_a_page(trading: House) -> None:
    await filled(trading)
    for path, (table, query) in PLACED.items():
        told = f"SELECT id FROM {table}{SOME.get(path, '')} ORDER BY id DESC"
        before = await trading.database.reader.fetch(told) if table is not None else []
        rows = await every(trading, path, **query)
        assert len(rows) >= 3, path
        if table is None:
            assert len(rows) == len((await trading.get("/journal", limit=500))["items"])
            continue
        ids = [row["id"] for row in rows]
        after = await trading.database.reader.fetch(told)
        # The market is read on meanwhile: a run that gets its row now may be on a page that was read before.
        assert {row[0] for row in before} <= set(ids) <= {row[0] for row in after}, path
        assert ids == sorted(ids, reverse=True), path


async def test_the_log_of_events_says_that_there_is_more(trading: House) -> None:
    await trading.sell(2)
    latest = await trading.get("/events", limit=1)
    assert latest["more"] is True, "older ones"
    head, after, ids = latest["newest"], 0, []
    while True:
        page = await trading.get("/events", after=after, limit=1)
        ids += [event["id"] for event in page["items"]]
        after = page["newest"]
        if not page["more"]:
            break
    there = await trading.database.reader.fetch("SELECT id FROM events WHERE id <= ? ORDER BY id", (head,))
    assert ids[: len(there)] == [row[0] for row in there]
    assert (await trading.get("/events", limit=500))["more"] is False
    assert (await trading.get("/events", after=0, limit=500))["more"] is False
    number = (await trading.get("/orders", limit=1))["items"][0]["external_id"]
    assert (await trading.get("/events", after=0, limit=1, q=number))["more"] is True


async def test_a_record_in_quarantine_is_shown_by_its_number(trading: House) -> None:
    await filled(trading)
    first = (await trading.get("/quarantine"))["items"][-1]
    assert await trading.get(f"/quarantine/{first['id']}") == first
    status, problem = await trading.ask("GET", "/quarantine/99999")
    assert status == 404
    assert "99999" in problem["detail"]


async def test_all_orders_of_one_number_are_found_and_too_many_are_refused(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty shops have a first order each; a part of them would be taken for all."""
    (sold,) = await trading.sell(1)
    first = (await trading.get(f"/orders/{sold}"))["id"]
    names = [row[1] for row in await trading.database.reader.fetch("PRAGMA table_info(orders)")]
    others = {"id": "id + n", "external_id": "'other' || n", "number": "'2026/1'"}
    copied = ", ".join(others.get(name, name) for name in names)
    await trading.database.write(
        lambda tx: tx.execute(
            "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 30)"
            f" INSERT INTO orders ({', '.join(names)}) SELECT {copied} FROM orders, counted WHERE id = ?",
            (first,),
        )
    )
    found = await trading.get("/orders", q="2026/1", limit=500)
    assert len(found["items"]) == 30
    status, problem = await trading.ask("GET", "/orders/2026%2F1")
    assert status == 409
    assert len(problem["candidates"]) == 30
    monkeypatch.setattr(orders, "MEANT", 29)
    for path in ("/orders", "/events", "/journal"):
        status, problem = await trading.ask("GET", path, q="2026/1")
        assert (status, problem["parameter"]) == (400, "q"), path
        assert "more than 29 orders have 2026/1" in problem["detail"]
