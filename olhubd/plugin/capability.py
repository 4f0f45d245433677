"""What a connector can do, one small abstract class each. A connector is composed of those its system supports.

Rules all share: a method makes calls and translates, it decides nothing and keeps nothing that matters. It
raises the errors of `olhubd.plugin.errors` only. Any `Sink` method may be called again after an unknown outcome;
except for `push_order`, which the host never repeats without `find_order`, it must read before it writes, so that
twice is once.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from olhubd.model import Address, Fulfilment, Money, Order, Payment, Reason, Shipment
from olhubd.plugin.errors import Rejected
from olhubd.plugin.feed import Record
from olhubd.plugin.oauth import DeviceGrant, Flow, StillPending, Token
from olhubd.plugin.part import Capability

__all__ = [
    "UNLINKED",
    "CancelSink",
    "DeliveryMethodList",
    "Difference",
    "Found",
    "Identity",
    "Method",
    "OAuthLogin",
    "OrderCount",
    "OrderLookup",
    "OrderSink",
    "PaymentMethodList",
    "PaymentSink",
    "Probe",
    "Push",
    "Receipt",
    "SellerProfile",
    "ShipmentSink",
    "Status",
    "StatusList",
    "StatusSink",
    "Unlinked",
]


class OrderCount(Capability):
    """Counting orders without reading them: the cheap half of the daily reconciliation."""

    @abc.abstractmethod
    async def count_orders(self, since: datetime, until: datetime) -> int:
        """How many orders were placed from `since` on and before `until`, those that were cancelled since included.

        What the feed and the sweep never report as an order, such as a cart, does not count."""


class OrderLookup(Capability):
    """Reading one order by its external id."""

    @abc.abstractmethod
    async def read_order(self, external_id: str) -> Record: ...


class Unlinked(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is bound to no product of the target. `reason` says what rules out the product that bears its
    code, such as "product 7 is the parent of its variations"; None where the target has nothing under it."""

    line_id: str
    name: str
    sku: str | None = None
    reason: str | None = None


UNLINKED = "unlinked"
"""The `code` of a Rejected that reports lines without a product where the route allows none."""


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be created at a target, with what the route decided about it.

    `reference` must be stored with the order so that `find_order` finds it. `status` is the target's own word for
    the first state, None for the connector's choice. `shipping_method` and `payment_method` are the target's ids as
    mapped by the route, None when unmapped. `free_lines` allows lines without product; else raise Rejected with the
    code UNLINKED.
    """

    order: Order
    reference: str
    account: str
    marketplace: str
    status: str | None = None
    shipping_method: str | None = None
    payment_method: str | None = None
    free_lines: bool = True
    include_login: bool = False
    include_offer_ids: bool = False
    include_note: bool = True
    include_payment: bool = True


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the target stored otherwise than it was sent.

    `field` is the canonical name with our mark of the line where there is one: "lines[L1].quantity",
    "recipient.street", "reference", "status", "delivery". `what` says in a few words what is wrong, such as "2 were
    sent, 1 is there"; never the text of an address, since it ends in events. `cut` marks a text that was only
    shortened to what the target can store: it is reported and holds nothing.

    `wanted` is the target's own word for a "status" that is behind the one that was sent, such as the status of an
    order that was paid and is shown as unpaid. The host sets it with `StatusSink.set_status` and asks nobody.
    """

    field: str
    what: str
    cut: bool = False
    wanted: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the target holds now, read from its own answer. `total` is what it says the buyer pays.

    `differences` is what the target's answer shows to be otherwise than it was sent; `OrderSink.push_order` and
    `OrderSink.compare_order` fill it, a look-up alone cannot.
    """

    external_id: str
    total: Money
    number: str | None = None
    status: str | None = None
    url: str | None = None
    unlinked: tuple[Unlinked, ...] = ()
    differences: tuple[Difference, ...] = ()


class Found(Receipt, frozen=True, kw_only=True):
    """An order that a person named, regardless of who made it. `reference` is the mark it carries, if it does."""

    reference: str | None = None


class OrderSink(Capability):
    """Orders out: create one, and find it again by our reference after an answer was lost."""

    idempotent: ClassVar[bool] = False
    """Whether the target itself refuses a second order of the same reference."""
    settle: timedelta = timedelta(seconds=60)
    """For how long after a lost answer the order may still appear in that system."""

    @abc.abstractmethod
    async def push_order(self, push: Push) -> Receipt:
        """Create it. On any doubt whether it was created raise OutcomeUnknown."""

    @abc.abstractmethod
    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        """The order that carries `reference`. None only when it is surely not there.

        `age` is how old that order can be at most, None when that is not known. It was measured by one clock alone,
        so it bounds a search in time only when it is subtracted from the target's own present time, such as the
        Date of its last answer, with a margin. A target that gives no time is searched without a bound.
        """

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        """`found`, which a look-up brought, with its differences to what `push_order` would send now.

        Compared are the lines by our marks with their quantities, the mark itself, recipient, currency, delivery
        and fees, status and payment. A connector whose orders are made by one call that cannot be done in part
        may leave this as it is.
        """
        return found

    numbered: ClassVar[bool] = False
    """Whether `find_by_number` has an answer."""

    async def find_by_number(self, number: str) -> Found | None:
        """The order that people there call by exactly this number, made by us or not; None when there is none.

        For a person who entered an order by hand and wants the hub to know it as the one that was to be sent. A
        connector that answers sets `numbered`.
        """
        raise Rejected(Reason("unable.number"))

    async def withdraw_order(self, reference: str) -> None:
        """Take back what an unfinished push left behind, now that the order is no longer pending.

        Only for systems where making an order takes several calls, so that a part of one may be there which
        `find_order` does not report. Nothing there: nothing to do.
        """
        return


class StatusSink(Capability):
    @abc.abstractmethod
    async def set_status(self, external_id: str, status: str) -> None:
        """Move the order to `status`, the target's own word. Already there, or further: nothing to do."""

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        """The target's word for a state of ours; None when it has none and the route must map it."""
        return None


class PaymentSink(Capability):
    @abc.abstractmethod
    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        """Record that `paid` has been received in all. Already recorded: nothing to do."""


class ShipmentSink(Capability):
    settle: timedelta = timedelta(seconds=60)
    """For how long after a lost answer the parcel may still appear in that system."""

    @abc.abstractmethod
    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Attach the parcel. The same (carrier, waybill) there already: nothing to do."""


class CancelSink(Capability):
    @abc.abstractmethod
    async def cancel_order(self, external_id: str, reason: str) -> None:
        """Cancel it. Cancelled already: nothing to do. Raise Conflict where it is too late."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One order status of the system, as its own word and as people read it."""

    code: str
    name: str


class StatusList(Capability):
    @abc.abstractmethod
    async def statuses(self) -> Sequence[Status]:
        """Every status that a route may name, as a target and as a source."""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One way to deliver or to pay, by the word that a route names it by, and as people read it."""

    code: str
    name: str


class DeliveryMethodList(Capability):
    @abc.abstractmethod
    async def delivery_methods(self) -> Sequence[Method]:
        """Every one that a route may name: those that a target takes, or that the orders of a source have."""


class PaymentMethodList(Capability):
    @abc.abstractmethod
    async def payment_methods(self) -> Sequence[Method]:
        """Every one that a route may name for the orders it brings."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose account it is. `id` is stable; `login` is what people call it."""

    id: str
    login: str
    details: dict[str, str] = {}


class Probe(Capability):
    @abc.abstractmethod
    async def probe(self) -> Identity:
        """Who am I, and is all well? Raises what a real call would."""


class SellerProfile(Capability):
    """What the system knows of the seller, beside who it is (`Probe`)."""

    @abc.abstractmethod
    async def seller_address(self) -> Address | None:
        """Where the seller is and sends goods from, as the account has it; None where it has none, or not one.

        An address has at least postcode, city and country. The host asks after a sign-in and once a day, and shows
        it with the settings of the account; what a person or the file says counts instead. It is never guessed:
        where the system holds several and none of them is the account's own, the answer is None.
        """


class OAuthLogin(Capability):
    """Signing in without ever seeing a password. `olhubd.plugin.oauth2.OAuth2` is one by the standards.

    `flows` declares which ways it has, the usual one first; a login implements the methods of those. The host keeps
    the state of a sign-in, its PKCE verifier and its time limit, and stores and renews the tokens.
    """

    flows: Sequence[Flow] = ()
    scopes: ClassVar[tuple[str, ...]] = ()
    """What a sign-in must allow, in the server's words, whatever the account is used for; the doctor compares."""
    scopes_for: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What it must allow besides, by the name of the capability for which it is needed ("LevelSink"), where the
    account is used for that."""
    redirect_uri: str | None = None
    """Flow.CODE: where the application is registered to send browsers back to; None for the host's own address."""

    async def begin_device(self) -> DeviceGrant:
        """Flow.DEVICE: ask for a code that a person confirms on another device."""
        raise NotImplementedError

    async def poll_device(self, grant: DeviceGrant) -> Token | StillPending:
        """Flow.DEVICE: ask whether it was confirmed. AuthLost when the person refused or the code ran out."""
        raise NotImplementedError

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Flow.CODE: where to send the person; `challenge` is the S256 PKCE challenge."""
        raise NotImplementedError

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        """Flow.CODE: the token for a code. AuthLost when the code is not good any more."""
        raise NotImplementedError

    async def obtain(self) -> Token:
        """Flow.CLIENT: a token for the application itself."""
        raise NotImplementedError

    @abc.abstractmethod
    async def refresh(self, token: Token) -> Token:
        """A new token for an old one. AuthLost only on a definite refusal; anything else stays Temporary."""
