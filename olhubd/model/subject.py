"""What the hub's own records are about: a kind of thing, and its number among those of its kind.

Numbers of different kinds have nothing in common: order 5 and product 5 are two subjects.
"""

from __future__ import annotations

import enum
from typing import NewType

import msgspec

__all__ = ["Kind", "OrderId", "Subject"]

OrderId = NewType("OrderId", int)


class Kind(enum.StrEnum):
    """The kinds of things that the hub knows. Its word is stored, so it never changes."""

    ORDER = "order"
    PRODUCT = "product"
    OFFER = "offer"
    CUSTOMER = "customer"
    DOCUMENT = "document"
    MESSAGE = "message"
    STOCK = "stock"
    PRICE = "price"
    DRAFT = "draft"
    """What an offer is to be that the hub makes."""
    UNKNOWN = "unknown"
    """One that another version of the hub stored and this one does not know."""


class Subject(msgspec.Struct, frozen=True, gc=False, order=True):
    """One thing, by its kind and the number that the hub gave it."""

    kind: Kind
    id: int

    @classmethod
    def order(cls, id_: int) -> Subject:
        """The order with this number."""
        return cls(Kind.ORDER, id_)

    @property
    def order_id(self) -> OrderId:
        """The number of the order that it is. Raises ValueError where it is something else."""
        if self.kind is not Kind.ORDER:
            raise ValueError(f"{self} is no order")
        return OrderId(self.id)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
