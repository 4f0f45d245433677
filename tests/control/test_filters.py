"""Finding orders over HTTP: each filter, all of them together, and what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.control.house import House

PAST = datetime(2020, 3, 1, 12, tzinfo=UTC)


async def shelf(house: House) -> list[int]:
    """Six orders of known dates and amounts, the first two cancelled; gives their ids."""
    sold = await house.sell(6)
    ids = [(await house.get(f"/orders/{one}"))["id"] for one in sold]
    for number, id_ in enumerate(ids):
        placed = int((PAST + timedelta(days=number)).timestamp() * 1_000_000)
        stage = "cancelled" if number < 2 else "confirmed"
        values = (placed, (number + 1) * 1_000_000, stage, f"buyer-{number}", id_)
        await house.database.write(partial(place, values))
    return ids


async def place(values: tuple[object, ...], tx: Any) -> None:
    await tx.execute("UPDATE orders SET placed_at = ?, amount = ?, stage = ?, buyer = ? WHERE id = ?", values)


async def ids(house: House, **query: Any) -> list[int]:
    return [row["id"] for row in (await house.get("/orders", **query))["items"]]


async def test_each_filter_finds_what_it_says(trading: House) -> None:
    """CRD-01, CRD-02: by account and by the kind of account; by state, day, amount and text."""
    found = await shelf(trading)
    assert await ids(trading, connector="allegro") == found[::-1]
    assert await ids(trading, connector="woocommerce") == []
    assert await ids(trading, stage="cancelled") == [found[1], found[0]]
    assert await ids(trading, fulfilment="delivered") == []
    assert await ids(trading, placed_from="2020-03-03", placed_to="2020-03-04") == [found[3], found[2]]
    assert await ids(trading, placed_to="2020-03-02T11:59:59Z") == [found[0]]
    assert await ids(trading, amount_from="200", amount_to="300.00") == [found[2], found[1]]
    assert await ids(trading, text="BUYER-4") == [found[4]]
    assert await ids(trading, text="buyer") == found[::-1]
    line = (await trading.get(f"/orders/{found[0]}"))["order"]["lines"][0]
    assert found[0] in await ids(trading, text=line["sku"])


async def test_filters_hold_together(trading: House) -> None:
    """CRD-13: what is found fits all of them, page by page."""
    found = await shelf(trading)
    both = {"account": "market", "connector": "allegro", "stage": "confirmed", "amount_from": "100"}
    assert await ids(trading, **both) == found[:1:-1]
    assert await ids(trading, **both, placed_from="2020-03-05", text="buyer") == [found[5], found[4]]
    assert await ids(trading, account="shop", connector="allegro") == []
    assert await ids(trading, account="market", connector="woocommerce") == []
    assert await ids(trading, q=str(found[3]), stage="cancelled") == []
    for more in ({"placed_from": "2020-01-01"}, {}, {"text": "buyer"}):
        first = await trading.get("/orders", **both, **more, limit=3)
        rest = await trading.get("/orders", **both, **more, limit=3, before=first["next"])
        assert [row["id"] for row in (*first["items"], *rest["items"])] == found[:1:-1], more
        assert rest["next"] is None


async def test_orders_with_lines_without_a_product_are_marked_and_found(trading: House) -> None:
    """FWD-20: before and after forwarding."""
    before, after, whole = (await shelf(trading))[:3]

    async def unbind(tx: Any) -> None:
        await tx.execute("DELETE FROM copies WHERE order_id = ?", (before,))
        await tx.execute("UPDATE order_lines SET sku = NULL, ean = NULL WHERE order_id = ?", (before,))
        await tx.execute("UPDATE copies SET unlinked = ? WHERE order_id = ?", (b'["one","two"]', after))
        await tx.execute("UPDATE order_lines SET sku = NULL, ean = NULL WHERE order_id = ?", (whole,))

    await trading.database.write(unbind)
    rows = {row["id"]: row["unlinked"] for row in (await trading.get("/orders", unlinked="true"))["items"]}
    lines = len((await trading.get(f"/orders/{before}"))["order"]["lines"])
    assert rows == {before: lines, after: 2}, "the target's word counts once it has the order"
    assert await ids(trading, unlinked="true", stage="confirmed") == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"placed_from": "31.01.2020"}, "placed_from: must be a day"),
        ({"placed_to": "2020-02-30"}, "placed_to: must be a day"),
        ({"placed_from": "2020-02-03", "placed_to": "2020-02-01"}, "placed_to: is before placed_from"),
        ({"amount_from": "1,50"}, "amount_from"),
        ({"amount_from": "NaN"}, "amount_from"),
        ({"amount_from": "3", "amount_to": "2"}, "amount_to: is less than amount_from"),
        ({"connector": "alegro"}, "did you mean allegro?"),
        ({"account": "markt"}, "did you mean market?"),
        ({"stage": "gone"}, "stage"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(house: House, query: dict[str, str], said: str) -> None:
    status, problem = await house.ask("GET", "/orders", **query)
    assert status == 400
    assert said in problem["detail"]
    assert problem["parameter"] in query
