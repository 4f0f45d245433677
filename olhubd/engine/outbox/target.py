"""The account that deliveries go to, as their handlers see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from olhubd.decide.mails.rule import MailRule
from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.route import Route
from olhubd.engine.calls import Calls
from olhubd.engine.lineage import Lineage
from olhubd.model import Delivery, Order, Reason
from olhubd.plugin import Capability, Clock, Connector
from olhubd.store.orders import StoredOrder

__all__ = ["Amend", "CapabilityMissing", "TargetAccount", "TooCheap"]

C = TypeVar("C", bound=Capability)

Amend = Callable[[Delivery, Order], Awaitable[Order | str | None]]
"""What plugins say of a delivery: nothing is called, for each order, where none of them has a say."""

TooCheap = Callable[[StoredOrder], Awaitable[Reason | None]]
"""Why an order was bought too cheaply to be sent on; None where it was not."""


class CapabilityMissing(Exception):
    """The target's connector lacks a capability; the words are the reason of the hold."""


class TargetAccount:
    """One target. `calls` is the only way by which its connector is called."""

    def __init__(
        self,
        name: str,
        connector: Connector[Any],
        calls: Calls,
        clock: Clock,
        routes: Callable[[], Sequence[Route]],
        processing: Callable[[str], str | None],
        amending: Callable[[], Amend | None],
        lineage: Lineage,
        too_cheap: TooCheap | None = None,
        statuses: Callable[[], OwnStatuses] = OwnStatuses,
        mails: Callable[[], Sequence[MailRule]] = tuple,
        titles: Callable[[str], str] = str,
    ) -> None:
        self.name = name
        self.title = connector.title
        self.calls = calls
        self.clock = clock
        self.routes = routes
        self.processing = processing
        """The word of a source account for an order that is being worked on."""
        self.amending = amending
        self.lineage = lineage
        self.statuses = statuses
        """The seller's own statuses in force."""
        self.mails = mails
        """The mails that go to buyers."""
        self.title_of = titles
        """What people call a source account."""
        self._too_cheap = too_cheap
        self._connector = connector

    def capability(self, wanted: type[C]) -> C | None:
        """The part of the connector that can do what is wanted; None where the system cannot."""
        return self._connector.capability(wanted)

    def route(self, account: str) -> Route | None:
        """The route from a source account to this target."""
        for route in self.routes():
            if route.target == self.name and account in route.sources:
                return route
        return None

    async def too_cheap(self, stored: StoredOrder) -> Reason | None:
        """Why an order was bought too cheaply to be sent on; None where it was not, or where nobody says."""
        return await self._too_cheap(stored) if self._too_cheap is not None else None
