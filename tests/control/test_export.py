"""Orders as a file: whole, filtered, marked; safe to open, and written while it is read."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest

from olhubd.control.api import export
from olhubd.control.api.export import COLUMNS, LINE_COLUMNS
from tests.control.house import House


async def table(house: House, **query: Any) -> list[dict[str, str]]:
    answer = await house.get("/orders/export", **query)
    assert isinstance(answer, str)
    return list(csv.DictReader(io.StringIO(answer, newline="")))


async def test_a_row_holds_what_the_card_holds(trading: House) -> None:
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    (row,) = await table(trading)
    assert tuple(row) == COLUMNS
    order = card["order"]
    assert row["reference"] == f"market:{sold}"
    assert (row["connector"], row["stage"], row["targets"]) == ("allegro", "confirmed", "shop")
    assert (row["total"], row["currency"]) == (order["total"]["amount"], "PLN")
    assert row["buyer_email"] == order["buyer"]["email"]
    assert row["buyer_phone"].lstrip("'") == order["buyer"]["phone"]
    assert row["lines"] == str(len(order["lines"]))
    assert order["lines"][0]["name"] in row["items"]
    assert row["target_numbers"] == card["copies"][0]["number"]


async def test_a_row_may_be_a_line(trading: House) -> None:
    (sold,) = await trading.sell()
    lines = (await trading.get(f"/orders/{sold}"))["order"]["lines"]
    rows = await table(trading, rows="lines")
    assert tuple(rows[0]) == (*COLUMNS, *LINE_COLUMNS)
    assert [(row["line_name"], row["line_quantity"]) for row in rows] == [
        (line["name"], str(line["quantity"])) for line in lines
    ]


async def test_the_marked_the_filtered_or_all(trading: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the borders of the pages that it is read by."""
    monkeypatch.setattr(export, "_PAGE", 2)
    sold = await trading.sell(5)
    ids = {(await trading.get(f"/orders/{one}"))["id"] for one in sold}
    assert {int(row["id"]) for row in await table(trading)} == ids
    marked = sorted(ids)[1:3]
    assert sorted(int(row["id"]) for row in await table(trading, id=[str(one) for one in marked])) == marked
    assert await table(trading, stage="cancelled") == []
    assert {order["id"] for order in await trading.get("/orders/export", format="json")} == ids
    assert await trading.get("/orders/export", format="json", stage="cancelled") == []


async def test_json_has_the_whole_document(trading: House) -> None:
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    (told,) = await trading.get("/orders/export", format="json")
    assert told["order"] == card["order"]
    assert told["copies"][0]["external_id"] == card["copies"][0]["external_id"]


@pytest.mark.parametrize("text", ["=1+1", "+48 600", "-2", "@SUM(A1)", "\t=1", "\r=1"])
async def test_no_cell_is_a_formula(trading: House, text: str) -> None:
    """A note is written by a stranger, and a spreadsheet would carry it out."""
    (sold,) = await trading.sell()
    id_ = (await trading.get(f"/orders/{sold}"))["id"]

    async def write(tx: Any) -> None:
        (document,) = await tx.one("SELECT document FROM orders WHERE id = ?", (id_,))
        changed = msgspec.json.encode({**msgspec.json.decode(document), "buyer_note": text})
        await tx.execute("UPDATE orders SET document = ? WHERE id = ?", (changed, id_))

    await trading.database.write(write)
    (row,) = await table(trading)
    assert row["buyer_note"] == f"'{text}"


async def test_it_is_a_file_to_save(trading: House) -> None:
    await trading.sell()
    async with trading.client.get("/api/v1/orders/export", params={"bom": "true"}) as response:
        assert response.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
        assert response.headers["Content-Type"].startswith("text/csv; charset=utf-8")
        assert "Content-Length" not in response.headers, "it is written while it is read"
        assert (await response.read()).startswith(b"\xef\xbb\xbfid,reference,")


async def test_a_wrong_filter_makes_no_file(house: House) -> None:
    status, problem = await house.ask("GET", "/orders/export", format="xml")
    assert status == 400
    assert problem["parameter"] == "format"
