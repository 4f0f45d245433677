"""A route: from which accounts orders go to which target, when, and with what included.

The checked form of a `[[routes]]` table of the configuration.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import timedelta

import msgspec

__all__ = ["Include", "Route", "UnlinkedPolicy", "When"]


class When(enum.StrEnum):
    """Which orders are ripe for forwarding."""

    CONFIRMED = "confirmed"
    """Complete: the delivery form arrived; paid or not, cash on delivery included."""
    PAID = "paid"
    """Complete and fully paid, or cash on delivery."""


class UnlinkedPolicy(enum.StrEnum):
    """What to do with an order that has a line bound to no product of the target."""

    FREE_LINE = "free-line"
    HOLD = "hold"


class Include(enum.StrEnum):
    """What else goes with an order."""

    LOGIN = "login"
    OFFER_IDS = "offer-ids"
    NOTE = "note"
    PAYMENT = "payment"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of `sources` go to `target`.

    `statuses` maps states of ours to the target's own words: "new", "paid", "cod" choose the status at creation,
    "cancelled" and the fulfilment states move it later. `shipping` maps a source's shipping method (its id or its
    name) to the target's id, `payment` a payment type ("online", "cash-on-delivery" ...) to the target's id.

    Back to the source: `status_back` maps the target's status words to the source's; `shipments_back` carries
    parcels registered at the target to the source; `mark_processing` reports to the source that the order is worked
    on as soon as the target has it, which ends the time in which a buyer can still change the address.
    """

    target: str
    sources: frozenset[str]
    forward: bool = True
    when: When = When.CONFIRMED
    hold_seconds: float = 0.0
    """How long to wait after an order became ripe, for buyers who cancel at once."""
    unlinked: UnlinkedPolicy = UnlinkedPolicy.FREE_LINE
    statuses: Mapping[str, str] = {}
    shipping: Mapping[str, str] = {}
    payment: Mapping[str, str] = {}
    sync_status: bool = True
    sync_payment: bool = True
    sync_shipments: bool = True
    status_window: timedelta = timedelta(0)
    payment_window: timedelta = timedelta(0)
    """How far apart are the times at which the target gets what was collected; nothing: it gets all at once."""
    status_back: Mapping[str, str] = {}
    shipments_back: bool = True
    mark_processing: bool = False
    include_login: bool = False
    include_offer_ids: bool = False
    include_note: bool = True
    include_payment: bool = True
