"""The accounts at work: who looks for one finds it here by its name, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from olhubd.engine.account import AccountUnit
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.model import Fulfilment, Reason

__all__ = ["Directory"]


class Directory:
    """Changed by who begins and ends accounts (`engine.launcher`), and read by all others."""

    def __init__(self, in_force: InForce) -> None:
        self._in_force = in_force
        self.units: dict[str, AccountUnit] = {}
        self.stalled: dict[str, str] = {}
        """Accounts that should be at work and could not begin, each with the reason; tried again each minute."""
        self.displaced: set[str] = set()
        """Accounts that another process has taken over; they are not begun here until somebody says so."""
        self.displaced_news = asyncio.Event()
        """Set when one was added."""
        self.renewed: frozenset[str] = frozenset()
        """Accounts that a reload under way ends and begins again."""

    def unit(self, name: str) -> AccountUnit:
        """The account of that name. Raises NotPossible when there is none at work."""
        if found := self.units.get(name):
            return found
        if reason := self.at_rest(name):
            raise NotPossible(Reason("account.not-at-work", account=name, why=reason))
        if name in self._in_force.configuration.accounts:
            raise NotPossible(Reason("account.disabled", account=name))
        raise NotPossible(Reason("none.account", account=name))

    def at_rest(self, name: str) -> str | None:
        """Why an account that should be at work is not; None where nothing is wrong."""
        if name in self.renewed and name not in self.units:
            return Reason("account.begins-anew")
        return self.stalled.get(name)

    def unreached(self, name: str) -> str | None:
        """Why nothing can be written to an account now; None where it is at work."""
        try:
            return self.unit(name).at_rest
        except NotPossible as error:
            return error.args[0] if error.args else str(error)

    def wake(self, targets: Iterable[str]) -> None:
        """Something is pending for these accounts."""
        for target in targets:
            if unit := self.units.get(target):
                unit.wake()

    def level(self) -> None:
        """Another number may be sold of something."""
        if self._in_force.stock():
            for unit in self.units.values():
                unit.levels.wake()
                unit.prices.wake()

    def orders_read(self) -> None:
        """The orders of an account were read to their end, so what waited for that may go."""
        if self._in_force.stock():
            for unit in self.units.values():
                unit.levels.orders_read()
                unit.prices.orders_read()

    def want_orders(self, accounts: Iterable[str]) -> None:
        """Something waits until the orders of these accounts were read."""
        for account in accounts:
            if (unit := self.units.get(account)) and unit.feeds.poller is not None:
                unit.feeds.poller.want_orders()

    def taken_over(self, account: str) -> None:
        """Another process has taken the account over: it is to be let go (`engine.displacement`)."""
        if account in self.units and account not in self.displaced:
            self.displaced.add(account)
            self.displaced_news.set()

    def processing(self, account: str) -> str | None:
        """The word of the account's system for "being worked on"; None where it has none, or is not at work."""
        unit = self.units.get(account)
        return unit.connection.word_for(Fulfilment.PROCESSING) if unit is not None else None
