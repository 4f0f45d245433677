"""People and places: buyer, recipient address, invoice party, pick-up point.

The three parties of an order are three records, because marketplaces let all three differ. An e-mail is a way
to write to someone, never an identity: marketplaces mask it anew for each purchase.
"""

from __future__ import annotations

import msgspec

__all__ = ["Address", "Buyer", "InvoiceParty", "PickupPoint", "TaxId"]


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A postal address with the person or company at it. `country` is ISO 3166 alpha-2."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    phone: str | None = None

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
    email: str | None = None
    email_key: str | None = None
    email_masked: bool = False
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    phone: str | None = None
    language: str | None = None
    national_id: str | None = None
    guest: bool = False
    address: Address | None = None


class TaxId(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A tax number: `kind` as the source names it (PL_NIP, VAT_EU ...), `value` as it was given.

    `valid` is None when no rule for the kind is known; a wrong number is kept and shown, never dropped.
    """

    kind: str
    value: str
    valid: bool | None = None


class InvoiceParty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """To whom an invoice is made out. `vat_payer` is None where the source does not tell."""

    address: Address
    tax_ids: tuple[TaxId, ...] = ()
    vat_payer: bool | None = None

    @property
    def is_company(self) -> bool:
        return bool(self.address.company or self.tax_ids)


class PickupPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A parcel locker or partner shop. `id` is the courier's own code and goes to the courier as it is."""

    id: str
    name: str | None = None
    description: str | None = None
    address: Address | None = None
