"""A person's word stands against what the source keeps saying; a status gives way to what it says anew."""

from __future__ import annotations

import msgspec

from olhubd.decide.override import EditedPart, Override, as_reported, stand
from olhubd.model import Address, Fulfilment, InvoiceParty
from tests.orders import order

HOME = order().shipping.address
OFFICE = Address(street="Biurowa 2", postcode="00-002", city="Warszawa")


def test_it_stands_while_the_source_says_the_same() -> None:
    remark = Override(
        note="rang",
        fulfilment=Fulfilment.READY,
        fulfilment_instead_of=Fulfilment.NEW,
        address=OFFICE,
        address_instead_of=HOME,
    )
    held, left = stand(remark, order())
    assert (held.fulfilment, held.shipping.address) == (Fulfilment.READY, OFFICE)
    assert left == remark


def test_a_status_gives_way_to_a_later_word_and_an_edit_and_the_note_stay() -> None:
    remark = Override(
        note="rang",
        fulfilment=Fulfilment.READY,
        fulfilment_instead_of=Fulfilment.NEW,
        address=OFFICE,
        address_instead_of=HOME,
    )
    moved = Address(street="Nowa 3", postcode="00-003", city="Warszawa")
    told = order(fulfilment=Fulfilment.SENT)
    told = msgspec.structs.replace(told, shipping=msgspec.structs.replace(told.shipping, address=moved))
    held, left = stand(remark, told)
    assert (held.fulfilment, held.shipping.address) == (Fulfilment.SENT, OFFICE)
    assert left == Override(
        note="rang", address=OFFICE, address_instead_of=moved, contested=(EditedPart.RECIPIENT,)
    )


def test_an_invoice_party_that_a_person_wrote_stands_against_a_later_one() -> None:
    """FWD-26: the source's later word is kept beside it, and undoing the edit gives it back."""
    ours, first, later = (InvoiceParty(address=Address(company=name)) for name in ("Ours", "First", "Later"))
    remark = Override(invoice=ours, invoice_instead_of=first)
    held, left = stand(remark, msgspec.structs.replace(order(), invoice=later))
    assert held.invoice == ours
    assert left == Override(invoice=ours, invoice_instead_of=later, contested=(EditedPart.INVOICE,))
    assert as_reported(left, held).invoice == later
