"""What the shop stored beside what it was sent, right after the POST and after a look-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from olhubd.model import Address, Charge, InvoiceParty, PickupPoint, Shipping
from olhubd.plugin import Difference, OutcomeUnknown, Push, Receipt, Rejected
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import line, open_shop, pln, push_of

DOG = "\N{DOG FACE}"


def held(found: Sequence[Difference]) -> list[str]:
    return [one.field for one in found if not one.cut]


def told(found: Sequence[Difference]) -> list[str]:
    return [one.field for one in found if one.cut]


def to(**parts: str) -> Push:
    """A push to somebody whose address has these `parts`."""
    home = Address(
        first_name="Jan", last_name="Kowalski", street="Polna 1/2", postcode="00-001", city="Warszawa", country="PL"
    )
    address = msgspec.structs.replace(home, **parts)
    return push_of(shipping=Shipping(method="DPD", cost=pln("9.99"), address=address))


async def looked_up(shop: WooCommerce, push: Push) -> Receipt:
    found = await shop.find_order(push.reference, None)
    assert found is not None
    return await shop.compare_order(push, found)


async def test_what_is_there_as_it_was_sent_is_no_difference(shop: WooCommerce) -> None:
    push = push_of(
        buyer_note="proszę dzwonić",
        charges=(Charge(kind="surcharge", name="Ubezpieczenie", price=pln("1.23")),),
        invoice=InvoiceParty(address=Address(company="Firma", street="Krucza 5", postcode="00-950", city="Łódź")),
    )
    receipt = await shop.push_order(push)
    assert receipt.differences == ()
    assert (await looked_up(shop, push)).differences == ()


@pytest.mark.parametrize("phone", ["6" * 138, "6" * 101])
async def test_a_text_too_wide_for_its_column_is_cut_before_it_costs_the_order(phone: str) -> None:
    """The shop would say "made" with the right total, and keep nothing but the total."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(to(phone=phone))
        doc = simulator.ledger.sheets[501].doc
        assert len(doc["line_items"]) == 2
        assert doc["shipping"]["phone"] == phone[:100]
        assert held(receipt.differences) == []
        assert told(receipt.differences) == ["recipient.phone", "buyer.phone"]


async def test_an_order_that_lost_all_but_its_total_is_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("olhubd_woocommerce.placing.encoded", lambda body: body)
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = to(phone="6" * 138)
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        assert receipt.total == push.order.total
        fields = held(receipt.differences)
        assert {"reference", "lines[A1-1]", "lines[A1-2]", "delivery", "recipient.street"} <= {*fields}


async def test_an_old_table_loses_the_order_of_a_letter_of_four_bytes() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    simulator.old_tables(["orders"])
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(to(last_name=f"Kowalski {DOG}"))
        assert "reference" in held(receipt.differences)
        assert "recipient.last_name" in held(receipt.differences)


async def test_an_old_table_loses_the_line_of_a_letter_of_four_bytes() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    simulator.old_tables(["items"])
    push = push_of(lines=(line("A1-1", "10.00"), line("A1-2", "5.00", name=f"Obroża {DOG}")))
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        assert receipt.total == push.order.total
        assert held(receipt.differences) == ["lines[A1-2]"]
        assert held((await looked_up(shop, push)).differences) == ["lines[A1-2]"]


async def test_what_the_shop_sanitises_is_told_and_holds_nothing() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of(
        shipping=Shipping(method="Kurier <DPD> & X", cost=pln("9.99"), address=to().order.shipping.address)
    )
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        assert held(receipt.differences) == []
        assert simulator.ledger.sheets[501].doc["shipping_lines"][0]["method_title"] == "Kurier & X"


def _drop(doc: dict[str, Any], section: str) -> None:
    doc[section] = doc[section][1:]


def _remark(doc: dict[str, Any], key: str, value: str) -> None:
    for row in doc["meta_data"]:
        if row["key"] == key:
            row["value"] = value


CHANGES: dict[str, tuple[Any, list[str]]] = {
    "quantity": (lambda d: d["line_items"][0].update(quantity=1), ["lines[A1-1].quantity"]),
    "fraction": (lambda d: d["line_items"][0].update(quantity=1.5), ["lines[A1-1].quantity"]),
    "line twice": (lambda d: d["line_items"].append(d["line_items"][0]), ["lines[A1-1].quantity"]),
    "fee": (lambda d: _drop(d, "fee_lines"), ["charges[Ubezpieczenie]"]),
    "delivery": (lambda d: _drop(d, "shipping_lines"), ["delivery"]),
    "street": (lambda d: d["shipping"].update(address_1=""), ["recipient.street"]),
    "street cut short": (lambda d: d["shipping"].update(address_1="Polna"), ["recipient.street"]),
    "another city": (lambda d: d["shipping"].update(city="Radom"), ["recipient.city"]),
    "currency": (lambda d: d.update(currency="EUR"), ["currency"]),
    "mark": (
        lambda d: d.update(meta_data=[m for m in d["meta_data"] if m["key"] != "_olhubd_reference"]),
        ["reference"],
    ),
    "another mark": (lambda d: _remark(d, "_olhubd_reference", "allegro-main:another"), ["reference"]),
    "two marks": (
        lambda d: d["meta_data"].insert(0, {"id": 9, "key": "_olhubd_reference", "value": "allegro-main:another"}),
        ["reference"],
    ),
    "point": (lambda d: d.update(meta_data=d["meta_data"][:-1]), ["meta[_paczkomat_id]"]),
    "blank point": (lambda d: _remark(d, "_paczkomat_id", " "), ["meta[_paczkomat_id]"]),
    "note": (lambda d: d.update(customer_note=""), ["note"]),
    "method of payment": (lambda d: d.update(payment_method="bacs"), ["payment.method"]),
    "status": (lambda d: d.update(status="on-hold"), ["status"]),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_each_thing_that_is_otherwise_is_named(change: str) -> None:
    """By its own name, and by nothing else."""
    bend, fields = CHANGES[change]
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of(
        buyer_note="proszę dzwonić",
        charges=(Charge(kind="surcharge", name="Ubezpieczenie", price=pln("1.23")),),
        shipping=Shipping(
            method="InPost",
            cost=pln("9.99"),
            address=to().order.shipping.address,
            pickup_point=PickupPoint(id="WAW01N", name="Paczkomat WAW01N"),
        ),
    )
    async with open_shop(simulator, notify_buyer=True) as shop:
        receipt = await shop.push_order(push)
        assert receipt.differences == ()
        doc = msgspec.json.decode(msgspec.json.encode(simulator.ledger.sheets[501].doc))
        bend(doc)
        simulator.bend("501", doc)
        again = await shop.compare_order(push, receipt)
        assert held(again.differences) == fields
        assert all("Polna" not in one.what and "Radom" not in one.what for one in again.differences)


async def test_of_two_charges_alike_one_that_is_missing_is_told() -> None:
    """Two insurances of one price are two rows; the one that is there stands for itself alone."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    insurance = Charge(kind="surcharge", name="Ubezpieczenie", price=pln("1.23"))
    push = push_of(charges=(insurance, insurance))
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        assert receipt.differences == ()
        simulator.bend("501", {"fee_lines": simulator.ledger.sheets[501].doc["fee_lines"][1:]})
        again = await shop.compare_order(push, receipt)
        assert held(again.differences) == ["charges[Ubezpieczenie]"]


@pytest.mark.parametrize(
    ("field", "text"), [("phone", "+48 600-700-800"), ("postcode", "00001")], ids=["phone", "postcode"]
)
async def test_another_spelling_is_no_difference(field: str, text: str) -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = to(phone="+48600700800")
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        shipping = simulator.ledger.sheets[501].doc["shipping"] | {field: text}
        simulator.bend("501", {"shipping": shipping})
        assert (await shop.compare_order(push, receipt)).differences == ()


@pytest.mark.parametrize("at", ["totals", "status"])
async def test_a_paid_order_whose_php_died_before_its_status_is_to_be_brought_on(at: str) -> None:
    """Else nobody packs it, while the hub says that it was found: the host hears which status is wanted."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of()
    async with open_shop(simulator) as shop:
        simulator.die(at)
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push)
        receipt = await looked_up(shop, push)
        assert [(one.field, one.wanted) for one in receipt.differences] == (
            [("status", "processing")] if at == "totals" else []
        )
        assert "PUT /wc/v3/orders/{id}" not in simulator.calls
        await shop.set_status(receipt.external_id, "processing")
        (entry,) = simulator.books()
        assert (entry.status, entry.paid) == ("processing", True)
        if at == "totals":
            assert simulator.catalogue.products[101]["stock_quantity"] == 98
        assert (await looked_up(shop, push)).differences == ()


async def test_an_order_whose_php_died_before_its_lines_is_left_and_told() -> None:
    """It is not made ready for packing: what is in it nobody knows."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of()
    async with open_shop(simulator) as shop:
        simulator.die("lines")
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push)
        receipt = await looked_up(shop, push)
        assert receipt.total == pln("0.00")
        assert {"lines[A1-1]", "lines[A1-2]", "delivery", "status"} == {*held(receipt.differences)}
        assert simulator.books()[0].status == "pending"


async def test_an_order_whose_php_died_before_its_total_is_left_and_told() -> None:
    """All lines are there, and its total is nothing: it is not called paid."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of()
    async with open_shop(simulator) as shop:
        simulator.die("sums")
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push)
        receipt = await looked_up(shop, push)
        assert receipt.total == pln("0.00")
        assert {*held(receipt.differences)} == {"status"}
        assert (simulator.books()[0].status, simulator.books()[0].paid) == ("pending", False)


async def test_an_order_whose_php_died_at_once_is_not_there() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        simulator.die("start")
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push_of())
        assert await shop.find_order(push_of().reference, None) is None


async def test_a_status_that_somebody_set_back_is_asked_about(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """On hold is where a plugin against fraud puts an order: no machine takes it away from there."""
    push = push_of()
    receipt = await shop.push_order(push)
    simulator.set_status("501", "on-hold")
    (found,) = (await shop.compare_order(push, receipt)).differences
    assert (found.field, found.wanted, found.cut) == ("status", None, False)


async def test_an_unpaid_order_stays_unpaid() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of(paid=False)
    async with open_shop(simulator) as shop:
        simulator.die("totals")
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push)
        assert (await looked_up(shop, push)).differences == ()
        assert simulator.books()[0].status == "pending"


@pytest.mark.parametrize(("status", "fields"), [("completed", []), ("cancelled", []), ("trash", ["status"])])
async def test_what_people_did_to_a_whole_order_is_theirs(status: str, fields: list[str]) -> None:
    """One that was found further on, or ended, is what it is; one in the trash waits for a word."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of()
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        simulator.set_status("501", status)
        assert held((await shop.compare_order(push, receipt)).differences) == fields
        assert simulator.books()[0].status == status


async def test_a_draft_that_a_refusal_left_is_no_order_and_is_told_as_refused() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        simulator.refuse_saved()
        with pytest.raises(Rejected, match="coupon"):
            await shop.push_order(push_of())
        assert simulator.books()[0].status == "checkout-draft"


async def test_a_bundles_part_among_the_rows_is_no_line_of_ours() -> None:
    """Rows are known by their marks: one of another plugin between them changes nothing."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of()
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        rows = simulator.ledger.sheets[501].doc["line_items"]
        part = {"id": 7, "name": "a part", "quantity": 2, "total": "0.00", "meta_data": []}
        simulator.bend("501", {"line_items": [rows[1], part, rows[0]]})
        assert (await shop.compare_order(push, receipt)).differences == ()


async def test_rows_whose_marks_a_plugin_hides_are_known_by_what_they_are() -> None:
    """It took the mark, not the line; two lines of one name stay two."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    push = push_of(lines=(line("A1-1", "5.00", 2, name="Kubek"), line("A1-2", "5.00", name="Kubek")))
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
        rows = [row | {"meta_data": []} for row in simulator.ledger.sheets[501].doc["line_items"]]
        simulator.bend("501", {"line_items": rows})
        assert (await shop.compare_order(push, receipt)).differences == ()
        simulator.bend("501", {"line_items": rows[:1]})
        assert held((await shop.compare_order(push, receipt)).differences) == ["lines[A1-2]"]
