"""What the shop writes to whom: WooCommerce's own mails, which nobody has to send by hand."""

from __future__ import annotations

import re

import msgspec

__all__ = ["Mail", "Mails", "is_email"]

OWNER = "owner@shop.test"
_TO_BUYERS = {
    "processing": "customer-processing-order",
    "on-hold": "customer-on-hold-order",
    "completed": "customer-completed-order",
    "refunded": "customer-refunded-order",
}
_TO_OWNER = {
    "processing": "new-order",
    "on-hold": "new-order",
    "completed": "new-order",
    "cancelled": "cancelled-order",
}


class Mail(msgspec.Struct, frozen=True):
    """One mail: to which address, of which kind, about which order."""

    to: str
    kind: str
    order: int = 0


class Mails:
    """All that were sent, the oldest first."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    @property
    def to_buyers(self) -> list[Mail]:
        return [mail for mail in self.sent if mail.to != OWNER]

    def moved(self, order: int, address: str, before: str, status: str) -> None:
        """An order has a new status."""
        if (kind := _TO_OWNER.get(status)) is not None and (kind != "new-order" or before in ("pending", "failed")):
            self.sent.append(Mail(OWNER, kind, order))
        if (kind := _TO_BUYERS.get(status)) is not None:
            self.write(address, kind, order)

    def write(self, address: str, kind: str, order: int = 0) -> None:
        """To a buyer; without an address to write to there is no mail."""
        if address:
            self.sent.append(Mail(address, kind, order))


def is_email(text: str) -> bool:
    """WordPress's rule, in its own order of steps."""
    if len(text.encode()) < 6 or text.find("@", 1) < 0:
        return False
    local, domain = text.split("@", 1)
    if not re.match(r"^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.\-]+$", local):
        return False
    if re.search(r"\.{2,}", domain) or domain.strip(" \t\n\r\0\x0b.") != domain:
        return False
    subs = domain.split(".")
    if len(subs) < 2:
        return False
    return all(sub.strip(" \t\n\r\0\x0b-") == sub and re.match(r"^[a-z0-9-]+$", sub, re.IGNORECASE) for sub in subs)
