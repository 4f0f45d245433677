"""What a server can do for us, and what it lacks. Pure.

`ServerAbilities` is what every query depends on; reading needs nothing else. `CreationAbilities` is what
creating orders needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from olhubd_vendure.settings import VendureSettings

__all__ = [
    "RIGHTS",
    "CreationAbilities",
    "ServerAbilities",
    "lacking_facilities",
    "lacking_fields",
    "lacking_rights",
]

LONGEST = 255
"""Letters that a column holds unless it says otherwise."""

RIGHTS = (
    ("ReadOrder",),
    ("CreateOrder",),
    ("UpdateOrder",),
    ("DeleteOrder",),
    ("ReadCatalog", "ReadProduct"),
    ("ReadShippingMethod", "ReadSettings"),
    ("ReadPaymentMethod", "ReadSettings"),
)
"""What a push needs: one of each row."""
TO_NOTIFY = ("ReadCustomer",)
"""What is needed besides where the shop may write to the buyers: their accounts are looked up."""


class ServerAbilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the server keeps of an order, and whom it takes us for."""

    order_fields: frozenset[str]
    line_fields: frozenset[str]
    variant_fields: frozenset[str]
    currency: str
    lengths: Mapping[str, int] = {}
    """How many letters a custom field holds, by entity and name: "Order.marketplace". What is not here has no
    limit."""
    rights: frozenset[str] | None = None
    """What our login may do in this channel; None where it is not known."""

    @property
    def own_prices(self) -> bool:
        return {"marketplacePrice", "marketplaceLineId"} <= self.line_fields


class CreationAbilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the server has for making orders."""

    shipping: Mapping[str, str] = {}
    """The ids of the delivery methods by code and by id; under "" the one for orders of marketplaces."""
    promises: frozenset[str] = frozenset()
    """Codes of the payment methods that can promise money: those handled by `olhubd-payment`."""
    exposed: frozenset[str] = frozenset()
    """Those of them that the shop's own customers are offered as well."""
    whole: bool = False
    """Whether one mutation makes a whole order."""
    line_marks: bool = True
    """Whether lines can be given custom fields: from Vendure 3.1.7 on."""


def lacking_rights(server: ServerAbilities, notify: bool) -> list[str]:
    """The rights that our login lacks; empty where they are not known."""
    if server.rights is None:
        return []
    needed = [*RIGHTS, *([TO_NOTIFY] if notify else [])]
    return [" or ".join(one) for one in needed if not server.rights.intersection(one)]


def lacking_fields(server: ServerAbilities) -> Iterator[str]:
    """The custom fields without which orders go only in part, or not at all."""
    yield from sorted({"externalId", "imported", "marketplaceShipping"} - server.order_fields)
    if not server.own_prices:
        yield "marketplacePrice"


def lacking_facilities(facilities: CreationAbilities, settings: VendureSettings) -> Iterator[str]:
    """What the shop's owner has still to set up, in words."""
    wanted = settings.shipping_method or ""
    if wanted not in facilities.shipping:
        yield f"the delivery method {wanted}" if wanted else "a delivery method with the calculator olhubd-shipping"
    if not facilities.promises:
        yield "a payment method with the handler olhubd-payment"
    for code in sorted(facilities.exposed):
        yield f"the checker olhubd-only of the payment method {code}, which the shop offers to its own customers"
    if not (facilities.line_marks or facilities.whole):
        yield "Vendure 3.1.7 or newer"
