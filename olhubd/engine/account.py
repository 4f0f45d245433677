"""One account at work: its connector, its poller, its dispatcher, and the state a person may change.

An account is active, paused by a person, or parked by the hub because its grant is lost or it was blocked. The
state is stored, so a restart does not wake what somebody put to sleep.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec

from olhubd.config import AccountConfig
from olhubd.engine.access import identity
from olhubd.engine.access.connection import Connection
from olhubd.engine.access.tokens import TokenKeeper
from olhubd.engine.calls import LET_GO, Calls
from olhubd.engine.feed.poller import Poller
from olhubd.engine.feed.reader import FeedFailure, FeedReader
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.outbox.attempt import Executor
from olhubd.engine.outbox.dispatcher import Dispatcher
from olhubd.engine.services import Shared
from olhubd.model import Fulfilment, Kind, Reason, Run, code_of
from olhubd.plugin import (
    AccountBlocked,
    Connector,
    Flow,
    Identity,
    OrderCount,
    OrderLookup,
    PluginError,
    Probe,
    sweep_of,
)
from olhubd.runtime.backoff import Backoff
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import FAILURES, Transaction, accounts, deliveries, runs
from olhubd.store.accounts import AccountRow, AccountState

__all__ = ["AccountUnit", "NotPossible"]

_PROOF_FIRST, _PROOF_LAST = 2.0, 3600.0
"""Seconds between two questions who a system is."""
_KNOCK_FIRST = 60.0
"""Seconds until a key that was refused for good is tried again; each time twice as long."""


class NotPossible(Exception):
    """What was asked of an account cannot be done, and why, in words for a person."""


class AccountUnit:
    """The running parts of one account. `start` and `stop` them; the hub does."""

    def __init__(self, config: AccountConfig, row: AccountRow, shared: Shared) -> None:
        self.config = config
        self.row = row
        self._shared = shared
        self._log = shared.log.bind(account=config.name)
        self.connection = self._connect()
        self.poller = self._make_poller()
        self._dispatcher: Dispatcher | None = None
        self._moving = asyncio.Lock()
        self._proof = identity.fingerprint(config.settings) if identity.provable(config.connector) else None
        self._another: Identity | None = None
        """The other system that answered."""
        self._unmet: FeedFailure | None = None
        """Why its system has not said yet who it is."""
        self._knocks = Backoff(_KNOCK_FIRST, _PROOF_LAST)
        # One that was never asked is not kept waiting: whoever it is, the account is theirs.
        self._proven = row.owner is None or self._proof in (None, row.fingerprint)

    @property
    def name(self) -> str:
        return self.config.name

    def _connect(self) -> Connection:
        return Connection(self.config, self._shared, self._log, self.lost)

    @property
    def connector(self) -> Connector[Any]:
        return self.connection.connector

    @property
    def calls(self) -> Calls:
        """By which the connector is called, and in no other way."""
        return self.connection.calls

    @property
    def keeper(self) -> TokenKeeper | None:
        """Who keeps its token; None where there is nothing to sign in to."""
        return self.connection.keeper

    @property
    def sign_in_flows(self) -> tuple[Flow, ...]:
        """How a person signs in, the usual way first; none where nobody has to."""
        return self.connection.sign_in_flows

    def _make_poller(self) -> Poller | None:
        config, shared = self.config, self._shared
        feeds = [f for f in self.connector.feeds.values() if config.fetch_orders or Kind.ORDER not in f.kinds]
        if not feeds:
            return None
        first_run = self.row.started_at or shared.clock.now()
        since = _since(config.start, first_run)
        reading = ReadingContext(
            account=config.name,
            schedule=FeedSchedule(
                interval=config.interval,
                sweep_interval=config.sweep_interval,
                sweep_window=config.sweep_window,
                start=since,
                manual_per_hour=config.connector.defaults.manual_per_hour,
            ),
            calls=self.calls,
            database=shared.database,
            landing=shared.landing,
            runs=shared.runs,
            sweeps=shared.sweeps,
            pulls=shared.pulls,
            clock=shared.clock,
            log=self._log,
            started_at=since or first_run,
            there=lambda: shared.lineage.now(config.name),
        )
        lookup = self.connector.capability(OrderLookup)
        return Poller(reading, feeds, lookup, lost=self.lost, recovered=self._recovered)

    @property
    def orders(self) -> FeedReader | None:
        """Who reads its orders; None where it fetches none."""
        return self.poller.orders if self.poller is not None else None

    @property
    def sweeps(self) -> bool:
        """Whether its orders can be listed beside its feed."""
        return sweep_of(self.connector.feed(Kind.ORDER)) is not None

    @property
    def comparable(self) -> bool:
        """Whether its orders can be compared with the source's."""
        return self.sweeps or self.connector.can(OrderCount)

    def _recovered(self) -> None:
        self._knocks.reset()
        self._shared.supervisor.recovered(self._poller_task)

    @property
    def _poller_task(self) -> str:
        return f"poller of {self.name}"

    @property
    def _dispatcher_task(self) -> str:
        return f"dispatcher to {self.name}"

    @property
    def _proof_task(self) -> str:
        return f"identity of {self.name}"

    @property
    def _knock_task(self) -> str:
        return f"key of {self.name}"

    @property
    def trouble(self) -> FeedFailure | None:
        """What keeps it from being read, or reached at all; None where nothing is known to."""
        found = self.poller.trouble if self.poller is not None else self._unmet
        return found if self.row.state is AccountState.ACTIVE else None

    @property
    def refused_since(self) -> datetime | None:
        """Since when its key has been refused; None where it is not, or there is none."""
        refusals = self.connection.refusals
        return refusals.since if refusals is not None else None

    @property
    def _at_work(self) -> bool:
        return self._proven and self.row.state is AccountState.ACTIVE

    # Running

    def start(self) -> None:
        """Begin to poll. The dispatcher begins with the first delivery that is owed."""
        if self._proof not in (None, self.row.fingerprint):
            self._shared.supervisor.once(self._proof_task, self._prove)
        if self.poller is not None:
            if not self._at_work:
                self.poller.pause()
            self._shared.supervisor.start(self._poller_task, self.poller.run)
        if self.row.state is AccountState.PARKED and code_of(self.row.reason) == "account.key-refused":
            self._shared.supervisor.once(self._knock_task, self._try_key)

    def wake(self) -> None:
        """Something is owed to this account."""
        if self._dispatcher is None:
            self._dispatcher = self._make_dispatcher()
            if not self._at_work:
                self._dispatcher.pause()
            self._shared.supervisor.start(self._dispatcher_task, self._dispatcher.run)
        self._dispatcher.wake()

    def _make_dispatcher(self) -> Dispatcher:
        shared = self._shared
        executor = Executor(
            self.name,
            self.connector,
            shared.clock,
            self._log,
            shared.policy,
            shared.routes,
            shared.processing,
            shared.amending,
            shared.lineage,
            self.calls,
        )
        return Dispatcher(
            self.name,
            executor,
            shared.database,
            shared.clock,
            self._log,
            parallel=self.config.parallel,
            policy=shared.policy,
            wake_others=shared.wake,
            lost=self.lost,
        )

    async def stop(self, grace: float) -> None:
        """End polling at once, deliveries under way within `grace` seconds, whatever its plugin does."""
        until = self._shared.clock.monotonic() + grace
        await self._shared.supervisor.stop(self._proof_task)
        await self._shared.supervisor.stop(self._knock_task)
        await self._shared.supervisor.stop(self._poller_task)
        if self.poller is not None:
            self.poller.end()
        if self._dispatcher is not None:
            self._dispatcher.stop()
            left = until - self._shared.clock.monotonic() - LET_GO
            await self._shared.supervisor.stop(self._dispatcher_task, max(min(1.0, grace), left))
            self._dispatcher = None
        if self.poller is not None:
            await self._lose_runs()
        try:
            if self.keeper is not None:
                await self.keeper.close()
        finally:
            await self.connection.close()

    async def _lose_runs(self) -> None:
        """What its poller was at is not taken up again as the same run, and nobody else will end it."""
        try:
            await self._shared.database.write(lambda tx: runs.lose(tx, self.name))
        except FAILURES as error:
            self._log.warning("a run broken off stands as running until the next start", reason=str(error))

    # State

    async def lost(self, error: PluginError) -> None:
        """Park the account: a person must sign in again, or settle it with the marketplace. Others go on.

        A key needs no person where the refusal was the system's own trouble, so it is tried again, ever later.
        """
        key = self.connection.refusals is not None and not isinstance(error, AccountBlocked)
        reason = Reason("account.key-refused", error=error) if key else Reason("account.sign-in-lost", error=error)
        reason = Reason("account.blocked", error=error) if isinstance(error, AccountBlocked) else reason
        if self.row.state is AccountState.ACTIVE:
            self._log.error("account is parked", reason=reason)
            await self._move(AccountState.PARKED, reason, "account.parked")
            if key:
                self._shared.supervisor.once(self._knock_task, self._try_key)
        self._halt()

    async def _try_key(self, pulse: Heartbeat) -> None:
        """Try a key that was refused for good until it is taken, then go on."""
        while self.row.state is AccountState.PARKED:
            pause = self._knocks.next()
            pulse.beat(pause + 2 * self._shared.policy.timeout)
            await self._shared.clock.sleep(pause)
            if not self._proven:
                continue  # another system may answer now
            if self.config.connector.can(Probe):
                try:
                    await self.connection.visited(told=False)
                except PluginError:
                    continue
            if self.row.state is AccountState.PARKED:
                self._log.info("goes on with its key, which was refused")
                await self._move(AccountState.ACTIVE, None, "account.resumed")
                self._go_on()
            return

    async def pause(self, reason: str, who: str) -> None:
        await self._move(AccountState.PAUSED, reason, "account.paused", who)
        self._halt()

    async def resume(self, who: str, *, moved: bool = False) -> None:
        """Go on. With `moved` a person says that the other system which answered is the same shop."""
        if self._another is not None and not moved:
            raise NotPossible(str(self.row.reason))
        if self._another is not None:
            await self._belong(self._another, "account.moved", who)
        if self.connection.refusals is not None:
            self.connection.refusals.forget()  # the old count would park it again at one refusal in passing
        await self._move(AccountState.ACTIVE, None, "account.resumed", who)
        self._shared.budgets.open(self.connection.budgets)
        if self._proven:
            self._go_on()

    @property
    def shut_until(self) -> datetime | None:
        """Until when its calls wait since the other system said that there were too many."""
        return self._shared.budgets.shut_until(self.connection.budgets)

    async def go_ahead(self, who: str) -> None:
        """A person says that the other system is willing again: what waits for its time goes now."""
        opened = self._shared.budgets.open(self.connection.budgets)

        async def work(tx: Transaction) -> None:
            hastened = await deliveries.hasten(tx, self.name, self._shared.clock.now())
            if opened or hastened:
                await self._shared.note(tx, "account.opened", self.name, {"hastened": hastened}, who)

        await self._shared.database.write(work)
        if self._proven:
            self._go_on()

    def _go_on(self) -> None:
        if self.poller is not None:
            self.poller.resume()
        if self._dispatcher is not None:
            self._dispatcher.resume()

    def _halt(self) -> None:
        if self.poller is not None:
            self.poller.pause()
        if self._dispatcher is not None:
            self._dispatcher.pause()

    async def _move(self, state: AccountState, reason: str | None, kind: str, who: str = "hub") -> None:
        async with self._moving:
            if state is AccountState.PARKED and self.row.state is not AccountState.ACTIVE:
                return  # somebody was faster, and a person's word stands
            row = msgspec.structs.replace(self.row, state=state, reason=reason, changed_at=self._shared.clock.now())

            async def work(tx: Transaction) -> None:
                await accounts.put(tx, row)
                await self._shared.note(tx, kind, self.name, {"reason": reason} if reason else {}, who)

            await self._shared.database.write(work)
            self.row = row

    async def _prove(self, pulse: Heartbeat) -> None:
        """Ask the system who it is until it says so; then go on, or park the account."""
        backoff = Backoff(_PROOF_FIRST, _PROOF_LAST)
        found: Identity | None = None
        while found is None:
            pulse.beat(2 * self._shared.policy.timeout)
            try:
                found = await self.connection.visited()
            except PluginError as error:
                since = self._unmet.since if self._unmet is not None else self._shared.clock.now()
                self._unmet = FeedFailure(since=since, reason=str(error))
                if not self._proven and not backoff.failures:
                    self._log.warning("waits until its system has said who it is", reason=str(error))
                pause = backoff.next()
                pulse.beat(pause + 2 * self._shared.policy.timeout)
                await self._shared.clock.sleep(pause)
        self._unmet = None
        if self.row.owner in (None, found.id):
            await self._belong(found)
            if self._at_work:
                self._go_on()
            return
        self._another, self._proven = found, False
        self._halt()
        reason = identity.another(self.name, self.row.login or str(self.row.owner), found.login)
        self._log.error("account is parked", reason=reason)
        await self._move(AccountState.PARKED, reason, "account.parked")

    async def _belong(self, found: Identity, kind: str | None = None, who: str = "hub") -> None:
        """Remember whose it is, and by which settings that was proved."""
        async with self._moving:
            row = msgspec.structs.replace(self.row, owner=found.id, login=found.login, fingerprint=self._proof)

            async def work(tx: Transaction) -> None:
                await accounts.put(tx, row)
                if kind is not None:
                    await self._shared.note(tx, kind, self.name, {"new": found.id}, who)

            await self._shared.database.write(work)
            self.row, self._another, self._proven = row, None, True

    async def rename(self, title: str | None, facts: dict[str, str], who: str) -> None:
        """Call it otherwise."""
        async with self._moving:
            row = msgspec.structs.replace(self.row, title=title)

            async def work(tx: Transaction) -> None:
                await accounts.put(tx, row)
                await self._shared.note(tx, "account.renamed", self.name, facts, who)

            await self._shared.database.write(work)
            self.row = row

    async def signed_in(self, owner: str | None, login: str | None, who: str) -> None:
        """Remember whose account signed in, and go on if it was parked for want of that."""
        async with self._moving:
            row = msgspec.structs.replace(self.row, owner=owner or self.row.owner, login=login or self.row.login)

            async def work(tx: Transaction) -> None:
                await accounts.put(tx, row)
                await self._shared.note(tx, "account.signed-in", self.name, {}, who)

            await self._shared.database.write(work)
            self.row = row
        if row.state is AccountState.PARKED:
            await self.resume(who)

    async def fetch(self) -> Run:
        """Fetch orders now. Raises NotPossible with the reason, or Limited."""
        return await self.fetchable().fetch()

    def fetchable(self) -> Poller:
        """Who would fetch now. Raises NotPossible with the reason, or Limited."""
        if self.row.state is not AccountState.ACTIVE:
            raise NotPossible(self.row.why_off)
        if self.poller is None or self.orders is None:
            why = Reason("account.fetch-off") if self.config.fetch_orders is False else Reason("account.no-feed")
            raise NotPossible(Reason("account.fetches-none", account=self.name, why=why))
        self.poller.fetchable()
        return self.poller

    def processing(self) -> str | None:
        """This system's word for "being worked on"."""
        return self.connection.word_for(Fulfilment.PROCESSING)

    @property
    def dispatcher(self) -> Dispatcher | None:
        return self._dispatcher


def _since(configured: datetime | timedelta | None, first_run: datetime) -> datetime | None:
    """From when on orders of the past are wanted; None when only those that come are."""
    return first_run - configured if isinstance(configured, timedelta) else configured
