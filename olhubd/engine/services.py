"""What all accounts of one daemon share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory
from olhubd.engine.calls import OverdueCalls
from olhubd.engine.event_log import EventLog
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.registry import Flows
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.horizon import Horizon
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.amending import Amendments
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Supervisor
from olhubd.store import Database

__all__ = ["Neighbours", "Services"]


class Neighbours(Protocol):
    """What an account asks of the others."""

    def wake(self, targets: Iterable[str]) -> None:
        """Something is pending for these accounts."""

    def level(self) -> None:
        """Another number may be sold of something, or more is known of what was sold."""

    def want_orders(self, accounts: Iterable[str]) -> None:
        """Something waits until the orders of these accounts were read."""

    def taken_over(self, account: str) -> None:
        """Another process has taken the account over."""

    def processing(self, account: str) -> str | None:
        """The word of the account's system for "being worked on"."""


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Handed to each account."""

    database: Database
    clock: Clock
    log: Any
    supervisor: Supervisor
    in_force: InForce
    events: EventLog
    strays: OverdueCalls
    budgets: BudgetBook
    clients: ClientFactory
    landing: Landing
    flows: Flows
    runs: RunLog
    sweeps: Limiter
    pulls: Limiter
    lineage: Lineage
    horizon: Horizon
    amendments: Amendments
    neighbours: Neighbours
    learned: Callable[[str], None]
    """Called with each secret as it becomes known, so that no log shows it."""
