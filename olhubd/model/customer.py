"""A buyer across orders, and where a buyer is for tax.

The key of a customer is what the marketplace or shop itself knows the buyer by. An e-mail is never part of it.
"""

from __future__ import annotations

import enum

import msgspec

from olhubd.model.party import Address, TaxId

__all__ = ["Customer", "CustomerKind"]


class CustomerKind(enum.StrEnum):
    """Where a customer is, seen from the seller's country, for VAT on goods."""

    DOMESTIC = "domestic"
    INTRA_EU = "intra-eu"
    EXTRA_EU = "extra-eu"


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A buyer across orders, as the newest order has them."""

    key: str
    """Stable per buyer at the account: `id:` or `login:` with what the system calls them; `order:` with the number
    of a single order, where the system does not say who bought."""
    account: str
    """Where they buy."""
    login: str | None = None
    """What the system calls them."""
    first_name: str | None = None
    """Of the buyer."""
    last_name: str | None = None
    """Of the buyer."""
    company: str | None = None
    """Where a company buys."""
    email: str | None = None
    """To write to them."""
    email_masked: bool = False
    """Whether `email` is a mask of the marketplace's."""
    phone: str | None = None
    """As the source gives it."""
    language: str | None = None
    """A BCP 47 tag."""
    address: Address | None = None
    """Their own address, else the one on their invoice."""
    delivery_address: Address | None = None
    """Where their last order went."""
    tax_ids: tuple[TaxId, ...] = ()
    """Their tax and register numbers."""
    territory: str | None = None
    """Where they are for VAT; see `olhubd.decide.customers.territory`."""

    @property
    def name(self) -> str | None:
        """The person's name, else the company's, else the login."""
        person = " ".join(part for part in (self.first_name, self.last_name) if part)
        return person or self.company or self.login
