"""What users of other connectors reported of WooCommerce shops, each in its smallest form."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from olhubd.decide.compare import compare
from olhubd.decide.validate import objection
from olhubd.model import Order, Shipment
from olhubd.plugin import OutcomeUnknown, Unreadable
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce import draft, mapping, wire
from olhubd_woocommerce.settings import WooCommerceSettings
from tests.plugins.woocommerce.orders import drain, line, open_shop, pln, push_of

Json = dict[str, Any]
SETTINGS = WooCommerceSettings(url="https://shop.example", consumer_key="ck_x", consumer_secret="cs_x")  # type: ignore[arg-type]
PLACED_AT = "2026-11-20T08:00:00"


class Bent(WooCommerceSimulator):
    """A shop whose answers about orders pass through `bend` on their way out."""

    bend: Callable[[Json], object] | None = None  # type: ignore[assignment]

    def _route(self, method: str, parts: list[str], params: Any, body: Any) -> Any:
        result = super()._route(method, parts, params, body)
        if self.bend is None or parts[:3] != ["wc", "v3", "orders"]:
            return result
        content = json.loads(msgspec.json.encode(result[1]))
        for row in content if isinstance(content, list) else [content]:
            if isinstance(row, dict) and "id" in row:
                self.bend(row)
        return (result[0], content, *result[2:])


def _items(row: Json, change: Callable[[Json], object]) -> None:
    for item in row.get("line_items", []):
        change(item)


def _taxes(row: Json, section: str, tax_id: Any) -> None:
    for item in row.get(section, []):
        for tax in item.get("taxes", []):
            tax["id"] = tax_id


# Shapes: (report, what the shop answers). None of these fields decides about anything in a forwarded order.
SHAPES: dict[str, Callable[[Json], object]] = {
    "control: as it is": lambda o: None,
    "woocommerce-ios PR16186 image as text": lambda o: _items(
        o, lambda i: i.update(image="https://s.example/a.jpg")
    ),
    "woocommerce-ios#9836 sku as a number": lambda o: _items(o, lambda i: i.update(sku=5901234)),
    "woocommerce#52198 FluxC#972 quantity as a fraction": lambda o: _items(
        o, lambda i: i.update(quantity=float(i["quantity"]))
    ),
    "WooCommerce.NET#316 AvaTax": lambda o: _taxes(o, "line_items", "AVATAX-1-PL"),
    "woocommerce-android#13349 Stripe Tax": lambda o: _taxes(o, "line_items", "stripe_tax__vat__23"),
    "woocommerce-ios#7842 tax id of the shipping is empty": lambda o: _taxes(o, "shipping_lines", ""),
    "woocommerce-rest-api-docs: rate_id as text": lambda o: [
        t.update(rate_id=str(t["rate_id"])) for t in o.get("tax_lines", [])
    ],
    "woocommerce#17223 #24148 empty rows of meta": lambda o: o.update(meta_data=[*o.get("meta_data", []), {}]),
    "woocommerce#14907 PR34966 meta as an object": lambda o: o.update(
        meta_data={str(n): m for n, m in enumerate(o.get("meta_data", []), 1)}
    ),
}


_PARTIES = ("billing", "shipping")


# Further of the kind: what other plugins bend, alone and together.
SHAPES |= {
    "nulls for texts": lambda o: o.update(
        customer_note=None, transaction_id=None, payment_method=None, payment_method_title=None, created_via=None
    ),
    "nulls in the addresses": lambda o: [
        o[p].update(phone=None, company=None, state=None) for p in _PARTIES if p in o
    ],
    "an address as an empty list": lambda o: o.update(shipping=[]),
    "false for what is empty": lambda o: o.update(customer_note=False, transaction_id=False, refunds=False),
    "numbers as texts": lambda o: o.update(customer_id="0", id=str(o["id"])),
    "texts as numbers": lambda o: o.update(total=float(o.get("total", 0)), number=o["id"]),
    "a number of its own": lambda o: o.get("billing", {}).update(postcode=90001, phone=600700800),
    "null for lists that are empty": lambda o: o.update(fee_lines=None, coupon_lines=None, refunds=None),
    "taxes as an object": lambda o: _items(o, lambda i: i.update(taxes={"7": {"id": 7, "total": 1.5}})),
    "taxes of null": lambda o: _items(o, lambda i: i.update(taxes=None)),
    "meta of the rows without keys": lambda o: _items(o, lambda i: i["meta_data"].append({"value": "x"})),
    "a picture that is false": lambda o: _items(o, lambda i: i.update(image=False)),
    "a variation of null": lambda o: _items(o, lambda i: i.update(variation_id=None, tax_class=None)),
    "rates without per cents": lambda o: [t.update(rate_percent="23%") for t in o.get("tax_lines", [])],
    "coupons as texts": lambda o: o.update(coupon_lines=["LATO"]),
    "rows as an object": lambda o: o.update(line_items={str(i["id"]): i for i in o.get("line_items", ())}),
    "instances as numbers": lambda o: [row.update(instance_id=3) for row in o.get("shipping_lines", ())],
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_answer_is_read_for_what_it_is_needed_for(shape: str) -> None:
    """The order was made: its receipt, its look-up, its number and what follows must not hang on a side field."""
    simulator = Bent(verify_signatures=False)
    simulator.bend = SHAPES[shape]
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of())
        assert receipt.external_id == "501"
        found = await shop.find_order("allegro:A1", None)
        assert found is not None
        assert found.external_id == "501"
        assert await shop.find_by_number("501") is not None
        await shop.cancel_order("501", "cancelled at the marketplace")
        assert simulator.books()[0].cancelled


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_shops_own_order_is_read_all_the_same(shape: str) -> None:
    simulator = Bent(verify_signatures=False)
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 2}])
        simulator.bend = SHAPES[shape]
        records, _ = await drain(shop, cursor)
        (record,) = records
        assert not isinstance(record, Unreadable), record.reason


async def test_one_odd_row_does_not_stop_the_look_up_of_others() -> None:
    """Somebody else's order with an empty row of meta, and a lost answer to ours."""
    simulator = Bent(verify_signatures=False)
    async with open_shop(simulator) as shop:
        other = int(simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}]))
        await shop.push_order(push_of())
        simulator.bend = lambda o: o.update(meta_data=[{}]) if o["id"] == other else None
        found = await shop.find_order("allegro:A1", None)
        assert found is not None


# A line that the shop counts and does not keep (woocommerce#16810: a letter of four bytes in a utf8 table).
async def test_a_line_that_the_shop_lost_is_noticed() -> None:
    simulator = Bent(verify_signatures=False)
    simulator.bend = lambda o: o.update(line_items=o.get("line_items", [])[1:])
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of())
        assert receipt.total == push_of().order.total
        assert [(d.field, d.what, d.cut) for d in receipt.differences] == [("lines[A1-1]", "is not there", False)]


# Two products of one SKU (woo-poly-integration#353, woocommerce#29286): not the newest by chance, nor in silence.
async def test_two_products_of_one_sku_are_not_chosen_between_in_silence() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    first = next(row for row in simulator.catalogue.products.values() if row["sku"] == "KOC-WEL")
    simulator.catalogue.products[5001] = dict(first, id=5001, name="Woollen blanket")
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of(lines=(line("A1-1", "333.33", sku="KOC-WEL"),)))
        (item,) = simulator.ledger.sheets[501].doc["line_items"]
        assert item["product_id"] == first["id"]
        assert [one.field for one in receipt.differences] == ["lines[A1-1].product"]


# Opened for viewing, an order gets a new date of change (woocommerce#41226): nothing else is different.
async def test_a_new_date_of_change_alone_is_no_change() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        number = simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
        before = await shop.orders.read_order(number)
        assert isinstance(before, Order)
        after = msgspec.structs.replace(
            before, revision="2030-01-01T00:00:00", updated_at=datetime(2030, 1, 1, tzinfo=UTC)
        )
        assert compare(before, after) == []


# An order of fees alone (woocommerce-payments#1190).
async def test_an_order_of_fees_alone_is_an_order() -> None:
    row = {
        "id": 9, "number": "9", "status": "processing", "currency": "PLN", "total": "123.00", "total_tax": "23.00",
        "date_created_gmt": PLACED_AT, "date_modified_gmt": "2026-11-20T08:00:00",
        "billing": {"last_name": "Lis", "address_1": "Polna 1", "city": "Opole", "country": "PL"},
        "line_items": [],
        "fee_lines": [{"id": 5, "name": "Montaż", "total": "100.00", "taxes": [{"id": 1, "total": "23.00"}]}],
    }  # fmt: skip
    order = mapping.read(msgspec.convert(row, wire.Order), SETTINGS)
    assert objection(order) is None
    assert [(charge.name, charge.price) for charge in order.charges] == [("Montaż", pln("100.00"))]


async def test_a_line_below_nothing_lowers_the_order() -> None:
    """What the seller gives for an old thing stands as a line, and is no thing to send."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        old = {"name": "Stary telefon", "quantity": 1, "total": "-20.00", "subtotal": "0.00"}
        simulator.place_order([{"sku": "KOC-WEL", "quantity": 1}, old])
        ((record,), _) = await drain(shop, cursor)
        assert isinstance(record, Order)
        assert objection(record) is None
        assert len(record.lines) == 1
        assert [(d.kind, d.name) for d in record.discounts] == [("line", "Stary telefon")]


async def test_an_order_of_nothing_at_all_is_none() -> None:
    """Neither things nor fees: nobody bought anything."""
    row = {"id": 9, "status": "processing", "currency": "PLN", "total": "0.00", "date_created_gmt": PLACED_AT}
    order = mapping.read(msgspec.convert(row, wire.Order), SETTINGS)
    assert objection(order) == "it has no lines"


# Addresses that WordPress takes for none (its is_email); a refused one refuses the whole order.
@pytest.mark.parametrize(
    "email",
    [
        "jan@świat.example", "zażółć@example.pl", "jan@example_shop.pl", "jan@-example.pl", "jan@example-.pl",
        "a@b.c",
        '"jan"@example.pl', "jan(x)@example.pl", "jan,nowak@example.pl", "jan@example.pl;", "jan@[192.0.2.1]",
    ],
)  # fmt: skip
def test_an_address_that_the_shop_refuses_is_left_out(email: str) -> None:
    push = push_of()
    buyer = msgspec.structs.replace(push.order.buyer, email=email)
    billing, _ = draft.addresses(msgspec.structs.replace(push.order, buyer=buyer))
    assert "email" not in billing


@pytest.mark.parametrize("email", ["8awgqyk6a5+cub31c122@allegromail.pl", "o'neil@example.ie", "jan..x@example.pl"])
def test_an_address_that_the_shop_takes_is_sent(email: str) -> None:
    push = push_of()
    buyer = msgspec.structs.replace(push.order.buyer, email=email)
    billing, _ = draft.addresses(msgspec.structs.replace(push.order, buyer=buyer))
    assert billing["email"] == email


# Rows are paired by their place (woocommerce#24600, #44118: a bundle's parts stand among the rows), though each
# row of ours carries its line's number.
def _answer_with_a_part() -> wire.Order:
    rows = [
        {"id": 9001, "name": "A", "total": "49.80", "meta_data": [{"key": "_olhubd_line_id", "value": "A1-1"}]},
        {"id": 9002, "name": "a part of A", "total": "0.00", "meta_data": []},
        {"id": 9003, "name": "B", "total": "333.33", "meta_data": [{"key": "_olhubd_line_id", "value": "A1-2"}]},
    ]
    head = {"id": 501, "status": "processing", "currency": "PLN", "total": "400.00", "date_created_gmt": None}
    return msgspec.convert(
        head | {"line_items": rows, "shipping_lines": [{"id": 9004, "total": "9.99"}]}, wire.Order
    )


def test_an_amendment_finds_its_rows_by_their_mark() -> None:
    from olhubd_woocommerce import amend
    from olhubd_woocommerce.draft import addresses, sketch
    from olhubd_woocommerce.pricing import PricingRules
    from olhubd_woocommerce.taxes import TaxAddress, TaxRules

    push = push_of()
    billing, shipping = addresses(push.order)
    book = TaxRules(rules=PricingRules(taxed=False), currency="PLN", base=TaxAddress("PL"))
    body, _ = amend.amendment(sketch(push, [None, None], book, billing, shipping), _answer_with_a_part())
    assert {row["id"]: row["total"] for row in body["line_items"]} == {9001: "49.80", 9003: "333.33"}


async def test_no_failure_leaves_the_correction() -> None:
    """The shop kept fewer rows and another total: `_correct` promises that nothing is raised from there on."""

    class Greedy(WooCommerceSimulator):
        def _route(self, method: str, parts: list[str], params: Any, body: Any) -> Any:
            result = super()._route(method, parts, params, body)
            if method == "POST" and parts == ["wc", "v3", "orders"]:
                content = json.loads(msgspec.json.encode(result[1]))
                content |= {"line_items": content["line_items"][1:], "total": "343.32"}
                result = (result[0], content, *result[2:])
            return result

    async with open_shop(Greedy(verify_signatures=False)) as shop:
        assert (await shop.push_order(push_of())).external_id == "501"


@pytest.mark.parametrize("change", ["row missing", "row twice"])
async def test_rows_that_are_not_there_once_are_left_alone_and_told(change: str) -> None:
    """Which of two would be set right, and to what? A person is asked instead."""

    class Strange(WooCommerceSimulator):
        def _route(self, method: str, parts: list[str], params: Any, body: Any) -> Any:
            result = super()._route(method, parts, params, body)
            if method == "POST" and parts == ["wc", "v3", "orders"]:
                rows = result[1]["line_items"]
                content = {**result[1], "line_items": rows[1:] if change == "row missing" else [rows[0], *rows]}
                result = (result[0], content | {"total": "343.32"}, *result[2:])
            return result

    simulator = Strange(verify_signatures=False)
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of())
    assert "PUT /wc/v3/orders/{id}" not in simulator.calls
    assert [one.field.partition(".")[0] for one in receipt.differences] == ["lines[A1-1]"]


# What is asked for beside orders: one odd row does not take its list along.
class Odd(WooCommerceSimulator):
    """A shop whose lists of products, rates, customers, statuses and settings hold bent rows."""

    def _route(self, method: str, parts: list[str], params: Any, body: Any) -> Any:
        result = super()._route(method, parts, params, body)
        content = result[1]
        if method == "GET" and parts[:3] == ["wc", "v3", "products"] and isinstance(content, list):
            content = [
                row | {"sku": row["sku"], "parent_id": str(row["parent_id"]), "tax_class": None} for row in content
            ]
        elif parts[2:] == ["taxes", "classes"]:
            content = [*content, {"name": "a class without a word"}]
        elif parts[2:3] == ["taxes"] and len(parts) == 3:
            odd = {"id": 99, "rate": "free", "class": None, "country": "PL", "cities": None, "postcodes": ""}
            content = [
                *[row | {"rate": float(row["rate"]), "compound": 0} for row in content],
                odd | {"priority": 9},
            ]
        elif parts[2:3] == ["customers"] and method == "GET":
            content = [row | {"username": None} for row in content]
        elif parts[2:3] == ["reports"]:
            content = [*content, {"slug": "wc-odd", "name": None}, {"name": "nameless"}]
        elif parts[2:3] == ["settings"]:
            content = [*content, {"id": 7, "value": "x"}, {"value": "of nothing"}]
        elif parts[-1:] == ["shipment-trackings"] and method == "GET":
            content = [*[row | {"tracking_number": int(row["tracking_number"])} for row in content], {}]
        return (result[0], content, *result[2:])


async def test_bent_rows_of_other_lists_stop_nothing() -> None:
    """Products, tax rates, customers, statuses and parcels: each read for what it is needed for."""
    simulator = Odd(verify_signatures=False, tracking_plugin=True)
    simulator.customers.append({"id": 9, "email": "8awgqyk6a5@allegromail.pl", "username": "janek"})
    async with open_shop(simulator, customers="match", notify_buyer=True) as shop:
        push = push_of()
        receipt = await shop.push_order(push)
        assert receipt.total == push.order.total
        assert (receipt.unlinked, receipt.differences) == ((), ())
        assert simulator.ledger.sheets[501].doc["customer_id"] == 9
        for _ in range(2):
            await shop.parcels.add_shipment("501", Shipment(waybill="520000012345", carrier="DPD"))
        assert simulator.books()[0].shipments == ["520000012345"]
        words = {status.code for status in await shop.statuses()}
        assert "wc-odd" in words
        assert "" not in words
        assert (await shop.probe()).details["currency"] == "PLN"


@pytest.mark.parametrize(("quantity", "name"), [(0.98, "0.98 x Kabel USB-C 2 m"), (2.5, "2.5 x Kabel USB-C 2 m")])
async def test_what_is_sold_by_length_comes_in_as_one_line(quantity: float, name: str) -> None:
    """Half a metre is no reason to keep the whole order aside."""
    simulator = Bent(verify_signatures=False)
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        simulator.place_order([{"sku": "KAB-USB", "quantity": 1}])
        simulator.bend = lambda o: _items(o, lambda i: i.update(quantity=quantity, name="Kabel USB-C 2 m"))
        ((record,), _) = await drain(shop, cursor)
        assert isinstance(record, Order)
        (row,) = record.lines
        assert (row.quantity, row.name, row.extra["quantity"]) == (1, name, str(quantity))
        assert objection(record) is None


@pytest.mark.parametrize(
    "fields", [{"total": None}, {"total": "a lot"}, {"status": None}, {"line_items": "none"}], ids=str
)
async def test_what_an_order_needs_is_kept_aside_with_its_place(fields: Json) -> None:
    """The feed never guesses an amount, a state or a row; a receipt without its total is not known."""
    simulator = Bent(verify_signatures=False)
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
        simulator.bend = lambda o: o.update(fields)
        ((record,), _) = await drain(shop, cursor)
        assert isinstance(record, Unreadable)
        if "line_items" not in fields:
            with pytest.raises(OutcomeUnknown):
                await shop.push_order(push_of())
