"""Who bought an order: the customer's key, what is known of them, and where they are for VAT.

The territory of a customer is a country's code, or another mark where a part of a country is outside of the VAT
territory of the Union, or within it. The rules are those of Council Directive 2006/112/EC, articles 5 to 7, and for
Northern Ireland, which is within it for goods alone, of article 8 of its protocol (code XI). The member states are
those of python-stdnum.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from olhubd.model import Address, Customer, CustomerKind, Order
from olhubd.model.check import normal_tax_number

__all__ = [
    "customer_of",
    "digits",
    "key_of",
    "kind_of",
    "merged",
    "tax_number",
    "terms",
    "territories",
    "territory",
    "words",
]

_SPELLED = {"EL": "GR", "UK": "GB"}
"""What the Union and some systems write for a country's ISO code."""
_PARTS = {
    "GB": (("BT", "XI"),),
    "ES": (("35", "IC"), ("38", "IC"), ("51", "EA"), ("52", "EA")),
    "FI": (("22", "AX"),),
    "FR": (
        ("971", "GP"),
        ("972", "MQ"),
        ("973", "GF"),
        ("974", "RE"),
        ("975", "PM"),
        ("976", "YT"),
        ("977", "BL"),
        ("978", "MF"),
        ("980", "MC"),
        ("986", "WF"),
        ("987", "PF"),
        ("988", "NC"),
    ),
    "DE": (("27498", "DE-27498"), ("78266", "DE-78266")),
    "IT": (("23041", "IT-23041"), ("23030", "IT-23041"), ("22061", "IT-22061"), ("22060", "IT-22061")),
    "GR": (("63086", "GR-63086"),),
}
"""By the beginning of the postcode: Northern Ireland, the Canary Islands, Ceuta and Melilla, Aland, the French
territories and Monaco, Heligoland, Buesingen, Livigno, Campione and Mount Athos."""
_WITHIN = {"MC": "FR", "IM": "GB", "XI": "GB"}
"""What counts as another country: Monaco and the Isle of Man (article 7), Northern Ireland at home."""
_GOODS = frozenset({"MC", "XI"})
"""What is within the Union without being a member state."""
_NATIONAL = 9
"""Digits of a phone number that are the same with and without the prefix of a country."""


@cache
def _members() -> frozenset[str]:
    from stdnum.eu.vat import MEMBER_STATES

    return frozenset(_SPELLED.get(code.upper(), code.upper()) for code in MEMBER_STATES) - _GOODS


def territory(address: Address | None) -> str | None:
    """Where an address is for VAT; None where it names no country."""
    if address is None or not address.country:
        return None
    code = address.country.strip().upper()
    code = _SPELLED.get(code, code)
    postcode = "".join(c for c in (address.postcode or "").upper() if c.isalnum())
    if code != "GB":  # the letters before a number are the country's, as in D-10115
        postcode = postcode.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return next((part for start, part in _PARTS.get(code, ()) if postcode.startswith(start)), code)


def territories(kind: CustomerKind, seller: str) -> frozenset[str]:
    """The territories that are domestic or intra-EU for a seller in this country. Extra-EU are all others."""
    home = frozenset({seller, *(code for code, as_ in _WITHIN.items() if as_ == seller)})
    if kind is CustomerKind.DOMESTIC:
        return home
    return (_members() | _GOODS) - home if seller in _members() else frozenset()


def kind_of(where: str | None, seller: str) -> CustomerKind | None:
    """Where a customer is, seen from the seller's country; None where that is not known."""
    if where is None:
        return None
    for kind in (CustomerKind.DOMESTIC, CustomerKind.INTRA_EU):
        if where in territories(kind, seller):
            return kind
    return CustomerKind.EXTRA_EU


def key_of(order: Order) -> str:
    """What identifies the buyer of an order at its account: never an e-mail, which may be a mask that
    changes with each purchase, or be used by several people."""
    buyer = order.buyer
    if buyer.external_id:
        return f"id:{buyer.external_id}"
    return f"login:{buyer.login}" if buyer.login else f"order:{order.external_id}"


def customer_of(account: str, order: Order) -> Customer:
    """The customer as this order alone has them."""
    buyer, invoice, recipient = order.buyer, order.invoice, order.recipient
    own = buyer.address or (invoice.address if invoice is not None else None)
    named = next(
        (one for one in (buyer, own, recipient) if one is not None and (one.first_name or one.last_name)), buyer
    )
    places = (invoice.address if invoice is not None else None, recipient, buyer.address)
    return Customer(
        key=key_of(order),
        account=account,
        login=buyer.login,
        first_name=named.first_name,
        last_name=named.last_name,
        company=buyer.company or (own.company if own is not None else None),
        email=buyer.email,
        email_masked=buyer.email_masked,
        phone=buyer.phone or next((one.phone for one in (own, recipient) if one is not None and one.phone), None),
        language=buyer.language,
        address=own,
        delivery_address=recipient,
        tax_ids=invoice.tax_ids if invoice is not None else (),
        territory=next((found for one in places if (found := territory(one)) is not None), None),
    )


def merged(held: Customer, newer: Customer) -> Customer:
    """The customer by a newer order. What it is silent about stays as it was known."""
    name = newer if newer.first_name or newer.last_name else held
    mail = newer if newer.email else held
    return Customer(
        key=held.key,
        account=held.account,
        login=newer.login or held.login,
        first_name=name.first_name,
        last_name=name.last_name,
        company=newer.company or held.company,
        email=mail.email,
        email_masked=mail.email_masked,
        phone=newer.phone or held.phone,
        language=newer.language or held.language,
        address=newer.address or held.address,
        delivery_address=newer.delivery_address or held.delivery_address,
        tax_ids=newer.tax_ids or held.tax_ids,
        territory=newer.territory or held.territory,
    )


def digits(phone: str) -> str:
    """The digits of a phone number without the sign for abroad, for comparing two spellings of it."""
    return "".join(c for c in phone if c.isascii() and c.isdigit()).removeprefix("00")


def terms(one: Customer) -> frozenset[str]:
    """What a search finds the customer by, each as `words` spells what is looked for."""
    return frozenset(term for term in _terms(one) if term)


def _terms(one: Customer) -> Iterator[str]:
    for who in (one, one.address, one.delivery_address):
        if who is None:
            continue
        first, last = who.first_name or "", who.last_name or ""
        yield _folded(f"{first} {last}")
        yield _folded(f"{last} {first}")
        yield _folded(who.company or "")
        if who.phone:
            number = digits(who.phone)
            yield number
            yield number[-_NATIONAL:]
    yield _folded(one.login or "")
    yield _folded(one.email or "")
    for tax in one.tax_ids:
        yield tax_number(tax.value)


def tax_number(value: str) -> str:
    """A tax number as it is compared: without blanks, dashes and the prefix of a country."""
    compact = normal_tax_number(value, "")
    return compact[2:] if compact[:2].isalpha() and compact[2:].isdecimal() else compact.lower()


def words(text: str) -> tuple[str, ...]:
    """What the beginning of a term may be, for what a person looks for."""
    found = [_folded(text)]
    if any(c.isdecimal() for c in text) and not any(c.isalpha() for c in text.strip()[2:]):
        number = digits(text)
        found += [number, number[-_NATIONAL:], tax_number(text)]
    return tuple(dict.fromkeys(word for word in found if word))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
