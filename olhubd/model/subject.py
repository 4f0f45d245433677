"""What a record is about: a kind of thing, beside its id among those of its kind."""

from __future__ import annotations

import enum

__all__ = ["Kind"]


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
