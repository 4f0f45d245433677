"""People and places: buyer, recipient address, invoice party, pick-up point.

The three parties of an order are three records, because marketplaces let all three differ. An e-mail is a way to
write to someone, never an identity: marketplaces mask it differently for each purchase.
"""

from __future__ import annotations

import msgspec

__all__ = ["Address", "Buyer", "InvoiceParty", "PickupPoint", "TaxId"]


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A postal address with the person or company at it. `country` is ISO 3166 alpha-2."""

    first_name: str | None = None
    """Of the person there."""
    last_name: str | None = None
    """Of the person there."""
    company: str | None = None
    """The company there."""
    street: str | None = None
    """With the number of house and flat."""
    postcode: str | None = None
    """As the source gives it."""
    city: str | None = None
    """As the source gives it."""
    region: str | None = None
    """State or province, where addresses have one."""
    country: str | None = None
    phone: str | None = None
    """As the source gives it."""

    @property
    def reachable(self) -> bool:
        """Whether a parcel could find it; marketplaces send `{}` for pick-up point orders."""
        return bool(self.street and self.city and self.postcode)


class Buyer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who bought. `external_id` (else `login`) is the identity within one marketplace.

    `email` is kept whole for writing to it; `email_key` is its part that is stable per buyer, if any.
    `language` is a BCP 47 tag.
    """

    external_id: str | None = None
    login: str | None = None
    """What the marketplace calls them."""
    email: str | None = None
    email_key: str | None = None
    email_masked: bool = False
    """Whether `email` is a mask that the marketplace makes for this purchase."""
    first_name: str | None = None
    """Of the buyer."""
    last_name: str | None = None
    """Of the buyer."""
    company: str | None = None
    """Where a company buys."""
    phone: str | None = None
    """As the source gives it."""
    language: str | None = None
    national_id: str | None = None
    """A personal number, where customs ask for one."""
    guest: bool = False
    """Bought without an account."""
    address: Address | None = None
    """Their own address, which need not be the recipient's."""


class TaxId(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A tax number: `kind` as the source names it (PL_NIP, VAT_EU ...), `value` as it was given.

    `valid` is None when no rule for the kind is known; a wrong number is kept and shown, never dropped.
    """

    kind: str
    value: str
    valid: bool | None = None


class InvoiceParty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """To whom an invoice is made out. `vat_payer` is None where the source does not say."""

    address: Address
    """With the name or company on the invoice."""
    tax_ids: tuple[TaxId, ...] = ()
    """Tax and register numbers of it."""
    vat_payer: bool | None = None

    @property
    def is_company(self) -> bool:
        return bool(self.address.company or self.tax_ids)


class PickupPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A parcel locker or partner shop. `id` is the courier's own code and goes to the courier as it is."""

    id: str
    name: str | None = None
    """What people call it."""
    description: str | None = None
    """How to find it."""
    address: Address | None = None
    """Where it is."""
