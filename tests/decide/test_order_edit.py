"""What a person makes of an order, and how it stands against what its source goes on telling."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.decide.compare import contest, holds
from olhubd.decide.order_edit import EditRefused, LineEdit, OrderEdit, edited, version
from olhubd.decide.override import Booking, EditedPart, Override, as_reported, booked, contested, stand
from olhubd.model import Address, Order, OrderId, Tax
from tests.orders import EPOCH, line, order, paid, pln

ID = OrderId(7)
OFFICE = Address(street="Biurowa 2", postcode="00-002", city="Warszawa")
TWO = (line("A-1", quantity=2), line("A-2", "3.00"))


def edit(held: Order, remark: Override | None = None, **what: Any) -> tuple[Order, Override]:
    done = edited(ID, held, remark or Override(), OrderEdit(**what))
    assert done is not None
    return done[:2]


def test_lines_are_changed_added_and_taken_out_and_the_total_follows() -> None:
    """SRC-05: quantity, price and name of a line, a new one, and one that is not named any more."""
    held = order("A", TWO)
    done = edited(
        ID,
        held,
        Override(),
        OrderEdit(
            lines=(
                LineEdit(id="A-1", quantity=3, price=Decimal("9.50"), name="Mug"),
                LineEdit(name="Gift box", quantity=1, price=Decimal("4.00")),
            ),
            total=Decimal("37.50"),
        ),
        ("shop",),
    )
    assert done is not None
    after, remark, change = done
    assert [(one.external_id, one.name, one.quantity, one.price) for one in after.lines] == [
        ("A-1", "Mug", 3, pln("9.50")),
        ("olhubd:7-1", "Gift box", 1, pln("4.00")),
    ]
    assert after.total == pln("37.50")
    assert as_reported(remark, after) == held
    assert (change.what, change.old_total, change.new_total, change.stays) == (
        ("lines",),
        pln("28.00"),
        pln("37.50"),
        ("shop",),
    )
    told = {one.line: one for one in change.lines}
    assert (told["A-1"].old_quantity, told["A-1"].new_quantity) == (2, 3)
    assert (told["A-1"].old_price, told["A-1"].new_price) == (pln("10.00"), pln("9.50"))
    assert (told["A-2"].old_name, told["A-2"].new_quantity) == ("Thing A-2", None)
    assert (told["olhubd:7-1"].old_quantity, told["olhubd:7-1"].new_name) == (None, "Gift box")


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("lines[0].id", {"lines": (LineEdit(id="no"),)}),
        ("lines[1].id", {"lines": (LineEdit(id="A-1"), LineEdit(id="A-1"))}),
        ("lines[1].price", {"lines": (LineEdit(id="A-1"), LineEdit(name="x", quantity=1))}),
        ("lines[0].price", {"lines": (LineEdit(id="A-1", price=Decimal("1.005")),)}),
        ("lines", {"lines": ()}),
        ("lines", {"lines": (LineEdit(name="x", quantity=1, price=Decimal(1)),)}),
        ("total", {"lines": (LineEdit(id="A-1", quantity=3), LineEdit(id="A-2")), "total": Decimal("28.00")}),
        ("tax_number", {"tax_number": "1234567890"}),
        ("recipient.country", {"recipient": Address(country="XX")}),
        ("invoice", {"invoice": Address(street="x"), "recipient": None}),
        ("undo", {"undo": (EditedPart.LINES,)}),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(field: str, what: dict[str, Any]) -> None:
    held = order("A", TWO)
    if field == "invoice":
        held = msgspec.structs.replace(held, shipping=msgspec.structs.replace(held.shipping, address=None))
    with pytest.raises(EditRefused) as refused:
        edited(ID, held, Override(), OrderEdit(**what))
    assert refused.value.field == field


def test_tax_that_is_one_amount_is_not_guessed() -> None:
    """6: of a line without a rate, and of an order whose tax comes on top, nobody knows the new amount."""
    of_line = order("A", (line("A-1", tax=Tax(amount=pln("1.87"))),))
    by_rate = order("A", (line("A-1", tax=Tax(amount=pln("1.87"), rate=Decimal(23))),))
    on_top = order("A", (line("A-1"),), prices_include_tax=False, tax=pln("2.30"))
    more = (LineEdit(id="A-1", quantity=2),)
    for held in (of_line, on_top):
        with pytest.raises(EditRefused):
            edit(held, lines=more)
    tax = edit(by_rate, lines=more)[0].lines[0].tax
    assert tax is not None
    assert (tax.rate, tax.amount) == (Decimal(23), None)
    assert edit(on_top, lines=(LineEdit(id="A-1", name="Mug"),))[0].total == on_top.total


def test_an_edit_stands_and_what_the_source_changes_is_kept_beside_it() -> None:
    """FWD-26. The edit is the person's, the source's word is not lost, and the source's other news come through."""
    held = order("A", TWO)
    after, remark = edit(held, lines=(LineEdit(id="A-1", quantity=1),), recipient=OFFICE)
    told = order("A", TWO, payment=paid("28.00"))
    assert contested(remark, told) == ()
    order_, left = stand(remark, told)
    assert (order_.lines, order_.total, order_.payment) == (after.lines, after.total, told.payment)
    assert left == remark
    moved = Address(street="Nowa 3", postcode="00-003", city="Gdynia")
    told = order("A", (line("A-1", quantity=5), TWO[1]))
    told = msgspec.structs.replace(told, shipping=msgspec.structs.replace(told.shipping, address=moved))
    assert contested(left, told) == (EditedPart.RECIPIENT, EditedPart.LINES)
    order_, left = stand(left, told)
    assert (order_.lines, order_.total, order_.shipping.address) == (
        after.lines,
        after.total,
        after.shipping.address,
    )
    assert left.contested == (EditedPart.RECIPIENT, EditedPart.LINES)
    assert (left.lines_instead_of, left.total_instead_of, left.address_instead_of) == (
        told.lines,
        told.total,
        moved,
    )
    # It is told once: the same again is no news.
    assert contested(left, told) == ()
    assert stand(left, told) == (order_, left)
    back, rest = edit(order_, left, undo=(EditedPart.LINES, EditedPart.RECIPIENT))
    assert (back.lines, back.total, back.shipping.address, rest) == (told.lines, told.total, moved, Override())


def test_an_edit_that_the_source_makes_as_well_is_none_any_more() -> None:
    _, remark = edit(order("A", TWO), lines=(LineEdit(id="A-1", quantity=1), LineEdit(id="A-2")))
    told = order("A", (line("A-1"), TWO[1]))
    assert contested(remark, told) == ()
    assert stand(remark, told) == (told, Override())


def test_an_offer_that_the_source_names_later_is_known_of_an_edited_line() -> None:
    """Else nothing would be reserved of it."""
    _, remark = edit(order("A", TWO), lines=(LineEdit(id="A-1", quantity=1), LineEdit(id="A-2")))
    told = order("A", (line("A-1", quantity=2, offer_id="77"), TWO[1]))
    assert contested(remark, told) == ()
    assert stand(remark, told)[0].lines[0].offer_id == "77"


def test_a_purchase_with_an_added_line_is_taken_over_as_a_whole() -> None:
    """2: a line of the hub's own keeps no order alive whose purchase went into another one."""
    held, _ = edit(
        order("A", TWO),
        lines=(LineEdit(id="A-1"), LineEdit(id="A-2"), LineEdit(name="x", quantity=1, price=Decimal(1))),
    )
    merged = order("M", (*TWO, line("B-1")))
    assert contest(merged, {ID: held}).superseded == {ID}
    assert holds(merged, held)


def test_what_is_booked_by_hand_counts_no_more_than_is_open() -> None:
    """PAY: money that the source tells of as well is not counted twice, and an undone booking counts nothing."""
    held = order("A", TWO)
    one = Booking(id=1, amount=pln("20.00"), at=EPOCH, who="token")
    assert booked(held, [one]).paid == pln("20.00")
    assert not booked(held, [one]).fully_paid
    two = Booking(id=2, amount=pln("8.00"), at=EPOCH, who="token")
    assert booked(held, [one, two]).fully_paid
    both = booked(order("A", TWO, payment=paid("25.00")), [one])
    assert (both.paid, both.fully_paid) == (pln("28.00"), True)
    assert booked(order("A", TWO, payment=paid("28.00")), [one]).paid == pln("28.00")
    undone = msgspec.structs.replace(one, undone_at=EPOCH, undone_by="token")
    assert booked(booked(held, [one]), [undone]) == held
    remark = Override(bookings=(one,))
    assert as_reported(remark, booked(held, [one])) == held
    assert stand(remark, held)[0].paid == pln("20.00")


def test_the_version_goes_by_what_an_editor_sees() -> None:
    held = order("A", TWO)
    seen = version(held, Override())
    assert seen == version(msgspec.structs.replace(held, revision="9", updated_at=EPOCH), Override())
    after, remark = edit(held, lines=(LineEdit(id="A-1", quantity=1), LineEdit(id="A-2")))
    assert len({seen, version(after, remark), version(held, Override(note="x"))}) == 3


def test_what_changes_nothing_is_no_edit() -> None:
    held = order("A", TWO)
    same = OrderEdit(lines=(LineEdit(id="A-1", quantity=2), LineEdit(id="A-2")), recipient=held.shipping.address)
    assert edited(ID, held, Override(), same) is None
