"""Values of an order that an operator has overridden, and how long they hold.

An operator's value overrides the source's until the source reports a different value; then the source wins, since
the buyer's or the marketplace's later value is the truth. A note is the hub's own and stays. Pure.
"""

from __future__ import annotations

import msgspec

from olhubd.decide.erasure import anonymised
from olhubd.model import Address, Fulfilment, Order

__all__ = ["Override", "stand"]


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`instead_of` beside each word is what the source said when a person said otherwise."""

    note: str | None = None
    fulfilment: Fulfilment | None = None
    fulfilment_instead_of: Fulfilment | None = None
    address: Address | None = None
    address_instead_of: Address | None = None
    erased: bool = False
    """Its buyer was erased: nothing of a person is taken over any more."""

    @property
    def empty(self) -> bool:
        return self.note is None and self.fulfilment is None and self.address is None and not self.erased


def stand(remark: Override, told: Order) -> tuple[Order, Override]:
    """The order as the hub holds it after its source reported it again, and what of the override still holds."""
    order, left = told, remark
    if remark.fulfilment is not None:
        if told.fulfilment is remark.fulfilment_instead_of:
            order = msgspec.structs.replace(order, fulfilment=remark.fulfilment)
        else:
            left = msgspec.structs.replace(left, fulfilment=None, fulfilment_instead_of=None)
    if remark.address is not None:
        if told.shipping.address == remark.address_instead_of:
            shipping = msgspec.structs.replace(order.shipping, address=remark.address)
            order = msgspec.structs.replace(order, shipping=shipping)
        else:
            left = msgspec.structs.replace(left, address=None, address_instead_of=None)
    return (anonymised(order) if remark.erased else order), left
