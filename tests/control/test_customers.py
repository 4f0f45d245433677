"""Customers at the endpoint: the list with its search, the card with its orders, and the file of those meant."""

from __future__ import annotations

import csv
import io
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from olhubd.control.api import customer_export
from olhubd.control.api import customers as customers_api
from olhubd.control.api.customer_export import CUSTOMER_COLUMNS
from olhubd.model import Address, Buyer, InvoiceParty, Order, OrderId, Shipping, TaxId
from olhubd.store import Transaction, codec, customers, orders
from olhubd.store.orders import StoredOrder
from tests.control.house import House
from tests.orders import EPOCH, order

ODD = "=1+1 <b>&\x01"


async def lands(house: House, *some: Order) -> None:
    """Orders of the market that are held, beside those that were sold there."""

    async def work(tx: Transaction) -> None:
        rows = [
            StoredOrder(
                id=OrderId(await tx.next_id("orders")),
                account="market",
                order=one,
                document=codec.encode(one),
                digest=b"",
                created_at=EPOCH,
                changed_at=EPOCH,
            )
            for one in some
        ]
        await orders.insert(tx, rows)
        await customers.keep(tx, "market", rows)

    await house.database.write(work)


def foreign() -> list[Order]:
    """A Polish firm that has bought twice, a German and a Swiss, and somebody of whom no address is known."""

    def to(country: str | None, street: str = "Prosta 1") -> Shipping:
        return Shipping(address=Address(last_name="Nowak", street=street, postcode="1", city="X", country=country))

    firm = InvoiceParty(
        address=Address(company="ACME", country="PL"), tax_ids=(TaxId(kind="PL_NIP", value="525-24-45-767"),)
    )
    buyer = Buyer(external_id="7", login="acme", email="a+1@allegromail.pl", email_masked=True, phone="500 600 700")
    return [
        order("F1", buyer=buyer, shipping=to("PL"), invoice=firm),
        order("F2", buyer=buyer, shipping=to("PL", "Nowa 2"), invoice=firm),
        order("F3", buyer=Buyer(external_id="8", first_name=ODD), shipping=to("DE")),
        order("F4", buyer=Buyer(external_id="9"), shipping=to("CH")),
        order("F5", buyer=Buyer(external_id="10"), shipping=to(None)),
    ]


async def listed(house: House, **asked: Any) -> list[str]:
    return [one["login"] or one["territory"] or "?" for one in (await house.get("/customers", **asked))["items"]]


async def test_every_order_has_a_customer_in_the_list(trading: House) -> None:
    """CUS-01, CUS-02: as the order's own card has the buyer, whatever their mask was."""
    sold = await trading.sell(6)
    seen: dict[str, set[int]] = {}
    for one in sold:
        card = await trading.get(f"/orders/{one}")
        seen.setdefault(card["order"]["buyer"]["external_id"], set()).add(card["id"])
    rows = (await trading.get("/customers"))["items"]
    cards = [await trading.get(f"/customers/{row['id']}") for row in rows]
    assert sorted(map(len, seen.values())) == sorted(row["orders"] for row in rows)
    assert sorted(sorted(ids) for ids in seen.values()) == sorted(
        sorted(one["id"] for one in card["orders"]) for card in cards
    )
    for card in cards:
        whole = (await trading.get(f"/orders/%23{card['orders'][0]['id']}"))["order"]
        assert card["customer"]["email"] == whole["buyer"]["email"]
        assert card["customer"]["email_masked"] is True
        assert card["delivery_address"] == whole["shipping"]["address"]
        assert card["customer"]["kind"] == "domestic"


async def test_the_list_is_searched_and_filtered(house: House) -> None:
    """CUS-13: by kind, account, and all that somebody may know of a customer."""
    await lands(house, *foreign())
    assert await listed(house) == ["?", "CH", "DE", "acme"]
    for kind, found in (("domestic", ["acme"]), ("intra-eu", ["DE"]), ("extra-eu", ["CH"])):
        assert await listed(house, kind=kind) == found
    for text in ("acme", "ACM", "nowak", "a+1@allegromail", "+48 500600700", "500-600", "PL5252445767", "525 244"):
        assert "acme" in await listed(house, text=text), text
    assert await listed(house, text="  ") == []
    assert await listed(house, text="nobody") == []
    assert await listed(house, account="shop") == []
    status, problem = await house.ask("GET", "/customers", account="nobody")
    assert (status, problem["parameter"]) == (400, "account")
    status, problem = await house.ask("GET", "/customers", kind="martian")
    assert (status, problem["parameter"]) == (400, "kind")
    page = await house.get("/customers", limit=2)
    assert [one["id"] for one in (await house.get("/customers", before=page["next"]))["items"]] == [2, 1]


async def test_the_card_has_each_address_with_its_orders(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order's own address stays its own; the customer's are a list."""
    await lands(house, *foreign())
    card = await house.get("/customers/1")
    assert [one["address"]["street"] for one in card["addresses"]] == ["Nowa 2", "Prosta 1"]
    assert card["customer"]["tax_ids"] == [{"kind": "PL_NIP", "value": "525-24-45-767"}]
    assert (card["customer"]["orders"], card["address"]["company"]) == (2, "ACME")
    monkeypatch.setattr(customers_api, "_PAGE", 1)
    page = await house.get("/customers/1")
    assert [one["reference"] for one in page["orders"]] == ["market:F2"]
    rest = await house.get("/customers/1", before=page["next"])
    assert [one["reference"] for one in rest["orders"]] == ["market:F1"]
    status, problem = await house.ask("GET", "/customers/99")
    assert (status, problem["detail"]) == (404, "there is no customer 99")


async def test_a_file_holds_the_marked_the_filtered_or_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUS-14, CUS-15, CUS-16: exactly those rows, over the borders of pages, in each format."""
    monkeypatch.setattr(customer_export, "_PAGE", 2)
    await lands(house, *foreign())

    async def ids(**asked: Any) -> list[list[int]]:
        answers = [await house.get("/customers/export", format=kind, **asked) for kind in ("csv", "xml", "json")]
        table = list(csv.DictReader(io.StringIO(answers[0], newline="")))
        tree = ElementTree.fromstring(answers[1])
        return [
            [int(row["id"]) for row in table],
            [int(one.findtext("id") or 0) for one in tree],
            [one["customer"]["id"] for one in answers[2]],
        ]

    assert await ids() == [[4, 3, 2, 1]] * 3
    assert await ids(id=["1", "3"]) == [[3, 1]] * 3
    assert await ids(kind="intra-eu") == [[2]] * 3
    assert await ids(text="nobody") == [[]] * 3
    assert await ids(id=["1", "3"], kind="domestic") == [[1]] * 3


async def test_no_text_of_a_stranger_breaks_a_file(house: House) -> None:
    """A cell is no formula, an element no markup, and a control character no end of the file."""
    await lands(house, *foreign())
    (row,) = csv.DictReader(io.StringIO(await house.get("/customers/export", id="2"), newline=""))
    assert tuple(row) == CUSTOMER_COLUMNS
    assert row["first_name"] == f"'{ODD}"
    (one,) = ElementTree.fromstring(await house.get("/customers/export", id="2", format="xml"))
    assert one.findtext("first_name") == ODD.replace("\x01", "?")
    assert {part.tag for part in one} <= set(CUSTOMER_COLUMNS)
    (told,) = await house.get("/customers/export", id="2", format="json")
    assert msgspec.convert(told["delivery_address"], Address).country == "DE"
