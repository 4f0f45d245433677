"""What goes into one attempt at a target, and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.flow.flow import StoredRecord
from olhubd.model import Delivery, Offer
from olhubd.plugin import PluginError
from olhubd.store.orders import StoredOrder
from olhubd.store.target_orders import TargetOrder

__all__ = ["DeliveryOutcome", "Job", "OrderJob", "RetryPolicy"]

S = TypeVar("S", bound=StoredRecord)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient attempts are, in seconds."""

    backoff_first: float = 5.0
    backoff_max: float = 3600.0
    look_up_after: float = 2.0
    timeout: float = 120.0
    down_after: int = 3
    """So many failures in a row and the target counts as down."""
    doubts: int = 6
    """So many tries of unknown outcome, each found not to be done, and a person is asked."""


class Job(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """A claimed delivery with what is needed to carry it out: `stored` is the record that it is about."""

    delivery: Delivery
    stored: S
    copy: TargetOrder | None = None
    """The order at the target of this delivery, if it is a copy there."""
    erased: bool = False
    """The buyer of the order was erased: to make it anywhere would be to make it without the person."""


OrderJob: TypeAlias = Job[StoredOrder]
"""One about an order."""


class DeliveryOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an attempt: the delivery as it is to be stored, and what else follows."""

    delivery: Delivery
    account: str
    event: str | None = None
    facts: dict[str, Any] = {}
    copy: TargetOrder | None = None
    planned: Sequence[PlannedDelivery] = ()
    offer: Offer | None = None
    """An offer of the target as it was read when it was written."""
    failure: PluginError | None = None
    """Set when the target as a whole seems to be the trouble."""
