"""Which mails go to buyers, and which do not because the marketplace writes them itself.

The checked form of a `[[mails]]` table of the configuration.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from olhubd.decide import changes
from olhubd.decide.plan import PlannedDelivery
from olhubd.model import Action, Order, reference

__all__ = [
    "DueMail",
    "MailPayload",
    "MailRule",
    "MailText",
    "Occasion",
    "due",
    "due_at_landing",
    "mail_by",
    "message_id",
]


class Occasion(enum.StrEnum):
    """What a buyer can be written about."""

    RECEIVED = "received"
    """The order is complete."""
    PAID = "paid"
    """All money is there."""
    SENT = "sent"
    """A parcel has its number: one mail for each."""
    CANCELLED = "cancelled"


class MailText(msgspec.Struct, frozen=True, kw_only=True):
    """The templates of one mail."""

    subject: str
    text: str
    html: str | None = None


class MailRule(msgspec.Struct, frozen=True, kw_only=True):
    """Buyers of `sources` are written to through one mail account.

    `sources` are accounts with the name of their connector. `quiet` is what is not written at an account because
    its marketplace informs the buyer of it itself.
    """

    through: str
    sources: Mapping[str, str]
    texts: Mapping[Occasion, MailText]
    quiet: Mapping[str, frozenset[Occasion]] = {}
    copies: tuple[str, ...] = ()

    def writes(self, account: str, occasion: Occasion) -> bool:
        """Whether a buyer of this account is written to about it."""
        return (
            account in self.sources
            and occasion in self.texts
            and occasion not in self.quiet.get(account, frozenset())
        )


class MailPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a SEND_MAIL delivery: what it is about, and the parcel where it is about one."""

    occasion: Occasion
    carrier: str | None = None
    waybill: str | None = None


class DueMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that an event asks for. No order has two with one key."""

    key: str
    payload: MailPayload


_KINDS = {
    changes.Confirmed.kind: Occasion.RECEIVED,
    changes.Paid.kind: Occasion.PAID,
    changes.Cancelled.kind: Occasion.CANCELLED,
}
_PARCELS = frozenset({changes.Shipped.kind, changes.CopyShipped.kind})


class _Parcel(msgspec.Struct):
    carrier: str
    waybill: str


def due(kind: str, facts: bytes | msgspec.Raw) -> DueMail | None:
    """The mail that follows from an event of an order; None where none does.

    The shop reports a parcel and then the marketplace reports it again: by its number both are one occasion.
    """
    if kind in _PARCELS:
        parcel = msgspec.json.decode(facts, type=_Parcel)
        return _sent(parcel.carrier, parcel.waybill)
    occasion = _KINDS.get(kind)
    return None if occasion is None else DueMail(key=occasion.value, payload=MailPayload(occasion))


def due_at_landing(order: Order) -> Sequence[DueMail]:
    """The mails about the parcels that an order brings along when it is first seen: of these there is no event."""
    return [_sent(one.carrier, one.waybill) for one in order.shipments]


def _sent(carrier: str, waybill: str) -> DueMail:
    """However its number was typed, a parcel is one."""
    payload = MailPayload(Occasion.SENT, carrier=carrier, waybill=waybill)
    return DueMail(key=f"{Occasion.SENT}:{''.join(waybill.split()).upper()}", payload=payload)


def mail_by(through: str, wish: DueMail) -> PlannedDelivery:
    """The delivery that writes to the buyer through a mail account."""
    return PlannedDelivery(target=through, action=Action.SEND_MAIL, cause=0, key=wish.key, payload=wish.payload)


def message_id(account: str, external_id: str, key: str, domain: str) -> str:
    """The Message-ID of a mail: of one occasion of one order it is the same for ever, whatever database says so."""
    what = f"{Action.SEND_MAIL}\n{reference(account, external_id)}\n{key}"
    return f"<{hashlib.sha256(what.encode()).hexdigest()[:40]}@{domain}>"
