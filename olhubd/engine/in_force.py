"""The configuration in force, which all parts of the engine go by."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.config import Configuration
from olhubd.config.statuses import in_force
from olhubd.decide.mails.rule import MailRule
from olhubd.decide.own_status import OwnStatus, OwnStatuses
from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.outbox.job import RetryPolicy

__all__ = ["InForce"]


class InForce:
    """Holds one configuration at a time. A reload puts another in its place, for all parts at one moment."""

    def __init__(self, configuration: Configuration) -> None:
        self._kept: Sequence[OwnStatus] = ()
        self.take(configuration)

    def take(self, configuration: Configuration) -> None:
        """From now on this one is in force."""
        self.configuration = configuration
        self._statuses = in_force(configuration.statuses, self._kept, configuration.accounts)
        engine = configuration.engine
        self.policy = RetryPolicy(
            backoff_first=engine.backoff_first.total_seconds(),
            backoff_max=engine.backoff_max.total_seconds(),
            timeout=engine.timeout.total_seconds(),
            down_after=engine.down_after,
        )

    def take_statuses(self, kept: Sequence[OwnStatus]) -> None:
        """From now on this is the list of statuses that people keep, which counts where the file has none."""
        self._kept = tuple(kept)
        self.take(self.configuration)

    def statuses(self) -> OwnStatuses:
        """The seller's own statuses, and what decides about them."""
        return self._statuses

    def stock(self) -> Sequence[StockRule]:
        """Whose stock is sold where."""
        return self.configuration.stock

    def prices(self) -> Sequence[PriceRule]:
        """Whose prices go where."""
        return self.configuration.prices

    def mails(self) -> Sequence[MailRule]:
        """Which mails go to buyers."""
        return self.configuration.mails

    def title(self, account: str) -> str:
        """What people call an account."""
        known = self.configuration.accounts.get(account)
        return known.title if known is not None else account

    def routes(self) -> Sequence[Route]:
        """The routes in force."""
        return self.configuration.routes
