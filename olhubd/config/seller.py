"""What is said of a seller's offers unless an offer says otherwise: where goods are sent from, how soon, and where
they are listed.

None of it concerns how an account is reached or read, so that a change of it interrupts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from olhubd.model import Address
from olhubd.plugin.settings import adjustable

__all__ = ["OfferDefaults", "SellerAddress"]


class SellerAddress(BaseModel):
    """Where the seller is, and sends goods from."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        str_strip_whitespace=True,
    )

    company: str | None = Field(
        default=None, min_length=1, max_length=200, json_schema_extra=adjustable(private=True)
    )
    """The firm, or the person."""
    street: str | None = Field(
        default=None, min_length=1, max_length=200, json_schema_extra=adjustable(private=True)
    )
    """With the number of house and flat."""
    postcode: str = Field(min_length=1, max_length=20, json_schema_extra=adjustable(private=True))
    """As it is written in its country."""
    city: str = Field(min_length=1, max_length=100, json_schema_extra=adjustable(private=True))
    """The place."""
    region: str | None = Field(
        default=None, min_length=1, max_length=100, json_schema_extra=adjustable(private=True)
    )
    """State or province, where the marketplace asks for one."""
    country: str = Field(pattern=r"^[A-Z]{2}$", json_schema_extra=adjustable(private=True))
    """Two capital letters, such as PL."""

    @property
    def address(self) -> Address:
        """The same as a record."""
        return Address(**self.model_dump())


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferDefaults:
    """What is said of each new offer of an account; None is not set."""

    seller_address: SellerAddress | None = None
    default_category: str | None = None
    """The marketplace's own number of a category."""
    handling_time: timedelta | None = None
    """From the payment until the parcel goes."""
