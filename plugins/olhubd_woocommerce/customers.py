"""One customer of the shop per marketplace buyer, found by what is stable of a buyer.

A masked e-mail changes with each purchase, so the customer's user name carries the buyer's identity and the e-mail
is only its address. The shop refuses a second customer of the same name or e-mail, which makes creation repeatable.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from olhubd.model import Buyer
from olhubd.plugin import Rejected
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Shop

__all__ = ["CustomerFinder", "identity", "stable_email"]

_KEPT = 10_000
_TAKEN = (
    "registration-error-email-exists",
    "registration-error-username-exists",
    "existing_user_email",
    "existing_user_login",
)
"""What WooCommerce says before it makes a customer, and WordPress while another call makes the same one."""


def identity(buyer: Buyer, marketplace: str) -> str | None:
    """The user name used for the buyer; None for one without a stable mark."""
    mark = buyer.external_id or buyer.login
    return f"{marketplace}-{mark}".lower() if mark else None


def stable_email(buyer: Buyer) -> str | None:
    """An address that stays the same: the buyer's own, or a masked one without its changing part."""
    if not buyer.email:
        return None
    if not buyer.email_masked:
        return buyer.email.strip().lower()
    if not buyer.email_key:
        return None
    _, _, domain = buyer.email.partition("@")
    return buyer.email_key.lower() if "@" in buyer.email_key else f"{buyer.email_key}@{domain}".lower()


class CustomerFinder:
    """Finds the customer of a buyer, and makes it when there is none."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._known: OrderedDict[str, int] = OrderedDict()

    async def of(self, buyer: Buyer, marketplace: str, billing: Mapping[str, str]) -> int:
        """The customer's id; 0 (a guest) for a buyer whom nothing stable identifies."""
        name, email = identity(buyer, marketplace), stable_email(buyer)
        if name is None or email is None:
            return 0
        if name not in self._known:
            self._known[name] = await self._find(name, email) or await self._make(name, email, billing)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[name]

    async def known(self, buyer: Buyer, marketplace: str) -> int | None:
        """The customer's id where the shop has one, made by us or not; none is made."""
        name, email = identity(buyer, marketplace), stable_email(buyer)
        if name is None or email is None:
            return None
        return self._known.get(name) or await self._find(name, email)

    async def _find(self, name: str, email: str) -> int | None:
        query = {"role": "all", "_fields": "id,email,username"}
        for row in await self._shop.all("/wc/v3/customers", wire.Customer, {**query, "email": email}):
            if row.email.lower() == email:
                return row.id
        # The shop searches for parts of names, so the one that is meant may come after any number of others.
        for row in await self._shop.all("/wc/v3/customers", wire.Customer, {**query, "search": name}):
            if row.username.lower() == name:
                return row.id
        return None

    async def _make(self, name: str, email: str, billing: Mapping[str, str]) -> int:
        body: dict[str, Any] = {
            "email": email,
            "username": name,
            "first_name": billing.get("first_name", ""),
            "last_name": billing.get("last_name", ""),
            "billing": dict(billing),
        }
        try:
            made = await self._shop.write("POST", "/wc/v3/customers", wire.Customer, body, repeatable=True)
        except Rejected as error:
            if error.code in _TAKEN and (found := await self._find(name, email)) is not None:
                return found
            raise
        return made.id
