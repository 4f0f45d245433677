"""A person's word stands against what the source keeps saying; a status gives way to what it says anew."""

from __future__ import annotations

import msgspec

from olhubd.decide.override import EditedPart, Override, stand
from olhubd.model import Address, Fulfilment
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
