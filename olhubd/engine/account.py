"""One account at work, put together of its parts: what it is connected by, what it reads, and what is sent to it.

Whether it may work is decided here; how each part works is in the part's own module.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from olhubd.config import AccountConfig
from olhubd.engine.access import identity
from olhubd.engine.access.connection import Connection
from olhubd.engine.access.key_retry import KeyRetry
from olhubd.engine.access.proof import IdentityProof
from olhubd.engine.account_record import AccountRecord
from olhubd.engine.calls import Calls
from olhubd.engine.errors import NotPossible
from olhubd.engine.feed.account_feeds import AccountFeeds
from olhubd.engine.feed.poller import Poller
from olhubd.engine.feed.reader import FeedFailure
from olhubd.engine.levels.account_levels import AccountLevels
from olhubd.engine.outbox.account_outbox import AccountOutbox
from olhubd.engine.prices.account_prices import AccountPrices
from olhubd.engine.services import Services
from olhubd.model import Reason, Run, code_of
from olhubd.plugin import AccountBlocked, Connector, PluginError
from olhubd.store import Transaction, deliveries
from olhubd.store.accounts import AccountRow, AccountState

__all__ = ["AccountUnit"]


class AccountUnit:
    """The running parts of one account. `start` and `stop` them; the launcher does."""

    def __init__(self, config: AccountConfig, row: AccountRow, services: Services) -> None:
        self.config = config
        self._services = services
        self._log = log = services.log.bind(account=config.name)
        self.record = record = AccountRecord(row, services.database, services.clock, services.events)
        self.connection = connection = Connection(config, services, log, self.lost)
        self._proof = IdentityProof(config, record, connection, services, log, self._answered)
        self._key_retry = KeyRetry(record, connection, self._proof, services, self._key_taken)
        first_run = row.started_at or services.clock.now()
        self.feeds = AccountFeeds(
            config, first_run, connection, services, log, lost=self.lost, recovered=self._key_retry.recovered
        )
        self.displaced = False
        """Whether another process has taken it over, whose its runs are by now."""
        self.outbox = AccountOutbox(config, connection, services, log, lost=self.lost)
        self.levels = AccountLevels(config, connection, services, log, lost=self.lost)
        self.prices = AccountPrices(config, connection, services, log, lost=self.lost)

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def row(self) -> AccountRow:
        """What is stored of it."""
        return self.record.row

    @property
    def connector(self) -> Connector[Any]:
        return self.connection.connector

    @property
    def calls(self) -> Calls:
        """By which the connector is called, and in no other way."""
        return self.connection.calls

    # Its state

    @property
    def trouble(self) -> FeedFailure | None:
        """What keeps it from being read, or reached at all; None where nothing is known to."""
        found = self.feeds.poller.trouble if self.feeds.poller is not None else self._proof.unmet
        return found if self.record.active else None

    @property
    def at_rest(self) -> str | None:
        """Why nothing is written to it now; None where it is at work."""
        if not self.record.active:
            code = "account.parked" if self.record.parked else "account.paused"
            return Reason(code, account=self.name, why=self.row.reason or "")
        if self._proof.given:
            return None
        unmet = self._proof.unmet
        return unmet.reason if unmet is not None else Reason("account.not-proved", account=self.name)

    @property
    def refused_since(self) -> datetime | None:
        """Since when its key has been refused; None where it is not, or there is none."""
        refusals = self.connection.refusals
        return refusals.since if refusals is not None else None

    @property
    def shut_until(self) -> datetime | None:
        """Until when its calls wait since the other system said that there were too many."""
        return self._services.budgets.shut_until(self.connection.budgets)

    @property
    def _at_work(self) -> bool:
        return self._proof.given and self.record.active

    # Running

    def start(self) -> None:
        """Begin to poll. The dispatcher begins with the first delivery that is pending."""
        self._proof.start()
        self.feeds.start(paused=not self._at_work)
        self.levels.start(paused=not self._at_work)
        self.prices.start(paused=not self._at_work)
        if self.record.parked and code_of(self.row.reason) == "account.key-refused":
            self._key_retry.start()

    def wake(self) -> None:
        """Something is pending for this account."""
        self.outbox.wake(paused=not self._at_work)

    async def stop(self, grace: float) -> None:
        """End polling at once, deliveries under way within `grace` seconds, whatever its plugin does."""
        until = self._services.clock.monotonic() + grace
        await self._proof.stop()
        await self._key_retry.stop()
        await self.feeds.stop()
        await self.levels.stop()
        await self.prices.stop()
        await self.outbox.stop(until, min(1.0, grace))
        if not self.displaced:
            await self.feeds.lose_runs()
        try:
            if self.connection.keeper is not None:
                await self.connection.keeper.close()
        finally:
            await self.connection.close()

    def _go_on(self) -> None:
        self.feeds.resume()
        self.levels.resume()
        self.prices.resume()
        self.outbox.resume()

    def _halt(self) -> None:
        self.feeds.pause()
        self.levels.pause()
        self.prices.pause()
        self.outbox.pause()

    # What its system makes of it

    async def lost(self, error: PluginError) -> None:
        """Park the account: a person must sign in again, or settle it with the marketplace. Others go on."""
        key = self.connection.refusals is not None and not isinstance(error, AccountBlocked)
        reason = Reason("account.key-refused", error=error) if key else Reason("account.sign-in-lost", error=error)
        reason = Reason("account.blocked", error=error) if isinstance(error, AccountBlocked) else reason
        if self.record.active:
            self._log.error("account is parked", reason=reason)
            await self.record.move(AccountState.PARKED, reason, "account.parked")
            if key:
                self._key_retry.start()
        self._halt()

    async def _key_taken(self) -> None:
        self._log.info("goes on with its key, which was refused")
        await self.record.move(AccountState.ACTIVE, None, "account.resumed")
        self._go_on()

    async def _answered(self) -> None:
        """Its system has said who it is: go on, or park the account."""
        another = self._proof.another
        if another is None:
            if self._at_work:
                self._go_on()
            return
        self._halt()
        reason = identity.another(self.name, self.row.login or str(self.row.owner), another.login)
        self._log.error("account is parked", reason=reason)
        await self.record.move(AccountState.PARKED, reason, "account.parked")

    # What people do

    async def pause(self, reason: str, who: str) -> None:
        await self.record.move(AccountState.PAUSED, reason, "account.paused", who)
        self._halt()

    async def resume(self, who: str, *, moved: bool = False) -> None:
        """Go on. With `moved` a person says that the other system which answered is the same shop."""
        if (another := self._proof.another) is not None:
            if not moved:
                raise NotPossible(str(self.row.reason))
            await self._proof.accept(another, who)
        if self.connection.refusals is not None:
            self.connection.refusals.forget()  # the old count would park it again at one refusal in passing
        await self.record.move(AccountState.ACTIVE, None, "account.resumed", who)
        self._services.budgets.open(self.connection.budgets)
        if self._proof.given:
            self._go_on()

    async def go_ahead(self, who: str) -> None:
        """A person says that the other system is willing again: what waits for its time goes now."""
        services = self._services
        opened = services.budgets.open(self.connection.budgets)

        async def work(tx: Transaction) -> None:
            hastened = await deliveries.hasten(tx, self.name, services.clock.now())
            if opened or hastened:
                await services.events.note("account.opened", {"hastened": hastened}, who, account=self.name, tx=tx)

        await services.database.write(work)
        if self._proof.given:
            self._go_on()

    async def signed_in(self, owner: str | None, login: str | None, who: str) -> None:
        """Remember whose account signed in, and go on if it was parked for want of that."""
        told = {key: value for key, value in (("owner", owner), ("login", login)) if value}
        row = await self.record.change("account.signed-in", {}, who, **told)
        if row.state is AccountState.PARKED:
            await self.resume(who)

    def importing(self) -> Poller:
        """Who would read its products now. Raises NotPossible with the reason, or FetchRefused."""
        if not self.record.active:
            raise NotPossible(self.row.why_off)
        poller = self.feeds.poller
        if poller is None or poller.products is None:
            raise NotPossible(Reason("products.off", account=self.name))
        poller.products.possible()
        return poller

    async def import_products(self, *, full: bool, accept_gone: bool) -> Run:
        """Read its products now. Raises NotPossible with the reason, or FetchRefused."""
        return await self.importing().import_products(full=full, accept_gone=accept_gone)

    async def fetch(self) -> Run:
        """Fetch orders now. Raises NotPossible with the reason, or FetchRefused."""
        return await self.fetchable().fetch()

    def fetchable(self) -> Poller:
        """Who would fetch now. Raises NotPossible with the reason, or FetchRefused."""
        if not self.record.active:
            raise NotPossible(self.row.why_off)
        poller = self.feeds.poller
        if poller is None or poller.orders is None:
            why = Reason("account.fetch-off") if self.config.fetch_orders is False else Reason("account.no-feed")
            raise NotPossible(Reason("account.fetches-none", account=self.name, why=why))
        poller.fetchable()
        return poller
